package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// vectorCase is an operation that goes element by element, with its reference.
type vectorCase struct {
	op      string
	call    func(a, b, y []float32)
	want    func(a, b, y float64) float64
	twoIn   bool // b is read too
	inPlace bool // y may be a, and b where that is read
	// accumulates: y is read too.
	accumulates bool
	tolerance   float64 // of the error over max(1, |want|)
}

func phi(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

// normal is Φ.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func gelu(x float64) float64      { return x * normal(x) }
func geluSlope(x float64) float64 { return normal(x) + x*phi(x) }

// scaleBy is exact in float32, so that one reference does for Scale.
const scaleBy = -1.75

var vectorCases = []vectorCase{
	{
		op: "add_f32", call: Add, twoIn: true, inPlace: true, tolerance: 6e-8,
		want: func(a, b, _ float64) float64 { return a + b },
	},
	{
		op: "mul_f32", call: Mul, twoIn: true, inPlace: true, tolerance: 6e-8,
		want: func(a, b, _ float64) float64 { return a * b },
	},
	{
		op: "muladd_f32", call: MulAdd, twoIn: true, accumulates: true, tolerance: 5e-7,
		want: func(a, b, y float64) float64 { return y + a*b },
	},
	{
		op: "scale_f32", inPlace: true, tolerance: 6e-8,
		call: func(a, _, y []float32) { Scale(scaleBy, a, y) },
		want: func(a, _, _ float64) float64 { return scaleBy * a },
	},
	{
		op: "addscaled_f32", accumulates: true, tolerance: 5e-7,
		call: func(a, _, y []float32) { AddScaled(scaleBy, a, y) },
		want: func(a, _, y float64) float64 { return y + scaleBy*a },
	},
	{
		op: "gelu_f32", inPlace: true, tolerance: 2e-7,
		call: func(a, _, y []float32) { GELU(a, y) },
		want: func(a, _, _ float64) float64 { return gelu(a) },
	},
	{
		op: "gelu_backward_f32", call: func(a, b, y []float32) { GELUBackward(a, b, y, true) }, twoIn: true, accumulates: true, tolerance: 1e-6,
		want: func(x, dy, dx float64) float64 { return dx + dy*geluSlope(x) },
	},
	{
		op: "tanh_f32", inPlace: true, tolerance: 2e-7,
		call: func(a, _, y []float32) { Tanh(a, y) },
		want: func(a, _, _ float64) float64 { return math.Tanh(a) },
	},
	{
		op: "tanh_backward_f32", call: TanhBackward, twoIn: true, accumulates: true, tolerance: 2e-6,
		want: func(y, dy, dx float64) float64 { return dx + dy*(1-y*y) },
	},
}

func TestVectors(t *testing.T) {
	for _, c := range vectorCases {
		t.Run(c.op, func(t *testing.T) {
			rowLevels(t, c.op, func(t *testing.T) {
				for _, p := range placements {
					for _, n := range rowSizes {
						c.check(t, p.place, n)
					}
				}
			})
		})
	}
}

// check compares one call, and the calls in place, with the reference.
func (c vectorCase) check(t *testing.T, place func(testing.TB, int) []float32, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 5))
	a := fill(r, 2, place(t, n))
	var b []float32
	if c.twoIn {
		b = fill(r, 1, place(t, n))
	}
	y := fill(r, 1, place(t, n))
	want := make([]float64, n)
	for i := range want {
		var bi float64
		if c.twoIn {
			bi = float64(b[i])
		}
		want[i] = c.want(float64(a[i]), bi, float64(y[i]))
	}
	unchanged := frozen(t, a, b)
	c.call(a, b, y)
	unchanged()
	checkClose(t, c.op, y, want, c.tolerance)
	if !c.inPlace {
		return
	}
	if c.twoIn {
		c2 := slices.Clone(b)
		c.call(a, c2, c2)
		checkClose(t, c.op+" in place of b", c2, want, c.tolerance)
	}
	c.call(a, b, a)
	checkClose(t, c.op+" in place", a, want, c.tolerance)
}

// TestSlopes compares the references of the gradients with finite differences
// of the references they belong to.
func TestSlopes(t *testing.T) {
	const h = 1e-5
	for x := -6.0; x <= 6; x += 0.01 {
		for name, c := range map[string]struct {
			f     func(float64) float64
			slope float64
		}{
			"gelu": {gelu, geluSlope(x)},
			"tanh": {math.Tanh, 1 - math.Tanh(x)*math.Tanh(x)},
		} {
			if d := (c.f(x+h) - c.f(x-h)) / (2 * h); math.Abs(d-c.slope) > 1e-9 {
				t.Fatalf("%s at %v: slope %v, finite difference %v", name, x, c.slope, d)
			}
		}
	}
}

// sweep is every so-manieth float32, and a finer sweep where the functions bend.
func sweep() []float32 {
	var x []float32
	for bits := uint64(0); bits < 1<<32; bits += 20011 {
		if v := math.Float32frombits(uint32(bits)); v == v {
			x = append(x, v)
		}
	}
	for v := -16.0; v <= 16; v += 0.00025 {
		x = append(x, float32(v))
	}
	inf := float32(math.Inf(1))
	return append(x, inf, -inf, 88.72, 88.73, -87.3, -87.4, -103, -104, -104.1, 0, float32(math.Copysign(0, -1)))
}

// ulp is the distance of float32 numbers at x.
func ulp(x float64) float64 {
	v := math.Abs(float64(float32(x)))
	return max(float64(math.Nextafter32(float32(v), math.MaxFloat32))-v, math.SmallestNonzeroFloat32)
}

// TestAccuracy asserts the errors that the documentation states, over the whole
// range of float32.
func TestAccuracy(t *testing.T) {
	x := sweep()
	y, zeros, ones := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
	for i := range ones {
		ones[i] = 1
	}
	for _, c := range []struct {
		op   string
		call func()
		want func(float64) float64
		unit func(x, want float64) float64
		max  float64
	}{
		{
			"gelu_f32", func() { GELU(x, y) }, gelu,
			func(x, _ float64) float64 { return max(1, math.Abs(x)) }, 1.2e-7,
		},
		{
			"gelu_backward_f32", func() { copy(y, zeros); GELUBackward(x, ones, y, true) }, geluSlope,
			func(_, _ float64) float64 { return 1 }, 3e-7,
		},
		{
			"tanh_f32", func() { Tanh(x, y) }, math.Tanh,
			func(_, want float64) float64 { return ulp(want) }, 3,
		},
	} {
		rowLevels(t, c.op, func(t *testing.T) {
			c.call()
			worst, at := 0.0, 0.0
			for i, v := range x {
				z := float64(v)
				if math.IsInf(z, 0) {
					continue
				}
				want := c.want(z)
				if e := math.Abs(float64(y[i])-want) / c.unit(z, want); !(e <= worst) {
					worst, at = e, z
				}
			}
			t.Logf("largest error %.3g at %v", worst, at)
			if !(worst <= c.max) {
				t.Errorf("error %.3g at %v, stated %v", worst, at, c.max)
			}
		})
	}
}

func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := []float32{inf, -inf, nan, 0, 200, -200, 1e30, -1e30}
	for _, c := range []struct {
		op   string
		call func(x, y []float32)
		want []float32
	}{
		{"gelu_f32", GELU, []float32{inf, 0, nan, 0, 200, 0, 1e30, 0}},
		{
			"gelu_backward_f32",
			func(x, y []float32) { GELUBackward(x, []float32{1, 1, 1, 1, 1, 1, 1, 1}, y, true) },
			[]float32{1, 0, nan, 0.5, 1, 0, 1, 0},
		},
		{"tanh_f32", Tanh, []float32{1, -1, nan, 0, 1, -1, 1, -1}},
	} {
		rowLevels(t, c.op, func(t *testing.T) {
			y := make([]float32, len(x))
			c.call(x, y)
			for i, v := range y {
				if v != c.want[i] && (v == v || c.want[i] == c.want[i]) {
					t.Errorf("of %v: %v, want %v", x[i], v, c.want[i])
				}
			}
		})
	}
}

// Without accumulate gradients are those added to zeros, whatever was there.
func TestBackwardOverwrites(t *testing.T) {
	const rows, cols = 70, 300 // more than a part of GELUBackward
	r := rand.New(rand.NewPCG(1, 2))
	x, dy := fill(r, 1, make([]float32, rows*cols)), fill(r, 1, make([]float32, rows*cols))
	gamma, mean, rstd := fill(r, 1, make([]float32, cols)), fill(r, 1, make([]float32, rows)), fill(r, 1, make([]float32, rows))
	for name, call := range map[string]func(dx []float32, accumulate bool){
		"GELUBackward": func(dx []float32, accumulate bool) { GELUBackward(x, dy, dx, accumulate) },
		"LayerNormBackward": func(dx []float32, accumulate bool) {
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, dy, dx, nil, nil, accumulate)
		},
	} {
		want, got := make([]float32, rows*cols), fill(r, 1, make([]float32, rows*cols))
		call(want, true)
		call(got, false)
		if !sameBits(got, want) {
			t.Errorf("%s: found another result where there was something before", name)
		}
	}
	for _, n := range []int{1, 7, 16, 33, rows * cols} {
		rowLevels(t, "gelu_backward_f32", func(t *testing.T) {
			want, got := make([]float32, n), slices.Clone(dy[:n])
			GELUBackward(x[:n], dy[:n], want, true)
			GELUBackward(x[:n], got, got, false)
			if !sameBits(got, want) {
				t.Errorf("GELUBackward of %d elements: found another result in the place of dy", n)
			}
		})
	}
}
