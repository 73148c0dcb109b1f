package kernels

import "math"

// For a = |x|, Φ(−a) = exp(−a²/2)·R(a) with R(a) = erfcx(a/√2)/2, approximated
// on 0 ≤ a ≤ tailLimit by the minimax quotient
//
//	R(a) ≈ (tailP0 + … + tailP4·a⁴) / (1 + tailQ1·a + … + tailQ5·a⁵)
//
// of relative error 5.5e-9. All its coefficients are positive, so nothing
// cancels. Beyond tailLimit exp(−a²/2) makes the product negligible. Hence
//
//	x·Φ(x)          = max(x, 0) − a·Φ(−a)
//	Φ(x) + x·φ(x)   = T where x < 0, else 1 − T,  T = exp(−a²/2)·(R(a) − a/√(2π))
const (
	tailLimit = 14

	tailP0 = 0.500000002734
	tailP1 = 0.437261128481
	tailP2 = 0.182469435282
	tailP3 = 0.0403751226431
	tailP4 = 0.00407798810869

	tailQ1 = 1.67240721107
	tailQ2 = 1.19932224948
	tailQ3 = 0.467449164393
	tailQ4 = 0.101212230964
	tailQ5 = 0.0102218716137

	density0 = 0.39894228040143268 // φ(0) = 1/√(2π)
)

// normalTail returns a = min(|x|, tailLimit), exp(−x²/2) and R(a).
func normalTail(x float32) (a, e, r float32) {
	e = exp32(-0.5 * (x * x))
	a = abs32(x)
	if a > tailLimit {
		a = tailLimit
	}
	p := tailP0 + a*(tailP1+a*(tailP2+a*(tailP3+a*tailP4)))
	q := 1 + a*(tailQ1+a*(tailQ2+a*(tailQ3+a*(tailQ4+a*tailQ5))))
	return a, e, p / q
}

// signMask is all ones for the bits of a negative number, else zero. Selecting
// by it spares a branch that cannot be predicted.
func signMask(bits uint32) uint32 { return uint32(int32(bits) >> 31) }

func geluGeneric(_ float32, x, _, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		a, e, r := normalTail(v)
		bits := math.Float32bits(v)
		y[i] = math.Float32frombits(bits&^signMask(bits)) - a*(e*r)
	}
}

func geluBackwardGeneric(s float32, x, dy, dx []float32) {
	x, dy = x[:len(dx)], dy[:len(dx)]
	for i, v := range x {
		a, e, r := normalTail(v)
		d := e * (r - a*density0)
		negative := signMask(math.Float32bits(v))
		slope := math.Float32bits(d)&negative | math.Float32bits(1-d)&^negative
		if d = dy[i] * math.Float32frombits(slope); s != 0 {
			d += dx[i]
		}
		dx[i] = d
	}
}
