package autograd

import "github.com/go-jpqd/jpqd/kernels"

// Linear is y = x·Wᵀ + b, with x and W rounded to BF16 where the tape says so.
//
//	x (rows, in), w (out, in), b (1, out) or nil → y (rows, out)
func (t *Tape) Linear(x, w, b *Tensor) *Tensor {
	if x.Cols != w.Cols || b != nil && b.Cols != w.Rows {
		panic("autograd: shapes of Linear do not fit")
	}
	y := t.New(x.Rows, w.Rows, x, w, b)
	if t.BF16 {
		kernels.GemmBF16(kernels.NT, x.Rows, w.Rows, x.Cols, t.halved(x), x.Cols, t.halved(w), w.Cols, y.Data, y.Cols, false)
	} else {
		kernels.GemmF32(kernels.NT, x.Rows, w.Rows, x.Cols, x.Data, x.Cols, w.Data, w.Cols, y.Data, y.Cols, false)
	}
	if b != nil {
		kernels.AddBias(y.Rows, y.Cols, y.Data, b.Data)
	}
	return t.record(y, node{backward: linearBackward, in: [3]*Tensor{x, w, b}})
}

// dx += dy·W; dW += dyᵀ·x; db += Σ rows of dy
func linearBackward(t *Tape, n *node) {
	x, w, b, y := n.in[0], n.in[1], n.in[2], n.out
	if b != nil && b.Grad != nil {
		kernels.ColumnSums(y.Rows, y.Cols, y.Grad, b.Gradient())
	}
	if t.BF16 {
		t.linearBackwardBF16(x, w, y)
		return
	}
	if x.Grad != nil {
		kernels.GemmF32(kernels.NN, x.Rows, x.Cols, y.Cols, y.Grad, y.Cols, w.Data, w.Cols, x.Grad, x.Cols, !x.first())
	}
	if w.Grad != nil {
		kernels.GemmF32(kernels.TN, w.Rows, w.Cols, x.Rows, y.Grad, y.Cols, x.Data, x.Cols, w.Grad, w.Cols, !w.first())
	}
}

// linearBackwardBF16 is the part of linearBackward that multiplies, in BF16.
func (t *Tape) linearBackwardBF16(x, w, y *Tensor) {
	if x.Grad == nil && w.Grad == nil {
		return
	}
	dy := t.halvedGradient(y)
	if x.Grad != nil {
		kernels.GemmBF16(kernels.NN, x.Rows, x.Cols, y.Cols, dy, y.Cols, t.halved(w), w.Cols, x.Grad, x.Cols, !x.first())
	}
	if w.Grad != nil {
		kernels.GemmBF16(kernels.TN, w.Rows, w.Cols, x.Rows, dy, y.Cols, t.halved(x), x.Cols, w.Grad, w.Cols, !w.first())
	}
}
