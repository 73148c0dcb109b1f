package kernels

import "math"

// exp(x) = 2ⁿ·exp(r) with n = round(x/ln 2) and r = x − n·ln 2, where
//
//	exp(r) ≈ 1 + r + r²·(expC2 + expC3·r + expC4·r² + expC5·r³ + expC6·r⁴)
//
// is the minimax polynomial on |r| ≤ ln(2)/2, relative error 3.1e-9. ln 2 is
// subtracted in two pieces (the first has nine bits, so n times it is exact).
// Beyond expLow and expHigh the result is 0 or +Inf in any case.
const (
	expLow  = -104
	expHigh = 89
	ln2Hi   = 0.693359375
	ln2Lo   = math.Ln2 - ln2Hi

	expC2 = 0.499999934318
	expC3 = 0.166665203955
	expC4 = 0.0416683908541
	expC5 = 0.00836874543553
	expC6 = 0.00138145368318
)

// tanh is 1 in float32 from here on.
const tanhLimit = 10

// roundingShift plus a number of less than 2²² has no bits left for a fraction:
// adding and subtracting it rounds to the nearest integer.
const roundingShift = 1.5 * (1 << 23)

// expm1Reduced returns n and exp(r) − 1, |x| < 2²⁰.
func expm1Reduced(x float32) (n, q float32) {
	n = float32(x*math.Log2E+roundingShift) - roundingShift
	r := x - n*ln2Hi - n*ln2Lo
	return n, r + r*r*(expC2+r*(expC3+r*(expC4+r*(expC5+r*expC6))))
}

// exp32 is exp in float32. The power of two is multiplied in two steps, so that
// subnormal results come out rather than zero.
func exp32(x float32) float32 {
	if x > expHigh {
		x = expHigh
	}
	if x < expLow {
		x = expLow
	}
	n, q := expm1Reduced(x)
	k := int32(n)
	return (1 + q) * power2(k>>1) * power2(k-k>>1)
}

// power2 is 2ᵏ for −127 < k < 128.
func power2(k int32) float32 { return math.Float32frombits(uint32(k+127) << 23) }

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// tanhGeneric computes tanh |x| = −m/(m+2) with m = exp(−2|x|) − 1, which keeps
// its relative precision where x is small.
func tanhGeneric(_ float32, x, _, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		a := abs32(v)
		if a > tanhLimit {
			a = tanhLimit
		}
		n, q := expm1Reduced(-2 * a)
		s := power2(int32(n))
		m := s*q + (s - 1)
		sign := math.Float32bits(v) & (1 << 31)
		y[i] = math.Float32frombits(math.Float32bits(abs32(m/(m+2))) | sign)
	}
}

func tanhBackwardGeneric(_ float32, y, dy, dx []float32) {
	y, dy = y[:len(dx)], dy[:len(dx)]
	for i, v := range y {
		dx[i] += float32(dy[i] * (1 - float32(v*v)))
	}
}
