package autograd

import "github.com/go-jpqd/jpqd/kernels"

// LayerNorm is y = (x − mean)/√(var + eps)·gamma + beta over each row, with the
// population variance (Ba, Kiros and Hinton 2016).
//
//	x (rows, cols), gamma (1, cols), beta (1, cols) → y (rows, cols)
func (t *Tape) LayerNorm(x, gamma, beta *Tensor, eps float32) *Tensor {
	y := t.New(x.Rows, x.Cols, x, gamma, beta)
	mean, rstd := t.Floats(x.Rows), t.Floats(x.Rows)
	kernels.LayerNorm(x.Rows, x.Cols, x.Data, gamma.Data, beta.Data, eps, y.Data, mean, rstd)
	return t.record(y, node{backward: layerNormBackward, in: [3]*Tensor{x, gamma, beta}, saved: [3][]float32{mean, rstd}})
}

// with x̂ = (x − mean)·rstd and g = dy·gamma:
// dx += rstd·(g − mean(g) − x̂·mean(g·x̂)); dgamma += Σ dy·x̂; dbeta += Σ dy
func layerNormBackward(_ *Tape, n *node) {
	x, gamma, beta := n.in[0], n.in[1], n.in[2]
	kernels.LayerNormBackward(x.Rows, x.Cols, x.Data, gamma.Data, n.saved[0], n.saved[1], n.out.Grad, x.Grad, gamma.Gradient(), beta.Gradient(), !x.first())
}
