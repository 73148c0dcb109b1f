package int8

import (
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// linear is y = x·Wᵀ·scale + bias.
//
//	x (n, cols), weight (rows, cols) → y (n, rows)
type linear struct {
	rows, cols int
	weight     []float32 // floats, or integers in the form of float32
	scale      []float32 // (rows) row scale · value of the input's integer 1; nil: all 1
	bias       []float32 // (rows)
	input      *quantizer
}

// newLinear plans a Linear that has passed the check. Where width, its number
// of inputs, is 0 because all of them were pruned, the bias is left.
func newLinear(l *jpqd.CompressedLinear, width int) linear {
	p := linear{rows: len(l.Bias), cols: width, bias: l.Bias}
	if width == 0 {
		return p
	}
	p.weight, p.input = floats(&l.Weight), newQuantizer(l.Input)
	if p.input == nil && l.Weight.I8 == nil {
		return p
	}
	p.scale = make([]float32, p.rows)
	for i := range p.scale {
		p.scale[i] = resultScale(p.input, &l.Weight, i)
	}
	return p
}

// floats are the floats of a matrix, or its integers in their form, counted
// from the zero point of their row.
func floats(m *jpqd.CompressedMatrix) []float32 {
	if m.I8 == nil {
		return m.F32
	}
	w := make([]float32, len(m.I8))
	for r := range m.Rows {
		zero := m.ZeroPoint(r)
		for i := r * m.Cols; i < (r+1)*m.Cols; i++ {
			w[i] = float32(int(m.I8[i]) - zero)
		}
	}
	return w
}

// resultScale is what the sum of row i of m is to be multiplied by.
func resultScale(input *quantizer, m *jpqd.CompressedMatrix, i int) float32 {
	scale := input.step()
	if m.I8 != nil {
		scale *= float64(m.Scale[i])
	}
	return float32(scale)
}

// multiply writes the sums of n rows of x, before scale and bias, to y. x holds
// integers where the linear has an input quantizer.
func (p *linear) multiply(n int, x, y []float32) {
	kernels.GemmF32(kernels.NT, n, p.rows, p.cols, x, p.cols, p.weight, p.cols, y, p.rows, false)
}

// inputs are the different input quantizers of Linears of the same tensor.
type inputs []quantizer

func newInputs(linears ...*linear) inputs {
	var all inputs
	for _, l := range linears {
		if l.input != nil && !slices.Contains(all, *l.input) {
			all = append(all, *l.input)
		}
	}
	return all
}

// operand is what a linear multiplies: the one of x's copies, quantized by all,
// that its quantizer gives, or x.
func (all inputs) operand(l *linear, x []float32, copies *[3][]float32) []float32 {
	if l.input == nil {
		return x
	}
	return copies[slices.Index(all, *l.input)]
}
