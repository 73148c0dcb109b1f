package kernels

import "math"

func sumSquaresGeneric(x []float32, lanes *[sumSquaresLanes]float64) {
	for i, v := range x {
		// The square of a float32 is exact in float64.
		lanes[i%sumSquaresLanes] += float64(v) * float64(v)
	}
}

func minMaxGeneric(x []float32) (lo, hi float32) {
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		if v != v {
			return v, v
		}
	}
	return lo, hi
}
