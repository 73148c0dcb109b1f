package kernels

// level is the level of v·p.inverse as a byte. NaN is less than nothing, so it
// becomes the lowest. Clamping to integers before rounding is the same as after,
// and keeps the rounded number small.
func (p quantizeParams) level(v float32) byte {
	v = float32(v * p.inverse)
	if !(v > p.low) {
		v = p.low
	}
	if v > p.high {
		v = p.high
	}
	n := float32(v+roundingShift) - roundingShift
	return byte(int32(n) + p.zeroPoint)
}

func quantizeGeneric(p quantizeParams, x []float32, q []byte) {
	q = q[:len(x)]
	for i, v := range x {
		q[i] = p.level(v)
	}
}

func dequantizeGeneric(p dequantizeParams, q []byte, y []float32) {
	y = y[:len(q)]
	for i, v := range q {
		y[i] = float32((int32(v)^p.flip)-p.zeroPoint) * p.scale
	}
}
