package autograd

import (
	"fmt"

	"github.com/go-jpqd/jpqd/kernels"
)

// Tensor is a matrix of shape (Rows, Cols) in row order.
type Tensor struct {
	Rows, Cols int
	Data       []float32 // (Rows, Cols)
	Grad       []float32 // (Rows, Cols); see Gradient

	tape   *Tape        // whose memory it has; nil: its own
	wanted bool         // of a tape's tensor: it has a gradient from the first one that comes to the last use of it
	unset  bool         // of any other: Grad holds nothing yet, the first gradient is to be written over it
	rows   *rowGradient // in place of Grad; nil but for a table ByRows
	half   halves
}

// WantsGradient tells whether the loss is to be differentiated by x.
func (x *Tensor) WantsGradient() bool { return x.wanted || x.Grad != nil || x.rows != nil }

// Gradient is the sum of the gradients that have come, to be read or added to;
// nil where none is wanted. Grad is the same for a tensor that no tape made,
// unless it is a parameter to which nothing has come since [AdamW.ZeroGrad]. Of a
// table ByRows it is a copy, and Grad is nil.
func (x *Tensor) Gradient() []float32 {
	if x.rows != nil {
		return x.rows.dense()
	}
	g, add := x.gradient()
	if !add {
		clear(g)
	}
	return g
}

// SetGradient makes g (Rows, Cols) the gradient of x, which must want one.
func (x *Tensor) SetGradient(g []float32) {
	if x.rows != nil {
		x.rows.set(g)
		return
	}
	copy(x.Gradient(), g)
}

// gradient is memory for a gradient that is about to come: to be added to, or to
// be written over where it is the first. nil: none is wanted.
func (x *Tensor) gradient() (g []float32, add bool) {
	switch {
	case x.rows != nil:
		panic("autograd: an operation other than Gather reads a table ByRows")
	case x.tape == nil:
		add, x.unset = !x.unset, false
	case x.Grad != nil:
		add = true
	case x.wanted:
		x.Grad = x.tape.gradients.take(x.Rows * x.Cols)
	}
	return x.Grad, add
}

// NewTensor returns a zero tensor with memory of its own and no gradient.
func NewTensor(rows, cols int) *Tensor {
	return &Tensor{Rows: rows, Cols: cols, Data: memory[float32](rows * cols)}
}

// memory returns n zeros that a pass over a model's parameters or a step's results
// finds without a page walk for every 4 KB.
func memory[T float32 | kernels.BF16](n int) []T {
	x := make([]T, n)
	kernels.PreferHugePages(x)
	return x
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
	// ByRows says of a table that [Tape.Gather] alone reads it, few rows a step: the
	// optimizer keeps gradients of those, not of all. What is trained is the same.
	ByRows bool
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
	p.Data = memory[float32](p.Rows * p.Cols)
	return p
}

// Freeze ends a parameter's training and gives its gradient back.
func (p *Param) Freeze() { p.Frozen, p.Grad, p.rows = true, nil, nil }
