package int8

import (
	"slices"
	"sync"

	"github.com/go-jpqd/jpqd/bert"
)

// Workspace is the memory of one call of [Engine.Logits] at a time. It grows to
// the largest batch it has seen and allocates nothing after that. The zero value
// is ready for use.
type Workspace struct {
	engine *Engine
	batch  *bert.Batch
	logits []float32
	order  []int // the sequences, one chunk behind the other
	starts []int // of the chunks in order, and behind the last
	apart  bool  // chunks run side by side
	chunks []int // of the sequences, while they are divided
	rows   []int // of the chunks, meanwhile

	mu     sync.Mutex
	groups []*group // those not in use
}

// Sizes of chunks in rows. Where a batch has enough sequences, chunks run side
// by side, one a thread, each from the first block to the last: threads wait for
// each other once a batch, and activations stay in a core's second-level cache.
// Otherwise one chunk after the other runs, its work shared among threads if there
// are more than one: the more rows the better for these.
const (
	fewestApart = 48 // rows a thread below which the work is shared instead
	mostApart   = 256
	mostAlone   = 512
	mostShared  = 1024
)

// split divides a batch into chunks for a number of threads.
func (w *Workspace) split(b *bert.Batch, threads int) {
	n := b.Len()
	w.order, w.starts = w.order[:0], append(w.starts[:0], 0)
	w.apart = false
	if n == 0 {
		return
	}
	rows := b.Offsets[n]
	most := mostShared
	if threads == 1 {
		most = mostAlone
	}
	chunks := (rows + most - 1) / most
	w.apart = threads > 1 && n >= threads && rows >= threads*fewestApart
	if w.apart {
		for chunks = threads; rows > chunks*mostApart; {
			chunks += threads
		}
	}
	w.divide(b, chunks)
}

// divide gives every chunk about as many rows: the longest sequence first, each
// goes to the chunk with the fewest rows, and then the fullest and the emptiest
// exchange sequences for as long as that helps. Sequences keep their order in a
// chunk.
func (w *Workspace) divide(b *bert.Batch, chunks int) {
	length := func(s int) int { return b.Offsets[s+1] - b.Offsets[s] }
	n := b.Len()
	for s := range n {
		w.order = append(w.order, s)
	}
	slices.SortStableFunc(w.order, func(r, s int) int { return length(s) - length(r) })
	w.rows, w.chunks = zeros(w.rows, chunks), zeros(w.chunks, n)
	for _, s := range w.order {
		c := slices.Index(w.rows, slices.Min(w.rows))
		w.rows[c] += length(s)
		w.chunks[s] = c
	}
	for w.exchange(b) {
	}
	w.order = w.order[:0]
	for c := range chunks {
		for s, of := range w.chunks {
			if of == c {
				w.order = append(w.order, s)
			}
		}
		if len(w.order) > w.starts[len(w.starts)-1] {
			w.starts = append(w.starts, len(w.order))
		}
	}
}

// exchange moves a sequence from the fullest chunk to the emptiest, if need be for
// one from there, so that their rows differ as little as they can. It returns
// false if they do already.
func (w *Workspace) exchange(b *bert.Batch) bool {
	full, empty := slices.Index(w.rows, slices.Max(w.rows)), slices.Index(w.rows, slices.Min(w.rows))
	gap := w.rows[full] - w.rows[empty]
	moved, least, out, back := 0, gap, -1, -1
	for s, from := range w.chunks {
		if from != full {
			continue
		}
		for r := -1; r < len(w.chunks); r++ {
			n := b.Offsets[s+1] - b.Offsets[s]
			switch {
			case r < 0: // for none
			case w.chunks[r] == empty:
				n -= b.Offsets[r+1] - b.Offsets[r]
			default:
				continue
			}
			if left := max(gap-2*n, 2*n-gap); left < least {
				moved, least, out, back = n, left, s, r
			}
		}
	}
	if out < 0 {
		return false
	}
	w.chunks[out] = empty
	if back >= 0 {
		w.chunks[back] = full
	}
	w.rows[full] -= moved
	w.rows[empty] += moved
	return true
}

// zeros returns n zeros, in x if it has room.
func zeros(x []int, n int) []int {
	x = slices.Grow(x[:0], n)[:n]
	clear(x)
	return x
}

// Run takes chunk i through the model; it makes a Workspace a kernels.Task.
func (w *Workspace) Run(i int) {
	g, sequences := w.take(), w.order[w.starts[i]:w.starts[i+1]]
	g.sequences.gather(w.batch, sequences)
	each := w.engine.config.NumLabels()
	if w.engine.answering {
		each = 2
	}
	// first and end are where the logits of sequence s are, in those of a batch
	// with these offsets.
	place := func(offsets []int, s int) (first, end int) {
		if w.engine.answering {
			return each * offsets[s], each * offsets[s+1]
		}
		return each * s, each * (s + 1)
	}
	_, n := place(g.sequences.offsets, len(sequences)-1)
	g.logits = slices.Grow(g.logits[:0], n)[:n]
	w.engine.run(g, g.sequences, !w.apart, g.logits)
	for at, s := range sequences {
		from, to := place(g.sequences.offsets, at)
		first, _ := place(w.batch.Offsets, s)
		copy(w.logits[first:], g.logits[from:to])
	}
	w.give(g)
}

// take returns a group that is not in use.
func (w *Workspace) take() *group {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.groups); n > 0 {
		g := w.groups[n-1]
		w.groups = w.groups[:n-1]
		return g
	}
	return new(group)
}

func (w *Workspace) give(g *group) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups = append(w.groups, g)
}
