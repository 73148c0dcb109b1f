package int8

import (
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// quantizer maps activations to bytes:
//
//	q = clamp(round(x·s) + zp, 0, levels−1)    with s and zp of [jpqd.ActivationRange]
//
// That is the range's own formula where Low·s is an integer, as TuneRange makes
// it. It leaves a Low between zero and half a level below as it is; values are
// then rounded elsewhere, and floats have to be used.
type quantizer struct {
	bytes   kernels.Quantizer // of uint8
	aligned bool              // bytes are exact
	columns []float32         // factors of the columns, in front; nil: 1
	low     [1]float32
	span    [1]float32
	step    float64 // the distance of two neighbouring levels
}

// misaligned is the fraction of a level from which on bytes are not exact.
const misaligned = 1e-3

// newQuantizer is a range that has passed the check, or nil for none.
func newQuantizer(r *jpqd.ActivationRange) *quantizer {
	if r == nil {
		return nil
	}
	span := r.High - r.Low
	s := float32(r.Levels-1) / span
	zp := math.RoundToEven(float64(-r.Low * s))
	return &quantizer{
		bytes:   kernels.Quantizer{Scale: 1 / s, ZeroPoint: int32(zp), Low: 0, High: int32(r.Levels - 1)},
		aligned: math.Abs(float64(-r.Low*s)-zp) < misaligned,
		low:     [1]float32{r.Low}, span: [1]float32{span}, step: r.Step(),
	}
}

// signed is the same quantizer for int8: all levels are 128 less.
func (q *quantizer) signed() kernels.Quantizer {
	b := q.bytes
	return kernels.Quantizer{Scale: b.Scale, ZeroPoint: b.ZeroPoint - 128, Low: b.Low - 128, High: b.High - 128}
}

// equal says whether two quantizers, either of which may be nil, give the same.
func (q *quantizer) equal(other *quantizer) bool {
	if q == nil || other == nil {
		return q == other
	}
	return q.bytes == other.bytes && q.low == other.low && q.span == other.span && slices.Equal(q.columns, other.columns)
}

// smooth multiplies the columns of x (rows, cols) by their factors. Where it has
// none the result is x, else y, which may be x.
func (q *quantizer) smooth(rows, cols int, x, y []float32) []float32 {
	if q.columns == nil {
		return x
	}
	for at := 0; at < rows*cols; at += cols {
		kernels.Mul(x[at:at+cols], q.columns, y[at:at+cols])
	}
	return y
}

// fake writes the quantized and dequantized x to y, as in training; y may be x.
func (q *quantizer) fake(x, y []float32) {
	kernels.FakeQuantize(1, len(x), x, q.low[:], q.span[:], int(q.bytes.High)+1, y[:len(x)])
}
