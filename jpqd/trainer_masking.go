package jpqd

import (
	"errors"
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
)

// checkMasking validates what masked language modelling wants.
func (t *Trainer) checkMasking() error {
	switch {
	case t.Masking == nil:
		return errors.New("masking: found none, want it for a model of masked language modelling")
	case t.Model.Masked == nil:
		return errors.New("masking: found a model for another task, want one of masked language modelling")
	case t.Teacher != nil:
		return errors.New("teacher: found one, want none: masked language modelling is not distilled")
	case t.NNCF != nil:
		return errors.New("NNCF configuration: found one, want none: masked language modelling is not compressed")
	case t.Masking.Vocabulary > t.Model.Config.VocabSize:
		return fmt.Errorf("masking: found a vocabulary of %d tokens, want at most the model's vocab_size = %d", t.Masking.Vocabulary, t.Model.Config.VocabSize)
	}
	return t.Masking.Validate()
}

// hide hides tokens of a batch that was filled with examples.
func (t *Trainer) hide(p *passes, examples []Example) {
	p.hiding.reset()
	for i := range examples {
		from, end := p.batch.Offsets[i], p.batch.Offsets[i+1]
		t.Masking.hide(&p.hiding, t.Args.Seed, uint64(p.epoch), uint64(examples[i].Number), from, p.batch.IDs[from:end])
	}
}

// unmask computes the logits of the hidden tokens, (hidden tokens, vocabulary),
// and the mean of their cross-entropies. Where nothing was hidden, as may happen
// in a batch of a few tokens, the loss is 0.
func (t *Trainer) unmask(p *passes) losses {
	m, tape := t.Model, p.student
	if len(p.hiding.places) == 0 {
		none := tape.New(1, 1)
		none.Data[0] = 0
		return losses{task: none, logits: tape.New(0, m.Config.VocabSize)}
	}
	x := m.EncodeRows(tape, m.Embed(tape, &p.batch), &p.batch, p.hiding.places)
	logits := m.Unmask(tape, x)
	return losses{task: tape.VocabularyCrossEntropy(logits, p.hiding.labels), logits: logits}
}

// telling counts the hidden tokens that a model tells.
type telling struct{ right, all int }

// count compares the words of the greatest logits, the first of equal ones.
func (c *telling) count(logits *autograd.Tensor, labels []int32) {
	for i, label := range labels {
		row, best := logits.Row(i), 0
		for j, v := range row {
			if v > row[best] {
				best = j
			}
		}
		if best == int(label) {
			c.right++
		}
	}
	c.all += len(labels)
}

// accuracy is the share of them; 0 where nothing was hidden.
func (c *telling) accuracy() float64 { return float64(c.right) / float64(max(1, c.all)) }
