package kernels

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"
)

var exhaustive = flag.Bool("exhaustive", false, "run the functions of one float32 on all of them, minutes each")

// wholeRange calls f with float32 in blocks: all of them where the test is
// exhaustive, else a sample that takes one of so many successive numbers, among
// them zeros, infinities and NaN.
func wholeRange(f func(x []float32)) {
	step := uint64(509)
	switch {
	case *exhaustive:
		step = 1
	case testing.Short():
		step = 8191
	}
	r := rand.New(rand.NewPCG(16, 16))
	x := []float32{
		0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		expHigh, expLow, erfSplit, erfLimit, 88.722839, 88.72284, -103.97207, -103.972084, -87.33655, 0x1p-149, -0x1p-149,
	}
	for bits := uint64(0); bits < 1<<32; {
		for len(x) < vectorGrain && bits < 1<<32 {
			x = append(x, math.Float32frombits(uint32(bits+r.Uint64N(step))))
			bits += step
		}
		f(x)
		x = x[:0]
	}
}

// TestExpErf asserts the errors that the documentation states, and that every
// instruction set gives the same bits. The errors were found by
//
//	go test ./kernels -run TestExpErf -exhaustive -timeout 1h -v
func TestExpErf(t *testing.T) {
	for _, c := range []struct {
		op     string
		f      func(x, y []float32)
		want   func(float64) float64
		stated float64
	}{
		{"exp_f32", Exp, math.Exp, 1.01},
		{"erf_f32", Erf, math.Erf, 1.06},
	} {
		t.Run(c.op, func(t *testing.T) {
			top := level
			t.Cleanup(func() { setLevel(top) })
			worst, at := 0.0, float32(0)
			first, other := make([]float32, vectorGrain), make([]float32, vectorGrain)
			wholeRange(func(x []float32) {
				for i, k := range families[c.op].kernels() {
					if k.missing() != "" || k.ISA > top {
						continue
					}
					setLevel(k.ISA)
					if i > 0 {
						if c.f(x, other[:len(x)]); !sameBits(first[:len(x)], other[:len(x)]) {
							t.Errorf("%s differs from generic between %v and %v", k.Name, x[0], x[len(x)-1])
						}
						continue
					}
					c.f(x, first[:len(x)])
					for i, v := range first[:len(x)] {
						want := c.want(float64(x[i]))
						if math.Float32bits(v) == math.Float32bits(float32(want)) || v != v && want != want {
							continue
						}
						if e := math.Abs(float64(v)-want) / ulp(want); !(e <= worst) {
							worst, at = e, x[i]
						}
					}
				}
			})
			t.Logf("largest error %.4f ulp at %v", worst, at)
			if !(worst <= c.stated) {
				t.Errorf("error of %.4f ulp at %v, stated %v", worst, at, c.stated)
			}
		})
	}
}

func TestExpErfLengths(t *testing.T) {
	for op, f := range map[string]func(x, y []float32){"exp_f32": Exp, "erf_f32": Erf} {
		rowLevels(t, op, func(t *testing.T) {
			for _, p := range placements {
				for _, n := range rowSizes {
					x, y, want := fill(rand.New(rand.NewPCG(uint64(n), 26)), 2, p.place(t, n)), p.place(t, n), make([]float32, n)
					for i, v := range x {
						if want[i] = expFused(v); op == "erf_f32" {
							want[i] = erf32(v)
						}
					}
					unchanged := frozen(t, x)
					f(x, y)
					unchanged()
					f(x, x)
					if !sameBits(y, want) || !sameBits(x, want) {
						t.Fatalf("%d elements: %v, in place %v, want %v", n, y, x, want)
					}
				}
			}
		})
	}
}
