package kernels

import "math"

func softmaxQ8Generic(p softmaxQ8Params, x []float32, acc []int32, mask, scratch []float32, q []byte) {
	e := scratch[:p.valid]
	for i := range p.rows {
		row := e
		switch {
		case p.valid == 0:
		case acc != nil:
			scores(p.scale, acc[i*p.ldx:][:p.valid], mask, e)
		default:
			row = x[i*p.ldx:][:p.valid]
		}
		softmaxRowQ8(p.quantize, row, e, q[i*p.ldq:][:p.cols])
	}
}

// scores writes acc·scale, plus a mask that is not nil, to y.
func scores(scale float32, acc []int32, mask, y []float32) {
	for j, v := range acc {
		y[j] = float32(float32(v) * scale)
	}
	for j, v := range mask {
		y[j] += v
	}
}

// softmaxRowQ8 does one row; e, which may be x, holds its exponentials.
func softmaxRowQ8(p quantizeParams, x, e []float32, q []byte) {
	peak := float32(-math.MaxFloat32) // −Inf would make exp(−Inf − peak) NaN
	for _, v := range x {
		if v > peak {
			peak = v
		}
	}
	var lanes [lanes16]float32
	for j, v := range x {
		e[j] = expFused(v - peak)
		lanes[j%lanes16] += e[j]
	}
	// The sum is less than one only where every element is −Inf.
	if sum := fold16(&lanes); !(sum < 1) {
		p.inverse /= sum
	}
	for j, v := range e {
		q[j] = p.level(v)
	}
	for j := len(e); j < len(q); j++ {
		q[j] = byte(p.zeroPoint)
	}
}
