package autograd

import "github.com/go-jpqd/jpqd/kernels"

// Attention over rows without padding. The probabilities of a batch are one
// flat tensor (1, heads·Σ lₛ²): for sequence s of length lₛ and head h a block
// (lₛ, lₛ), sequence after sequence and head after head.

// AttentionProbs is softmax(scale·Q·Kᵀ) within each sequence and head; scale is
// 1/√head_dim (Vaswani et al. 2017) unless Q is scaled already. offsets
// (sequences+1) gives each sequence's rows and must stay unchanged until the
// step ends.
//
//	q, k (rows, heads·head_dim) → p (1, heads·Σ lₛ²)
func (t *Tape) AttentionProbs(q, k *Tensor, offsets []int, heads int, scale float32) *Tensor {
	sameShape("AttentionProbs", q, k)
	p := t.New(1, probabilities(offsets, heads), q, k)
	t.record(p, node{backward: attentionProbsBackward, in: [3]*Tensor{q, k}, offsets: offsets, heads: heads, scale: scale})
	t.attend(attentionTask{do: probsForward, a: q, b: k, p: p, offsets: offsets, heads: heads, scale: scale})
	return p
}

func probsForward(w *attentionTask, at, block, l, d int) {
	q, k, p, ld := w.a.Data[at:], w.b.Data[at:], w.p.Data[block:block+l*l], w.a.Cols
	kernels.GemmF32(kernels.NT, l, l, d, q, ld, k, ld, p, l, false)
	kernels.Scale(w.scale, p, p)
	kernels.Softmax(l, l, p, l, p, l)
}

// ds = scale·p∘(dp − Σ dp∘p); dq += ds·k; dk += dsᵀ·q
func attentionProbsBackward(t *Tape, n *node) {
	q, k, p := n.in[0], n.in[1], n.out
	t.attend(attentionTask{do: probsBackward, a: q, b: k, p: p, addA: !q.first(), addB: !k.first(), offsets: n.offsets, heads: n.heads, scale: n.scale, scratch: t.Floats(p.Cols)})
}

func probsBackward(w *attentionTask, at, block, l, d int) {
	p, dp, ds := w.p.Data[block:block+l*l], w.p.Grad[block:block+l*l], w.scratch[block:block+l*l]
	kernels.SoftmaxBackward(l, l, p, l, dp, l, ds, l)
	kernels.Scale(w.scale, ds, ds)
	scoresInto(w, at, ds, l, d)
}

// AttentionScores is Q·Kᵀ within each sequence and head.
//
//	q, k (rows, heads·head_dim) → s (1, heads·Σ lₛ²)
func (t *Tape) AttentionScores(q, k *Tensor, offsets []int, heads int) *Tensor {
	sameShape("AttentionScores", q, k)
	s := t.New(1, probabilities(offsets, heads), q, k)
	t.record(s, node{backward: attentionScoresBackward, in: [3]*Tensor{q, k}, offsets: offsets, heads: heads})
	t.attend(attentionTask{do: scoresForward, a: q, b: k, p: s, offsets: offsets, heads: heads})
	return s
}

func scoresForward(w *attentionTask, at, block, l, d int) {
	q, k, s, ld := w.a.Data[at:], w.b.Data[at:], w.p.Data[block:block+l*l], w.a.Cols
	kernels.GemmF32(kernels.NT, l, l, d, q, ld, k, ld, s, l, false)
}

// dq += ds·k; dk += dsᵀ·q
func attentionScoresBackward(t *Tape, n *node) {
	q, k := n.in[0], n.in[1]
	t.attend(attentionTask{do: scoresBackward, a: q, b: k, p: n.out, addA: !q.first(), addB: !k.first(), offsets: n.offsets, heads: n.heads})
}

func scoresBackward(w *attentionTask, at, block, l, d int) {
	scoresInto(w, at, w.p.Grad[block:block+l*l], l, d)
}

// scoresInto adds the gradient ds of a head's scores to those of q and k.
func scoresInto(w *attentionTask, at int, ds []float32, l, d int) {
	q, k, ld := w.a.Data[at:], w.b.Data[at:], w.a.Cols
	if w.a.Grad != nil {
		kernels.GemmF32(kernels.NN, l, d, l, ds, l, k, ld, w.a.Grad[at:], ld, w.addA)
	}
	if w.b.Grad != nil {
		kernels.GemmF32(kernels.TN, l, d, l, ds, l, q, ld, w.b.Grad[at:], ld, w.addB)
	}
}

// AttentionSoftmax is the softmax of each row of every head's scores.
//
//	s (1, heads·Σ lₛ²) → p of the same shape
func (t *Tape) AttentionSoftmax(s *Tensor, offsets []int, heads int) *Tensor {
	if s.Cols != probabilities(offsets, heads) {
		panic("autograd: scores do not fit the sequences")
	}
	p := t.New(1, s.Cols, s)
	t.record(p, node{backward: attentionSoftmaxBackward, in: [3]*Tensor{s}, offsets: offsets, heads: heads})
	t.attend(attentionTask{do: softmaxForward, a: s, p: p, offsets: offsets, heads: heads})
	return p
}

func softmaxForward(w *attentionTask, _, block, l, _ int) {
	kernels.Softmax(l, l, w.a.Data[block:block+l*l], l, w.p.Data[block:block+l*l], l)
}

// ds += p∘(dp − Σ dp∘p)
func attentionSoftmaxBackward(t *Tape, n *node) {
	s := n.in[0]
	w := attentionTask{do: softmaxBackward, a: s, p: n.out, addA: !s.first(), offsets: n.offsets, heads: n.heads}
	if w.addA {
		w.scratch = t.Floats(n.out.Cols)
	}
	t.attend(w)
}

func softmaxBackward(w *attentionTask, _, block, l, _ int) {
	p, dp, sum := w.p.Data[block:block+l*l], w.p.Grad[block:block+l*l], w.a.Grad[block:block+l*l]
	if !w.addA {
		kernels.SoftmaxBackward(l, l, p, l, dp, l, sum, l)
		return
	}
	ds := w.scratch[block : block+l*l]
	kernels.SoftmaxBackward(l, l, p, l, dp, l, ds, l)
	kernels.Add(sum, ds, sum)
}

// AttentionContext is P·V within each sequence and head.
//
//	p (1, heads·Σ lₛ²), v (rows, heads·head_dim) → y (rows, heads·head_dim)
func (t *Tape) AttentionContext(p, v *Tensor, offsets []int, heads int) *Tensor {
	if p.Cols != probabilities(offsets, heads) {
		panic("autograd: probabilities do not fit the sequences")
	}
	y := t.New(v.Rows, v.Cols, p, v)
	t.record(y, node{backward: attentionContextBackward, in: [3]*Tensor{p, v}, offsets: offsets, heads: heads})
	t.attend(attentionTask{do: contextForward, a: v, b: y, p: p, offsets: offsets, heads: heads})
	return y
}

func contextForward(w *attentionTask, at, block, l, d int) {
	v, y, p, ld := w.a.Data[at:], w.b.Data[at:], w.p.Data[block:block+l*l], w.a.Cols
	kernels.GemmF32(kernels.NN, l, d, l, p, l, v, ld, y, ld, false)
}

// dp += dy·vᵀ; dv += pᵀ·dy
func attentionContextBackward(t *Tape, n *node) {
	p, v := n.in[0], n.in[1]
	t.attend(attentionTask{do: contextBackward, a: v, b: n.out, p: p, addA: !v.first(), addP: !p.first(), offsets: n.offsets, heads: n.heads})
}

func contextBackward(w *attentionTask, at, block, l, d int) {
	v, dy, p, ld := w.a.Data[at:], w.b.Grad[at:], w.p.Data[block:block+l*l], w.a.Cols
	if w.p.Grad != nil {
		kernels.GemmF32(kernels.NT, l, l, d, dy, ld, v, ld, w.p.Grad[block:block+l*l], l, w.addP)
	}
	if w.a.Grad != nil {
		kernels.GemmF32(kernels.TN, l, d, l, p, l, dy, ld, w.a.Grad[at:], ld, w.addA)
	}
}
