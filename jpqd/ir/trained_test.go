package ir

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// trainedNNCF has the published structures, with blocks that fit the model, and
// the published quantizer section.
const trainedNNCF = `[
  {
    "algorithm": "movement_sparsity",
    "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 3, "importance_regularization_factor": 1, "enable_structured_masking": true},
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
    "initializer": {"range": {"num_init_samples": 32, "type": "percentile", "params": {"min_percentile": 0.01, "max_percentile": 99.99}}},
    "scope_overrides": {"activations": {"{re}.*matmul_0": {"mode": "symmetric"}}},
    "ignored_scopes": ["{re}.*__add___[0-1]", "{re}.*layer_norm_0", "{re}.*matmul_1", "{re}.*__truediv__*"]
  }
]`

// TestTrainedModel trains, prunes and quantizes a small model, writes it and
// reads it back: the IR's logits are those of the masked and fake-quantized
// model to 1e-4. Where a value lies within float32's error of a rounding
// boundary of its quantizer, the two may take different levels; that is
// accepted where the reference confirms it, of at most a quarter of the
// examples: they share 60 tokens, so that one such value recurs.
func TestTrainedModel(t *testing.T) {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = 60, 64, 2
	config.NumAttentionHeads, config.IntermediateSize, config.MaxPositionEmbeddings = 4, 96, 16
	config.InitializerRange = 0.2
	nncf, err := jpqd.ParseNNCFConfig([]byte(trainedNNCF))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	examples := make([]jpqd.Example, 64)
	for i := range examples {
		ids := make([]int32, 2+rng.IntN(14))
		sum := 0
		for j := range ids {
			ids[j] = int32(rng.IntN(60))
			sum += int(ids[j]) - 30
		}
		examples[i].IDs = ids
		if sum > 0 {
			examples[i].Label = 1
		}
	}
	trainer := &jpqd.Trainer{
		Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1), NNCF: nncf,
		TrainData: examples, Log: slog.New(slog.DiscardHandler),
	}
	trainer.Args.SaveStrategy, trainer.Args.NumTrainEpochs, trainer.Args.LearningRate = jpqd.No, 4, 1e-3
	if _, err := trainer.Train(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	compressed, err := trainer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for i, l := range compressed.Layers {
		t.Logf("layer %d: heads %v, %d neurons", i, l.Heads, len(l.Neurons))
		removed += 4 - len(l.Heads) + 96 - len(l.Neurons)
	}
	if removed == 0 {
		t.Fatal("nothing was pruned")
	}
	logits, err := trainer.Predict(t.Context(), examples)
	if err != nil {
		t.Fatal(err)
	}
	compareIR(t, writeAndRead(t, compressed), compressed, examples, logits)
}

func compareIR(t *testing.T, m *Model, c *jpqd.Compressed, examples []jpqd.Example, logits []float32) {
	t.Helper()
	const tolerance, boundary = 1e-4, 3e-5
	flips, worst := 0, 0.0
	for i, x := range examples {
		s := sequence{make([]int64, len(x.IDs)), make([]int64, len(x.IDs))}
		for j, id := range x.IDs {
			s.ids[j] = int64(id)
		}
		got, want := runLogits(t, m, batch(s)).F32, logits[2*i:2*i+2]
		difference := math.Max(math.Abs(float64(got[0]-want[0])), math.Abs(float64(got[1]-want[1])))
		if difference <= tolerance {
			worst = math.Max(worst, difference)
			continue
		}
		flips++
		f := &forward{Compressed: c, margin: 1}
		f.logits(s.ids, s.types)
		t.Logf("example %d: IR %v, model %v; a value is within %.1e levels of a rounding boundary", i, got, want, f.margin)
		if f.margin > boundary {
			t.Errorf("example %d: IR %v, model %v, want a difference of at most %v", i, got, want, tolerance)
		}
	}
	t.Logf("%d of %d examples with a value rounded otherwise, largest difference of the others %.1e", flips, len(examples), worst)
	if flips > len(examples)/4 {
		t.Errorf("found %d of %d examples with a value rounded otherwise, want at most a quarter", flips, len(examples))
	}
}
