package jpqd

import (
	"errors"
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// passes is the memory of forward passes: a batch, its labels, and the tapes of
// student and teacher.
type passes struct {
	batch            bert.Batch
	labels           []int32
	targets          []float32
	epoch            int // from 1 on; 0: tokens are hidden as for evaluation
	hiding           hiding
	student, teacher *autograd.Tape
	taught           teacherCache // nil: nothing is kept
	teacherCols      int          // of its logits
}

// losses are the terms of one batch's loss.
type losses struct {
	total, task               *autograd.Tensor
	distillation, compression *autograd.Tensor // nil where there is none
	logits                    *autograd.Tensor
}

// regression says whether the model predicts one value rather than a class.
func (t *Trainer) regression() bool {
	c := &t.Model.Config
	return !c.QuestionAnswering() && t.Masking == nil && (c.ProblemType == "regression" || c.NumLabels() == 1)
}

// checkTask validates that student and teacher fit each other and the task.
func (t *Trainer) checkTask() error {
	student := &t.Model.Config
	if t.Masking != nil || t.Model.Masked != nil {
		return t.checkMasking()
	}
	if n := student.NumLabels(); t.regression() && n != 1 {
		return fmt.Errorf("problem_type: found \"regression\" of %d labels, want 1", n)
	}
	if t.Teacher == nil {
		return nil
	}
	teacher := &t.Teacher.Config
	switch {
	case teacher.QuestionAnswering() && !student.QuestionAnswering():
		return errors.New("teacher: found a model for question answering, want one for classification, as the student")
	case student.QuestionAnswering() && !teacher.QuestionAnswering():
		return errors.New("teacher: found a model for classification, want one for question answering, as the student")
	case !student.QuestionAnswering() && teacher.NumLabels() != student.NumLabels():
		return fmt.Errorf("teacher: found %d labels, want the student's %d", teacher.NumLabels(), student.NumLabels())
	}
	return nil
}

// forward runs a batch of examples through the student, and the teacher if
// there is one, and computes the loss:
//
//	(1−w)·task + w·distillation + regularisation, or task + regularisation
//
// The regularisation is there once. optimum-intel's trainer for question
// answering adds it twice where there is no teacher.
func (t *Trainer) forward(p *passes, examples []Example, mode autograd.Mode, step uint64) (losses, error) {
	if p.student == nil {
		p.student, p.teacher = autograd.NewTape(), autograd.NewTape()
	}
	fillBatch(&p.batch, examples)
	if t.Masking != nil {
		t.hide(p, examples)
	}
	if err := t.Model.Check(&p.batch); err != nil {
		return losses{}, err
	}
	bf16 := t.Args.BF16 && mode == autograd.Training
	p.student.BF16, p.teacher.BF16 = bf16, bf16
	p.student.Begin(mode, t.Args.Seed, step)
	var l losses
	if t.Masking != nil {
		l = t.unmask(p)
	} else {
		l.logits = t.Model.Forward(p.student, &p.batch)
		if err := t.taskLoss(p, examples, &l); err != nil {
			return losses{}, err
		}
	}
	l.total = l.task
	if t.Teacher != nil {
		var cache teacherCache
		if mode == autograd.Training {
			cache = p.taught
		}
		teacher, err := t.teach(p, examples, cache)
		if err != nil {
			return losses{}, err
		}
		l.distillation = t.distillation(p, l.logits, teacher)
		w := float32(t.Args.DistillationWeight)
		l.total = p.student.Add(p.student.Scale(l.task, 1-w), p.student.Scale(l.distillation, w))
	}
	if t.compression != nil {
		if l.compression = t.compression.regularisation(p.student); l.compression != nil {
			l.total = p.student.Add(l.total, l.compression)
		}
	}
	return l, nil
}

// taskLoss is the loss without teacher and regularisation:
//
//	classification      cross-entropy of the labels
//	regression          mean squared error
//	question answering  mean of the cross-entropies of start and end, each over
//	                    its sequence's tokens
//
// A batch holds no padding. The original's softmax over start and end includes
// the padding of a batch, which the model learns to avoid; here it is not there.
func (t *Trainer) taskLoss(p *passes, examples []Example, l *losses) error {
	p.labels, p.targets = p.labels[:0], p.targets[:0]
	switch {
	case t.Model.Config.QuestionAnswering():
		for i := range examples {
			p.labels = append(p.labels, examples[i].Start, examples[i].End)
		}
		l.task = p.student.TokenCrossEntropy(l.logits, p.batch.Offsets, p.labels)
	case t.regression():
		for i := range examples {
			p.targets = append(p.targets, examples[i].Target)
		}
		l.task = p.student.MSE(l.logits, p.targets)
	default:
		for i := range examples {
			label := examples[i].Label
			if label < 0 || int(label) >= l.logits.Cols {
				return fmt.Errorf("example: found label %d, want 0 to %d", label, l.logits.Cols-1)
			}
			p.labels = append(p.labels, label)
		}
		l.task = p.student.CrossEntropy(l.logits, p.labels)
	}
	return nil
}

// distillation is the student's distance from the teacher:
//
//	classification      T²·KL(teacher ‖ student) at temperature T, mean over examples
//	question answering  the same of start and of end over a sequence's tokens, and their mean
//	regression          mean squared error between both outputs
//
// For regression the original raises NotImplementedError; T plays no part there.
func (t *Trainer) distillation(p *passes, student, teacher *autograd.Tensor) *autograd.Tensor {
	switch {
	case t.Model.Config.QuestionAnswering():
		return p.student.TokenDistillation(student, teacher, p.batch.Offsets, t.Args.DistillationTemperature)
	case t.regression():
		return p.student.MSE(student, teacher.Data)
	}
	return p.student.Distillation(student, teacher, t.Args.DistillationTemperature)
}
