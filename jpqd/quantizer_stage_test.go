package jpqd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// quantizationNNCF is tinyNNCF with more keys in its quantization, which begin
// with a comma.
func quantizationNNCF(t *testing.T, keys string) *NNCFConfig {
	t.Helper()
	text := string(tinyNNCF(t, "").Source)
	const algorithm = `"algorithm": "quantization"`
	cfg, err := ParseNNCFConfig([]byte(strings.Replace(text, algorithm, algorithm+keys, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const everyKind = `, "weights": {"mode": "asymmetric", "logarithm_scale": true}, "activations": {"logarithm_scale": true}`

// on counts the quantizers of weights and of activations that are on.
func on(c *compression) (weights, activations int) {
	for _, q := range c.quantizers {
		switch {
		case q.off:
		case q.weight != nil:
			weights++
		default:
			activations++
		}
	}
	return weights, activations
}

// With starts at epochs 1 (activations) and 2 (weights) nothing is on before
// and in epoch 0; a group begins once, and every stage can be jumped to.
func TestStages(t *testing.T) {
	c := mustCompress(t, bert.New(tinyConfig(), 1), quantizationNNCF(t, `, "params": {"activations_quant_start_epoch": 1, "weights_quant_start_epoch": 2}`))
	weights, activations := 0, 0
	for _, q := range c.quantizers {
		if q.weight != nil {
			weights++
		} else {
			activations++
		}
	}
	for _, test := range []struct {
		epoch, weights, activations int
		begins                      bool
	}{
		{-1, 0, 0, false}, {0, 0, 0, false}, {1, 0, activations, true}, {2, weights, activations, true},
		{3, weights, activations, false}, {-1, 0, 0, false}, {5, weights, activations, false},
	} {
		begins := c.stage(test.epoch)
		if w, a := on(c); w != test.weights || a != test.activations || begins != test.begins {
			t.Errorf("epoch %d: found %d weights and %d activations on, begins %v, want %d, %d, %v", test.epoch, w, a, begins, test.weights, test.activations, test.begins)
		}
	}
}

// Starts at epoch 0 are on from the first step, with the ranges made before
// it; so is everything without "params".
func TestNoStages(t *testing.T) {
	for _, keys := range []string{"", `, "params": {}`, `, "params": {"activations_quant_start_epoch": 0, "weights_quant_start_epoch": 0}`} {
		c := mustCompress(t, bert.New(tinyConfig(), 1), quantizationNNCF(t, keys))
		for _, epoch := range []int{-1, 0, 1} {
			if c.stage(epoch) {
				t.Errorf("%q: a group begins in epoch %d", keys, epoch)
			}
			if w, a := on(c); w+a != len(c.quantizers) {
				t.Errorf("%q, epoch %d: %d of %d quantizers are on", keys, epoch, w+a, len(c.quantizers))
			}
		}
	}
}

// stagedTrainer prunes and quantizes in stages, with every kind of quantizer.
func stagedTrainer(t *testing.T, accumulate int, edit func(*Trainer)) *Trainer {
	return resumable(t, 18, accumulate, -1, func(tr *Trainer) {
		tr.NNCF = quantizationNNCF(t, everyKind+`, "params": {"activations_quant_start_epoch": 1, "weights_quant_start_epoch": 2}`)
		if edit != nil {
			edit(tr)
		}
	})
}

// A staged run stopped next to the end of an epoch (of 5 batches) or, with two
// batches to a step, after any step ends as one that was not, bit for bit: what is on follows from the epoch, and a stage's ranges from the model there.
func TestResumeOfStagedQuantization(t *testing.T) {
	for _, accumulate := range []int{1, 2} {
		whole := stagedTrainer(t, accumulate, nil)
		steps := mustTrain(t, whole, "").GlobalStep
		want := outcome(t, whole)
		for stop := 1; stop < steps; stop++ {
			if accumulate == 1 && stop%5 > 1 && stop%5 < 4 || testing.Short() && stop%4 > 0 {
				continue
			}
			first := stagedTrainer(t, accumulate, nil)
			ctx, cancel := context.WithCancel(context.Background())
			first.OnStep = func(p Progress) {
				if p.Step == stop {
					cancel()
				}
			}
			if _, err := first.Train(ctx, ""); !errors.Is(err, ErrInterrupted) {
				t.Fatal(err)
			}
			second := stagedTrainer(t, accumulate, func(tr *Trainer) { tr.Model = bert.New(tinyConfig(), 99) })
			mustTrain(t, second, filepath.Join(first.Args.OutputDir, checkpointName(stop)))
			if diff := cmp.Diff(want, outcome(t, second)); diff != "" {
				t.Fatalf("%d to a step, stopped after step %d: the result differs:\n%.2000s", accumulate, stop, diff)
			}
		}
	}
}

// In the first epoch a staged model is a float model, in training and in what
// is deployed; its quantizers' parameters do not move, and beginning a stage
// gives them new ranges.
func TestStagedTraining(t *testing.T) {
	tr := stagedTrainer(t, 1, nil)
	var first, begun map[string][]float32
	ranges := func() map[string][]float32 {
		m := map[string][]float32{}
		for _, q := range tr.compression.quantizers {
			for _, p := range q.params() {
				m[p.Name] = slices.Clone(p.Data)
			}
		}
		return m
	}
	tr.OnStep = func(p Progress) {
		switch p.Step {
		case 1:
			first = ranges()
			compressed, err := tr.Compressed()
			if err != nil {
				t.Error(err)
			}
			l := &compressed.Layers[0]
			if l.Query.Weight.I8 != nil || l.Query.Input != nil || l.QueryOut != nil || compressed.Embeddings.Word.I8 != nil {
				t.Error("found quantizers in what is deployed in the first epoch")
			}
		case 5: // of 5 an epoch
			if diff := cmp.Diff(first, ranges()); diff != "" {
				t.Errorf("ranges of quantizers that are off have moved:\n%s", diff)
			}
		case 6:
			begun = ranges()
		}
	}
	mustTrain(t, tr, "")
	moved := 0
	for name, p := range begun {
		if !slices.Equal(p, first[name]) {
			moved++
		}
	}
	if moved < len(begun)*9/10 {
		t.Errorf("%d of %d parameters have changed where a stage began, want nearly all: their ranges are initialised again", moved, len(begun))
	}
	compressed, err := tr.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	if err := compressed.Validate(); err != nil {
		t.Fatal(err)
	}
	if q := compressed.Layers[0].Query; q.Weight.I8 == nil || len(q.Weight.Zero) != q.Weight.Rows || q.Input == nil {
		t.Errorf("found weight %v, zero points %v, input %v after the last stage", q.Weight.I8 != nil, q.Weight.Zero, q.Input)
	}
}

// The state dict has the linear values under NNCF's names, and the logarithms
// beside them; either is enough, and the logarithms come back exactly.
func TestStateOfLogarithms(t *testing.T) {
	c := mustCompress(t, bert.New(tinyConfig(), 1), quantizationNNCF(t, everyKind))
	for i, q := range c.quantizers {
		for j := range q.magnitudeParam().Data {
			q.magnitudeParam().Data[j] = 0.37*float32(i%7) - 0.011*float32(j)
		}
	}
	dir := t.TempDir()
	if err := c.save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, compressionFile)
	f, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range c.quantizers {
		linear, raw := f.Tensors[q.linearName()].F32, f.Tensors[q.magnitudeParam().Name].F32
		if !slices.Equal(raw, q.magnitudeParam().Data) || len(linear) != len(raw) || linear[0] != q.magnitude(q.magnitudeParam(), 0) {
			t.Fatalf("%s: found %v and %v, want e^%v and that", q.name, linear, raw, q.magnitudeParam().Data)
		}
	}
	check := func(what string, tolerance float32) {
		t.Helper()
		fresh := mustCompress(t, bert.New(tinyConfig(), 1), quantizationNNCF(t, everyKind))
		if err := fresh.load(dir); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for i, q := range fresh.quantizers {
			for j, v := range q.magnitudeParam().Data {
				if want := c.quantizers[i].magnitudeParam().Data[j]; abs(v-want) > tolerance {
					t.Fatalf("%s: %s[%d]: found %v, want %v", what, q.name, j, v, want)
				}
			}
		}
	}
	check("both", 0)
	maps.DeleteFunc(f.Tensors, func(name string, _ checkpoint.Tensor) bool { return strings.HasSuffix(name, "_param_storage") })
	if err := checkpoint.Write(path, f); err != nil {
		t.Fatal(err)
	}
	check("NNCF's own names", 1e-6)
}

// A folder of a staged model must say which epoch it is of.
func TestStateOfStages(t *testing.T) {
	const keys = `, "params": {"weights_quant_start_epoch": 3}`
	c := mustCompress(t, bert.New(tinyConfig(), 1), quantizationNNCF(t, keys))
	c.stage(2)
	dir := t.TempDir()
	if err := c.save(dir); err != nil {
		t.Fatal(err)
	}
	fresh := mustCompress(t, bert.New(tinyConfig(), 1), quantizationNNCF(t, keys))
	if err := fresh.load(dir); err != nil {
		t.Fatal(err)
	}
	wantWeights, wantActivations := on(c)
	if w, a := on(fresh); w != wantWeights || a != wantActivations || w != 0 || a == 0 {
		t.Errorf("found %d weights and %d activations on, want %d and %d", w, a, wantWeights, wantActivations)
	}
	path := filepath.Join(dir, compressionStateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, epoch := range []string{"null", "-2"} {
		text := strings.Replace(string(data), `"quantization_epoch": 2`, `"quantization_epoch": `+epoch, 1)
		if text == string(data) {
			t.Fatalf("no epoch in %s", data)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := fresh.load(dir); err == nil || !strings.Contains(fmt.Sprint(err), "quantization_epoch") {
			t.Errorf("epoch %s: found error %v", epoch, err)
		}
	}
}
