package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// fakeQuantizeOf is the formula in float32, operation by operation.
func fakeQuantizeOf(x, low, span float32, levels int) float32 {
	round := func(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
	s := float32(levels-1) / span
	zp := round(float32(-low * s))
	high := float32(low + span)
	if x < low {
		x = low
	}
	if x > high {
		x = high
	}
	d := float32(x - low)
	d = float32(d * s)
	d = float32(d - zp)
	return round(d) / s
}

func TestFakeQuantize(t *testing.T) {
	rowLevels(t, "fakequant_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, cols := range rowSizes {
				for _, quantizers := range []int{1, 3} {
					const rows = 3
					r := rand.New(rand.NewPCG(uint64(cols), 16))
					x, y := fill(r, 1, p.place(t, rows*cols)), p.place(t, rows*cols)
					low, span := p.place(t, quantizers), p.place(t, quantizers)
					for i := range low {
						low[i], span[i] = -1-r.Float32(), 2+r.Float32()
					}
					for i := range x {
						if i%7 == 0 {
							x[i] = []float32{0, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), low[0]}[i/7%5]
						}
					}
					for _, levels := range []int{2, 15, 128, 256} {
						want := make([]float32, len(x))
						for i, v := range x {
							q := i / cols % quantizers
							want[i] = fakeQuantizeOf(v, low[q], span[q], levels)
						}
						unchanged := frozen(t, x, low, span)
						FakeQuantize(rows, cols, x, low, span, levels, y)
						unchanged()
						if !sameBits(y, want) {
							t.Fatalf("%d columns, %d quantizers, %d levels: %v, want %v", cols, quantizers, levels, y, want)
						}
						inPlace := slices.Clone(x)
						FakeQuantize(rows, cols, inPlace, low, span, levels, inPlace)
						if !sameBits(inPlace, want) {
							t.Fatalf("%d columns: in place the result differs", cols)
						}
					}
				}
			}
		}
	})
}

// TestFakeQuantizeHalves: with 256 levels over 0 to 255 the scale is 1, so that
// numbers halfway between levels go to the even one; zero stays zero.
func TestFakeQuantizeHalves(t *testing.T) {
	rowLevels(t, "fakequant_f32", func(t *testing.T) {
		x := []float32{0.5, 1.5, 2.5, 3.5, 253.5, 254.5, -0.5, 255.5, 0, 7}
		y := make([]float32, len(x))
		FakeQuantize(1, len(x), x, []float32{0}, []float32{255}, 256, y)
		if want := []float32{0, 2, 2, 4, 254, 254, 0, 255, 0, 7}; !slices.Equal(y, want) {
			t.Errorf("%v, want %v", y, want)
		}
		x = []float32{-0.5, -1.5, -2.5, 0.5, 1.5, 2.5, -127.5, -200, 126.5, 200}
		FakeQuantize(1, len(x), x, []float32{-128}, []float32{255}, 256, y)
		if want := []float32{0, -2, -2, 0, 2, 2, -128, -128, 126, 127}; !slices.Equal(y, want) {
			t.Errorf("%v, want %v", y, want)
		}
	})
}

func TestFakeQuantizeBackward(t *testing.T) {
	rowLevels(t, "fakequant_backward_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, cols := range append([]int{fakeQuantRun + 9}, rowSizes...) {
				for _, quantizers := range []int{1, 3} {
					for _, lowRatio := range []float32{0, -64.0 / 63} {
						testFakeQuantizeBackward(t, p.place, cols, quantizers, lowRatio)
					}
				}
			}
		}
	})
}

func testFakeQuantizeBackward(t *testing.T, place func(testing.TB, int) []float32, cols, quantizers int, lowRatio float32) {
	t.Helper()
	const rows = 3
	r := rand.New(rand.NewPCG(uint64(cols), 17))
	x, dy := fill(r, 1, place(t, rows*cols)), fill(r, 1, place(t, rows*cols))
	y, dx := place(t, rows*cols), fill(r, 1, place(t, rows*cols))
	low, span := place(t, quantizers), place(t, quantizers)
	for i := range low {
		low[i], span[i] = -0.5-r.Float32(), 1.5+r.Float32()
	}
	for i := range x {
		switch i % 11 {
		case 1:
			x[i] = low[0] // the ends are inside
		case 2:
			x[i] = low[0] + span[0]
		case 3:
			x[i] = float32(math.Inf(1))
		case 4:
			x[i] = float32(math.Inf(-1))
		}
	}
	FakeQuantize(rows, cols, x, low, span, 128, y)
	dlow, dspan := fill(r, 1, place(t, quantizers)), fill(r, 1, place(t, quantizers))
	wantX, wantLow, wantSpan := doubles(dx), doubles(dlow), doubles(dspan)
	for i, v := range x {
		q := i / cols % quantizers
		g := float64(dy[i])
		switch {
		case v > low[q]+span[q]:
			wantSpan[q] += g
			wantLow[q] += g
		case v < low[q]:
			wantSpan[q] += g * float64(lowRatio)
			wantLow[q] += g
		default:
			wantSpan[q] += g * (float64(y[i]) - float64(v)) / float64(span[q])
			wantX[i] += g
		}
	}
	alone := slices.Clone(dspan)
	unchanged := frozen(t, x, y, low, span, dy)
	FakeQuantizeBackward(rows, cols, x, y, low, span, lowRatio, dy, dx, dlow, dspan)
	FakeQuantizeBackward(rows, cols, x, y, low, span, lowRatio, dy, nil, nil, alone)
	unchanged()
	checkClose(t, "dx", dx, wantX, 1e-6)
	checkClose(t, "dlow", dlow, wantLow, 2e-5)
	checkClose(t, "dspan", dspan, wantSpan, 2e-5)
	if !sameBits(alone, dspan) {
		t.Errorf("%d columns: dspan alone is %v, with the others %v", cols, alone, dspan)
	}
}

// TestFakeQuantizeBackwardNaN: NaN counts as inside and spoils the sum.
func TestFakeQuantizeBackwardNaN(t *testing.T) {
	rowLevels(t, "fakequant_backward_f32", func(t *testing.T) {
		nan := float32(math.NaN())
		dx, dspan := make([]float32, 3), make([]float32, 1)
		FakeQuantizeBackward(1, 3, []float32{0, nan, 2}, []float32{0, nan, 1}, []float32{-1}, []float32{2}, 0,
			[]float32{1, 1, 1}, dx, nil, dspan)
		if !slices.Equal(dx, []float32{1, 1, 0}) || dspan[0] == dspan[0] {
			t.Errorf("dx %v, dspan %v", dx, dspan)
		}
	})
}

// FuzzFakeQuantize compares every instruction set with the formula, bit for bit.
func FuzzFakeQuantize(f *testing.F) {
	f.Add(float32(-1), float32(2), uint16(256), uint64(1))
	f.Add(float32(0), float32(1e-30), uint16(16), uint64(2))
	f.Add(float32(-3e38), float32(3e38), uint16(2), uint64(3))
	f.Fuzz(func(t *testing.T, low, span float32, levels uint16, seed uint64) {
		if !(span > 0) || levels < 2 {
			t.Skip("not a quantizer: its check refuses it")
		}
		top := level
		defer setLevel(top)
		r := rand.New(rand.NewPCG(seed, 19))
		x, want := make([]float32, 37), make([]float32, 37)
		for i := range x {
			x[i] = low + span*(1.5*r.Float32()-0.25)
			if i%5 == 0 {
				x[i] = math.Float32frombits(r.Uint32())
			}
			want[i] = fakeQuantizeOf(x[i], low, span, int(levels))
		}
		y := make([]float32, len(x))
		for _, k := range fakeQuantFamily.kernels() {
			if k.missing() != "" || k.ISA > top {
				continue
			}
			setLevel(k.ISA)
			FakeQuantize(1, len(x), x, []float32{low}, []float32{span}, int(levels), y)
			if !sameBits(y, want) {
				t.Fatalf("%s: low %v, span %v, %d levels: %v, want %v", k.Name, low, span, levels, y, want)
			}
		}
	})
}
