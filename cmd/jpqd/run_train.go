package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/report"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// train trains the student and writes all that a run leaves in its folder,
// evaluation apart.
func (r *trainingRun) train(ctx context.Context) error {
	stale, err := r.staleCheckpoints()
	if err != nil {
		return err
	}
	// An earlier run's files go at the first step, not before the trainer has
	// found nothing wrong.
	begin := sync.OnceValue(func() error {
		if err := r.removeCheckpoints(stale); err != nil {
			return err
		}
		if r.nncf == nil {
			if err := removeFiles(r.o.OutputDir, logFile); err != nil {
				return err
			}
		}
		return checkpoint.WriteJSON(filepath.Join(r.o.OutputDir, "training_args.json"), arguments(r.flags))
	})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.setLogging()
	log, err := r.openLog()
	if err != nil {
		return err
	}
	if log != nil {
		defer log.Close()
	}
	events, err := r.openEvents()
	if err != nil {
		return fmt.Errorf("--report_to tensorboard: %w", err)
	}
	r.trainer.OnStep = func(p jpqd.Progress) {
		if err := begin(); err != nil {
			cancel(err)
		}
		events.step(p)
	}
	r.trainer.OnLog = events.log
	result, err := newProgress(r.console, "train").train(ctx, r.trainer, r.resume)
	if err := events.close(); err != nil {
		r.console.log.Warn("the event file is incomplete", slog.Any("error", err))
	}
	if err == nil || errors.Is(err, jpqd.ErrInterrupted) {
		if err := begin(); err != nil {
			return err
		}
	}
	if err != nil {
		return r.interrupted(err)
	}
	metrics := result.Metrics
	metrics["train_samples"] = float64(len(r.examples[tasks.Train]))
	if err := r.saveModel(); err != nil {
		return err
	}
	if r.resume == "" { // results of an earlier run do not belong to this one
		if err := removeFiles(r.o.OutputDir, "all_results.json", "eval_results.json", "predict_results.json"); err != nil {
			return err
		}
	}
	return r.finish("train", metrics)
}

// setLogging turns --logging_strategy into the trainer's logging_steps.
func (r *trainingRun) setLogging() {
	a := &r.trainer.Args
	if a.EvalSteps == 0 {
		a.EvalSteps = a.LoggingSteps // the default of --eval_steps is the flag's value
	}
	switch r.o.LoggingStrategy {
	case "no":
		a.LoggingSteps = math.MaxInt // beyond any last step
	case "epoch":
		batches := (len(r.examples[tasks.Train]) + a.PerDeviceTrainBatchSize - 1) / a.PerDeviceTrainBatchSize
		a.LoggingSteps = max(1, batches/a.GradientAccumulationSteps)
	}
}

// exportFiles are what saveModel adds to the trainer's files of a compressed model.
var exportFiles = []string{openVINOConfigFile, ir.XMLName, ir.BinName, jpqd.CompressedFile}

// removeFiles deletes files of a folder, those that there are.
func removeFiles(dir string, names ...string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// saveModel writes the model, the tokenizer and, if it is compressed, the
// record of how, the OpenVINO IR and the artefact of the engine.
func (r *trainingRun) saveModel() error {
	dir := r.o.OutputDir
	// What an earlier run exported would be taken for this model's.
	if err := removeFiles(dir, exportFiles...); err != nil {
		return err
	}
	if err := r.trainer.SaveModel(dir); err != nil {
		return err
	}
	if err := r.tok.Save(dir); err != nil {
		return err
	}
	if r.nncf == nil {
		return nil
	}
	compressed, err := r.trainer.Compressed()
	if err != nil {
		return err
	}
	if err := compressed.Save(filepath.Join(dir, jpqd.CompressedFile)); err != nil {
		return err
	}
	if err := exportBeside(r.console, dir, compressed); err != nil {
		return err
	}
	sizes := report.Measure(compressed)
	r.console.log.Info("compressed model", slog.String("file", filepath.Join(dir, ir.XMLName)),
		slog.String("weights_removed", fmt.Sprintf("%.1f%%", 100*sizes.Removed())), slog.Int("parameters", sizes.Parameters), slog.Int("bytes", sizes.Bytes))
	return nil
}

// exportBeside writes the OpenVINO IR of a run into its folder. One that differs
// too much is left out with a warning: what was trained is there. Saving a run is
// not interrupted halfway.
func exportBeside(c *console, dir string, m *jpqd.Compressed) error {
	e := &exporter{model: m, source: dir, dir: dir, formats: []string{formatOpenVINO}, beside: true}
	r, err := e.run(context.Background())
	if errors.Is(err, errTolerance) {
		c.log.Warn("no OpenVINO IR; jpqd export has --tolerance", slog.String("reason", err.Error()))
		return nil
	}
	if err != nil {
		return err
	}
	c.log.Info("exported and read back", slog.String("file", filepath.Join(dir, ir.XMLName)), slog.Int("MatMuls in INT8", r.Int8), slog.Int("of", len(r.Products)),
		slog.String("logits differ by", fmt.Sprintf("%.2g", max(r.Checked.Engine, r.Checked.Reference))))
	return nil
}

// finish prints a table of metrics and saves it.
func (r *trainingRun) finish(split string, metrics map[string]float64) error {
	printErr := printMetrics(r.console.out, split, metrics)
	return errors.Join(saveMetrics(r.o.OutputDir, split, metrics), printErr)
}

// writeReport writes report.html, as `jpqd report` does.
func (r *trainingRun) writeReport(context.Context) error {
	return writeReport(r.console, r.o.OutputDir, r.trainer)
}
