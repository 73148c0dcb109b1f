package kernels

import "math"

func layerNormQ8Generic(p layerNormQ8Params, x, residual, gamma, beta, sum, y []float32, q []byte) {
	for i := range p.rows {
		lo, hi := i*p.cols, (i+1)*p.cols
		v := x[lo:hi]
		if residual != nil {
			if y != nil {
				sum = y[lo:hi]
			}
			addGeneric(0, v, residual[lo:hi], sum[:p.cols])
			v = sum[:p.cols]
		}
		mean, rstd := moments(p.eps, v)
		for j, a := range v {
			n := fma32(float32((a-mean)*rstd), gamma[j], beta[j])
			if y != nil {
				y[lo+j] = n
			}
			if q != nil {
				q[lo+j] = p.quantize.level(n)
			}
		}
	}
}

// lanes32 is how many sums the normalisation keeps side by side.
const lanes32 = 2 * lanes16

// fold32 adds up the lanes.
func fold32(lanes *[lanes32]float32) float32 {
	var half [lanes16]float32
	for l := range half {
		half[l] = lanes[l] + lanes[l+lanes16]
	}
	return fold16(&half)
}

// moments returns the mean and 1/√(variance+eps).
func moments(eps float32, x []float32) (mean, rstd float32) {
	var sums, squares [lanes32]float32
	for j, v := range x {
		sums[j%lanes32] += v
	}
	mean = fold32(&sums) / float32(len(x))
	for j, v := range x {
		d := v - mean
		squares[j%lanes32] = fma32(d, d, squares[j%lanes32])
	}
	variance := fold32(&squares) / float32(len(x))
	// The square root of float64, rounded, is that of float32.
	return mean, 1 / float32(math.Sqrt(float64(variance+eps)))
}
