package kernels

import "math"

// With a = |x|,
//
//	erf(a) ≈ a + a·(erfP0 + erfP1·a² + … + erfP6·a¹²)              a ≤ erfSplit
//	erf(a) ≈ 1 − exp(−a − a·(erfQ0 + erfQ1·a + … + erfQ6·a⁶))      erfSplit < a ≤ erfLimit
//
// are minimax polynomials of relative error 4.1e-10 and 7.3e-10. Beyond erfLimit
// the result is 1.
const (
	erfSplit = 0.921875 // where either has about the same error
	erfLimit = 4

	erfP0 = 0.128379166637
	erfP1 = -0.37612633735
	erfP2 = 0.112836954936
	erfP3 = -0.0268593982518
	erfP4 = 0.00520103228138
	erfP5 = -0.000814270425509
	erfP6 = 8.37010040088e-05

	erfQ0 = 0.128649562873
	erfQ1 = 0.635146957746
	erfQ2 = 0.106244090159
	erfQ3 = -0.0237682786215
	erfQ4 = 0.00364539927934
	erfQ5 = -0.000323527306818
	erfQ6 = 1.13036139319e-05
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
