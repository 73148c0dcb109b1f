package kernels

var (
	expFamily family[vectorFunc]
	erfFamily family[vectorFunc]
)

func init() {
	register(&expFamily, Kernel{Op: "exp_f32", Name: "exp_f32_generic"}, expGeneric)
	register(&erfFamily, Kernel{Op: "erf_f32", Name: "erf_f32_generic"}, erfGeneric)
}

// Exp computes
//
//	y[i] = exp(x[i])
//
// with an error of at most 1.01 ulp over all numbers, subnormal results
// included: that is the maximum over every float32. From 88.72284 on the result is
// +Inf, below −103.97208 zero; exp(±0) is 1 and that of NaN NaN. y may be x. The
// result is bit-equal on every instruction set.
func Exp(x, y []float32) {
	sameLength(x, x, y)
	runVector(&expFamily, 0, x, nil, y)
}

// Erf computes
//
//	y[i] = erf(x[i]) = 2/√π · ∫₀^x[i] exp(−t²) dt
//
// with an error of at most 1.06 ulp over all numbers, subnormal ones included:
// that is the maximum over every float32. erf(±0) is ±0, erf(±Inf) ±1 and that of
// NaN NaN. y may be x. The result is bit-equal on every instruction set.
func Erf(x, y []float32) {
	sameLength(x, x, y)
	runVector(&erfFamily, 0, x, nil, y)
}
