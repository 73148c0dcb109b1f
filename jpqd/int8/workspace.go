package int8

import (
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
	starts []int // first sequences of the chunks, and behind the last
	apart  bool  // chunks run side by side

	mu     sync.Mutex
	groups []*group // those not in use
}

// Sizes of chunks in rows. Where a batch has enough sequences, chunks run side
// by side, one a thread, each from the first block to the last: threads wait for
// each other once a batch, and activations stay in a core's second-level cache.
// Otherwise one chunk after the other runs with its work shared among threads.
const (
	fewestApart = 48 // rows a thread below which the work is shared instead
	mostApart   = 256
	mostShared  = 1024
)

// split cuts a batch into chunks for a number of threads.
func (w *Workspace) split(b *bert.Batch, threads int) {
	w.starts = append(w.starts[:0], 0)
	if b.Len() == 0 {
		return
	}
	rows, chunks := b.Offsets[b.Len()], 0
	w.apart = threads > 1 && b.Len() >= threads && rows >= threads*fewestApart
	if w.apart {
		for chunks = threads; rows > chunks*mostApart; {
			chunks += threads
		}
	} else {
		chunks = (rows + mostShared - 1) / mostShared
	}
	for i := 1; i < chunks; i++ {
		// The chunk ends where its share of the rows does, with the nearest sequence.
		s := w.starts[len(w.starts)-1] + 1
		for s < b.Len() && b.Offsets[s]+b.Offsets[s+1] < 2*i*rows/chunks {
			s++
		}
		if s < b.Len() {
			w.starts = append(w.starts, s)
		}
	}
	w.starts = append(w.starts, b.Len())
}

// Run takes chunk i through the model; it makes a Workspace a kernels.Task.
func (w *Workspace) Run(i int) {
	b, g := w.batch, w.take()
	from, to := w.starts[i], w.starts[i+1]
	first, last := b.Offsets[from], b.Offsets[to]
	c := chunk{b.IDs[first:last], b.TypeIDs[first:last], b.Positions[first:last], b.Offsets[from : to+1]}
	each, at := w.engine.config.NumLabels(), from
	if w.engine.answering {
		each, at = 2, first
	}
	n := c.len()
	if w.engine.answering {
		n = len(c.ids)
	}
	w.engine.run(g, c, !w.apart, w.logits[at*each:(at+n)*each])
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
