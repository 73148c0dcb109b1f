package autograd

import (
	"sync/atomic"

	"github.com/go-jpqd/jpqd/kernels"
)

// Tape records the operations of one step.
type Tape struct {
	// Training says whether dropout drops. Set by Begin.
	Training bool
	// BF16 says whether Linear layers round the operands of their products to
	// BF16, forward and backward. Sums, and all that is stored, stay float32.
	BF16 bool

	recording  bool
	begun      uint64 // calls of Begin so far
	pass       uint64 // number of this Begin among those of all tapes
	seed, step uint64
	streams    uint64 // dropout calls so far in this step
	floats     arena[float32]
	halves     arena[kernels.BF16]
	gradHalf   []kernels.BF16 // of the gradient at hand
	tensors    slab[Tensor]
	nodes      []node
	attention  attentionTask  // of the call at hand
	fused      fusedAttention // of the call at hand
	classes    vocabularyTask // of the call at hand
	heads      headPool
}

// passes counts the calls of Begin of all tapes.
var passes atomic.Uint64

// node is one recorded operation: what its backward half needs. Which fields
// mean what is said beside each pair.
type node struct {
	backward func(*Tape, *node)
	out      *Tensor
	in       [3]*Tensor
	saved    [3][]float32
	ids      []int32
	offsets  []int
	heads    int
	scale    float32
	rate     float32
	stream   uint64
	custom   Backward
}

// Backward is the backward half of an operation defined outside this package.
// It reads the gradient of what the operation returned and adds to the
// gradients of its inputs. The value should be a pointer that outlives the
// step, so that recording it allocates nothing.
type Backward interface{ Backward() }

// NewTape returns an empty tape.
func NewTape() *Tape { return &Tape{} }

// Mode is what a step is for.
type Mode int

// The modes.
const (
	Inference Mode = iota // no gradients, no dropout
	Training              // gradients and dropout
	Gradients             // gradients without dropout; for tests
)

// Begin starts a step: everything made on the tape before is invalid from here.
// seed and step fix the decisions of dropout.
func (t *Tape) Begin(mode Mode, seed, step uint64) {
	t.Training, t.recording = mode == Training, mode != Inference
	t.begun++
	t.pass = passes.Add(1)
	t.seed, t.step, t.streams = seed, step, 0
	t.floats.reset()
	t.halves.reset()
	t.tensors.reset()
	clear(t.nodes)
	t.nodes = t.nodes[:0]
}

// Begun is the number of steps begun so far. Tensors are used again from step to
// step: only together with it does a pointer say what a tensor holds.
func (t *Tape) Begun() uint64 { return t.begun }

// New returns a tensor of the arena with undefined data. It has a gradient,
// nothing yet added to, if the tape records and one of the operands has one (or
// grad is forced by passing no operand).
func (t *Tape) New(rows, cols int, operands ...*Tensor) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: rows, Cols: cols, Data: t.floats.take(rows * cols), arena: true}
	if !t.recording {
		return x
	}
	wanted := len(operands) == 0
	for _, o := range operands {
		wanted = wanted || o != nil && o.Grad != nil
	}
	if wanted {
		x.Grad, x.unset = t.floats.take(rows*cols), true
	}
	return x
}

// Floats returns n undefined floats of the arena.
func (t *Tape) Floats(n int) []float32 { return t.floats.take(n) }

// Constant returns a tensor of the arena without a gradient that holds a copy of data.
func (t *Tape) Constant(rows, cols int, data []float32) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: rows, Cols: cols, Data: t.floats.take(rows * cols), arena: true}
	copy(x.Data, data[:rows*cols])
	return x
}

// record keeps a node if the result wants a gradient.
func (t *Tape) record(out *Tensor, n node) *Tensor {
	if out.Grad != nil {
		n.out = out
		t.nodes = append(t.nodes, n)
	}
	return out
}

// Custom records the backward half of an operation defined elsewhere, if the
// tape records. It runs after the backward halves of everything recorded later.
func (t *Tape) Custom(b Backward) {
	if t.recording {
		t.nodes = append(t.nodes, node{backward: customBackward, custom: b})
	}
}

func customBackward(_ *Tape, n *node) { n.custom.Backward() }

// Recording says whether gradients are wanted in this step.
func (t *Tape) Recording() bool { return t.recording }

// Backward computes gradients: loss is (1, 1), its own gradient is set to
// seed, and every tensor and parameter it depends on has its share added.
func (t *Tape) Backward(loss *Tensor, seed float32) {
	if loss.Rows != 1 || loss.Cols != 1 {
		panic("autograd: the loss is not a scalar")
	}
	if loss.Grad == nil {
		panic("autograd: the loss depends on nothing that wants a gradient")
	}
	loss.Grad[0], loss.unset = seed, false
	t.backpropagate()
}

// backpropagate runs the backward halves in reverse, but for those whose result
// the loss does not depend on.
func (t *Tape) backpropagate() {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := &t.nodes[i]
		if n.out == nil || !n.out.unset {
			n.backward(t, n)
		}
	}
}

// dropoutStream numbers the dropout calls of all steps.
func (t *Tape) dropoutStream() uint64 {
	t.streams++
	return t.step<<16 | t.streams
}

// arena hands out slices and takes them all back at once.
type arena[T float32 | kernels.BF16] struct {
	chunks  [][]T
	current int // chunk in use
	used    int // elements used of it
}

const (
	firstChunk = 1 << 20 // elements
	alignment  = 32      // elements: a cache line of BF16, two of floats
)

func (a *arena[T]) take(n int) []T {
	size := (n + alignment - 1) / alignment * alignment
	for a.current < len(a.chunks) && a.used+size > len(a.chunks[a.current]) {
		a.current, a.used = a.current+1, 0
	}
	if a.current == len(a.chunks) {
		a.chunks = append(a.chunks, make([]T, max(size, firstChunk<<len(a.chunks))))
	}
	s := a.chunks[a.current][a.used : a.used+n : a.used+n]
	a.used += size
	return s
}

func (a *arena[T]) reset() { a.current, a.used = 0, 0 }

// slab hands out pointers to values and takes them all back at once.
type slab[T any] struct {
	chunks [][]T
	n      int
}

const slabChunk = 256

func (s *slab[T]) next() *T {
	if s.n == len(s.chunks)*slabChunk {
		s.chunks = append(s.chunks, make([]T, slabChunk))
	}
	p := &s.chunks[s.n/slabChunk][s.n%slabChunk]
	s.n++
	return p
}

func (s *slab[T]) reset() { s.n = 0 }
