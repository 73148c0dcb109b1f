package main

import (
	"context"
	"fmt"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// checkTask finds whether the data was named and the flags of windows and
// answers are right.
func (t *qaTask) checkTask() error {
	o := t.o
	if o.DatasetName != "" || o.DatasetConfigName != "" {
		return usageErrorf("--dataset_name %s: data sets are not downloaded; give SQuAD's files, from https://rajpurkar.github.io/SQuAD-explorer, with --train_file and --validation_file", o.DatasetName)
	}
	for _, s := range t.wantedSplits() {
		if t.fileOf(s) == "" {
			return usageErrorf("no %s data: give a file with --%s", s, fileFlag(s))
		}
	}
	o.SQuAD.MaxSeqLength = o.MaxSeqLength
	if err := o.SQuAD.Validate(); err != nil {
		return &usageError{err}
	}
	return nil
}

func (t *qaTask) evalSplits() []tasks.Split { return []tasks.Split{tasks.Validation} }
func (t *qaTask) testSplits() []tasks.Split { return []tasks.Split{tasks.Test} }

func (t *qaTask) readSplit(s tasks.Split) error {
	questions, err := tasks.ReadSQuAD(t.fileOf(s))
	if err == nil {
		questions = firstOf(t.trainingRun, s, questions)
		switch s {
		case tasks.Train:
			err = untrained(questions)
		case tasks.Validation:
			if err = t.unscored(questions); err == nil {
				err = tasks.UniqueIDs(questions)
			}
		case tasks.Test:
			err = tasks.UniqueIDs(questions)
		}
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", fileFlag(s), err)
	}
	t.questions[s] = questions
	return nil
}

// untrained tells of a question that training can learn nothing from.
func untrained(questions []tasks.Question) error {
	for i := range questions {
		switch q := &questions[i]; {
		case q.Answers == nil:
			return fmt.Errorf("question %.60q has no \"answers\", want them to train on", q.ID)
		case len(q.Answers) > 0 && q.Answers[0].Start < 0:
			return fmt.Errorf("question %.60q: its answer has no \"answer_start\", want it to train on", q.ID)
		}
	}
	return nil
}

// unscored tells of a question whose prediction cannot be scored.
func (t *qaTask) unscored(questions []tasks.Question) error {
	for i := range questions {
		switch q := &questions[i]; {
		case q.Answers == nil:
			return fmt.Errorf("question %.60q has no \"answers\", want them to compare with", q.ID)
		case len(q.Answers) == 0 && !t.o.SQuAD.Negatives:
			return fmt.Errorf("question %.60q has no answer: that wants --version_2_with_negative", q.ID)
		}
	}
	return nil
}

// encodeSplit cuts the questions into windows. As with run_qa.py,
// --max_train_samples bounds the windows that are trained as well; those of the
// other splits are kept whole, so that every question is answered.
func (t *qaTask) encodeSplit(_ context.Context, s tasks.Split) ([]jpqd.Example, error) {
	t.o.SQuAD.MaxSeqLength = t.maxSeqLength
	w, err := t.o.SQuAD.Encode(t.tok, t.questions[s])
	if err != nil {
		return nil, err
	}
	delete(t.questions, s)
	if s == tasks.Train {
		return firstOf(t.trainingRun, s, w.Examples), nil
	}
	t.windows[s] = w
	return w.Examples, nil
}
