package autograd

import "github.com/go-jpqd/jpqd/kernels"

// probabilities is the length of the flat tensor of attention probabilities.
func probabilities(offsets []int, heads int) int {
	n := 0
	for s := range len(offsets) - 1 {
		l := offsets[s+1] - offsets[s]
		n += l * l
	}
	return n * heads
}

// attentionTask is one pass over all sequences and heads of a batch; a part is
// one sequence.
type attentionTask struct {
	// do handles one head of one sequence of length l: its rows start at element
	// `at` of the row operands a and b, whose leading dimension is a.Cols, and are
	// d wide; its probabilities start at element `block` of p.
	do      func(w *attentionTask, at, block, l, d int)
	a, b, p *Tensor
	// Whether gradients of a, b and p are added, not the first: set by a backward
	// half, whose parts together write all of them.
	addA, addB, addP bool
	offsets          []int
	heads            int
	scale            float32
	scratch          []float32 // as long as p
	blocks           []int     // (sequences) where each sequence's probabilities start
}

// Run does sequence s.
func (w *attentionTask) Run(s int) {
	first := w.offsets[s]
	l, d := w.offsets[s+1]-first, w.a.Cols/w.heads // scores and probabilities have no rows: d is not used
	if l == 0 {
		return
	}
	for h := range w.heads {
		w.do(w, first*w.a.Cols+h*d, w.blocks[s]+h*l*l, l, d)
	}
}

// attend runs a pass. The tape keeps the task, so that a call allocates nothing.
func (t *Tape) attend(pass attentionTask) {
	w := &t.attention
	pass.blocks = w.blocks[:0]
	*w = pass
	block := 0
	for s := range len(w.offsets) - 1 {
		l := w.offsets[s+1] - w.offsets[s]
		w.blocks = append(w.blocks, block)
		block += l * l * w.heads
	}
	kernels.Parallel(len(w.blocks), w)
}
