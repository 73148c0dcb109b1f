package autograd

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// Steps with a table's gradient by rows are those with all of it, to the bit: of
// accumulated batches, with rows that come twice, and restored from a dense copy.
func TestRowGradient(t *testing.T) {
	const entries, width = 700, 48 // several bands
	train := func(byRows, restore bool, threads int) (data, gradient []float32, norms []float64) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		r := rand.New(rand.NewPCG(1, 2))
		p := NewParam("table", entries, width)
		for i := range p.Data {
			p.Data[i] = float32(r.NormFloat64())
		}
		p.ByRows = byRows
		o := NewAdamW([]Group{{Params: []*Param{p}, WeightDecay: 0.1}}, 0.9, 0.999, 1e-8)
		tape := NewTape()
		for step := range 4 {
			for range 2 {
				tape.Begin(Gradients, 1, uint64(step))
				ids := make([]int32, 20)
				for i := range ids {
					ids[i] = r.Int32N(entries)
				}
				ids[3] = ids[7]
				x := tape.Gather(&p.Tensor, ids)
				labels := make([]int32, len(ids))
				for i := range labels {
					labels[i] = r.Int32N(width)
				}
				tape.Backward(tape.CrossEntropy(x, labels), 1)
				if restore {
					p.SetGradient(slices.Clone(p.Gradient()))
				}
			}
			gradient = append(gradient, p.Gradient()...)
			o.Step(0.1, 0.5)
			norms = append(norms, o.GradNorm())
			o.ZeroGrad()
		}
		if o.GradNorm() != 0 {
			t.Error("found a gradient after ZeroGrad")
		}
		return p.Data, gradient, norms
	}
	data, gradient, dense := train(false, false, 1)
	var norms []float64
	for _, restore := range []bool{false, true} {
		for _, threads := range []int{1, 3} {
			d, g, n := train(true, restore, threads)
			if !slices.Equal(d, data) || !slices.Equal(g, gradient) {
				t.Errorf("restored %v, %d threads: found other values or gradients than those of a dense gradient", restore, threads)
			}
			if norms == nil {
				norms = n
			}
			for i := range n {
				if n[i] != norms[i] || n[i] < dense[i]*(1-1e-6) || n[i] > dense[i]*(1+1e-6) {
					t.Errorf("restored %v, %d threads: found the norms %v, want %v, those of a dense gradient being %v", restore, threads, n, norms, dense)
				}
			}
		}
	}
	p := NewParam("table", 4, 3)
	p.ByRows = true
	NewAdamW([]Group{{Params: []*Param{p}}}, 0.9, 0.999, 1e-8)
	if p.Grad != nil || !p.WantsGradient() {
		t.Error("found a dense gradient, or none, of a table by rows")
	}
	defer func() {
		if recover() == nil {
			t.Error("another operation than Gather may read a table by rows")
		}
	}()
	tape := NewTape()
	tape.Begin(Gradients, 1, 1)
	tape.Backward(tape.CrossEntropy(tape.Linear(tape.Constant(2, 3, make([]float32, 6)), &p.Tensor, nil), []int32{0, 1}), 1)
}

// A table whose rows are no longer all that is read of it gets a whole gradient
// from the next optimizer.
func TestTableIsNoLongerByRows(t *testing.T) {
	p := NewParam("table", 4, 3)
	p.ByRows = true
	groups := []Group{{Params: []*Param{p}}}
	NewAdamW(groups, 0.9, 0.999, 1e-8)
	p.ByRows = false
	NewAdamW(groups, 0.9, 0.999, 1e-8)
	tape := NewTape()
	tape.Begin(Gradients, 1, 1)
	x := tape.Gather(&p.Tensor, []int32{1, 2})
	tape.Backward(tape.CrossEntropy(tape.Linear(x, &p.Tensor, nil), []int32{0, 1}), 1)
	if len(p.Grad) != 12 {
		t.Errorf("found a gradient of %d elements, want 12", len(p.Grad))
	}
}
