package autograd

import (
	"sync"

	"github.com/go-jpqd/jpqd/kernels"
)

// Attention is dropout(softmax(scale·Q·Kᵀ))·V within each sequence and head, as
// [Tape.AttentionProbs], [Tape.Dropout] and [Tape.AttentionContext] together.
// No more than one head's scores exist at a time in a thread: the backward half
// makes them again from q and k (as Dao et al. 2022 do; here a head's fit a
// cache). Queries may be fewer than keys: those of sequence s are rows
// queries[s] … queries[s+1]−1 of q and of the result; nil says that they are as
// many. offsets and queries must stay unchanged until the step ends.
//
//	q (queries, heads·head_dim), k, v (rows, heads·head_dim) → y (queries, heads·head_dim)
func (t *Tape) Attention(q, k, v *Tensor, offsets, queries []int, heads int, scale, rate float32) *Tensor {
	sameShape("Attention", k, v)
	if queries == nil {
		sameShape("Attention", q, k)
		queries = offsets
	}
	if q.Cols != k.Cols || len(queries) != len(offsets) || len(queries) > 0 && queries[len(queries)-1] != q.Rows {
		panic("autograd: queries of Attention do not fit")
	}
	if !t.Training {
		rate = 0
	}
	var stream uint64
	if rate > 0 {
		stream = t.dropoutStream()
	}
	y := t.New(q.Rows, q.Cols, q, k, v)
	t.record(y, node{backward: attentionBackward, in: [3]*Tensor{q, k, v}, offsets: offsets, queries: queries, heads: heads, scale: scale, rate: rate, stream: stream})
	t.fused = fusedAttention{q: q, k: k, v: v, y: y, offsets: offsets, queries: queries, heads: heads, scale: scale, seed: t.seed, stream: stream, rate: rate, pool: &t.heads}
	kernels.Parallel(len(offsets)-1, &t.fused)
	return y
}

// With p = softmax(scale·q·kᵀ), p' its dropout and o = p'·v:
// dv += p'ᵀ·do; dp' = do·vᵀ; ds = scale·p∘(dp − Σ dp∘p); dq += ds·k; dk += dsᵀ·q
func attentionBackward(t *Tape, n *node) {
	q, k, v := n.in[0], n.in[1], n.in[2]
	t.fused = fusedAttention{
		q: q, k: k, v: v, y: n.out, offsets: n.offsets, queries: n.queries, heads: n.heads, scale: n.scale, seed: t.seed, stream: n.stream, rate: n.rate,
		pool: &t.heads, backward: true,
	}
	// In the order in which they are written, for they may be one tensor.
	t.fused.dv, t.fused.addV = v.gradient()
	t.fused.dq, t.fused.addQ = q.gradient()
	t.fused.dk, t.fused.addK = k.gradient()
	kernels.Parallel(len(n.offsets)-1, &t.fused)
}

// fusedAttention is one half of an Attention; a part is one sequence.
type fusedAttention struct {
	q, k, v, y   *Tensor
	offsets      []int // of the sequences in k and v
	queries      []int // and in q and y
	heads        int
	scale        float32
	seed, stream uint64
	rate         float32

	backward         bool
	dq, dk, dv       []float32 // gradients; nil: not wanted
	addQ, addK, addV bool      // there is one already, to be added to

	pool *headPool
}

// headScores is the working memory of one head: matrices (queries, l).
type headScores struct{ p, dropped, grad []float32 }

// headPool keeps working memory that no thread has.
type headPool struct {
	mu   sync.Mutex
	free []*headScores
}

// get returns memory for n scores.
func (p *headPool) get(n int) *headScores {
	p.mu.Lock()
	var m *headScores
	if last := len(p.free) - 1; last >= 0 {
		m, p.free = p.free[last], p.free[:last]
	}
	p.mu.Unlock()
	if m == nil {
		m = new(headScores)
	}
	m.p, m.dropped, m.grad = sized(m.p, n), sized(m.dropped, n), sized(m.grad, n)
	return m
}

func (p *headPool) put(m *headScores) {
	p.mu.Lock()
	p.free = append(p.free, m)
	p.mu.Unlock()
}

// Run does all heads of sequence s.
func (w *fusedAttention) Run(s int) {
	h := head{
		first: w.offsets[s], l: w.offsets[s+1] - w.offsets[s],
		firstQ: w.queries[s], n: w.queries[s+1] - w.queries[s],
		d: w.q.Cols / w.heads,
	}
	if h.n == 0 || h.l == 0 {
		w.nothing(&h)
		return
	}
	m := w.pool.get(h.n * h.l)
	for i := range w.heads {
		h.at, h.atQ = h.first*w.k.Cols+i*h.d, h.firstQ*w.q.Cols+i*h.d
		// Every head has a stream of its own, far from those of other calls.
		h.stream = w.stream*0x9e3779b97f4a7c15 + uint64(s*w.heads+i)
		if w.backward {
			w.headBackward(m, &h)
		} else {
			dropped := w.probabilities(m, &h)
			kernels.GemmF32(kernels.NN, h.n, h.d, h.l, dropped, h.l, w.v.Data[h.at:], w.v.Cols, w.y.Data[h.atQ:], w.y.Cols, false)
		}
	}
	w.pool.put(m)
}

// nothing is the backward half of a sequence that has no query: a gradient that is
// to be written is 0 there.
func (w *fusedAttention) nothing(h *head) {
	from, to := h.first*w.k.Cols, (h.first+h.l)*w.k.Cols
	if w.dk != nil && !w.addK {
		clear(w.dk[from:to])
	}
	if w.dv != nil && !w.addV {
		clear(w.dv[from:to])
	}
}

// head is one head of one sequence.
type head struct {
	first, l  int // its first row in k and v, and how many
	firstQ, n int // the same in q
	d         int // their width
	at, atQ   int // its first element in k and v, and in q
	stream    uint64
}

// probabilities sets m.p and returns its dropout, which is m.p itself without one.
func (w *fusedAttention) probabilities(m *headScores, h *head) []float32 {
	kernels.GemmF32(kernels.NT, h.n, h.l, h.d, w.q.Data[h.atQ:], w.q.Cols, w.k.Data[h.at:], w.k.Cols, m.p, h.l, false)
	kernels.Scale(w.scale, m.p, m.p)
	kernels.Softmax(h.n, h.l, m.p, h.l, m.p, h.l)
	if w.rate == 0 {
		return m.p
	}
	kernels.Dropout(w.seed, h.stream, w.rate, m.p, m.dropped)
	return m.dropped
}

func (w *fusedAttention) headBackward(m *headScores, h *head) {
	n, l, d, ld := h.n, h.l, h.d, w.q.Cols
	dropped, dy := w.probabilities(m, h), w.y.Grad[h.atQ:]
	if w.dv != nil {
		kernels.GemmF32(kernels.TN, l, d, n, dropped, l, dy, ld, w.dv[h.at:], ld, w.addV)
	}
	if w.dq == nil && w.dk == nil {
		return
	}
	ds := m.grad
	kernels.GemmF32(kernels.NT, n, l, d, dy, ld, w.v.Data[h.at:], ld, ds, l, false)
	if w.rate > 0 {
		kernels.Dropout(w.seed, h.stream, w.rate, ds, ds)
	}
	kernels.SoftmaxBackward(n, l, m.p, l, ds, l, ds, l)
	kernels.Scale(w.scale, ds, ds)
	if w.dq != nil {
		kernels.GemmF32(kernels.NN, n, d, l, ds, l, w.k.Data[h.at:], ld, w.dq[h.atQ:], ld, w.addQ)
	}
	if w.dk != nil {
		kernels.GemmF32(kernels.TN, l, d, n, ds, l, w.q.Data[h.atQ:], ld, w.dk[h.at:], ld, w.addK)
	}
}

// sized is x with n elements, or new memory, of a size that sequences a little
// longer will find large enough.
func sized(x []float32, n int) []float32 {
	if cap(x) < n {
		_, size := sizeClass(n)
		return make([]float32, n, size)
	}
	return x[:n]
}
