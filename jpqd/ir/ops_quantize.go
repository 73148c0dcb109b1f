package ir

import (
	"math"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/jpqd"
)

// quantizerKey tells when two fake quantizers are the same.
type quantizerKey struct {
	x         *node
	low, high float32
	levels    int
}

// fakeQuantize quantizes x to the range r, if there is one. A second quantizer
// with the same range on the same tensor is the first one.
func (g *graph) fakeQuantize(name string, x *node, r *jpqd.ActivationRange) *node {
	if r == nil {
		return x
	}
	key := quantizerKey{x, r.Low, r.High, r.Levels}
	if n := g.quantizers[key]; n != nil {
		return n
	}
	low, high := outputLimits(r)
	n := g.add(&node{
		name: name, kind: "FakeQuantize", opset: "opset1", typ: x.typ, dims: x.dims,
		inputs: []*node{
			x, g.float(name+"/input_low", r.Low), g.float(name+"/input_high", r.High),
			g.float(name+"/output_low", low), g.float(name+"/output_high", high),
		},
		attributes: attributes("levels", strconv.Itoa(r.Levels), "auto_broadcast", "numpy"),
	})
	g.quantizers[key] = n
	return n
}

// smoothed is a tensor of which the columns are multiplied by factors.
type smoothed struct {
	x, y    *node
	factors []float32
}

// smooth multiplies the columns of x by factors, if there are any. A second such
// product of the same tensor is the first one.
func (g *graph) smooth(name string, x *node, factors []float32) *node {
	if factors == nil {
		return x
	}
	for _, s := range g.smoothed {
		if s.x == x && slices.Equal(s.factors, factors) {
			return s.y
		}
	}
	y := g.times(name, x, g.constant(name+"/factors", values[float32](factors), rowDims(len(factors), len(x.dims))...))
	g.smoothed = append(g.smoothed, smoothed{x, y, factors})
	return y
}

// zeroTolerance is how far from a whole level, in levels, rounding to float32
// may put the 0 of a range.
const zeroTolerance = 1e-3

// outputLimits are the lowest and highest value that r quantizes to. They are
// the limits of r where 0 lies on a level. Else r, which has a zero point,
// makes the nearest level 0 and moves the others by the same distance, and
// FakeQuantize, which has none, must be told so: (0 − zp)/s and (levels−1 − zp)/s.
// (Training ends with such a range when its lower end is less than half a
// level below 0.)
func outputLimits(r *jpqd.ActivationRange) (low, high float32) {
	steps := float64(r.Levels - 1)
	s := steps / (float64(r.High) - float64(r.Low))
	exact := -float64(r.Low) * s
	zp := math.RoundToEven(exact)
	if math.Abs(exact-zp) < zeroTolerance {
		return r.Low, r.High
	}
	return float32(-zp / s), float32((steps - zp) / s)
}
