package jpqd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// A best model from before the end of warm-up is not frozen and has no report.
func TestLoadBestModelFromBeforeTheEndOfWarmup(t *testing.T) {
	for _, best := range []int{4, 8} { // before and in warm-up
		t.Run(fmt.Sprint(best), func(t *testing.T) {
			tr := resumable(t, 24, 1, -1, func(tr *Trainer) {
				tr.Args.EvalSteps, tr.Args.SaveSteps, tr.Args.SaveTotalLimit = 4, 4, 2
				bestAt(tr, best)
			})
			mustTrain(t, tr, "")
			dir := filepath.Join(tr.Args.OutputDir, checkpointName(best))
			fresh := newTrainer(func(tr *Trainer) { tr.NNCF, tr.Teacher = tinyNNCF(t, ""), bert.New(tinyConfig(), 7) })
			if err := errors.Join(fresh.Model.Restore(dir), fresh.LoadCompression(dir)); err != nil {
				t.Fatal(err)
			}
			if want, got := mustEvaluate(t, fresh)["eval_loss"], mustEvaluate(t, tr)["eval_loss"]; want != got {
				t.Errorf("eval_loss: found %v, want the checkpoint's %v", got, want)
			}
			if tr.compression.frozen {
				t.Error("the masks are frozen, want those of the checkpoint, which are not")
			}
			out := t.TempDir()
			if err := tr.SaveModel(out); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(out, "structured_sparsity.csv")); err == nil {
				t.Error("structured_sparsity.csv is written for a model that is not pruned")
			}
		})
	}
}

// Only models that were saved can be the best one.
func TestBestModelIsASavedOne(t *testing.T) {
	tr := newTrainer(func(tr *Trainer) {
		tr.Args.OutputDir, tr.Args.EvalSteps, tr.Args.SaveSteps = t.TempDir(), 2, 4
		bestAt(tr, 6)
	})
	mustTrain(t, tr, "")
}

// A run resumed into another folder finds the best model beside the checkpoint.
func TestResumeFindsTheBestModel(t *testing.T) {
	edit := func(tr *Trainer) {
		tr.Args.EvalSteps, tr.Args.SaveSteps = 4, 4
		bestAt(tr, 16)
	}
	whole := resumable(t, 24, 1, -1, edit)
	mustTrain(t, whole, "")
	dir := filepath.Join(whole.Args.OutputDir, checkpointName(20))
	second := resumable(t, 24, 1, -1, edit)
	mustTrain(t, second, dir)
	whole.Metrics, second.Metrics = accuracy, accuracy
	if diff := cmp.Diff(outcome(t, whole), outcome(t, second)); diff != "" {
		t.Errorf("the result differs:\n%.1500s", diff)
	}
	if err := os.RemoveAll(filepath.Join(whole.Args.OutputDir, checkpointName(16))); err != nil {
		t.Fatal(err)
	}
	_, err := resumable(t, 24, 1, -1, edit).Train(context.Background(), dir)
	if err == nil || !strings.Contains(err.Error(), "best_model_checkpoint") || !strings.Contains(err.Error(), "checkpoint-16") {
		t.Errorf("without the best model: found error %v", err)
	}
}

// A run that ends where it was resumed writes its checkpoint anew.
func TestCheckpointIsReplaced(t *testing.T) {
	tr := resumable(t, 24, 1, 4, func(tr *Trainer) { tr.Args.SaveStrategy, tr.Args.SaveSteps = Steps, 4 })
	mustTrain(t, tr, "")
	dir := filepath.Join(tr.Args.OutputDir, checkpointName(4))
	mark := filepath.Join(dir, "of the first run")
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	second := resumable(t, 24, 1, 4, func(again *Trainer) { again.Args.OutputDir = tr.Args.OutputDir })
	if _, err := second.Train(ctx, dir); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	if last, err := LastCheckpoint(tr.Args.OutputDir); last != dir || err != nil {
		t.Errorf("found last checkpoint %q, %v, want %q", last, err, dir)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the checkpoint is still the old one")
	}
	entries, err := os.ReadDir(tr.Args.OutputDir)
	if err != nil || len(entries) != 2 {
		t.Errorf("found %v, %v, want the checkpoint and %s", entries, err, trainerStateFile)
	}
}

// A checkpoint that only an interrupt writes is not the best model, however
// good: the result is that of a run without the interrupt.
func TestInterruptDoesNotChooseTheBestModel(t *testing.T) {
	edit := func(tr *Trainer) {
		tr.Args.EvalSteps, tr.Args.SaveSteps = 2, 4
		bestAt(tr, 18)
	}
	whole := resumable(t, 24, 1, -1, edit)
	mustTrain(t, whole, "")
	first := resumable(t, 24, 1, -1, edit)
	ctx, cancel := context.WithCancel(context.Background())
	first.OnLog = func(e LogEntry) {
		if e["eval_score"] == 1.0 {
			cancel()
		}
	}
	if _, err := first.Train(ctx, ""); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	dir := filepath.Join(first.Args.OutputDir, checkpointName(18))
	second := resumable(t, 24, 1, -1, func(tr *Trainer) { edit(tr); tr.Args.OutputDir = first.Args.OutputDir })
	mustTrain(t, second, dir)
	whole.Metrics, second.Metrics = accuracy, accuracy
	if diff := cmp.Diff(outcome(t, whole), outcome(t, second)); diff != "" {
		t.Errorf("the result differs:\n%.1500s", diff)
	}
}

func TestUnknownMetricForBestModel(t *testing.T) {
	tr := newTrainer(func(tr *Trainer) {
		tr.Args.OutputDir, tr.Args.EvalSteps, tr.Args.SaveSteps = t.TempDir(), 2, 2
		bestAt(tr, 2)
		tr.Args.MetricForBestModel = "f1"
	})
	_, err := tr.Train(context.Background(), "")
	if err == nil || !strings.Contains(err.Error(), `"f1"`) || !strings.Contains(err.Error(), "eval_score") {
		t.Errorf("found error %v, want one that names the metrics", err)
	}
}
