package int8

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd"
)

// TestIntegers wants exactly the integers of jpqd.ActivationRange's formula,
// each operation rounded to float32, also at and beyond the ends of the range.
func TestIntegers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		levels := []int{2, 3, 128, 255, 256}[rng.IntN(5)]
		high := float32(math.Exp(rng.NormFloat64() * 5))
		r := &jpqd.ActivationRange{Low: -high * rng.Float32() * 2, High: high, Levels: levels}
		if rng.IntN(4) == 0 {
			r.Low = 0
		}
		q := newQuantizer(r)
		x := []float32{r.Low, r.High, 2*r.Low - 1, 2 * r.High, 0, float32(math.Inf(1)), float32(math.Inf(-1))}
		for range 100 {
			x = append(x, r.Low+(r.High-r.Low)*(1.2*rng.Float32()-0.1))
		}
		got := make([]float32, len(x))
		q.integers(x, got)
		s := float32(levels-1) / (r.High - r.Low)
		zp := float32(math.RoundToEven(float64(-r.Low * s)))
		for i, v := range x {
			v = min(max(v, r.Low), r.Low+(r.High-r.Low))
			want := float32(math.RoundToEven(float64(float32((v-r.Low)*s) - zp)))
			if got[i] != want {
				t.Errorf("%+v of %v: found %v, want %v", *r, x[i], got[i], want)
			}
		}
	}
}
