package jpqd

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// candidate is a step's value of the metric for the best model.
type candidate struct {
	step   int
	metric float64
}

// keepBest makes the checkpoint that is about to be written the best one if its
// step was evaluated and its metric beats the best so far. One that only an
// interrupt writes is never the best: a run that is not interrupted lacks it.
//
// With movement sparsity only checkpoints whose masks are final can be the
// best. The original lets those from before win as well, which are mostly
// better because they are not pruned yet.
func (r *run) keepBest() {
	s := &r.state
	if s.evaluated == nil || s.evaluated.step != s.GlobalStep {
		return
	}
	if !r.masksFinal() {
		r.log().Info("--metric_for_best_model: not a candidate for the best model, movement sparsity's masks are not final yet", "step", s.GlobalStep)
		return
	}
	_, greater := r.Args.bestMetric()
	v := s.evaluated.metric
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return // nothing that trainer_state.json could hold
	}
	if s.BestMetric == nil || greater && v > *s.BestMetric || !greater && v < *s.BestMetric {
		s.BestMetric, s.BestModelCheckpoint = &v, filepath.Join(r.Args.OutputDir, checkpointName(s.GlobalStep))
	}
}

// masksFinal says that nothing is left to prune.
func (r *run) masksFinal() bool {
	return r.compression == nil || r.compression.schedule == nil || r.compression.frozen
}

// loadBest ends training with the best model, if asked to.
func (r *run) loadBest() error {
	s := &r.state
	switch {
	case !r.Args.LoadBestModelAtEnd:
		return nil
	case s.BestModelCheckpoint == "":
		r.log().Warn("--load_best_model_at_end: no checkpoint with final masks and a finite metric was evaluated; the last model stays")
		return nil
	}
	r.log().Info("loading the best model", "checkpoint", s.BestModelCheckpoint, "metric", *s.BestMetric)
	return r.loadModel(s.BestModelCheckpoint)
}

// findBest finds the best checkpoint so far in the output folder or, where that
// is a new one, beside the checkpoint that is resumed, whose state is at path.
func (r *run) findBest(path string) error {
	s := &r.state
	if s.BestModelCheckpoint == "" || s.BestMetric == nil {
		s.BestModelCheckpoint, s.BestMetric = "", nil
		return nil
	}
	name := filepath.Base(s.BestModelCheckpoint)
	s.BestModelCheckpoint = filepath.Join(r.Args.OutputDir, name)
	if _, err := os.Stat(s.BestModelCheckpoint); err == nil || !r.Args.LoadBestModelAtEnd {
		return nil
	}
	s.BestModelCheckpoint = filepath.Join(filepath.Dir(path), "..", name)
	if _, err := os.Stat(s.BestModelCheckpoint); err != nil {
		return fmt.Errorf("%s: best_model_checkpoint: want %s beside the checkpoint or in --output_dir: %w", path, name, err)
	}
	return nil
}
