package int8

import (
	"runtime"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/kernels"
)

// queryBlock is how many queries of a head are attended to at a time. Their
// probabilities, up to 512 keys, stay in the second-level cache.
const queryBlock = 128

// attentionTask is softmax(scale(q·kᵀ))·v of each head of each sequence, its operands possibly integers. Heads are shared among threads: a part is a
// thread with its own scratch memory, which takes heads from a counter.
type attentionTask struct {
	layer      *layer
	chunk      chunk
	query      []float32 // (queries, heads·head_dim)
	key, value []float32 // (rows, heads·head_dim)
	context    []float32 // (queries, heads·head_dim)
	scratch    []float32 // (parts, scratchSize)
	partSize   int
	next       atomic.Int64
}

// attentionParts is how many threads attend at the same time.
func attentionParts(sequences, heads int) int { return min(runtime.GOMAXPROCS(0), sequences*heads) }

// scratchSize is the room for the probabilities of one block of queries.
func scratchSize(longest int) int { return min(longest, queryBlock) * longest }

// attend computes the context of a block's heads, which is still to be
// multiplied by contextScale.
func (w *Workspace) attend(l *layer, c chunk) {
	t := &w.attention
	t.layer, t.chunk = l, c
	t.query, t.key, t.value, t.context = w.query, w.key, w.value, w.context
	t.scratch, t.partSize = w.scratch, scratchSize(c.longest())
	t.next.Store(0)
	kernels.Parallel(min(len(t.scratch)/t.partSize, c.len()*l.heads), t)
}

// Run does heads until none is left.
func (t *attentionTask) Run(part int) {
	scratch := t.scratch[part*t.partSize:][:t.partSize]
	heads := t.layer.heads
	for {
		i := int(t.next.Add(1) - 1)
		if i >= t.chunk.len()*heads {
			return
		}
		t.head(i/heads, i%heads, scratch)
	}
}

// head attends head h of sequence s.
func (t *attentionTask) head(s, h int, scratch []float32) {
	l := t.layer
	first, end := t.chunk.rows(s)
	keys, d, ld := end-first, l.headDim, l.heads*l.headDim
	query, queries := first, keys
	if l.last {
		query, queries = s, 1
	}
	k, v := t.key[first*ld+h*d:], t.value[first*ld+h*d:]
	for done := 0; done < queries; done += queryBlock {
		n := min(queryBlock, queries-done)
		at, p := (query+done)*ld+h*d, scratch[:n*keys]
		kernels.GemmF32(kernels.NT, n, keys, d, t.query[at:], ld, k, ld, p, keys, false)
		l.scale(p)
		kernels.Softmax(n, keys, p, keys, p, keys)
		if l.probsOut != nil {
			l.probsOut.integers(p, p)
		}
		kernels.GemmF32(kernels.NN, n, d, keys, p, keys, v, ld, t.context[at:], ld, false)
	}
}

// scale makes scores of the sums of products in p.
func (l *layer) scale(p []float32) {
	kernels.Scale(l.scoreStep, p, p)
	if l.scaleIn != nil {
		l.scaleIn.fake(p, p)
		kernels.Scale(l.scoreScale, p, p)
	}
	if l.scoresIn != nil {
		l.scoresIn.fake(p, p)
	}
}
