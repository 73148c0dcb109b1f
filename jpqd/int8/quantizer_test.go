package int8

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// tuned is a range whose Low is a whole number of steps below zero, as TuneRange
// leaves it.
func tuned(below, levels int, step float32) *jpqd.ActivationRange {
	return &jpqd.ActivationRange{Low: -float32(below) * step, High: float32(levels-1-below) * step, Levels: levels}
}

// Bytes are those of the range's own formula, except within float32's error of
// a rounding boundary, and the levels for int8 are 128 less.
func TestBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		levels := []int{2, 3, 128, 255, 256}[rng.IntN(5)]
		r := tuned(rng.IntN(levels), levels, float32(math.Exp(rng.NormFloat64()*5)))
		q := newQuantizer(r)
		if !q.aligned {
			t.Errorf("%+v: found bytes inexact, want exact", *r)
		}
		x := []float32{r.Low, r.High, 2*r.Low - 1, 2*r.High + 1, 0, float32(math.Inf(1)), float32(math.Inf(-1))}
		for range 100 {
			x = append(x, r.Low+(r.High-r.Low)*(1.2*rng.Float32()-0.1))
		}
		got, signed := make([]uint8, len(x)), make([]int8, len(x))
		kernels.Quantize(1, len(x), x, len(x), q.bytes, got, len(x))
		kernels.Quantize(1, len(x), x, len(x), q.signed(), signed, len(x))
		s := float64(float32(levels-1) / (r.High - r.Low))
		for i, v := range x {
			exact := (math.Min(math.Max(float64(v), float64(r.Low)), float64(r.High)) - float64(r.Low)) * s
			if d := math.Abs(float64(got[i]) - exact); d > 0.5+1e-4 {
				t.Errorf("%+v of %v: found %v, want %v rounded", *r, v, got[i], exact)
			}
			if int(signed[i]) != int(got[i])-128 {
				t.Errorf("%+v of %v: found %v as int8, want %v − 128", *r, v, signed[i], got[i])
			}
		}
	}
}

// A Low between zero and half a level below: TuneRange keeps it where High is
// exact. 0.1115 of a level is too much for bytes.
func TestRangesThatNeedFloats(t *testing.T) {
	r := &jpqd.ActivationRange{Low: -0.00042923048, High: 0.9815898, Levels: 256}
	q := newQuantizer(r)
	if q.aligned || exact(q, newQuantizer(tuned(128, 256, 1))) {
		t.Error("found bytes exact, want floats")
	}
	if !exact(newQuantizer(tuned(0, 256, 1)), newQuantizer(tuned(128, 256, 1))) || exact(nil, q) {
		t.Error("found floats for aligned ranges, want bytes")
	}
}
