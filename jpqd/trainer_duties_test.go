package jpqd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
