package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// wantedSplits are the parts of the data that the run needs, in order.
func (r *glueRun) wantedSplits() []tasks.Split {
	var splits []tasks.Split
	if r.o.DoTrain {
		splits = append(splits, tasks.Train)
	}
	if r.o.DoEval {
		splits = append(splits, r.evalSplits()...)
	}
	if r.o.DoPredict {
		splits = append(splits, r.testSplits()...)
	}
	return splits
}

// evalSplits are the splits to evaluate: MNLI has a second one, unless the
// validation data is a file of its own.
func (r *glueRun) evalSplits() []tasks.Split {
	if r.task.Name == "mnli" && r.o.ValidationFile == "" {
		return []tasks.Split{tasks.Validation, tasks.ValidationMismatched}
	}
	return []tasks.Split{tasks.Validation}
}

// testSplits are the splits to predict.
func (r *glueRun) testSplits() []tasks.Split {
	if r.task.Name == "mnli" && r.o.TestFile == "" {
		return []tasks.Split{tasks.Test, tasks.TestMismatched}
	}
	return []tasks.Split{tasks.Test}
}

// fileFlag is the flag that names a split's file.
func fileFlag(s tasks.Split) string {
	switch s {
	case tasks.Train:
		return "train_file"
	case tasks.Validation, tasks.ValidationMismatched:
		return "validation_file"
	default:
		return "test_file"
	}
}

// fileOf is the file given for a split, "" where it lies in --data_dir.
func (r *glueRun) fileOf(s tasks.Split) string {
	switch fileFlag(s) {
	case "train_file":
		return r.o.TrainFile
	case "validation_file":
		return r.o.ValidationFile
	default:
		return r.o.TestFile
	}
}

// limitOf is how many examples of a split are used; −1: all.
func (r *glueRun) limitOf(s tasks.Split) int {
	switch fileFlag(s) {
	case "train_file":
		return r.o.MaxTrainSamples
	case "validation_file":
		return r.o.MaxEvalSamples
	default:
		return r.o.MaxPredictSamples
	}
}

// readData reads the text of every split that the run needs.
func (r *glueRun) readData(ctx context.Context) error {
	r.splits = map[tasks.Split][]tasks.Record{}
	for _, s := range r.wantedSplits() {
		if err := ctx.Err(); err != nil {
			return err
		}
		records, err := r.readSplit(s)
		if err != nil {
			return err
		}
		if limit := r.limitOf(s); limit > 0 && limit < len(records) {
			records = records[:limit]
		}
		r.splits[s] = records
	}
	return nil
}

func (r *glueRun) readSplit(s tasks.Split) ([]tasks.Record, error) {
	file := r.fileOf(s)
	if file == "" {
		records, err := r.task.ReadSplit(r.o.DataDir, s)
		if err != nil {
			return nil, fmt.Errorf("--data_dir: %w", err)
		}
		return records, nil
	}
	columns := r.task.Columns()
	if s == tasks.Test {
		columns.Label = ""
	}
	records, err := tasks.ReadFile(file, columns)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", fileFlag(s), err)
	}
	return records, nil
}

// encodeData tokenizes the splits.
func (r *glueRun) encodeData(ctx context.Context) error {
	r.examples = map[tasks.Split][]jpqd.Example{}
	for _, s := range r.wantedSplits() {
		if err := ctx.Err(); err != nil {
			return err
		}
		examples, err := tasks.Encode(r.tok, r.splits[s], r.task, r.maxSeqLength)
		if err != nil {
			return fmt.Errorf("%s data: %w", s, err)
		}
		r.examples[s] = examples
		r.console.log.Info("data", slog.String("split", string(s)), slog.Int("examples", len(examples)), slog.Int("tokens", countTokens(examples)))
	}
	r.splits = nil
	return nil
}

func countTokens(examples []jpqd.Example) int {
	n := 0
	for i := range examples {
		n += len(examples[i].IDs)
	}
	return n
}
