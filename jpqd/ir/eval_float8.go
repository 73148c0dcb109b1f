package ir

import (
	"fmt"
	"math"
	"slices"
)

// float8 is a format of FP8 (Micikevicius et al. 2022).
type float8 struct {
	mantissa int     // bits
	least    int     // exponent of the smallest normal number
	largest  float64 // finite number
}

var float8Formats = map[string]float8{
	"f8e4m3": {mantissa: 3, least: -6, largest: 448},
	"f8e5m2": {mantissa: 2, least: -14, largest: 57344},
}

// round is the nearest number of the format, half to even; what lies beyond
// becomes the largest.
func (f float8) round(x float64) float64 {
	if x == 0 || x != x {
		return x
	}
	_, exponent := math.Frexp(x) // |x| is at least half of 2^exponent
	quantum := math.Ldexp(1, max(exponent-1, f.least)-f.mantissa)
	return max(-f.largest, min(math.RoundToEven(x/quantum)*quantum, f.largest))
}

// fakeConvert is (round(x·scale − shift) + shift)/scale.
func fakeConvert(c *call) ([]*Tensor, error) {
	destination := c.attributes.get("destination_type")
	format, ok := float8Formats[destination]
	if !ok {
		return nil, fmt.Errorf("destination_type: found %q, want f8e4m3 or f8e5m2", destination)
	}
	x, err := c.float(0)
	if err != nil {
		return nil, err
	}
	y, err := c.tensor(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	shift := &Tensor{Type: x.Type, F32: []float32{0}}
	with := make([][]int, 2) // strides of scale and shift
	for i := range with {
		t := shift
		if i+1 < len(c.in) {
			if t, err = c.float(i + 1); err != nil {
				return nil, err
			}
		}
		if shape, err := broadcastShapes(x.Shape, t.Shape); err != nil || t.Type != x.Type || !slices.Equal(shape, x.Shape) {
			return nil, fmt.Errorf("input %d: found %s of shape %v, want %s that broadcasts to %v", i+1, t.Type, t.Shape, x.Type, x.Shape)
		}
		if i == 1 {
			shift = t
		}
		with[i] = spread(t.Shape, x.Shape)
	}
	scale, n := c.in[1], rowLength(y.Shape)
	eachRow(y.Shape, with, func(first int, at []int) {
		for j := range n {
			s := float64(scale.F32[at[0]+j*lastStride(with[0])])
			d := float64(shift.F32[at[1]+j*lastStride(with[1])])
			y.F32[first+j] = y.Type.round(float32((format.round(float64(x.F32[first+j])*s-d) + d) / s))
		}
	})
	return []*Tensor{y}, nil
}
