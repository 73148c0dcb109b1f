package jpqd

import (
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
)

// teacherCache is the teacher's logits of training examples, which are told
// apart by the memory of their ids. A teacher has no dropout, and a sequence's
// logits do not depend on the others of its batch: they are the same every time.
type teacherCache map[*int32][]float32

// teach returns the teacher's logits of the batch at hand, those of examples that
// it has seen from the cache if there is one.
func (t *Trainer) teach(p *passes, examples []Example, cache teacherCache) (*autograd.Tensor, error) {
	if err := t.Teacher.Check(&p.batch); err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	p.teacher.Begin(autograd.Inference, 0, 0)
	if cache == nil {
		return t.Teacher.Forward(p.teacher, &p.batch), nil
	}
	if logits := cache.find(p, examples); logits != nil {
		return logits, nil
	}
	logits := t.Teacher.Forward(p.teacher, &p.batch)
	first := 0
	for i := range examples {
		n := len(logits.Data) / len(examples)
		if t.Teacher.Config.QuestionAnswering() {
			n = len(examples[i].IDs) * logits.Cols
		}
		cache[&examples[i].IDs[0]] = append([]float32(nil), logits.Data[first:first+n]...)
		first += n
	}
	p.teacherCols = logits.Cols
	return logits, nil
}

// find puts together the logits of a batch; nil if one is missing.
func (c teacherCache) find(p *passes, examples []Example) *autograd.Tensor {
	total := 0
	for i := range examples {
		l, ok := c[&examples[i].IDs[0]]
		if !ok {
			return nil
		}
		total += len(l)
	}
	logits := p.teacher.New(total/p.teacherCols, p.teacherCols)
	at := 0
	for i := range examples {
		at += copy(logits.Data[at:], c[&examples[i].IDs[0]])
	}
	return logits
}
