package autograd

import "github.com/go-jpqd/jpqd/kernels"

// Add is y = a + b, all of one shape.
func (t *Tape) Add(a, b *Tensor) *Tensor {
	sameShape("Add", a, b)
	y := t.New(a.Rows, a.Cols, a, b)
	kernels.Add(a.Data, b.Data, y.Data)
	return t.record(y, node{backward: addBackward, in: [3]*Tensor{a, b}})
}

// da += dy; db += dy
func addBackward(_ *Tape, n *node) {
	n.in[1].pass(n.out, false)
	n.in[0].pass(n.out, true)
}

// pass adds the gradient of y to that of x. Where this is the last use of it, x
// takes it over if it has none yet.
func (x *Tensor) pass(y *Tensor, last bool) {
	if last && x.takesOver(y) {
		return
	}
	switch dx, add := x.gradient(); {
	case dx == nil:
	case add:
		kernels.Add(dx, y.Grad, dx)
	default:
		copy(dx, y.Grad)
	}
}

// takesOver makes the memory of the gradient of y, in its last use, that of the
// gradient of x, if x wants one and has none yet. They are of one shape.
func (x *Tensor) takesOver(y *Tensor) bool {
	if x.tape == nil || !x.wanted || x.Grad != nil {
		return false
	}
	x.Grad, y.Grad = y.Grad, nil
	return true
}

// Scale is y = s·x.
func (t *Tape) Scale(x *Tensor, s float32) *Tensor {
	y := t.New(x.Rows, x.Cols, x)
	kernels.Scale(s, x.Data, y.Data)
	return t.record(y, node{backward: scaleBackward, in: [3]*Tensor{x}, scale: s})
}

// dx += s·dy
func scaleBackward(_ *Tape, n *node) {
	if dx, add := n.in[0].gradient(); add {
		kernels.AddScaled(n.scale, n.out.Grad, dx)
	} else {
		kernels.Scale(n.scale, n.out.Grad, dx)
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
	x, dy := n.in[0], n.out.Grad
	if x.takesOver(n.out) {
		kernels.GELUBackward(x.Data, dy, dy, false)
		return
	}
	dx, add := x.gradient()
	kernels.GELUBackward(x.Data, dy, dx, add)
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

// DropoutAdd is y = x + dropout(a), in one pass. Where spent says that the data of
// a are of no other use, as those of a Linear layer, y takes their place.
func (t *Tape) DropoutAdd(a *Tensor, rate float32, x *Tensor, spent bool) *Tensor {
	if !t.Training || rate == 0 {
		return t.Add(a, x)
	}
	sameShape("DropoutAdd", a, x)
	stream := t.dropoutStream()
	var y *Tensor
	if spent && a.tape == t {
		y = t.over(a.Data, a, x)
	} else {
		y = t.New(a.Rows, a.Cols, a, x)
	}
	kernels.DropoutAdd(t.seed, stream, rate, a.Data, x.Data, y.Data)
	return t.record(y, node{backward: dropoutAddBackward, in: [3]*Tensor{a, x}, rate: rate, stream: stream})
}

// da += mask·dy/(1−rate); dx += dy
func dropoutAddBackward(t *Tape, n *node) {
	if n.in[0].WantsGradient() {
		dropoutBackward(t, n)
	}
	n.in[1].pass(n.out, true)
}

// dx += mask·dy/(1−rate), the mask made again from its counter
func dropoutBackward(t *Tape, n *node) {
	if dx, add := n.in[0].gradient(); add {
		kernels.DropoutBackward(t.seed, n.stream, n.rate, n.out.Grad, dx)
	} else {
		kernels.Dropout(t.seed, n.stream, n.rate, n.out.Grad, dx)
	}
}
