package jpqd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// Ranges that a folder or an earlier run gave are not made again from data, as
// those of a checkpoint are not in NNCF.
func TestRangesAreInitialisedOnce(t *testing.T) {
	still := func(tr *Trainer) {
		tr.NNCF = tinyNNCF(t, "")
		tr.NNCF.MovementSparsity = nil
		tr.Args.LearningRate, tr.Args.NumTrainEpochs = 0, 1
	}
	ranges := func(tr *Trainer) map[string][]float32 {
		m := map[string][]float32{}
		for _, q := range tr.compression.quantizers {
			for _, p := range q.params() {
				m[p.Name] = slices.Clone(p.Data)
			}
		}
		return m
	}
	first := newTrainer(still)
	mustTrain(t, first, "")
	want := ranges(first)
	dir := t.TempDir()
	if err := first.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	first.TrainData = tokenExamples(24, 5) // other activations, other ranges
	mustTrain(t, first, "")
	if diff := cmp.Diff(want, ranges(first)); diff != "" {
		t.Errorf("a second run has changed ranges:\n%.1000s", diff)
	}
	loaded := newTrainer(func(tr *Trainer) {
		still(tr)
		tr.TrainData = tokenExamples(24, 5)
	})
	if err := loaded.LoadCompression(dir); err != nil {
		t.Fatal(err)
	}
	mustTrain(t, loaded, "")
	if diff := cmp.Diff(want, ranges(loaded)); diff != "" {
		t.Errorf("a run after LoadCompression has changed ranges:\n%.1000s", diff)
	}
	other := newTrainer(func(tr *Trainer) {
		still(tr)
		tr.TrainData = tokenExamples(24, 5)
	})
	mustTrain(t, other, "")
	if cmp.Equal(want, ranges(other)) {
		t.Error("the other data has the same ranges: the test shows nothing")
	}
}

// A model that final masks were loaded into, and then the state from before
// training, trains as one that had neither.
func TestTrainingAfterFinalMasksWereLoaded(t *testing.T) {
	begun, done := t.TempDir(), t.TempDir()
	fresh := pruningTrainer(t, nil)
	if err := fresh.attach(); err != nil {
		t.Fatal(err)
	}
	if err := fresh.SaveModel(begun); err != nil {
		t.Fatal(err)
	}
	mustTrain(t, fresh, "")
	if err := fresh.SaveModel(done); err != nil {
		t.Fatal(err)
	}
	train := func(folders ...string) map[string]any {
		tr := pruningTrainer(t, nil)
		for _, dir := range folders {
			if err := tr.Model.Restore(dir); err != nil {
				t.Fatal(err)
			}
			if err := tr.LoadCompression(dir); err != nil {
				t.Fatal(err)
			}
		}
		mustTrain(t, tr, "")
		return outcome(t, tr)
	}
	if diff := cmp.Diff(train(begun), train(done, begun)); diff != "" {
		t.Errorf("the result differs:\n%.1000s", diff)
	}
}

// Epochs of 6 steps where the configuration says 3: wrong, whether or not the
// run is interrupted between, also after step 5 where the rest of the epoch,
// with the step that 3 a piece leave of five, is three steps.
func TestResumeKnowsTheStepsOfItsEpoch(t *testing.T) {
	wrong := func(tr *Trainer) { tr.NNCF.MovementSparsity.StepsPerEpoch = 3 }
	whole := resumable(t, 24, 1, -1, wrong)
	_, want := whole.Train(t.Context(), "")
	if want == nil || !strings.Contains(want.Error(), "epoch 0 had 6 steps, want steps_per_epoch = 3") {
		t.Fatalf("found error %v, want one of 6 steps", want)
	}
	for stop := 1; stop < 6; stop++ {
		first := resumable(t, 24, 1, -1, wrong)
		ctx, cancel := context.WithCancel(t.Context())
		first.OnStep = func(p Progress) {
			if p.Step == stop {
				cancel()
			}
		}
		if _, err := first.Train(ctx, ""); err == nil {
			t.Fatal("found no interruption")
		}
		_, err := resumable(t, 24, 1, -1, wrong).Train(t.Context(), filepath.Join(first.Args.OutputDir, checkpointName(stop)))
		if err == nil || err.Error() != want.Error() {
			t.Errorf("after step %d: found error %v, want %v", stop, err, want)
		}
	}
}

// Moments that no optimizer can have are refused.
func TestResumeFromDamagedMoments(t *testing.T) {
	whole := resumable(t, 24, 1, 2, func(tr *Trainer) { tr.Args.SaveStrategy, tr.Args.SaveSteps = Steps, 1 })
	mustTrain(t, whole, "")
	dir := filepath.Join(whole.Args.OutputDir, checkpointName(1))
	path := filepath.Join(dir, optimizerFile)
	for _, damage := range []struct {
		suffix string
		value  float64
	}{{".exp_avg", math.NaN()}, {".exp_avg", math.Inf(1)}, {".exp_avg_sq", -1}} {
		f, err := checkpoint.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		data := f.Tensors["classifier.weight"+damage.suffix].F32
		kept := data[2]
		data[2] = float32(damage.value)
		if err := checkpoint.Write(path, f); err != nil {
			t.Fatal(err)
		}
		_, err = resumable(t, 24, 1, 2, nil).Train(t.Context(), dir)
		if want := "tensor classifier.weight" + damage.suffix + ": element 2"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v in %s: found error %v, want it to name %q", damage.value, damage.suffix, err, want)
		}
		data[2] = kept
		if err := checkpoint.Write(path, f); err != nil {
			t.Fatal(err)
		}
	}
}

// Two runs at the same time that share a teacher, examples and a configuration
// end as each does alone.
func TestTwoTrainersAtOnce(t *testing.T) {
	teacher, cfg, data := bert.New(tinyConfig(), 7), tinyNNCF(t, ""), tokenExamples(24, 1)
	run := func(seed uint64) *Trainer {
		return newTrainer(func(tr *Trainer) {
			tr.Teacher, tr.NNCF, tr.TrainData, tr.EvalData = teacher, cfg, data, data
			tr.Model, tr.Args.Seed = bert.New(tinyConfig(), seed), seed
		})
	}
	var want [2]map[string]any
	var both [2]*Trainer
	var wait sync.WaitGroup
	for i := range both {
		alone := run(uint64(i))
		mustTrain(t, alone, "")
		want[i], both[i] = outcome(t, alone), run(uint64(i))
	}
	for _, tr := range both {
		wait.Go(func() {
			if _, err := tr.Train(context.Background(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for i, tr := range both {
		if diff := cmp.Diff(want[i], outcome(t, tr)); diff != "" {
			t.Errorf("run %d: the result differs:\n%.1000s", i, diff)
		}
	}
}

// A first threshold that is not below the final one is warned of, also if they are equal.
func TestThresholdThatDoesNotRiseWarns(t *testing.T) {
	for _, test := range []struct {
		final float64
		warns bool
	}{{-0.1, true}, {0, true}, {0.1, false}} {
		c := outlookCompression(t, func(m *MovementSparsityConfig) { m.FinalImportanceThreshold = test.final }, 1)
		var text bytes.Buffer
		c.log = slog.New(slog.NewTextHandler(&text, nil))
		c.chooseInitThreshold() // all scores are 0, and so is the lowest
		if warned := strings.Contains(text.String(), "is not below final_importance_threshold"); warned != test.warns {
			t.Errorf("final threshold %v: warned %v, want %v", test.final, warned, test.warns)
		}
	}
}

// A run that could not write a checkpoint has left gradients of an accumulation
// group behind; going on from the checkpoint before ends as if it had not failed.
func TestResumeLeavesNoGradientsOfAFailedRun(t *testing.T) {
	whole := newTrainer(func(tr *Trainer) {
		tr.TrainData = tokenExamples(20, 1) // five batches, so that every second epoch ends within a group
		tr.Args.GradientAccumulationSteps, tr.Args.OutputDir, tr.Args.SaveStrategy = 2, t.TempDir(), Epoch
	})
	mustTrain(t, whole, "")
	again := newTrainer(func(tr *Trainer) { tr.TrainData, tr.Args = whole.TrainData, whole.Args })
	again.Args.OutputDir = t.TempDir()
	full, saves := errors.New("disk full"), 0
	again.OnSave = func(string) error {
		if saves++; saves == 3 {
			return full
		}
		return nil
	}
	if _, err := again.Train(context.Background(), ""); !errors.Is(err, full) {
		t.Fatalf("found error %v, want %v", err, full)
	}
	last, err := LastCheckpoint(again.Args.OutputDir)
	if err != nil || filepath.Base(last) != checkpointName(5) {
		t.Fatalf("found %s and error %v, want the checkpoint of the second epoch", last, err)
	}
	mustTrain(t, again, last)
	if diff := cmp.Diff(outcome(t, whole), outcome(t, again)); diff != "" {
		t.Errorf("the result differs:\n%.500s", diff)
	}
}
