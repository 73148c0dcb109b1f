package autograd

import "github.com/go-jpqd/jpqd/kernels"

// Add is y = a + b, all of one shape.
func (t *Tape) Add(a, b *Tensor) *Tensor {
	sameShape("Add", a, b)
	y := t.New(a.Rows, a.Cols, a, b)
	kernels.Add(a.Data, b.Data, y.Data)
	return t.record(y, node{backward: addBackward, in: [3]*Tensor{a, b}})
}

// da += dy; db += dy. Nobody needs dy behind this: it becomes the gradient of
// one of the operands if that has none yet.
func addBackward(_ *Tape, n *node) {
	dy := n.out.Grad
	given := false
	for _, x := range n.in[:2] {
		switch {
		case x.Grad == nil:
		case !x.first():
			kernels.Add(x.Grad, dy, x.Grad)
		case given || !x.arena:
			copy(x.Grad, dy)
		default:
			x.Grad, given = dy, true
		}
	}
}

// Scale is y = s·x.
func (t *Tape) Scale(x *Tensor, s float32) *Tensor {
	y := t.New(x.Rows, x.Cols, x)
	kernels.Scale(s, x.Data, y.Data)
	return t.record(y, node{backward: scaleBackward, in: [3]*Tensor{x}, scale: s})
}

// dx += s·dy
func scaleBackward(_ *Tape, n *node) {
	if x := n.in[0]; x.first() {
		kernels.Scale(n.scale, n.out.Grad, x.Grad)
	} else {
		kernels.AddScaled(n.scale, n.out.Grad, x.Grad)
	}
}

// GELU is y = x·Φ(x), the exact form (Hendrycks and Gimpel 2016).
func (t *Tape) GELU(x *Tensor) *Tensor {
	y := t.New(x.Rows, x.Cols, x)
	kernels.GELU(x.Data, y.Data)
	return t.record(y, node{backward: geluBackward, in: [3]*Tensor{x}})
}

// dx += dy·(Φ(x) + x·φ(x))
func geluBackward(_ *Tape, n *node) {
	x := n.in[0]
	kernels.GELUBackward(x.Data, n.out.Grad, x.Grad, !x.first())
}

// ReLU is y = max(x, 0).
func (t *Tape) ReLU(x *Tensor) *Tensor {
	y := t.New(x.Rows, x.Cols, x)
	for i, v := range x.Data {
		y.Data[i] = max(v, 0)
	}
	return t.record(y, node{backward: reluBackward, in: [3]*Tensor{x}})
}

// dx += dy where x > 0
func reluBackward(_ *Tape, n *node) {
	x := n.in[0]
	dx := x.Gradient()
	for i, v := range x.Data {
		if v > 0 {
			dx[i] += n.out.Grad[i]
		}
	}
}

// Tanh is y = tanh(x).
func (t *Tape) Tanh(x *Tensor) *Tensor {
	y := t.New(x.Rows, x.Cols, x)
	kernels.Tanh(x.Data, y.Data)
	return t.record(y, node{backward: tanhBackward, in: [3]*Tensor{x}})
}

// dx += dy·(1 − y²)
func tanhBackward(_ *Tape, n *node) {
	kernels.TanhBackward(n.out.Data, n.out.Grad, n.in[0].Gradient())
}

// Dropout sets elements to zero with probability rate and multiplies the rest
// by 1/(1−rate) in training; otherwise it returns x itself.
func (t *Tape) Dropout(x *Tensor, rate float32) *Tensor {
	if !t.Training || rate == 0 {
		return x
	}
	stream := t.dropoutStream()
	y := t.New(x.Rows, x.Cols, x)
	kernels.Dropout(t.seed, stream, rate, x.Data, y.Data)
	return t.record(y, node{backward: dropoutBackward, in: [3]*Tensor{x}, rate: rate, stream: stream})
}

// DropoutAdd is y = x + dropout(a), in one pass.
func (t *Tape) DropoutAdd(a *Tensor, rate float32, x *Tensor) *Tensor {
	if !t.Training || rate == 0 {
		return t.Add(a, x)
	}
	sameShape("DropoutAdd", a, x)
	stream := t.dropoutStream()
	y := t.New(a.Rows, a.Cols, a, x)
	kernels.DropoutAdd(t.seed, stream, rate, a.Data, x.Data, y.Data)
	return t.record(y, node{backward: dropoutAddBackward, in: [3]*Tensor{a, x}, rate: rate, stream: stream})
}

// da += mask·dy/(1−rate); dx += dy, which nobody needs behind this
func dropoutAddBackward(t *Tape, n *node) {
	a, x, dy := n.in[0], n.in[1], n.out.Grad
	if a.Grad != nil {
		dropoutGradient(t, n, a)
	}
	switch {
	case x.Grad == nil:
	case !x.first():
		kernels.Add(x.Grad, dy, x.Grad)
	case x.arena:
		x.Grad = dy
	default:
		copy(x.Grad, dy)
	}
}

// dx += mask·dy/(1−rate), the mask made again from its counter
func dropoutBackward(t *Tape, n *node) { dropoutGradient(t, n, n.in[0]) }

func dropoutGradient(t *Tape, n *node, x *Tensor) {
	if x.first() {
		kernels.Dropout(t.seed, n.stream, n.rate, n.out.Grad, x.Grad)
	} else {
		kernels.DropoutBackward(t.seed, n.stream, n.rate, n.out.Grad, x.Grad)
	}
}
