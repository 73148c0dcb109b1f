package kernels

var (
	geluFamily         family[vectorFunc]
	geluBackwardFamily family[vectorFunc]
)

func init() {
	register(&geluFamily, Kernel{Op: "gelu_f32", Name: "gelu_f32_generic"}, geluGeneric)
	register(&geluBackwardFamily, Kernel{Op: "gelu_backward_f32", Name: "gelu_backward_f32_generic"}, geluBackwardGeneric)
}

// GELU computes
//
//	y[i] = x[i] · Φ(x[i]),  Φ(x) = (1 + erf(x/√2)) / 2
//
// with an error of at most 1.2e-7 · max(1, |x|). y may be x.
func GELU(x, y []float32) {
	sameLength(x, x, y)
	runVector(&geluFamily, 0, x, nil, y)
}

// GELUBackward computes
//
//	dx[i] += dy[i] · (Φ(x[i]) + x[i]·φ(x[i])),  φ(x) = exp(−x²/2) / √(2π)
//
// where x is what [GELU] was given; without accumulate dx is written instead, and
// may be dy.
// The factor of dy[i] has an error of at most 3e-7.
func GELUBackward(x, dy, dx []float32, accumulate bool) {
	sameLength(x, dy, dx)
	var add float32
	if accumulate {
		add = 1
	}
	runVector(&geluBackwardFamily, add, x, dy, dx)
}
