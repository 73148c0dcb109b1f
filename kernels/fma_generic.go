package kernels

import "math"

// fma32 is a·b + c rounded once, as VFMADD rounds it: the generic kernels whose
// results are bit-equal to the assembly's use it where that fuses.
//
// The product of two float32 is exact in float64, and so few sums of it and c
// need more than the second rounding, to float32, that a look at the bits tells:
// those that fell on the midpoint between two float32, and those where a
// subnormal result moves the midpoints.
func fma32(a, b, c float32) float32 {
	sum := float64(a)*float64(b) + float64(c)
	bits := math.Float64bits(sum)
	if bits&(1<<29-1) == 1<<28 || bits&(2047<<52) < (1023-126)<<52 {
		return fmaToOdd(float64(a)*float64(b), float64(c))
	}
	return float32(sum)
}

// fmaToOdd is p + c rounded to odd in float64, then to float32, which is p + c
// rounded once (S. Boldo, G. Melquiond: Emulation of a FMA and correctly rounded
// sums, 2008): a sum that is not exact gets its last bit set, so that it never
// lies on a midpoint.
func fmaToOdd(p, c float64) float32 {
	sum := p + c
	// The exact error of sum (D. Knuth's two-sum).
	c2 := sum - p
	lost := (p - (sum - c2)) + (c - c2)
	bits := math.Float64bits(sum)
	if lost != 0 && bits&1 == 0 {
		if lost > 0 == (sum > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}
