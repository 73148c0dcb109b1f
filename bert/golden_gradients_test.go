package bert

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
)

// Loss and every gradient of a small BERT against PyTorch's, in float64;
// testdata/golden_gradients.py made the file and says how the weights are.
func TestGradientsAreThoseOfPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/golden_gradients.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Sequences []struct{ IDs, Types []int32 }
		Labels    []int32
		Teacher   [][]float32
		Task      float64
		Logits    []float64
		Gradients map[string][]float64

		Distillation float64
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumAttentionHeads, c.IntermediateSize = 11, 8, 2, 16
	c.MaxPositionEmbeddings, c.TypeVocabSize, c.NumHiddenLayers = 8, 2, 2
	c.Labels = []string{"a", "b", "c"}
	m := build(c)
	for p, x := range m.Parameters() {
		base := 0.0
		if strings.HasSuffix(x.Name, "LayerNorm.weight") {
			base = 1
		}
		for i := range x.Data {
			x.Data[i] = float32(0.3*math.Sin(1+0.37*float64(i)+10*float64(p)) + base)
		}
	}
	autograd.NewAdamW([]autograd.Group{{Params: m.Parameters()}}, 0.9, 0.999, 1e-8)

	var b Batch
	var teacher []float32
	for i, s := range golden.Sequences {
		b.Append(s.IDs, s.Types)
		teacher = append(teacher, golden.Teacher[i]...)
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Gradients, 0, 0)
	logits := m.Forward(tape, &b)
	task := tape.CrossEntropy(logits, golden.Labels)
	distillation := tape.Distillation(logits, tape.Constant(b.Len(), 3, teacher), 2)
	tape.Backward(tape.Add(tape.Scale(task, 0.1), tape.Scale(distillation, 0.9)), 1)

	near := func(what string, got float32, want, scale float64) {
		if !(math.Abs(float64(got)-want) <= 2e-5*scale) {
			t.Errorf("%s: %v, PyTorch %v", what, got, want)
		}
	}
	near("task loss", task.Data[0], golden.Task, 1)
	near("distillation loss", distillation.Data[0], golden.Distillation, 1)
	for i, want := range golden.Logits {
		near("logit", logits.Data[i], want, 1)
	}
	if len(golden.Gradients) != len(m.Parameters()) {
		t.Fatalf("golden gradients of %d parameters, want %d", len(golden.Gradients), len(m.Parameters()))
	}
	for _, p := range m.Parameters() {
		want := golden.Gradients[p.Name]
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
}
