package bert

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
)

// Logits, loss and every gradient of each family and head against PyTorch's, in
// float64; testdata/golden_families.py made the file.
func TestFamiliesAreThoseOfPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/golden_families.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Sequences            []struct{ IDs, Types []int32 }
		Labels, Starts, Ends []int32
		Models               []struct {
			ModelType string `json:"model_type"`
			Answering bool
			Loss      float64
			Logits    []float64
			Gradients map[string][]float64
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	var b Batch
	for _, s := range golden.Sequences {
		b.Append(s.IDs, s.Types)
	}
	for _, g := range golden.Models {
		name := g.ModelType + " classification"
		if g.Answering {
			name = g.ModelType + " question answering"
		}
		t.Run(name, func(t *testing.T) {
			c, err := DefaultConfigFor(g.ModelType)
			if err != nil {
				t.Fatal(err)
			}
			c.VocabSize, c.HiddenSize, c.NumAttentionHeads, c.IntermediateSize = 11, 8, 2, 16
			c.MaxPositionEmbeddings, c.NumHiddenLayers = 10, 1
			c = c.WithHead(g.Answering)
			if !g.Answering {
				c.Labels = []string{"a", "b", "c"}
			}
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			m := build(c)
			for p, x := range m.Parameters() {
				base := 0.0
				if strings.HasSuffix(x.Name, "LayerNorm.weight") || strings.HasSuffix(x.Name, "layer_norm.weight") {
					base = 1
				}
				for i := range x.Data {
					x.Data[i] = float32(0.3*math.Sin(1+0.37*float64(i)+10*float64(p)) + base)
				}
			}
			autograd.NewAdamW([]autograd.Group{{Params: m.Parameters()}}, 0.9, 0.999, 1e-8)
			near := func(what string, got float32, want, scale float64) {
				if !(math.Abs(float64(got)-want) <= 2e-5*scale) {
					t.Errorf("%s: %v, PyTorch %v", what, got, want)
				}
			}
			tape := autograd.NewTape()
			tape.Begin(autograd.Gradients, 0, 0)
			logits := m.Forward(tape, &b)
			var loss *autograd.Tensor
			if g.Answering {
				var spans []int32
				for i, start := range golden.Starts {
					spans = append(spans, start, golden.Ends[i])
				}
				loss = tape.TokenCrossEntropy(logits, b.Offsets, spans)
			} else {
				loss = tape.CrossEntropy(logits, golden.Labels)
			}
			near("loss", loss.Data[0], g.Loss, 1)
			tape.Backward(loss, 1)
			for i, want := range g.Logits {
				near("logit", logits.Data[i], want, 1)
			}
			if len(g.Gradients) != len(m.Parameters()) {
				t.Fatalf("golden gradients of %d parameters, want %d", len(g.Gradients), len(m.Parameters()))
			}
			for _, p := range m.Parameters() {
				want := g.Gradients[p.Name]
				if len(want) != len(p.Gradient()) {
					t.Fatalf("%s: %d golden gradients, want %d", p.Name, len(want), len(p.Gradient()))
				}
				largest := 0.0
				for _, w := range want {
					largest = math.Max(largest, math.Abs(w))
				}
				for i, w := range want {
					near(p.Name, p.Gradient()[i], w, math.Max(largest, 1e-2))
				}
			}
		})
	}
}
