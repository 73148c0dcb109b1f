package kernels

var (
	tanhFamily         family[vectorFunc]
	tanhBackwardFamily family[vectorFunc]
)

func init() {
	register(&tanhFamily, Kernel{Op: "tanh_f32", Name: "tanh_f32_generic"}, tanhGeneric)
	register(&tanhBackwardFamily, Kernel{Op: "tanh_backward_f32", Name: "tanh_backward_f32_generic"}, tanhBackwardGeneric)
}

// Tanh computes
//
//	y[i] = tanh(x[i])
//
// with an error of at most 3 ulp. y may be x.
func Tanh(x, y []float32) {
	sameLength(x, x, y)
	runVector(&tanhFamily, 0, x, nil, y)
}

// TanhBackward computes
//
//	dx[i] += dy[i] · (1 − y[i]²)
//
// where y is what [Tanh] gave. The result is bit-equal on every instruction
// set.
func TanhBackward(y, dy, dx []float32) {
	sameLength(y, dy, dx)
	runVector(&tanhBackwardFamily, 0, y, dy, dx)
}
