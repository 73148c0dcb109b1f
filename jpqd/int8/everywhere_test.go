package int8_test

import (
	"fmt"
	"log/slog"
	"reflect"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// everywhereNNCF ignores no scope of quantization. The head's Linears are pruned
// too, so that the pooler loses rows.
const everywhereNNCF = `[
  {
    "algorithm": "movement_sparsity",
    "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 3, "importance_regularization_factor": 2, "enable_structured_masking": true},
    "sparse_structure_by_scopes": [
      {"mode": "block", "sparse_factors": [8, 8], "target_scopes": "{re}.*%[1]s.*"},
      {"mode": "per_dim", "axis": 0, "target_scopes": "{re}.*%[2]s.*"},
      {"mode": "per_dim", "axis": 1, "target_scopes": "{re}.*%[3]s.*"}
    ],
    "ignored_scopes": [%[6]s]
  },
  {
    "algorithm": "quantization",
    "preset": "mixed",
    "overflow_fix": %[4]q,
    "weights": {"mode": %[5]q},
    "quantize_outputs": %[7]t,
    "initializer": {"range": {"num_init_samples": 16, "type": "percentile", "params": {"min_percentile": 0.01, "max_percentile": 99.99}}}
  }
]`

// TestLogitsOfEveryFamily trains each family and head for a few steps with a
// quantizer wherever NNCF would have one.
func TestLogitsOfEveryFamily(t *testing.T) {
	for _, test := range []struct {
		family, head                    string // model_type and what architectures begin with
		attention, intermediate, output string // scopes
		classifiers                     [2]string
	}{
		{"bert", "Bert", "BertAttention", "BertIntermediate", "BertOutput", [2]string{"pooler", "classifier"}},
		{"roberta", "Roberta", "RobertaAttention", "RobertaIntermediate", "RobertaOutput", [2]string{"classifier\\\\].*dense", "out_proj"}},
		{"distilbert", "DistilBert", "MultiHeadSelfAttention", "lin1", "lin2", [2]string{"pre_classifier", "NNCFLinear\\\\[classifier"}},
	} {
		for _, answering := range []bool{false, true} {
			name := test.family
			intermediate, output := test.intermediate, test.output
			overflowFix, mode, ignored := "enable", "symmetric", `"{re}.*LayerNorm.*"`
			if answering {
				name += " answering"
				overflowFix, mode, ignored = "disable", "asymmetric", ignored+`, "{re}.*qa_outputs.*"`
			} else {
				intermediate = "(" + intermediate + "|" + test.classifiers[0] + ")"
				output = "(" + output + "|" + test.classifiers[1] + ")"
			}
			t.Run(name, func(t *testing.T) {
				nncf, err := jpqd.ParseNNCFConfig(fmt.Appendf(nil, everywhereNNCF, test.attention, intermediate, output, overflowFix, mode, ignored, answering))
				if err != nil {
					t.Fatal(err)
				}
				trainer := everywhereTrainer(t, test.family, test.head, answering)
				trainer.NNCF = nncf
				if _, err := trainer.Train(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				c, err := trainer.Compressed()
				if err != nil {
					t.Fatal(err)
				}
				ranges := 0
				eachRange("", reflect.ValueOf(c).Elem(), func(_ string, r **jpqd.ActivationRange) {
					if *r != nil {
						ranges++
					}
				})
				if rows := c.Pooler.Weight.Rows; !answering && (rows < 1 || rows >= c.Config.HiddenSize) {
					t.Errorf("found %d rows of the pooler, want some but not all of %d", rows, c.Config.HiddenSize)
				}
				t.Logf("%d ranges, pooler of %d rows", ranges, c.Pooler.Weight.Rows)
				if (c.Layers[0].FFNIn.Weight.Zero != nil) != answering {
					t.Errorf("zero points: found %v, want them of asymmetric weights", c.Layers[0].FFNIn.Weight.Zero)
				}
				compareWithTrainer(t, trainer, 3)
			})
		}
	}
}

// everywhereTrainer has sequences so short that few values lie on a rounding
// boundary.
func everywhereTrainer(t *testing.T, family, head string, answering bool) *jpqd.Trainer {
	t.Helper()
	config, err := bert.DefaultConfigFor(family)
	if err != nil {
		t.Fatal(err)
	}
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = 60, 32, 2
	config.NumAttentionHeads, config.IntermediateSize, config.MaxPositionEmbeddings = 4, 48, 18
	config.InitializerRange = 0.2
	if answering {
		config.Architecture = head + "ForQuestionAnswering"
	}
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	examples := trainerExamples(config.VocabSize, 64)
	for i := range examples {
		x := &examples[i]
		x.IDs = x.IDs[:min(len(x.IDs), 6)]
		x.Start, x.End = int32(i%len(x.IDs)), int32(len(x.IDs)-1)
	}
	trainer := &jpqd.Trainer{
		Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1),
		TrainData: examples, Log: slog.New(slog.DiscardHandler),
	}
	trainer.Args.SaveStrategy, trainer.Args.NumTrainEpochs, trainer.Args.LearningRate = jpqd.No, 4, 1e-3
	return trainer
}
