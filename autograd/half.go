package autograd

import "github.com/go-jpqd/jpqd/kernels"

// halves are the data of a tensor rounded to BF16, once for all products of a pass.
type halves struct {
	data []kernels.BF16
	pass uint64 // they are of this pass; of another they are old
}

// halved is x rounded to BF16, in paddedRows rows.
func (t *Tape) halved(x *Tensor) []kernels.BF16 {
	h := &x.half
	if h.pass == t.pass {
		return h.data
	}
	n, padded := x.Rows*x.Cols, paddedRows(x)*x.Cols
	if x.tape != nil {
		h.data = t.halves.take(padded)
	} else if cap(h.data) < padded { // a parameter keeps its own
		h.data = memory[kernels.BF16](padded)
	}
	h.data, h.pass = h.data[:padded], t.pass
	kernels.RoundBF16(x.Data[:n], h.data[:n])
	clear(h.data[n:])
	return h.data
}

// paddedRows is the number of rows that x has in BF16. They are the depth of the
// product for the gradient of a weight: zeros behind them make it one that is
// multiplied in whole.
func paddedRows(x *Tensor) int { return (x.Rows + 7) &^ 7 }

// halvedGradient is the gradient of x rounded to BF16, and its transpose, whose
// rows are ld apart and padded with zeros. They are valid until the next call.
func (t *Tape) halvedGradient(x *Tensor) (g, turned []kernels.BF16, ld int) {
	n := x.Rows * x.Cols
	ld = (x.Rows+63)&^63 + 32
	if cap(t.gradHalf) < n+x.Cols*ld {
		t.gradHalf = memory[kernels.BF16](n + x.Cols*ld)
	}
	turned, g = t.gradHalf[:x.Cols*ld], t.gradHalf[x.Cols*ld:][:n]
	kernels.RoundTransposeBF16(x.Rows, x.Cols, x.Grad[:n], g, turned, ld)
	return g, turned, ld
}
