package jpqd

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// countingExamples are sequences in which every token is the one before it and
// one: any is told by its neighbours.
func countingExamples(n int) []Example {
	examples := make([]Example, n)
	for i := range examples {
		ids := []int32{1}
		for j := range 6 {
			ids = append(ids, int32(4+(i+j)%20))
		}
		examples[i] = Example{IDs: append(ids, 2), Number: int32(i)}
	}
	return examples
}

// maskingTrainer trains a tiny model of masked language modelling.
func maskingTrainer(edit func(*Trainer)) *Trainer {
	return newTrainer(func(tr *Trainer) {
		tr.Model = bert.New(tinyConfig().WithMaskedLM(), 1)
		tr.Masking, tr.Metrics = testMasking(24), nil
		tr.TrainData, tr.EvalData = countingExamples(60), countingExamples(20)
		tr.Args.PerDeviceTrainBatchSize = 10
		if edit != nil {
			edit(tr)
		}
	})
}

func TestMaskedLMLearns(t *testing.T) {
	tr := maskingTrainer(func(tr *Trainer) { tr.Args.NumTrainEpochs = 150; noDropout(tr.Model) })
	before := mustEvaluate(t, tr)
	var last Progress
	tr.OnStep = func(p Progress) { last = p }
	result := mustTrain(t, tr, "")
	after := mustEvaluate(t, tr)
	if math.Abs(before["eval_loss"]-math.Log(24)) > 1.5 || after["eval_loss"] > before["eval_loss"]/2 || after["eval_accuracy"] < 0.6 {
		t.Errorf("loss and accuracy %v, before %v: want a loss about ln 24 before, half of it and an accuracy of 0.6 after", after, before)
	}
	if last.Tokens != 150*60*8 || last.Sequences != 150*60 || result.Metrics["train_tokens_per_second"] <= 0 {
		t.Errorf("progress %+v, result %v: want %d tokens", last, result.Metrics, 150*60*8)
	}
	if other := mustEvaluate(t, tr); other["eval_loss"] != after["eval_loss"] || other["eval_accuracy"] != after["eval_accuracy"] {
		t.Error("evaluated again, the numbers differ: the masks are not fixed")
	}
}

// A run that is interrupted after any step and resumed, and one with another
// number of threads, ends bit for bit as one that is not.
func TestMaskedLMResumeAndThreads(t *testing.T) {
	for _, whole := range []bool{false, true} {
		trainer := func(edit func(*Trainer)) *Trainer {
			return maskingTrainer(func(tr *Trainer) {
				tr.Args.OutputDir, tr.Args.NumTrainEpochs, tr.Args.GradientAccumulationSteps = t.TempDir(), 3, 2
				tr.Masking.WholeWords = whole
				if edit != nil {
					edit(tr)
				}
			})
		}
		one := trainer(nil)
		steps := mustTrain(t, one, "").GlobalStep
		want := outcome(t, one)
		for _, threads := range []int{1, 4} {
			was := runtime.GOMAXPROCS(threads)
			again := trainer(nil)
			mustTrain(t, again, "")
			if !cmp.Equal(want, outcome(t, again)) {
				t.Errorf("%d threads: the result differs", threads)
			}
			runtime.GOMAXPROCS(was)
		}
		for stop := 1; stop < steps; stop++ {
			first := trainer(nil)
			ctx, cancel := context.WithCancel(context.Background())
			first.OnStep = func(p Progress) {
				if p.Step == stop {
					cancel()
				}
			}
			if _, err := first.Train(ctx, ""); !errors.Is(err, ErrInterrupted) {
				t.Fatalf("stopped after step %d: found error %v", stop, err)
			}
			dir := filepath.Join(first.Args.OutputDir, checkpointName(stop))
			second := trainer(func(tr *Trainer) { tr.Model = bert.New(tinyConfig().WithMaskedLM(), 99) })
			mustTrain(t, second, dir)
			if !cmp.Equal(want, outcome(t, second)) {
				t.Errorf("resumed after step %d: the result differs", stop)
			}
			other := trainer(func(tr *Trainer) { tr.Masking.Probability = 0.2 })
			if _, err := other.Train(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "jpqd_masking: found masking with \"mlm_probability 0.2") {
				t.Errorf("resumed with another probability: error %v", err)
			}
		}
	}
}

// A batch in which nothing is hidden has loss 0 and changes nothing.
func TestMaskedLMWithNothingHidden(t *testing.T) {
	tr := maskingTrainer(func(tr *Trainer) {
		tr.TrainData, tr.EvalData = []Example{{IDs: []int32{1, 2}}}, []Example{{IDs: []int32{1, 2}}}
		tr.Args.MaxSteps = 2
	})
	before := modelSum(tr.Model)
	mustTrain(t, tr, "")
	if after := modelSum(tr.Model); after != before {
		t.Error("the weights changed")
	}
	if m := mustEvaluate(t, tr); m["eval_loss"] != 0 || m["eval_accuracy"] != 0 {
		t.Errorf("found %v, want a loss and an accuracy of 0", m)
	}
}

func TestMaskedLMErrors(t *testing.T) {
	for want, change := range map[string]func(*Trainer){
		"masking: found none":                        func(tr *Trainer) { tr.Masking = nil },
		"masking: found a model for another task":    func(tr *Trainer) { tr.Model = bert.New(tinyConfig(), 1) },
		"teacher: found one":                         func(tr *Trainer) { tr.Teacher = bert.New(tinyConfig(), 1) },
		"NNCF configuration: found one":              func(tr *Trainer) { tr.NNCF = tinyNNCF(t, "") },
		"masking: found a vocabulary of 25 tokens":   func(tr *Trainer) { tr.Masking = testMasking(25) },
		"--mlm_probability: found 0":                 func(tr *Trainer) { tr.Masking.Probability = 0 },
		"bert: token 1 has id 24, want 0 to 23 (voc": func(tr *Trainer) { tr.TrainData = []Example{{IDs: []int32{1, 24, 2}}} },
	} {
		if _, err := maskingTrainer(change).Train(context.Background(), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// The logits are those of a pass over hidden tokens, and the first of equal
// words is the one that is told.
func TestTelling(t *testing.T) {
	logits := autograd.NewTensor(3, 4)
	copy(logits.Data, []float32{0, 2, 1, 0, 0, 0, 0, 0, -1, -2, -3, 5})
	var c telling
	c.count(logits, []int32{1, 3, 3})
	if c.right != 2 || c.all != 3 {
		t.Errorf("%d of %d, want 2 of 3", c.right, c.all)
	}
}

// A step allocates nothing once its memory has grown.
func TestMaskedLMStepAllocatesLittle(t *testing.T) {
	stepAllocatesNothing(t, maskingTrainer(func(tr *Trainer) { tr.Masking.WholeWords = true }))
}

func TestMaskedLMIsNotDeployed(t *testing.T) {
	tr := maskingTrainer(nil)
	for _, build := range []func() (*Compressed, error){tr.Compressed, tr.Unquantized} {
		if _, err := build(); err == nil || !strings.Contains(err.Error(), "fine-tune it first") {
			t.Errorf("error %v", err)
		}
	}
}
