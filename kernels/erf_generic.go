package kernels

import "math"

// With a = |x|,
//
//	erf(a) ≈ a + a·(erfP0 + erfP1·a² + … + erfP6·a¹²)              a ≤ erfSplit
//	erf(a) ≈ 1 − exp(−a − a·(erfQ0 + erfQ1·a + … + erfQ6·a⁶))      erfSplit < a ≤ erfLimit
//
// are minimax polynomials of relative error 4.6e-10 and 6.8e-10. Beyond erfLimit
// the result is 1.
const (
	erfSplit = 0.93
	erfLimit = 4

	erfP0 = 0.128379166579811
	erfP1 = -0.37612633188438743
	erfP2 = 0.11283687188859011
	erfP3 = -0.02685894151617817
	erfP4 = 0.005199906681837869
	erfP5 = -0.0008130012776376839
	erfP6 = 8.316775558234205e-05

	erfQ0 = 0.12865421727052928
	erfQ1 = 0.6351281046397604
	erfQ2 = 0.10627519403644585
	erfQ3 = -0.023795008862093462
	erfQ4 = 0.0036580107738689405
	erfQ5 = -0.00032662289558655917
	erfQ6 = 1.161232587780006e-05
)

func expGeneric(_ float32, x, _, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = expFused(v)
	}
}

func erfGeneric(_ float32, x, _, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = erf32(v)
	}
}

func erf32(x float32) float32 {
	a := abs32(x)
	if a > erfSplit {
		a = min(a, erfLimit)
		q := fma32(a, erfQ6, erfQ5)
		q = fma32(a, q, erfQ4)
		q = fma32(a, q, erfQ3)
		q = fma32(a, q, erfQ2)
		q = fma32(a, q, erfQ1)
		q = fma32(a, q, erfQ0)
		e := expFused(fma32(-a, q, -a))
		sign := math.Float32bits(x) & (1 << 31)
		return math.Float32frombits(math.Float32bits(1-e) | sign)
	}
	s := float32(x * x)
	p := fma32(s, erfP6, erfP5)
	p = fma32(s, p, erfP4)
	p = fma32(s, p, erfP3)
	p = fma32(s, p, erfP2)
	p = fma32(s, p, erfP1)
	p = fma32(s, p, erfP0)
	return fma32(x, p, x)
}
