package kernels

import "math"

// roundToEven rounds to the nearest integer, halves to the even one.
func roundToEven(x float32) float32 { return float32(math.RoundToEven(float64(x))) }

// fakeQuantGeneric converts the product to float32, lest the compiler fuse it
// with the subtraction.
func fakeQuantGeneric(q fakeQuantParams, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		v = min(max(v, q.low), q.high)
		y[i] = roundToEven(float32((v-q.low)*q.scale)-q.zeroPoint) / q.scale
	}
}

func fakeQuantBackwardGeneric(low, high float32, x, y, dy, dx []float32) (inside, above, below float32) {
	y, dy = y[:len(x)], dy[:len(x)]
	if dx != nil {
		dx = dx[:len(x)]
	}
	for i, v := range x {
		switch {
		case v > high:
			above += dy[i]
		case v < low:
			below += dy[i]
		default:
			inside += dy[i] * (y[i] - v)
			if dx != nil {
				dx[i] += dy[i]
			}
		}
	}
	return inside, above, below
}
