package int8

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// linear is y = x·Wᵀ + bias in the arithmetic that its quantizers allow:
//
//   - integers, where input and weight are quantized: the product of bytes,
//     scaled to float32 behind it;
//   - float32 otherwise. A weight that is quantized alone is dequantized once; an
//     input that is quantized alone, or meets a weight with zero points of rows,
//     or is no exact byte, is quantized and dequantized.
//
// x is (n, cols), W (rows, cols), y (n, rows).
type linear struct {
	rows, cols int
	distance   int                 // of the input's rows
	input      *quantizer          // nil: x is used as it is
	integers   *kernels.PackedInt8 // one of the two is nil; both, where cols is 0
	floats     *kernels.PackedF32
	scale      []float32 // (rows) of integer products
	bias       []float32 // (rows)
}

// newLinear plans a Linear that has passed the check. Where width, its number
// of inputs, is 0 because all of them were pruned, the bias is left.
func newLinear(l *jpqd.CompressedLinear, width int) linear {
	p := linear{rows: len(l.Bias), cols: width, distance: width, bias: l.Bias}
	if width == 0 {
		return p
	}
	if p.input = newQuantizer(l.Input); p.input != nil {
		p.input.columns = l.Smooth
	}
	m := &l.Weight
	if p.input == nil || !p.input.aligned || m.I8 == nil || m.Zero != nil {
		p.floats = packFloats(m)
		return p
	}
	p.integers = packIntegers(m)
	p.scale = make([]float32, p.rows)
	for i := range p.scale {
		p.scale[i] = float32(p.input.step * float64(m.Scale[i]))
	}
	return p
}

// form is how a linear wants its input.
type form struct {
	quantizer *quantizer // nil: as it is
	bytes     bool       // as bytes; otherwise as floats that were quantized
}

func (l *linear) form() form { return form{l.input, l.integers != nil} }

// size is the bytes of an element.
func (f form) size() int {
	if f.bytes {
		return 1
	}
	return 4
}

// apart is how many elements rows of n elements of some bytes lie apart, so that
// a product finds them in the first-level cache: an odd number of its lines. Rows
// whose distance is a multiple of 4 KiB would all fall into one set of it, which
// has no room for the 12 rows of a tile and what else comes by.
func apart(n, size int) int { return (cacheLines(n*size)/64 | 1) * 64 / size }

// forms are the different forms in which the Linears behind one tensor want it,
// those that are the tensor itself left out. The bytes come first.
type forms []form

func newForms(linears ...*linear) forms {
	var all forms
	for _, bytes := range []bool{true, false} {
		for _, l := range linears {
			if f := l.form(); f.quantizer != nil && f.bytes == bytes && all.index(f) < 0 {
				all = append(all, f)
			}
		}
	}
	return all
}

// index is the place of a form, -1 if it is not there.
func (all forms) index(f form) int {
	for i := range all {
		if all[i].bytes == f.bytes && all[i].quantizer.equal(f.quantizer) {
			return i
		}
	}
	return -1
}

// maxForms is how many Linears, at most, read one tensor: query, key and value.
const maxForms = 3

// copies are a tensor in the forms of a list.
type copies [maxForms]struct {
	bytes  []uint8
	floats []float32
}

// from are the copies from an element on.
func (c *copies) from(at int) (rest copies) {
	for i := range c {
		rest[i].bytes, rest[i].floats = c[i].bytes[min(at, len(c[i].bytes)):], c[i].floats[min(at, len(c[i].floats)):]
	}
	return rest
}

// fill makes the copies of x (rows, cols) from form number first on.
func (c *copies) fill(all forms, first, rows, cols int, x []float32) {
	for i := first; i < len(all); i++ {
		q := all[i].quantizer
		x := q.smooth(rows, cols, x, c[i].floats)
		if all[i].bytes {
			kernels.Quantize(rows, cols, x, cols, q.bytes, c[i].bytes, cols)
		} else {
			q.fake(x[:rows*cols], c[i].floats)
		}
	}
}

// operand is the input of a linear: one of the copies, or the tensor itself.
func (l *linear) operand(all forms, c *copies, x []float32) (bytes []uint8, floats []float32) {
	f := l.form()
	if f.quantizer == nil {
		return nil, x
	}
	i := all.index(f)
	return c[i].bytes, c[i].floats
}

// element is what a product can write.
type element interface{ float32 | uint8 | int8 }

// multiply writes the n rows of the product to y with leading dimension ldy. e
// says what comes behind it; scale, bias and zero point are filled in.
func multiply[C element](l *linear, n int, bytes []uint8, floats []float32, y []C, ldy int, e *kernels.Epilogue) {
	e.Bias = l.bias
	switch {
	case l.integers != nil:
		e.ZeroA, e.Scale = l.input.bytes.ZeroPoint, l.scale
		kernels.GemmInt8(n, bytes, l.distance, l.integers, y, ldy, e)
	default:
		e.ZeroA, e.Scale = 0, nil
		kernels.GemmPackedF32(n, floats, l.distance, l.floats, y, ldy, e)
	}
}
