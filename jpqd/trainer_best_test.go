package jpqd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

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
