package main

import (
	"context"
	"fmt"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// evalSplits are the splits to evaluate: MNLI has a second one, unless the
// validation data is a file of its own.
func (t *glueTask) evalSplits() []tasks.Split {
	if t.glue.Name == "mnli" && t.o.ValidationFile == "" {
		return []tasks.Split{tasks.Validation, tasks.ValidationMismatched}
	}
	return []tasks.Split{tasks.Validation}
}

// testSplits are the splits to predict.
func (t *glueTask) testSplits() []tasks.Split {
	if t.glue.Name == "mnli" && t.o.TestFile == "" {
		return []tasks.Split{tasks.Test, tasks.TestMismatched}
	}
	return []tasks.Split{tasks.Test}
}

func (t *glueTask) readSplit(s tasks.Split) error {
	records, err := t.readRecords(s)
	if err != nil {
		return err
	}
	if t.splits == nil {
		t.splits = map[tasks.Split][]tasks.Record{}
	}
	t.splits[s] = firstOf(t.trainingRun, s, records)
	return nil
}

func (t *glueTask) readRecords(s tasks.Split) ([]tasks.Record, error) {
	file := t.fileOf(s)
	if file == "" {
		records, err := t.glue.ReadSplit(t.o.DataDir, s)
		if err != nil {
			return nil, fmt.Errorf("--data_dir: %w", err)
		}
		return records, nil
	}
	columns := t.glue.Columns()
	if s == tasks.Test {
		columns.Label = ""
	}
	records, err := tasks.ReadFile(file, columns)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", fileFlag(s), err)
	}
	return records, nil
}

func (t *glueTask) encodeSplit(_ context.Context, s tasks.Split) ([]jpqd.Example, error) {
	examples, err := tasks.Encode(t.tok, t.splits[s], t.glue, t.maxSeqLength)
	delete(t.splits, s)
	return examples, err
}
