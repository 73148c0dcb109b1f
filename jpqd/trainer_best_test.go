package jpqd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// A checkpoint from before the masks are final is not the best one, however
// good its metric: 4 is before warm-up, 8 and 12 in it. Of the others, 16, 20
// and 24, which are all as good, the first one is.
func TestBestModelHasFinalMasks(t *testing.T) {
	for _, best := range []int{4, 8, 12} {
		t.Run(fmt.Sprint(best), func(t *testing.T) {
			var text bytes.Buffer
			tr := resumable(t, 24, 1, -1, func(tr *Trainer) {
				tr.Args.EvalSteps, tr.Args.SaveSteps, tr.Args.SaveTotalLimit = 4, 4, 2
				tr.Log = slog.New(slog.NewTextHandler(&text, nil))
				bestAt(tr, best)
			})
			mustTrain(t, tr, "")
			var state trainerState
			if err := checkpoint.ReadJSON(filepath.Join(tr.Args.OutputDir, trainerStateFile), &state); err != nil {
				t.Fatal(err)
			}
			if got := filepath.Base(state.BestModelCheckpoint); got != checkpointName(16) || !tr.compression.frozen {
				t.Errorf("found %s as the best model, want %s", got, checkpointName(16))
			}
			if want := fmt.Sprintf("not a candidate for the best model, movement sparsity's masks are not final yet\" step=%d", best); !strings.Contains(text.String(), want) {
				t.Errorf("found no %q in\n%s", want, text.String())
			}
		})
	}
}

// A run that ends before its masks are final has no best model and says so.
func TestNoBestModelBeforeTheEndOfWarmup(t *testing.T) {
	var text bytes.Buffer
	tr := resumable(t, 24, 1, 10, func(tr *Trainer) {
		tr.Args.EvalSteps, tr.Args.SaveSteps = 4, 4
		tr.Log = slog.New(slog.NewTextHandler(&text, nil))
		bestAt(tr, 4)
	})
	mustTrain(t, tr, "")
	if got := tr.compression.schedule.CurrentStep; got != 9 {
		t.Errorf("found the model of schedule step %d, want that of the last one, 9", got)
	}
	for _, want := range []string{"the last model stays", "training ends before movement sparsity's warm-up"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("found no %q in\n%s", want, text.String())
		}
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

// Of equal metrics the first is the best, and what is not a number never is.
func TestBestOfEqualMetrics(t *testing.T) {
	for _, test := range []struct {
		metric string
		values []float64 // of steps from 1
		best   int
	}{
		{"accuracy", []float64{0.5, 0.75, 0.75, 0.25}, 2},
		{"loss", []float64{0.5, 0.25, 0.25, 0.75}, 2},
		{"loss", []float64{math.NaN(), 0.5, math.Inf(-1), 0.5}, 2},
	} {
		r := &run{Trainer: newTrainer(func(tr *Trainer) { tr.Args.MetricForBestModel, tr.Args.OutputDir = test.metric, "out" })}
		for i, v := range test.values {
			r.state.GlobalStep = i + 1
			r.state.evaluated = &candidate{step: i + 1, metric: v}
			r.keepBest()
		}
		if want := filepath.Join("out", checkpointName(test.best)); r.state.BestModelCheckpoint != want || *r.state.BestMetric != test.values[test.best-1] {
			t.Errorf("%s %v: found %q with %v, want %q", test.metric, test.values, r.state.BestModelCheckpoint, *r.state.BestMetric, want)
		}
	}
}
