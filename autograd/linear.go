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
	switch {
	case t.BF16 && b != nil:
		kernels.GemmBiasBF16(x.Rows, w.Rows, x.Cols, t.halved(x), x.Cols, t.halved(w), w.Cols, b.Data, y.Data, y.Cols)
	case t.BF16:
		kernels.GemmBF16(kernels.NT, x.Rows, w.Rows, x.Cols, t.halved(x), x.Cols, t.halved(w), w.Cols, y.Data, y.Cols, false)
	default:
		kernels.GemmF32(kernels.NT, x.Rows, w.Rows, x.Cols, x.Data, x.Cols, w.Data, w.Cols, y.Data, y.Cols, false)
		if b != nil {
			kernels.AddBias(y.Rows, y.Cols, y.Data, b.Data)
		}
	}
	return t.record(y, node{backward: linearBackward, in: [3]*Tensor{x, w, b}})
}

// dx += dy·W; dW += dyᵀ·x; db += Σ rows of dy
func linearBackward(t *Tape, n *node) {
	x, w, b, y := n.in[0], n.in[1], n.in[2], n.out
	if b != nil && b.WantsGradient() {
		kernels.ColumnSums(y.Rows, y.Cols, y.Grad, b.Gradient())
	}
	if t.BF16 {
		t.linearBackwardBF16(x, w, y)
		return
	}
	if dx, add := x.gradient(); dx != nil {
		kernels.GemmF32(kernels.NN, x.Rows, x.Cols, y.Cols, y.Grad, y.Cols, w.Data, w.Cols, dx, x.Cols, add)
	}
	if dw, add := w.gradient(); dw != nil {
		kernels.GemmF32(kernels.TN, w.Rows, w.Cols, x.Rows, y.Grad, y.Cols, x.Data, x.Cols, dw, w.Cols, add)
	}
}

// linearBackwardBF16 is the part of linearBackward that multiplies, in BF16.
func (t *Tape) linearBackwardBF16(x, w, y *Tensor) {
	dy, turned, ld := t.halvedGradient(y)
	if dx, add := x.gradient(); dx != nil {
		kernels.GemmBF16(kernels.NN, x.Rows, x.Cols, y.Cols, dy, y.Cols, t.halved(w), w.Cols, dx, x.Cols, add)
	}
	if dw, add := w.gradient(); dw != nil {
		kernels.GemmBF16(kernels.NN, w.Rows, w.Cols, paddedRows(x), turned, ld, t.halved(x), x.Cols, dw, w.Cols, add)
	}
}
