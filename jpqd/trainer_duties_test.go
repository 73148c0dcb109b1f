package jpqd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// With 5 batches and 2 to a step, a checkpoint at the end of an epoch lies
// between the micro-batches of a step; the gradient of the first is lost.
// A run resumed from its last step has the last epoch's evaluation to do.
func TestResumeAfterKillWithEveryStrategy(t *testing.T) {
	for _, c := range []struct {
		run  int
		save Strategy
	}{{3, Epoch}, {0, Steps}} {
		run := interruptedRuns[c.run]
		t.Run(fmt.Sprint(run.name, c.save), func(t *testing.T) {
			edit := func(tr *Trainer) {
				tr.Args.EvaluationStrategy, tr.Args.SaveStrategy, tr.Args.SaveSteps = Epoch, c.save, 4
			}
			whole := resumable(t, run.examples, run.accumulate, run.maxSteps, edit)
			mustTrain(t, whole, "")
			want, wantLog := outcome(t, whole), logHistory(t, whole.Args.OutputDir)
			steps, err := checkpoints(whole.Args.OutputDir)
			if err != nil || len(steps) == 0 {
				t.Fatal(steps, err)
			}
			for _, step := range steps {
				second := resumable(t, run.examples, run.accumulate, run.maxSteps, edit)
				mustTrain(t, second, filepath.Join(whole.Args.OutputDir, checkpointName(step)))
				if diff := cmp.Diff(want, outcome(t, second)); diff != "" {
					t.Errorf("checkpoint-%d: the result differs:\n%.300s", step, diff)
				}
				if diff := cmp.Diff(wantLog, logHistory(t, second.Args.OutputDir)); diff != "" {
					t.Errorf("checkpoint-%d: the log differs:\n%.300s", step, diff)
				}
			}
		})
	}
}

// An evaluation that an interrupt cuts short happens after resuming.
func TestInterruptedEvaluation(t *testing.T) {
	for _, strategy := range []Strategy{Steps, Epoch} {
		for _, stop := range []int{3, 6, 24} { // evaluated by steps; by both; the last step
			t.Run(fmt.Sprint(strategy, stop), func(t *testing.T) {
				edit := func(tr *Trainer) { tr.Args.EvaluationStrategy, tr.Args.EvalSteps = strategy, 3 }
				whole := resumable(t, 24, 1, -1, edit)
				mustTrain(t, whole, "")
				first := resumable(t, 24, 1, -1, edit)
				ctx, cancel := context.WithCancel(context.Background())
				first.OnStep = func(p Progress) {
					if p.Step == stop {
						cancel()
					}
				}
				if _, err := first.Train(ctx, ""); !errors.Is(err, ErrInterrupted) {
					t.Fatal(err)
				}
				second := resumable(t, 24, 1, -1, edit)
				mustTrain(t, second, filepath.Join(first.Args.OutputDir, checkpointName(stop)))
				if diff := cmp.Diff(logHistory(t, whole.Args.OutputDir), logHistory(t, second.Args.OutputDir)); diff != "" {
					t.Errorf("the log differs:\n%.300s", diff)
				}
			})
		}
	}
}
