package jpqd

import (
	"math"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// The one quantizer behind the embeddings acts in front of their dropout: in
// training an element is zero or a level times 1/(1−rate). With ignored sums
// each reader has its own, behind the dropout.
func TestQuantizerInFrontOfTheEmbeddingDropout(t *testing.T) {
	for _, family := range []string{"bert", "roberta", "distilbert"} {
		cfg, err := bert.DefaultConfigFor(family)
		if err != nil {
			t.Fatal(err)
		}
		cfg.VocabSize, cfg.HiddenSize, cfg.NumHiddenLayers, cfg.NumAttentionHeads, cfg.IntermediateSize = 24, 16, 2, 4, 24
		cfg.MaxPositionEmbeddings, cfg.InitializerRange, cfg.HiddenDropoutProb = 12, 0.2, 0.5
		for _, ignored := range []string{"", `, "ignored_scopes": ["{re}.*__add___[0-1]"]`} {
			m := bert.New(cfg, 1)
			nncf, err := ParseNNCFConfig([]byte(`{"algorithm": "quantization"` + ignored + `}`))
			if err != nil {
				t.Fatal(err)
			}
			mustCompress(t, m, nncf)
			if ignored != "" {
				if m.Embedded != nil || m.Layers[0].Query.Input == m.Layers[0].Key.Input {
					t.Errorf("%s: found a shared quantizer behind the embeddings although the sum that reads them is ignored", family)
				}
				continue
			}
			if m.Embedded == nil {
				t.Fatalf("%s: found no quantizer in front of the dropout, want one", family)
			}
			q := m.Embedded.(operandHook).q
			var b bert.Batch
			b.Append([]int32{2, 3, 4, 5, 6, 7, 8}, nil)
			tape := autograd.NewTape()
			tape.Begin(autograd.Training, 1, 1)
			x := m.Embed(tape, &b)
			y := m.Layers[0].Query.Input.Transform(tape, x)
			if y != x {
				t.Errorf("%s: the query's input is quantized again behind the dropout", family)
			}
			r := q.activationRange()
			step, zeros := r.Step(), 0
			for _, v := range x.Data {
				if v == 0 {
					zeros++
				}
				level := float64(v) / 2 / step // 1/(1−0.5) = 2
				if math.Abs(level-math.Round(level)) > 1e-3 {
					t.Fatalf("%s: found %v, %v levels times 2, want whole ones", family, v, level)
				}
			}
			// Half are dropped; of the others the half below zero, which is below the
			// range of 0 to 1 that a quantizer has before its initialisation.
			if n := len(x.Data); zeros < n*6/10 || zeros > n*9/10 {
				t.Errorf("%s: found %d of %d elements zero, want about three quarters", family, zeros, n)
			}
		}
	}
}

// Where the residual sum is ignored, a quantizer that query, key and value share
// by unified_scale_ops stays in front of them: the stream past them is not quantized.
func TestQuantizerBehindTheEmbeddingDropout(t *testing.T) {
	const layer = "BertForSequenceClassification/BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[0]/BertAttention[attention]/BertSelfAttention[self]/NNCFLinear"
	cfg, err := ParseNNCFConfig([]byte(quantizationSection(jpqdScopes + `, "activations": {"unified_scale_ops": [["` +
		layer + `[query]/linear_0", "` + layer + `[key]/linear_0", "` + layer + `[value]/linear_0"]]}`)))
	if err != nil {
		t.Fatal(err)
	}
	m := bert.New(tinyConfig(), 1)
	mustCompress(t, m, cfg)
	l := m.Layers[0]
	if l.Query.Input == nil || l.Query.Input != l.Key.Input || l.Query.Input != l.Value.Input {
		t.Fatal("found several quantizers of query, key and value, want one")
	}
	if m.Embedded != nil || l.AttentionAdd.Hooks[1] != nil || l.Query.Input.(operandHook).done {
		t.Errorf("found a quantizer in front of the dropout, or of the residual sum, want none")
	}
}
