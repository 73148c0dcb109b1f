package ir

import (
	"fmt"
	"math"
	"slices"
)

// fakeQuantize rounds x to one of levels points between the input limits and
// maps them to the output limits, which all broadcast to the shape of x.
func fakeQuantize(c *call) ([]*Tensor, error) {
	levels, err := c.integer("levels", 256)
	if err != nil {
		return nil, err
	}
	if levels < 2 {
		return nil, fmt.Errorf("levels: found %d, want at least 2", levels)
	}
	var in [5]*Tensor // x, input low and high, output low and high
	var with [][]int
	for i := range in {
		if in[i], err = c.float(i); err != nil {
			return nil, err
		}
		shape, err := broadcastShapes(in[0].Shape, in[i].Shape)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(shape, in[0].Shape) {
			return nil, fmt.Errorf("input %d: found shape %v, want one that broadcasts to %v", i, in[i].Shape, in[0].Shape)
		}
		with = append(with, spread(in[i].Shape, in[0].Shape))
	}
	y, err := c.tensor(in[0].Type, in[0].Shape)
	if err != nil {
		return nil, err
	}
	n := rowLength(y.Shape)
	var step [5]int
	for i := range step {
		step[i] = lastStride(with[i])
	}
	eachRow(y.Shape, with, func(first int, at []int) {
		var v [5]float64
		for j := range n {
			for i := range v {
				v[i] = float64(in[i].F32[at[i]+j*step[i]])
			}
			y.F32[first+j] = y.Type.round(float32(quantizePoint(v[0], v[1], v[2], v[3], v[4], float64(levels-1))))
		}
	})
	return []*Tensor{y}, nil
}

// quantizePoint rounds half to even. steps = levels − 1.
func quantizePoint(x, inLow, inHigh, outLow, outHigh, steps float64) float64 {
	switch {
	case x <= min(inLow, inHigh):
		return outLow
	case x > max(inLow, inHigh):
		return outHigh
	}
	return math.RoundToEven((x-inLow)/(inHigh-inLow)*steps)/steps*(outHigh-outLow) + outLow
}
