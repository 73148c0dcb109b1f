package autograd

import (
	"sync"

	"github.com/go-jpqd/jpqd/kernels"
)

// Attention is dropout(softmax(scale·Q·Kᵀ))·V within each sequence and head, as
// [Tape.AttentionProbs], [Tape.Dropout] and [Tape.AttentionContext] together.
// No more than one head's scores exist at a time in a thread: the backward half
// makes them again from q and k (as Dao et al. 2022 do; here a head's fit a
// cache). offsets must stay unchanged until the step ends.
//
//	q, k, v (rows, heads·head_dim) → y (rows, heads·head_dim)
func (t *Tape) Attention(q, k, v *Tensor, offsets []int, heads int, scale, rate float32) *Tensor {
	sameShape("Attention", q, k)
	sameShape("Attention", q, v)
	if !t.Training {
		rate = 0
	}
	var stream uint64
	if rate > 0 {
		stream = t.dropoutStream()
	}
	y := t.New(q.Rows, q.Cols, q, k, v)
	t.record(y, node{backward: attentionBackward, in: [3]*Tensor{q, k, v}, offsets: offsets, heads: heads, scale: scale, rate: rate, stream: stream})
	t.fused = fusedAttention{q: q, k: k, v: v, y: y, offsets: offsets, heads: heads, scale: scale, seed: t.seed, stream: stream, rate: rate, pool: &t.heads}
	kernels.Parallel(len(offsets)-1, &t.fused)
	return y
}

// With p = softmax(scale·q·kᵀ), p' its dropout and o = p'·v:
// dv += p'ᵀ·do; dp' = do·vᵀ; ds = scale·p∘(dp − Σ dp∘p); dq += ds·k; dk += dsᵀ·q
func attentionBackward(t *Tape, n *node) {
	q, k, v := n.in[0], n.in[1], n.in[2]
	t.fused = fusedAttention{
		q: q, k: k, v: v, y: n.out, offsets: n.offsets, heads: n.heads, scale: n.scale, seed: t.seed, stream: n.stream, rate: n.rate,
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
	offsets      []int
	heads        int
	scale        float32
	seed, stream uint64
	rate         float32

	backward         bool
	dq, dk, dv       []float32 // gradients; nil: not wanted
	addQ, addK, addV bool      // there is one already, to be added to

	pool *headPool
}

// headScores is the working memory of one head: matrices (l, l).
type headScores struct{ p, dropped, grad []float32 }

// headPool keeps working memory that no thread has.
type headPool struct {
	mu   sync.Mutex
	free []*headScores
}

// get returns memory for a head of l tokens.
func (p *headPool) get(l int) *headScores {
	p.mu.Lock()
	var m *headScores
	if last := len(p.free) - 1; last >= 0 {
		m, p.free = p.free[last], p.free[:last]
	}
	p.mu.Unlock()
	if m == nil {
		m = new(headScores)
	}
	m.p, m.dropped, m.grad = sized(m.p, l*l), sized(m.dropped, l*l), sized(m.grad, l*l)
	return m
}

func (p *headPool) put(m *headScores) {
	p.mu.Lock()
	p.free = append(p.free, m)
	p.mu.Unlock()
}

// Run does all heads of sequence s.
func (w *fusedAttention) Run(s int) {
	first, l := w.offsets[s], w.offsets[s+1]-w.offsets[s]
	if l == 0 {
		return
	}
	m := w.pool.get(l)
	d := w.q.Cols / w.heads
	for h := range w.heads {
		at := first*w.q.Cols + h*d
		// Every head has a stream of its own, far from those of other calls.
		stream := w.stream*0x9e3779b97f4a7c15 + uint64(s*w.heads+h)
		if w.backward {
			w.headBackward(m, at, l, d, stream)
		} else {
			dropped := w.probabilities(m, at, l, d, stream)
			kernels.GemmF32(kernels.NN, l, d, l, dropped, l, w.v.Data[at:], w.v.Cols, w.y.Data[at:], w.y.Cols, false)
		}
	}
	w.pool.put(m)
}

// probabilities sets m.p and returns its dropout, which is m.p itself without one.
func (w *fusedAttention) probabilities(m *headScores, at, l, d int, stream uint64) []float32 {
	kernels.GemmF32(kernels.NT, l, l, d, w.q.Data[at:], w.q.Cols, w.k.Data[at:], w.k.Cols, m.p, l, false)
	kernels.Scale(w.scale, m.p, m.p)
	kernels.Softmax(l, l, m.p, l, m.p, l)
	if w.rate == 0 {
		return m.p
	}
	kernels.Dropout(w.seed, stream, w.rate, m.p, m.dropped)
	return m.dropped
}

func (w *fusedAttention) headBackward(m *headScores, at, l, d int, stream uint64) {
	q, k, v, ld := w.q, w.k, w.v, w.q.Cols
	dropped, dy := w.probabilities(m, at, l, d, stream), w.y.Grad[at:]
	if w.dv != nil {
		kernels.GemmF32(kernels.TN, l, d, l, dropped, l, dy, ld, w.dv[at:], ld, w.addV)
	}
	if w.dq == nil && w.dk == nil {
		return
	}
	ds := m.grad
	kernels.GemmF32(kernels.NT, l, l, d, dy, ld, v.Data[at:], ld, ds, l, false)
	if w.rate > 0 {
		kernels.Dropout(w.seed, stream, w.rate, ds, ds)
	}
	kernels.SoftmaxBackward(l, l, m.p, l, ds, l, ds, l)
	kernels.Scale(w.scale, ds, ds)
	if w.dq != nil {
		kernels.GemmF32(kernels.NN, l, d, l, ds, l, k.Data[at:], ld, w.dq[at:], ld, w.addQ)
	}
	if w.dk != nil {
		kernels.GemmF32(kernels.TN, l, d, l, ds, l, q.Data[at:], ld, w.dk[at:], ld, w.addK)
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
