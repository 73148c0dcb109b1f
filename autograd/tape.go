package autograd

// Tape records the operations of one step.
type Tape struct {
	// Training says whether dropout drops. Set by Begin.
	Training bool

	recording  bool
	begun      uint64 // calls of Begin so far
	seed, step uint64
	streams    uint64 // dropout calls so far in this step
	floats     arena
	tensors    slab[Tensor]
	nodes      []node
	attention  attentionTask // of the call at hand
	classes    vocabularyTask
}

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
	t.seed, t.step, t.streams = seed, step, 0
	t.floats.reset()
	t.tensors.reset()
	clear(t.nodes)
	t.nodes = t.nodes[:0]
}

// Begun is the number of steps begun so far. Tensors are used again from step to
// step: only together with it does a pointer say what a tensor holds.
func (t *Tape) Begun() uint64 { return t.begun }

// New returns a tensor of the arena with undefined data. It has a zero gradient
// if the tape records and one of the operands has one (or grad is forced by
// passing no operand).
func (t *Tape) New(rows, cols int, operands ...*Tensor) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: rows, Cols: cols, Data: t.floats.take(rows * cols)}
	if !t.recording {
		return x
	}
	wanted := len(operands) == 0
	for _, o := range operands {
		wanted = wanted || o != nil && o.Grad != nil
	}
	if wanted {
		x.Grad = t.floats.take(rows * cols)
		clear(x.Grad)
	}
	return x
}

// Floats returns n undefined floats of the arena.
func (t *Tape) Floats(n int) []float32 { return t.floats.take(n) }

// Constant returns a tensor of the arena without a gradient that holds a copy of data.
func (t *Tape) Constant(rows, cols int, data []float32) *Tensor {
	x := t.tensors.next()
	*x = Tensor{Rows: rows, Cols: cols, Data: t.floats.take(rows * cols)}
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
	loss.Grad[0] = seed
	t.backpropagate()
}

// backpropagate runs the backward halves in reverse.
func (t *Tape) backpropagate() {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		t.nodes[i].backward(t, &t.nodes[i])
	}
}

// dropoutStream numbers the dropout calls of all steps.
func (t *Tape) dropoutStream() uint64 {
	t.streams++
	return t.step<<16 | t.streams
}

// arena hands out float32 slices and takes them all back at once.
type arena struct {
	chunks  [][]float32
	current int // chunk in use
	used    int // floats used of it
}

const (
	firstChunk = 1 << 20 // floats
	alignment  = 16      // floats: one cache line
)

func (a *arena) take(n int) []float32 {
	size := (n + alignment - 1) / alignment * alignment
	for a.current < len(a.chunks) && a.used+size > len(a.chunks[a.current]) {
		a.current, a.used = a.current+1, 0
	}
	if a.current == len(a.chunks) {
		a.chunks = append(a.chunks, make([]float32, max(size, firstChunk<<len(a.chunks))))
	}
	s := a.chunks[a.current][a.used : a.used+n : a.used+n]
	a.used += size
	return s
}

func (a *arena) reset() { a.current, a.used = 0, 0 }

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
