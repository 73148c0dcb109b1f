package int8

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// sum is y = LayerNorm(input(branch(a) + stream(x))), the end of each half of a
// block. Any of the quantizers may be nil, and as a rule all are.
type sum struct {
	branch, stream, input *quantizer
	gamma, beta           []float32
	eps                   float32
}

func newSum(add [2]*jpqd.ActivationRange, n *jpqd.CompressedNorm, eps float64) sum {
	return sum{
		branch: newQuantizer(add[0]), stream: newQuantizer(add[1]), input: newQuantizer(n.Input),
		gamma: n.Gamma, beta: n.Beta, eps: float32(eps),
	}
}

// plain says that no quantizer is between the product and the normalisation,
// so that the product's epilogue may add the stream.
func (s *sum) plain() bool { return s.branch == nil && s.stream == nil }

// apply writes the result to y (rows, cols), which may be a, and its copies in
// the forms wanted. x is nil where the product has added it already; otherwise
// it is not changed, unless it is y. spare has room for as much.
func (s *sum) apply(rows, cols int, a, x, y, spare []float32, wanted forms, c *copies) {
	n := rows * cols
	a, y = a[:n], y[:n]
	if s.branch != nil {
		s.branch.fake(a, a)
	}
	if s.stream != nil {
		s.stream.fake(x[:n], spare)
		x = spare
	}
	if x != nil && s.input != nil {
		kernels.Add(a, x[:n], a)
		x = nil
	}
	if s.input != nil {
		s.input.fake(a, a)
	}
	if x != nil {
		x = x[:n]
	}
	var (
		q kernels.Quantizer
		b []uint8
	)
	first := 0
	if len(wanted) > 0 && wanted[0].bytes && wanted[0].quantizer.columns == nil {
		q, b, first = wanted[0].quantizer.bytes, c[0].bytes[:n], 1
	}
	kernels.LayerNormQ8(rows, cols, a, x, s.gamma, s.beta, s.eps, y, q, b)
	c.fill(wanted, first, rows, cols, y)
}
