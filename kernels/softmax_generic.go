package kernels

import "math"

func softmaxGeneric(x, y []float32) {
	y = y[:len(x)]
	// Starting from the least finite number leaves exp(−Inf − peak) at zero,
	// where −Inf would give NaN.
	peak := float32(-math.MaxFloat32)
	for _, v := range x {
		if v > peak {
			peak = v
		}
	}
	sum := 0.0
	for i, v := range x {
		e := exp32(v - peak)
		y[i] = e
		sum += float64(e)
	}
	// The largest element adds exp(0) = 1, so the sum is less than one only
	// where every element is −Inf.
	scale := float32(1 / max(sum, 1))
	for i := range y {
		y[i] *= scale
	}
}

func softmaxBackwardGeneric(y, dy, dx []float32) {
	dy, dx = dy[:len(y)], dx[:len(y)]
	sum := 0.0
	for i, v := range y {
		sum += float64(dy[i]) * float64(v)
	}
	mean := float32(sum)
	for i, v := range y {
		dx[i] = v * (dy[i] - mean)
	}
}
