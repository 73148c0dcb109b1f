package autograd

import "github.com/go-jpqd/jpqd/kernels"

// halves are the data of a tensor rounded to BF16, once for all products of a pass.
type halves struct {
	data []kernels.BF16
	pass uint64 // they are of this pass; of another they are old
}

// halved is x rounded to BF16.
func (t *Tape) halved(x *Tensor) []kernels.BF16 {
	h := &x.half
	if h.pass == t.pass {
		return h.data
	}
	n := x.Rows * x.Cols
	if x.tape != nil {
		h.data = t.halves.take(n)
	} else if cap(h.data) < n { // a parameter keeps its own
		h.data = memory[kernels.BF16](n)
	}
	h.data, h.pass = h.data[:n], t.pass
	kernels.RoundBF16(x.Data[:n], h.data)
	return h.data
}

// halvedGradient is the gradient of x rounded to BF16, valid until the next call.
func (t *Tape) halvedGradient(x *Tensor) []kernels.BF16 {
	n := x.Rows * x.Cols
	if cap(t.gradHalf) < n {
		t.gradHalf = memory[kernels.BF16](n)
	}
	kernels.RoundBF16(x.Grad[:n], t.gradHalf[:n])
	return t.gradHalf[:n]
}
