package bert

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
)

// seen is a hook that changes nothing and notes how many rows it was shown.
type seen struct{ rows int }

func (s *seen) Transform(_ *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	s.rows = x.Rows
	return x
}

// Rows encoded alone are those of all rows, and so are the gradients: of every
// family, with and without checkpoints, with sequences of which no row is wanted,
// and where a hook wants to see all.
func TestEncodeRows(t *testing.T) {
	b := randomBatch(rand.New(rand.NewPCG(1, 2)), 5, 9, 1, 7)
	rows := []int32{0, 3, 4, 14, 18, 21}
	for _, family := range []string{"bert", "roberta", "distilbert"} {
		for _, checkpointing := range []bool{false, true} {
			m := maskedModel(t, family)
			m.GradientCheckpointing = checkpointing
			for _, p := range m.Parameters() {
				p.Grad = make([]float32, len(p.Data))
			}
			tape, weight := autograd.NewTape(), make([]float32, len(rows)*16)
			for i := range weight {
				weight[i] = float32(i%7) - 3
			}
			run := func(encode func(x *autograd.Tensor) *autograd.Tensor) (data []float32, gradients [][]float32) {
				for _, p := range m.Parameters() {
					clear(p.Grad)
				}
				tape.Begin(autograd.Gradients, 0, 0)
				x := encode(m.Embed(tape, b))
				data = append(data, x.Data...)
				logits := tape.Linear(x, tape.Constant(3, 16, weight), nil)
				tape.Backward(tape.CrossEntropy(logits, []int32{0, 1, 2, 2, 1, 0}), 1)
				for _, p := range m.Parameters() {
					gradients = append(gradients, append([]float32(nil), p.Grad...))
				}
				return data, gradients
			}
			near := func(what string, got, want []float32) {
				t.Helper()
				if len(got) != len(want) {
					t.Fatalf("%s, checkpointing %v: found %d values of %s, want %d", family, checkpointing, len(got), what, len(want))
				}
				for i := range got {
					if d := math.Abs(float64(got[i] - want[i])); d > 1e-5*(1+math.Abs(float64(want[i]))) {
						t.Fatalf("%s, checkpointing %v: %s[%d] is %v, want %v", family, checkpointing, what, i, got[i], want[i])
					}
				}
			}
			some := func(x *autograd.Tensor) *autograd.Tensor { return m.EncodeRows(tape, x, b, rows) }
			want, wantGradients := run(func(x *autograd.Tensor) *autograd.Tensor { return tape.Gather(m.Encode(tape, x, b), rows) })
			got, gradients := run(some)
			near("encodings", got, want)
			for i, p := range m.Parameters() {
				near("the gradient of "+p.Name, gradients[i], wantGradients[i])
			}
			hook := new(seen)
			m.Layers[1].Output.Input = hook
			got, _ = run(some)
			near("encodings", got, want)
			if hook.rows != b.Rows() {
				t.Errorf("%s: a hook has seen %d rows, want all %d", family, hook.rows, b.Rows())
			}
		}
	}
}

// A batch without sequences has no logits, whether or not it was ever filled.
func TestEmptyBatch(t *testing.T) {
	reset := new(Batch)
	reset.Reset()
	for _, b := range []*Batch{new(Batch), reset} {
		for _, bf16 := range []bool{false, true} {
			for _, mode := range []autograd.Mode{autograd.Inference, autograd.Gradients} {
				c := DefaultConfig()
				c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.IntermediateSize, c.VocabSize = 2, 16, 2, 32, 50
				m, tape := New(c, 1), autograd.NewTape()
				if err := m.Check(b); err != nil {
					t.Fatal(err)
				}
				tape.BF16 = bf16
				tape.Begin(mode, 0, 0)
				if y := m.Forward(tape, b); y.Rows != 0 || y.Cols != 2 {
					t.Errorf("found logits (%d, %d), want (0, 2)", y.Rows, y.Cols)
				}
			}
		}
	}
}

// Goroutines share a model for inference, each with a batch and a tape of its own;
// the race detector looks on.
func TestModelIsShared(t *testing.T) {
	c := DefaultConfig()
	c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.IntermediateSize, c.VocabSize = 4, 16, 2, 32, 50
	m := New(c, 1)
	run := func(b *Batch, tape *autograd.Tape) []float32 {
		tape.Begin(autograd.Inference, 0, 0)
		return slices.Clone(m.Forward(tape, b).Data)
	}
	var wait sync.WaitGroup
	for g := range 3 {
		b := new(Batch)
		for range g + 1 {
			b.Append(make([]int32, 3+2*g), nil)
		}
		tape := autograd.NewTape()
		want := run(b, tape)
		wait.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					t.Error(r)
				}
			}()
			for i := range 50 {
				if got := run(b, tape); !slices.Equal(got, want) {
					t.Errorf("goroutine %d, pass %d: %v, want %v", g, i, got, want)
					return
				}
			}
		})
	}
	wait.Wait()
}
