package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/jpqd"
)

// check finds what is wrong with the command line before anything is loaded.
func (r *trainingRun) check(context.Context) error {
	o := r.o
	var missing []string
	if _, name := r.source(); name == "" {
		missing = append(missing, "--model_name_or_path")
	}
	if o.OutputDir == "" {
		missing = append(missing, "--output_dir")
	}
	if missing != nil {
		return usageErrorf("the following arguments are required: %s", strings.Join(missing, ", "))
	}
	if o.EvaluationStrategy != jpqd.No {
		o.DoEval = true // as transformers does
	}
	if !o.DoTrain && !o.DoEval && !o.DoPredict {
		if r.flags.Lookup("do_predict") == nil {
			return usageErrorf("nothing to do: give --do_train or --do_eval")
		}
		return usageErrorf("nothing to do: give --do_train, --do_eval or --do_predict")
	}
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	if err := o.checkValues(); err != nil {
		return err
	}
	warnings, err := o.warnings(r.flags)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		r.console.log.Warn(w)
	}
	for _, check := range []func() error{r.task.checkTask, r.checkBestMetric, r.checkCompression, r.checkOutputDir} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkValues checks the flags that are not the trainer's.
func (o *RunOptions) checkValues() error {
	for _, f := range []struct {
		flag string
		n    int
	}{{"max_train_samples", o.MaxTrainSamples}, {"max_eval_samples", o.MaxEvalSamples}, {"max_predict_samples", o.MaxPredictSamples}} {
		if f.n == 0 || f.n < -1 {
			return usageErrorf("--%s: found %d, want at least 1, or -1 for all", f.flag, f.n)
		}
	}
	if !slices.Contains([]string{"no", "steps", "epoch"}, o.LoggingStrategy) {
		return usageErrorf("--logging_strategy: found %q, want no, steps or epoch", o.LoggingStrategy)
	}
	return nil
}

// checkBestMetric refuses a --metric_for_best_model that no evaluation will have.
func (r *trainingRun) checkBestMetric() error {
	if !r.o.DoTrain || r.o.MetricForBestModel == "" {
		return nil
	}
	names := append(r.task.metricNames(), "loss", "task_loss")
	if slices.Contains(names, strings.TrimPrefix(r.o.MetricForBestModel, "eval_")) {
		return nil
	}
	return usageErrorf("--metric_for_best_model: found %q, want one of %s", r.o.MetricForBestModel, strings.Join(names, ", "))
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// checkCompression reads the NNCF configuration.
func (r *trainingRun) checkCompression() error {
	o, log := r.o, r.console.log
	if r.flags.Lookup("nncf_compression_config") == nil {
		return nil // a command that does not compress
	}
	if !o.DoTrain {
		if o.NNCFCompressionConfig != "" || o.TeacherModelNameOrPath != "" {
			log.Warn("without --do_train, --nncf_compression_config and --teacher_model_name_or_path have no effect")
		}
		return nil
	}
	if o.NNCFCompressionConfig == "" {
		log.Info("no --nncf_compression_config: plain fine-tuning in float32, nothing is compressed")
		return nil
	}
	config, err := jpqd.LoadNNCFConfig(o.NNCFCompressionConfig)
	if err != nil {
		return fmt.Errorf("--nncf_compression_config: %w", err)
	}
	r.nncf = config
	return nil
}

// checkOutputDir protects a folder that is not empty, and finds the checkpoint
// to go on from, by run_glue.py's rules.
func (r *trainingRun) checkOutputDir() error {
	o := r.o
	entries, err := os.ReadDir(o.OutputDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--output_dir: %w", err)
	}
	if !o.DoTrain {
		return nil
	}
	if o.TeacherModelNameOrPath != "" && sameFolder(o.TeacherModelNameOrPath, o.OutputDir) {
		return fmt.Errorf("--output_dir: found the teacher's folder %s, want another: the student would overwrite it", o.OutputDir)
	}
	wanted, isWord := parseWord(o.ResumeFromCheckpoint)
	switch {
	case o.ResumeFromCheckpoint != "" && !isWord:
		if !isDir(o.ResumeFromCheckpoint) {
			return fmt.Errorf("--resume_from_checkpoint: found no folder %q", o.ResumeFromCheckpoint)
		}
		r.resume = o.ResumeFromCheckpoint
		return nil
	case o.OverwriteOutputDir && !wanted:
		return nil
	}
	if r.resume, err = jpqd.LastCheckpoint(o.OutputDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--output_dir: %w", err)
	}
	switch {
	case isWord && wanted && r.resume == "":
		return fmt.Errorf("--resume_from_checkpoint true: found no complete checkpoint in --output_dir %s", o.OutputDir)
	case isWord && wanted:
		return nil
	case r.resume != "" && !isWord:
		r.console.log.Info("checkpoint detected, training goes on there; to train from scratch, change --output_dir or add --overwrite_output_dir", slog.String("checkpoint", r.resume))
		return nil
	case len(entries) > 0:
		return fmt.Errorf("output directory (%s) already exists and is not empty; use --overwrite_output_dir to overcome", o.OutputDir)
	}
	return nil
}

var (
	checkpointName     = regexp.MustCompile(`^checkpoint-[0-9]+$`)
	halfCheckpointName = regexp.MustCompile(`^\.tmp-checkpoint-[0-9]+$`) // what a kill leaves of one that was being written
)

// staleCheckpoints are the checkpoints of an earlier run in a folder that is
// overwritten: --resume_from_checkpoint true and --save_total_limit would take
// them for this run's. One that this run reads its model from is not among
// them; those that were never finished are in any case.
func (r *trainingRun) staleCheckpoints() ([]string, error) {
	entries, err := os.ReadDir(r.o.OutputDir)
	if err != nil {
		return nil, err
	}
	var stale []string
	for _, entry := range entries {
		dir := filepath.Join(r.o.OutputDir, entry.Name())
		overwritten := r.o.OverwriteOutputDir && r.resume == "" && checkpointName.MatchString(entry.Name()) && !r.reads(dir)
		if entry.IsDir() && (overwritten || halfCheckpointName.MatchString(entry.Name())) {
			stale = append(stale, dir)
		}
	}
	return stale, nil
}

// removeCheckpoints deletes checkpoints of an earlier run.
func (r *trainingRun) removeCheckpoints(dirs []string) error {
	for _, dir := range dirs {
		r.console.log.Info("deleting a checkpoint of an earlier run", slog.String("checkpoint", dir))
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// reads says whether dir is a folder that the command line takes a model from.
func (r *trainingRun) reads(dir string) bool {
	from := []string{r.o.ModelNameOrPath, r.o.TeacherModelNameOrPath, r.o.ConfigName, r.o.TokenizerName}
	return slices.ContainsFunc(from, func(path string) bool { return sameFolder(path, dir) })
}

// sameFolder says whether both paths lead to the same file or folder.
func sameFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
