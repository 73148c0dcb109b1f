package ir

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// What is written is recognised as what it was, but for the ids of what was
// pruned, ranges that are equal and stand for one another, and the last bit of
// what was scaled by 1/√8.
func TestRecogniseWritten(t *testing.T) {
	for name, v := range testmodel.Variants {
		t.Run(name, func(t *testing.T) {
			want := testmodel.New(v, 1)
			config := want.Config
			got, err := writeAndRead(t, want).Compressed(&config)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want.Layers {
				l := &want.Layers[i]
				l.Heads, l.Neurons = countUp(len(l.Heads)), countUp(len(l.Neurons))
				if len(l.Heads) == 0 {
					*l = withoutAttention(l)
				}
				if len(l.Neurons) == 0 {
					l.FFNIn, l.FFNOut = jpqd.CompressedLinear{}, jpqd.CompressedLinear{Bias: l.FFNOut.Bias}
				}
			}
			if d := cmp.Diff(want, got, cmp.Comparer(equalRanges), cmp.AllowUnexported(bert.Config{}), cmpopts.EquateEmpty(), cmpopts.EquateApprox(2e-7, 0)); d != "" {
				t.Errorf("recognised (-want +got):\n%s", d)
			}
		})
	}
}

// equalRanges does not tell an asymmetric range of which the zero point is in the
// middle from a symmetric one.
func equalRanges(a, b *jpqd.ActivationRange) bool {
	if a == nil || b == nil {
		return a == b
	}
	near := func(x, y float32) bool { return math.Abs(float64(x-y)) <= 2e-7*math.Abs(float64(x)) }
	return near(a.Low, b.Low) && near(a.High, b.High) && a.Levels == b.Levels &&
		(a.Symmetric == b.Symmetric || rangeType(a.Low, a.High, a.Levels) != "")
}

func withoutAttention(l *jpqd.CompressedLayer) jpqd.CompressedLayer {
	return jpqd.CompressedLayer{
		Neurons: l.Neurons, Output: jpqd.CompressedLinear{Bias: l.Output.Bias}, AttentionAdd: l.AttentionAdd, AttentionNorm: l.AttentionNorm,
		FFNIn: l.FFNIn, FFNOut: l.FFNOut, OutputAdd: l.OutputAdd, OutputNorm: l.OutputNorm,
	}
}

// Without a configuration the graph tells all that is computed.
func TestRecogniseInfers(t *testing.T) {
	for name, v := range testmodel.Variants {
		t.Run(name, func(t *testing.T) {
			want := testmodel.New(v, 1)
			got, err := writeAndRead(t, want).Compressed(nil)
			if err != nil {
				t.Fatal(err)
			}
			c, w := &got.Config, &want.Config
			if c.HiddenSize != w.HiddenSize || c.VocabSize != w.VocabSize || c.MaxLength() != w.MaxLength() || c.NumLabels() != w.NumLabels() ||
				c.QuestionAnswering() != w.QuestionAnswering() || c.LayerNormEps != w.LayerNormEps || len(got.Layers) != len(want.Layers) {
				t.Errorf("found configuration %+v, want %+v", c, w)
			}
			if dead := len(want.Layers[0].Heads)+len(want.Layers[1].Heads) == 0; !dead && c.NumAttentionHeads != w.NumAttentionHeads {
				t.Errorf("found %d heads, want %d", c.NumAttentionHeads, w.NumAttentionHeads)
			}
		})
	}
}

func TestRecogniseHoldsTheConfiguration(t *testing.T) {
	for want, change := range map[string]func(*bert.Config){
		"configuration: hidden_size: found 64, want 32 as in the graph":    func(c *bert.Config) { c.HiddenSize = 64 },
		"configuration: num_attention_heads: found 8, want 4":              func(c *bert.Config) { c.NumAttentionHeads = 8 },
		"configuration: num_hidden_layers: found 3, want 2":                func(c *bert.Config) { c.NumHiddenLayers = 3 },
		"configuration: vocab_size: found 30, want 29":                     func(c *bert.Config) { c.VocabSize = 30 },
		"configuration: max_position_embeddings: found 13, want 12":        func(c *bert.Config) { c.MaxPositionEmbeddings = 13 },
		`configuration: architectures: found "BertForQuestionAnswering"`:   func(c *bert.Config) { *c = c.WithHead(true) },
		"Classifier.Weight: found 3 × 32, want 2 × 32":                     func(c *bert.Config) { c.Labels = c.Labels[:2] },
		"Layers[0].Neurons[20]: found 20, want ascending ids from 0 to 19": func(c *bert.Config) { c.IntermediateSize = 20 },
		`configuration: model_type: found "distilbert", want one with ReLU in its pooler: false`: func(c *bert.Config) {
			c.ModelType, c.Architecture = "distilbert", "DistilBertForSequenceClassification"
		},
	} {
		c := testmodel.Named("int8 pruned", 1)
		config := c.Config
		change(&config)
		if _, err := writeAndRead(t, c).Compressed(&config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
}
