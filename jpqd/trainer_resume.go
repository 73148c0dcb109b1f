package jpqd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// loadModel restores weights, scores, masks and quantizers.
func (r *run) loadModel(dir string) error {
	if err := r.Model.Restore(dir); err != nil {
		return err
	}
	if r.compression == nil {
		return nil
	}
	if err := r.compression.load(dir); err != nil {
		return err
	}
	return r.compression.checkWeights(dir)
}

// restoreModel restores everything but the optimizer, after checking that the
// checkpoint is one of the same run.
func (r *run) restoreModel(dir string) error {
	for _, name := range []string{trainerStateFile, trainingArgsFile, optimizerFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("%s: want a checkpoint, a folder checkpoint-N of an earlier run: %w", dir, err)
		}
	}
	if err := r.sameRun(dir); err != nil {
		return err
	}
	planned := r.state
	path := filepath.Join(dir, trainerStateFile)
	r.state = trainerState{}
	if err := checkpoint.ReadJSON(path, &r.state); err != nil {
		return err
	}
	s := &r.state
	for _, c := range []struct{ key, what, found, want string }{
		{"jpqd_examples", "training examples", strconv.Itoa(planned.Examples), strconv.Itoa(s.Examples)},
		{"jpqd_data", "training data with checksum", planned.Data, s.Data},
		{"jpqd_teacher", "a teacher with checksum", planned.TeacherSum, s.TeacherSum},
		{"jpqd_masking", "masking with", planned.Masking, s.Masking},
	} {
		if c.found != c.want {
			return fmt.Errorf("%s: %s: found %s %q now, want %q as in the checkpoint", path, c.key, c.what, c.found, c.want)
		}
	}
	if s.GlobalStep < 0 || s.GlobalStep > planned.MaxSteps || s.BatchInEpoch < 0 || s.BatchInEpoch > r.batches || s.EpochIndex < -1 || s.EpochIndex >= max(1, r.epochs) {
		return fmt.Errorf("%s: found step %d, batch %d of epoch %d, want at most %d, %d and %d", path, s.GlobalStep, s.BatchInEpoch, s.EpochIndex, planned.MaxSteps, r.batches, r.epochs-1)
	}
	s.LoggingSteps, s.EvalSteps, s.SaveSteps = planned.LoggingSteps, planned.EvalSteps, planned.SaveSteps
	if err := r.findBest(path); err != nil {
		return err
	}
	if err := r.loadModel(dir); err != nil {
		return err
	}
	// NNCF's state tells the steps of the epoch at hand from steps_per_epoch,
	// which may be wrong; here they are known.
	if c := r.compression; c != nil && c.schedule != nil {
		a := r.Args.GradientAccumulationSteps
		c.schedule.stepsInEpoch = (s.BatchInEpoch + a - 1) / a
	}
	return nil
}

// sameRun checks that the checkpoint's arguments lead to the same result as
// today's: only where and when to write may differ.
func (r *run) sameRun(dir string) error {
	path := filepath.Join(dir, trainingArgsFile)
	var then TrainingArguments
	if err := checkpoint.ReadJSON(path, &then); err != nil {
		return err
	}
	free := []string{"output_dir", "logging_steps", "evaluation_strategy", "eval_steps", "save_strategy", "save_steps", "save_total_limit",
		"load_best_model_at_end", "metric_for_best_model", "greater_is_better", "per_device_eval_batch_size"}
	was, is := fields(then), fields(r.Args)
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if !slices.Contains(free, key) && was[key] != is[key] {
			return fmt.Errorf("%s: %s is %s now, want %s as in the checkpoint", path, key, is[key], was[key])
		}
	}
	return r.sameCompression(dir)
}

// sameCompression checks that the checkpoint was compressed by the same
// configuration.
func (r *run) sameCompression(dir string) error {
	path := filepath.Join(dir, NNCFConfigFile)
	then, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.NNCF == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: found an NNCF configuration now, want none as in the checkpoint", dir)
	case err != nil:
		return err
	case r.NNCF == nil:
		return fmt.Errorf("%s: found no NNCF configuration now, want this one", path)
	case !bytes.Equal(then, r.NNCF.Source):
		return fmt.Errorf("%s: found another NNCF configuration now, want this one", path)
	}
	return nil
}

// fields are the arguments as JSON text by flag name.
func fields(a TrainingArguments) map[string]string {
	data, err := json.Marshal(a)
	if err != nil {
		panic(err) // a struct of numbers and strings
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		panic(err)
	}
	m := map[string]string{}
	for k, v := range raw {
		m[k] = string(v)
	}
	return m
}

// restoreOptimizer restores the moments, and the gradients of an accumulation
// group that has begun.
func (r *run) restoreOptimizer(dir string) error {
	path := filepath.Join(dir, optimizerFile)
	f, err := checkpoint.Read(path)
	if err != nil {
		return err
	}
	step, err := strconv.Atoi(strings.TrimSpace(f.Metadata["step"]))
	if err != nil || step < 0 {
		return fmt.Errorf("%s: metadata step: found %q, want a number of steps", path, f.Metadata["step"])
	}
	r.optimizer.Steps = step
	for _, g := range r.optimizer.Groups {
		for _, p := range g.Params {
			m := r.optimizer.Moments(p)
			parts := map[string][]float32{".exp_avg": m.M, ".exp_avg_sq": m.V}
			if r.state.Pending && !p.Frozen {
				parts[".grad"] = nil
			}
			for suffix, dst := range parts {
				data, err := f.F32(p.Name+suffix, p.Shape...)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				for i, v := range data {
					if v-v != 0 || v < 0 && suffix == ".exp_avg_sq" { // Inf − Inf and NaN − NaN are NaN
						return fmt.Errorf("%s: tensor %s%s: element %d is %v, want a finite number, and no negative one of squares", path, p.Name, suffix, i, v)
					}
				}
				if suffix == ".grad" {
					p.SetGradient(data)
				} else {
					copy(dst, data)
				}
			}
		}
	}
	return nil
}
