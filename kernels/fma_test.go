package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// fmaReference is a·b + c in as many bits as it needs, rounded once.
func fmaReference(a, b, c float32) float32 {
	for _, v := range []float32{a, b, c} {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return float32(float64(a)*float64(b) + float64(c)) // IEEE says the rest, and float64 cannot overflow
		}
	}
	const enough = 1200
	exact := func(v float32) *big.Float { return new(big.Float).SetPrec(enough).SetFloat64(float64(v)) }
	p := exact(a)
	p.Mul(p, exact(b))
	p.Add(p, exact(c))
	if p.Sign() == 0 {
		return float32(float64(a)*float64(b) + float64(c)) // exact; big.Float has other signs of zero
	}
	v, _ := p.Float32()
	return v
}

func checkFMA(t *testing.T, a, b, c float32) {
	t.Helper()
	if got, want := fma32(a, b, c), fmaReference(a, b, c); !sameBits([]float32{got}, []float32{want}) {
		t.Fatalf("fma32(%g, %g, %g) = %g (%#08x), want %g (%#08x)", a, b, c,
			got, math.Float32bits(got), want, math.Float32bits(want))
	}
}

func TestFMA32(t *testing.T) {
	inf, nan, zero := float32(math.Inf(1)), float32(math.NaN()), float32(0)
	special := []float32{
		zero, float32(math.Copysign(0, -1)), 1, -1, 1 + 0x1p-23, 1 - 0x1p-24, 3, 0x1p-12, 1 + 0x1p-12, -1 - 0x1p-12,
		0x1p-149, -0x1p-149, 0x1p-126, 0x1p-126 - 0x1p-149, 0x1p-75, 0x1.000002p-75, 0x1.000002p-74, -0x1.fffffep-76, 0x1p-140,
		math.MaxFloat32, -math.MaxFloat32, 0x1p64, 0x1p63, 0x1.fffffep63, 0x1p104, -0x1p103, inf, -inf, nan,
	}
	for _, a := range special {
		for _, b := range special {
			for _, c := range special {
				checkFMA(t, a, b, c)
			}
		}
	}
	r := rand.New(rand.NewPCG(15, 15))
	n := 40_000
	if testing.Short() {
		n = 5_000
	}
	// few is a number of few bits with an exponent about e: sums of such fall on
	// midpoints and next to them.
	few := func(e int) float32 {
		m := 1 + float64(r.IntN(2))*0x1p-1 + float64(r.IntN(2))*0x1p-12 + float64(r.IntN(3)-1)*0x1p-23
		return float32(math.Ldexp(m*float64(1-2*r.IntN(2)), e+r.IntN(4)))
	}
	for range n {
		checkFMA(t, math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32()))
		for _, d := range []int{-50, -26, -24, -2, 0, 2, 24, 26, 50} {
			e := r.IntN(120) - 60
			checkFMA(t, few(e), few(-e), few(d))
			checkFMA(t, few(e), few(-139-e), few(-139+d/2)) // subnormal results
		}
	}
}

func BenchmarkFMA32(b *testing.B) {
	y := float32(0)
	for b.Loop() {
		y = fma32(y, 0.7, 0.3)
	}
	_ = y
}
