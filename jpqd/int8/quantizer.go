package int8

import (
	"math"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// quantizer maps activations to integers in the form of float32:
//
//	q = round((clamp(x, Low, High)−Low)·s − zp)
type quantizer struct {
	low, span [1]float32
	levels    int
	scale     float32 // s, integers per unit

	// The range in which integers are the levels themselves: s = 1.
	integerLow, integerSpan [1]float32
}

// newQuantizer is a range that has passed the check, or nil for none.
func newQuantizer(r *jpqd.ActivationRange) *quantizer {
	if r == nil {
		return nil
	}
	span := r.High - r.Low
	s := float32(r.Levels-1) / span
	zp := float32(math.RoundToEven(float64(-r.Low * s)))
	return &quantizer{
		low: [1]float32{r.Low}, span: [1]float32{span}, levels: r.Levels, scale: s,
		integerLow: [1]float32{-zp}, integerSpan: [1]float32{float32(r.Levels - 1)},
	}
}

func newQuantizers(pair [2]*jpqd.ActivationRange) [2]*quantizer {
	return [2]*quantizer{newQuantizer(pair[0]), newQuantizer(pair[1])}
}

// step is the value of the integer 1; it is 1 where nothing is quantized.
func (q *quantizer) step() float64 {
	if q == nil {
		return 1
	}
	return 1 / float64(q.scale)
}

// integers writes the integers of x to y; y may be x. The first pass gives q/s,
// rounded exactly as in training; the second and third take the last bits'
// error of its division off again.
func (q *quantizer) integers(x, y []float32) {
	q.fake(x, y)
	kernels.Scale(q.scale, y, y)
	kernels.FakeQuantize(1, len(y), y, q.integerLow[:], q.integerSpan[:], q.levels, y)
}

// fake writes the quantized and dequantized x to y; y may be x.
func (q *quantizer) fake(x, y []float32) {
	kernels.FakeQuantize(1, len(x), x, q.low[:], q.span[:], q.levels, y)
}
