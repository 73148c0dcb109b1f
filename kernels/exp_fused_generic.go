package kernels

import "math"

// expFused is [exp32] with the multiply-adds fused where the assembly fuses
// them: bit-equal to EXP_Z and EXP_Y of exp_amd64.h.
func expFused(x float32) float32 {
	if x > expHigh {
		x = expHigh
	}
	if x < expLow {
		x = expLow
	}
	n := float32(float32(x*math.Log2E)+roundingShift) - roundingShift
	r := fma32(-n, ln2Lo, fma32(-n, ln2Hi, x))
	q := fma32(r, expC6, expC5)
	q = fma32(r, q, expC4)
	q = fma32(r, q, expC3)
	q = fma32(r, q, expC2)
	q = fma32(float32(r*r), q, r)
	k := int32(n)
	return float32((1+q)*power2(k>>1)) * power2(k-k>>1)
}
