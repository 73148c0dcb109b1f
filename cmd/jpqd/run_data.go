package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// wantedSplits are the parts of the data that the run needs, in order.
func (r *trainingRun) wantedSplits() []tasks.Split {
	var splits []tasks.Split
	if r.o.DoTrain {
		splits = append(splits, tasks.Train)
	}
	if r.o.DoEval {
		splits = append(splits, r.task.evalSplits()...)
	}
	if r.o.DoPredict {
		splits = append(splits, r.task.testSplits()...)
	}
	return splits
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
func (r *trainingRun) fileOf(s tasks.Split) string {
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
func (r *trainingRun) limitOf(s tasks.Split) int {
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
func (r *trainingRun) readData(ctx context.Context) error {
	for _, s := range r.wantedSplits() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.task.readSplit(s); err != nil {
			return err
		}
	}
	return nil
}

// firstOf are the first examples of a split, as many as the flags want.
func firstOf[E any](r *trainingRun, s tasks.Split, all []E) []E {
	if limit := r.limitOf(s); limit > 0 && limit < len(all) {
		return all[:limit]
	}
	return all
}

// encodeData tokenizes the splits.
func (r *trainingRun) encodeData(ctx context.Context) error {
	r.examples = map[tasks.Split][]jpqd.Example{}
	for _, s := range r.wantedSplits() {
		if err := ctx.Err(); err != nil {
			return err
		}
		examples, err := r.task.encodeSplit(ctx, s)
		if err != nil {
			return fmt.Errorf("%s data: %w", s, err)
		}
		r.examples[s] = examples
		r.console.log.Info("data", slog.String("split", string(s)), slog.Int("examples", len(examples)), slog.Int("tokens", countTokens(examples)))
	}
	return nil
}

func countTokens(examples []jpqd.Example) int {
	n := 0
	for i := range examples {
		n += len(examples[i].IDs)
	}
	return n
}
