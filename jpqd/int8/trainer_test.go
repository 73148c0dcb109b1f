package int8_test

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// trainerNNCF prunes attention in blocks and the FFN by neurons, so hard that
// heads go within a few steps, and quantizes all but the nodes to be filled in.
const trainerNNCF = `[
  {
    "algorithm": "movement_sparsity",
    "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 3, "importance_regularization_factor": 2, "enable_structured_masking": true},
    "sparse_structure_by_scopes": [
      {"mode": "block", "sparse_factors": [16, 16], "target_scopes": "{re}.*BertAttention.*"},
      {"mode": "per_dim", "axis": 0, "target_scopes": "{re}.*BertIntermediate.*"},
      {"mode": "per_dim", "axis": 1, "target_scopes": "{re}.*BertOutput.*"}
    ],
    "ignored_scopes": ["{re}.*NNCFEmbedding.*", "{re}.*LayerNorm.*", "{re}.*pooler.*", "{re}.*classifier.*"]
  },
  {
    "algorithm": "quantization",
    "preset": "mixed",
    "overflow_fix": "enable",
    "initializer": {"range": {"num_init_samples": 16, "type": "percentile", "params": {"min_percentile": 0.01, "max_percentile": 99.99}}},
    "scope_overrides": {"activations": {"{re}.*matmul_0": {"mode": "symmetric"}}},
    "ignored_scopes": [%s]
  }
]`

// trainerExamples are random tokens; the label says whether ids above the
// middle prevail.
func trainerExamples(vocab, n int) []jpqd.Example {
	rng := rand.New(rand.NewPCG(4, 4))
	examples := make([]jpqd.Example, n)
	for i := range examples {
		ids := make([]int32, 2+rng.IntN(14))
		above := 0
		for j := range ids {
			ids[j] = int32(rng.IntN(vocab))
			if int(ids[j]) >= vocab/2 {
				above++
			}
		}
		if 2*above > len(ids) {
			examples[i].Label = 1
		}
		examples[i].IDs = ids
	}
	return examples
}

// TestLogitsOfTrainer compresses a small model by a short training and compares
// the engine with the masked and fake-quantized model it came from.
func TestLogitsOfTrainer(t *testing.T) {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = 60, 64, 2
	config.NumAttentionHeads, config.IntermediateSize, config.MaxPositionEmbeddings = 4, 96, 16
	config.InitializerRange = 0.2
	const inFloat = `"{re}.*__add___[0-1]", "{re}.*layer_norm_0", "{re}.*__truediv__*"`
	for name, ignored := range map[string]string{
		"published":    inFloat + `, "{re}.*matmul_1"`,
		"all operands": inFloat,
	} {
		t.Run(name, func(t *testing.T) {
			nncf, err := jpqd.ParseNNCFConfig(fmt.Appendf(nil, trainerNNCF, ignored))
			if err != nil {
				t.Fatal(err)
			}
			trainer := &jpqd.Trainer{
				Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1), NNCF: nncf,
				TrainData: trainerExamples(config.VocabSize, 64), Log: slog.New(slog.DiscardHandler),
			}
			trainer.Args.SaveStrategy, trainer.Args.NumTrainEpochs, trainer.Args.LearningRate = jpqd.No, 4, 1e-3
			if _, err := trainer.Train(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			compareWithTrainer(t, trainer, 8)
		})
	}
}

// compareWithTrainer wants logits of engine and IR within 1e-3 of the trainer's.
// They sum in different orders, and the engine rounds x·s + zp where training
// rounds (x − Low)·s − zp; where that moves a value across a rounding
// boundary of its quantizer, the logits of its example may differ by more. That
// is accepted of one example in so many, and only where the reference finds a
// value as close to a boundary as float32's error.
func compareWithTrainer(t *testing.T, trainer *jpqd.Trainer, oneIn int) {
	t.Helper()
	const tolerance, boundary = 1e-3, 5e-5
	compressed, err := trainer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range compressed.Layers {
		t.Logf("layer %d: heads %v, %d neurons", i, l.Heads, len(l.Neurons))
	}
	logits, err := trainer.Predict(t.Context(), trainer.TrainData)
	if err != nil {
		t.Fatal(err)
	}
	all := logits
	e, m := engine(t, compressed), throughIR(t, compressed)
	flips, worst := 0, 0.0
	for i, x := range trainer.TrainData {
		b := &bert.Batch{}
		b.Append(x.IDs, x.TypeIDs)
		got, inIR := run(t, e, b), runIR(t, m, compressed, b)
		want := logits[:len(got)]
		logits = logits[len(got):]
		difference := max(distance(got, want), distance(inIR, want))
		if difference <= tolerance {
			worst = max(worst, difference)
			continue
		}
		flips++
		r := &reference{model: compressed}
		r.logits(b)
		if r.margin > boundary {
			t.Errorf("example %d: found logits %v, in the IR %v, want %v ± %v; no value is within %.1e of a rounding boundary", i, got, inIR, want, tolerance, r.margin)
		}
	}
	t.Logf("logits %.3v to %.3v, largest difference of others %.1e, %d of %d examples with a value rounded otherwise",
		slices.Min(all), slices.Max(all), worst, flips, len(trainer.TrainData))
	if len(logits) > 0 {
		t.Errorf("found %d logits left over", len(logits))
	}
	if flips > len(trainer.TrainData)/oneIn {
		t.Errorf("found %d of %d examples with a value rounded otherwise, want at most one in %d", flips, len(trainer.TrainData), oneIn)
	}
}

// distance is the largest difference of two tensors' elements.
func distance(a, b []float32) float64 {
	largest := 0.0
	for i := range b {
		largest = max(largest, math.Abs(float64(a[i])-float64(b[i])))
	}
	return largest
}
