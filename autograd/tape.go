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
	begun      uint64 // times so far that tensors were taken back
	pass       uint64 // number of this Begin among those of all tapes
	seed, step uint64
	streams    uint64 // dropout calls so far in this step
	floats     arena[float32]
	gradients  gradientPool
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
	queries  []int
	heads    int
	scale    float32
	rate     float32
	stream   uint64
	custom   Backward
	segment  Segment
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
	t.gradients.reset()
	t.halves.reset()
	t.tensors.reset()
	clear(t.nodes)
	t.nodes = t.nodes[:0]
}

// Begun is how many times so far tensors were taken back: by Begin, and behind the
// segment of a Checkpoint. They are used again: only together with it does a
// pointer say what a tensor holds.
func (t *Tape) Begun() uint64 { return t.begun }

// New returns a tensor of the arena with undefined data. It wants a gradient if
// the tape records and one of the operands does (or if there is no operand).
func (t *Tape) New(rows, cols int, operands ...*Tensor) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: rows, Cols: cols, Data: t.floats.take(rows * cols), tape: t}
	x.wanted = t.recording && (len(operands) == 0 || wanted(operands))
	return x
}

// over is New for a tensor of the shape of operands[0], in memory that is there.
func (t *Tape) over(data []float32, operands ...*Tensor) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: operands[0].Rows, Cols: operands[0].Cols, Data: data, tape: t, wanted: t.recording && wanted(operands)}
	return x
}

// wanted tells whether the loss is to be differentiated by one of the operands.
func wanted(operands []*Tensor) bool {
	for _, o := range operands {
		if o != nil && o.WantsGradient() {
			return true
		}
	}
	return false
}

// Bytes is the memory that the largest step so far has needed: of the results
// that are kept for the backward half, those rounded to BF16, and of gradients.
func (t *Tape) Bytes() int {
	return 4*(t.floats.peak+t.gradients.memory.peak) + 2*(t.halves.peak+cap(t.gradHalf))
}

// Floats returns n undefined floats of the arena.
func (t *Tape) Floats(n int) []float32 { return t.floats.take(n) }

// Constant returns a tensor of the arena without a gradient that holds a copy of data.
func (t *Tape) Constant(rows, cols int, data []float32) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: rows, Cols: cols, Data: t.floats.take(rows * cols), tape: t}
	copy(x.Data, data[:rows*cols])
	return x
}

// record keeps a node if the result wants a gradient.
func (t *Tape) record(out *Tensor, n node) *Tensor {
	if out.wanted {
		n.out = out
		t.nodes = append(t.nodes, n)
	}
	return out
}

// Custom records the backward half of an operation defined elsewhere, which made
// out, if the tape records. It runs after the backward halves of everything
// recorded later, unless no gradient has come to out, and is the last use of out.
func (t *Tape) Custom(out *Tensor, b Backward) {
	t.record(out, node{backward: customBackward, custom: b})
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
	if !loss.wanted {
		panic("autograd: the loss depends on nothing that wants a gradient")
	}
	g, _ := loss.gradient()
	g[0] = seed
	t.backpropagate(0)
}

// backpropagate runs the backward halves of node first and those behind it in
// reverse, but for those whose result the loss does not depend on. A result's
// gradient is needed no more then: its memory goes to others.
func (t *Tape) backpropagate(first int) {
	for i := len(t.nodes) - 1; i >= first; i-- {
		n := &t.nodes[i]
		out := n.out
		if out.Grad == nil {
			continue
		}
		n.backward(t, n)
		if out.Grad != nil { // not handed on
			t.gradients.put(out.Grad)
			out.Grad = nil
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
	peak    int // elements in use at most
	before  int // elements of the chunks before the current one
}

const (
	arenaChunk = 1 << 24 // elements; what is not used of it is never touched
	alignment  = 32      // elements: a cache line of BF16, two of floats
)

func (a *arena[T]) take(n int) []T {
	size := (n + alignment - 1) / alignment * alignment
	for a.current < len(a.chunks) && a.used+size > len(a.chunks[a.current]) {
		a.before += len(a.chunks[a.current])
		a.current, a.used = a.current+1, 0
	}
	if a.current == len(a.chunks) {
		a.chunks = append(a.chunks, memory[T](max(size, arenaChunk)))
	}
	s := a.chunks[a.current][a.used : a.used+n : a.used+n]
	a.used += size
	a.peak = max(a.peak, a.before+a.used)
	return s
}

// arenaMark is how much of an arena is in use.
type arenaMark struct{ current, used, before int }

func (a *arena[T]) mark() arenaMark { return arenaMark{a.current, a.used, a.before} }

func (a *arena[T]) release(m arenaMark) { a.current, a.used, a.before = m.current, m.used, m.before }

func (a *arena[T]) reset() { a.release(arenaMark{}) }

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
