package autograd

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// block is a segment with everything that a transformer's has.
type block struct{ w, b, gamma, beta *Param }

func newBlock(r *rand.Rand) *block {
	s := &block{NewParam("w", 16, 16), NewParam("b", 16), NewParam("gamma", 16), NewParam("beta", 16)}
	for _, p := range s.params() {
		for i := range p.Data {
			p.Data[i] = float32(r.NormFloat64())
		}
	}
	return s
}

func (s *block) params() []*Param { return []*Param{s.w, s.b, s.gamma, s.beta} }

func (s *block) Forward(t *Tape, x *Tensor) *Tensor {
	h := t.Linear(x, &s.w.Tensor, &s.b.Tensor)
	h = t.DropoutAdd(t.Attention(h, h, h, checkOffsets, nil, 2, 0.5, 0.1), 0.3, x, false)
	h = t.LayerNorm(h, &s.gamma.Tensor, &s.beta.Tensor, 1e-5)
	return t.Dropout(t.GELU(t.Linear(h, &s.w.Tensor, nil)), 0.2)
}

// With checkpoints the result and every gradient are the same to the bit, also
// where the halves of older tensors are used, and the memory of one block serves all.
func TestCheckpoint(t *testing.T) {
	for _, bf16 := range []bool{false, true} {
		r := rand.New(rand.NewPCG(1, 2))
		blocks := []*block{newBlock(r), newBlock(r), newBlock(r)}
		var params []*Param
		for _, s := range blocks {
			params = append(params, s.params()...)
		}
		o := NewAdamW([]Group{{Params: params}}, 0.9, 0.999, 1e-8)
		x := make([]float32, 9*16)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		run := func(checkpoint bool) (loss []float32, gradients [][]float32, used int) {
			tape := NewTape()
			tape.BF16 = bf16
			for step := range uint64(2) { // the second finds what the first left
				o.ZeroGrad()
				tape.Begin(Training, 7, step)
				h := tape.Scale(tape.Constant(9, 16, x), 1)
				h = tape.Linear(h, &blocks[0].w.Tensor, nil)
				for _, s := range blocks {
					if checkpoint {
						h = tape.Checkpoint(s, h)
					} else {
						h = s.Forward(tape, h)
					}
				}
				used = tape.floats.used
				l := tape.CrossEntropy(h, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8})
				tape.Backward(l, 1)
				loss = append(loss, l.Data[0])
			}
			for _, p := range params {
				gradients = append(gradients, slices.Clone(p.Gradient()))
			}
			return loss, gradients, used
		}
		wantLoss, want, all := run(false)
		loss, got, used := run(true)
		if !slices.Equal(loss, wantLoss) {
			t.Errorf("bf16 %v: loss %v, want %v", bf16, loss, wantLoss)
		}
		for i, g := range got {
			if !slices.Equal(g, want[i]) {
				t.Errorf("bf16 %v: %s: found other gradients", bf16, params[i].Name)
			}
		}
		if used*3 > all {
			t.Errorf("bf16 %v: %d floats in use after the forward half, %d without checkpoints", bf16, used, all)
		}
	}
}

func TestCheckpointsAllocateNothing(t *testing.T) {
	s := newBlock(rand.New(rand.NewPCG(1, 2)))
	NewAdamW([]Group{{Params: s.params()}}, 0.9, 0.999, 1e-8)
	tape := NewTape()
	x := make([]float32, 9*16)
	labels := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}
	step := func() {
		tape.Begin(Training, 1, 1)
		tape.Backward(tape.CrossEntropy(tape.Checkpoint(s, tape.Checkpoint(s, tape.Constant(9, 16, x))), labels), 1)
	}
	step()
	step()
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}
