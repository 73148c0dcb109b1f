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
			compareWithTrainer(t, trainer)
		})
	}
}

// compareWithTrainer wants logits within 1e-3 and the same classes. Engine and
// trainer sum in different orders; where that moves a value across a rounding
// boundary of its quantizer, the logits of its example may differ by more. That
// is accepted of one example in 16, and only where the reference finds a value
// as close to a boundary as float32's error.
func compareWithTrainer(t *testing.T, trainer *jpqd.Trainer) {
	t.Helper()
	const tolerance, boundary = 1e-3, 3e-5
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
	e := engine(t, compressed)
	var flips int
	var worst float64
	for i, x := range trainer.TrainData {
		b := &bert.Batch{}
		b.Append(x.IDs, x.TypeIDs)
		got, want := run(t, e, b), logits[2*i:2*i+2]
		difference := max(math.Abs(float64(got[0]-want[0])), math.Abs(float64(got[1]-want[1])))
		if difference <= tolerance {
			worst = max(worst, difference)
			if (got[0] > got[1]) != (want[0] > want[1]) {
				t.Errorf("example %d: found logits %v, want the class of %v", i, got, want)
			}
			continue
		}
		flips++
		r := &reference{model: compressed}
		r.logits(b)
		t.Logf("example %d: found logits %v, want %v; a value is within %.1e of a rounding boundary", i, got, want, r.margin)
		if r.margin > boundary {
			t.Errorf("example %d: found logits %v, want %v ± %v", i, got, want, tolerance)
		}
	}
	t.Logf("logits %.3v to %.3v, largest difference of others %.1e", slices.Min(logits), slices.Max(logits), worst)
	if flips > len(trainer.TrainData)/16 {
		t.Errorf("found %d of %d examples with a value rounded otherwise, want at most one in 16", flips, len(trainer.TrainData))
	}
}
