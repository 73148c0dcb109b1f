package autograd

import "fmt"

// Tensor is a matrix of shape (Rows, Cols) in row order.
type Tensor struct {
	Rows, Cols int
	Data       []float32 // (Rows, Cols)
	Grad       []float32 // (Rows, Cols); nil where no gradient is wanted

	// unset: nothing has been added to Grad, which holds anything. The first
	// gradient is written over it, so that no memory need be cleared.
	unset bool
	arena bool // the memory is a tape's

	half halves // of Data
}

// Gradient is the sum of what has been added to the gradient, to be read or
// added to; nil where none is wanted. Of a tensor whose gradient may still be
// unset, which every tensor of a tape and every parameter after
// [AdamW.ZeroGrad] is, Grad itself means nothing.
func (x *Tensor) Gradient() []float32 {
	if x.unset {
		clear(x.Grad)
		x.unset = false
	}
	return x.Grad
}

// first tells whether the gradient that is about to come is the first, and is to
// be written over Grad instead of added.
func (x *Tensor) first() bool {
	unset := x.unset
	x.unset = false
	return unset
}

// NewTensor returns a zero tensor with memory of its own and no gradient.
func NewTensor(rows, cols int) *Tensor {
	return &Tensor{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
}

// Row is row i of the data.
func (x *Tensor) Row(i int) []float32 { return x.Data[i*x.Cols : (i+1)*x.Cols] }

// sameShape panics where two operands differ in shape.
func sameShape(op string, a, b *Tensor) {
	if a.Rows != b.Rows || a.Cols != b.Cols {
		panic(fmt.Sprintf("autograd: %s of (%d, %d) and (%d, %d)", op, a.Rows, a.Cols, b.Rows, b.Cols))
	}
}

// Param is a tensor that an optimizer trains.
type Param struct {
	Tensor
	Name  string // as in the checkpoint: "bert.pooler.dense.weight"
	Shape []int  // as in the checkpoint; its product is Rows·Cols
	// Frozen parameters get no gradient and are not updated.
	Frozen bool
}

// NewParam returns a zero parameter. A shape of one dimension n becomes the
// matrix (1, n). It gets a gradient from the optimizer that trains it.
func NewParam(name string, shape ...int) *Param {
	p := &Param{Name: name, Shape: shape}
	switch len(shape) {
	case 1:
		p.Rows, p.Cols = 1, shape[0]
	case 2:
		p.Rows, p.Cols = shape[0], shape[1]
	default:
		panic("autograd: a parameter has one or two dimensions")
	}
	p.Data = make([]float32, p.Rows*p.Cols)
	return p
}

// Freeze ends a parameter's training and gives its gradient back.
func (p *Param) Freeze() { p.Frozen, p.Grad = true, nil }
