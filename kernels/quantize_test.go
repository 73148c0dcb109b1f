package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// levelOf is the reference of one level: x·inverse in float32, the rest in
// float64.
func levelOf(x, inverse float32, zeroPoint, low, high int32) int32 {
	v := float64(x * inverse)
	if v != v {
		return low
	}
	return int32(min(max(math.RoundToEven(v)+float64(zeroPoint), float64(low)), float64(high)))
}

// numbersWith is normal numbers of the given spread among which lie zeros,
// halves, infinities, NaN and numbers at the ends of the range.
func numbersWith(r *rand.Rand, spread float64, x []float32) []float32 {
	special := []float32{
		0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
		math.MaxFloat32, -math.MaxFloat32, 0x1p-149, -0x1p-126, 0.5, 1.5, 2.5, -0.5, -1.5, 127.5, -128.5, 255.5, 3e9, -3e9,
	}
	for i := range fill(r, spread, x) {
		switch r.IntN(4) {
		case 0:
			x[i] = special[r.IntN(len(special))]
		case 1:
			x[i] = float32(r.IntN(600)-300) / 2
		}
	}
	return x
}

// bytePlacements are [placements] for levels.
var bytePlacements = []func(t testing.TB, n int) []byte{
	guarded[byte],
	func(t testing.TB, n int) []byte {
		t.Helper()
		mem := make([]byte, n+19)
		for i := range mem {
			mem[i] = byte(i) ^ 0xa5
		}
		t.Cleanup(func() {
			for i, v := range mem {
				if (i < 3 || i >= n+3) && v != byte(i)^0xa5 {
					t.Errorf("byte %d of a slice of %d has been written", i-3, n)
				}
			}
		})
		return mem[3 : n+3 : n+3]
	},
}

// quantizers are full and narrow ranges with the zero point inside and at the
// ends; of int8 where signed.
func quantizers(signed bool) []Quantizer {
	if signed {
		return []Quantizer{{Scale: 1}, {Scale: 0.37, ZeroPoint: -5, Low: -127, High: 127}, {Scale: 1e-3, ZeroPoint: -128}}
	}
	return []Quantizer{{Scale: 1, ZeroPoint: 128}, {Scale: 0.37}, {Scale: 1.5, ZeroPoint: 63, Low: 1, High: 127}}
}

// resolved is the quantizer with its range written out.
func (z Quantizer) resolved(low, high int32) Quantizer {
	if z.Low == 0 && z.High == 0 {
		z.Low, z.High = low, high
	}
	return z
}

func TestQuantize(t *testing.T) {
	rowLevels(t, "quantize_q8", func(t *testing.T) {
		testQuantize[uint8](t, quantizers(false))
		testQuantize[int8](t, quantizers(true))
	})
}

func testQuantize[T Integer8](t *testing.T, quantizers []Quantizer) {
	for place, p := range placements {
		for _, cols := range rowSizes {
			for _, z := range quantizers {
				const rows = 3
				ldx, ldq := cols+2, cols+5
				x := gap(rows, cols, ldx, numbersWith(rand.New(rand.NewPCG(uint64(cols), 20)), 60, p.place(t, (rows-1)*ldx+cols)))
				q := bytePlacements[place](t, (rows-1)*ldq+cols)
				for i := range q {
					q[i] = 0x5a
				}
				unchanged := frozen(t, x)
				Quantize(rows, cols, x, ldx, z, viewAs[T](q), ldq)
				unchanged()
				z = z.resolved(range8[T]())
				for i, v := range viewAs[T](q) {
					row, col := i/ldq, i%ldq
					if col >= cols {
						if q[i] != 0x5a {
							t.Fatalf("byte %d of row %d beyond %d columns has been written", col, row, cols)
						}
						continue
					}
					number := x[row*ldx+col]
					if want := levelOf(number, 1/z.Scale, z.ZeroPoint, z.Low, z.High); int32(v) != want {
						t.Fatalf("%T, %+v, %d columns: %v becomes %d, want %d", v, z, cols, number, v, want)
					}
				}
			}
		}
	}
}

func TestDequantize(t *testing.T) {
	rowLevels(t, "dequantize_q8", func(t *testing.T) {
		testDequantize[uint8](t, quantizers(false))
		testDequantize[int8](t, quantizers(true))
	})
}

func testDequantize[T Integer8](t *testing.T, quantizers []Quantizer) {
	for place, p := range placements {
		for _, cols := range rowSizes {
			for _, z := range quantizers {
				const rows = 3
				ldq, ldy := cols+1, cols+3
				r := rand.New(rand.NewPCG(uint64(cols), 21))
				q := bytePlacements[place](t, (rows-1)*ldq+cols)
				for i := range q {
					q[i] = byte(r.Uint32())
				}
				y := gap(rows, cols, ldy, p.place(t, (rows-1)*ldy+cols))
				before := slices.Clone(q)
				Dequantize(rows, cols, viewAs[T](q), ldq, z, y, ldy)
				if !slices.Equal(q, before) {
					t.Fatal("the levels have changed")
				}
				for i := range rows {
					for j := range cols {
						level := T(q[i*ldq+j])
						if want := float32(int32(level)-z.ZeroPoint) * z.Scale; y[i*ldy+j] != want {
							t.Fatalf("%T, %+v: %d becomes %v, want %v", level, z, level, y[i*ldy+j], want)
						}
					}
				}
				checkGaps(t, rows, cols, ldy, y)
			}
		}
	}
}

// TestQuantizeLong asserts the parts of long rows and of matrices without gaps.
func TestQuantizeLong(t *testing.T) {
	const n = 2*vectorGrain + 77
	x := numbersWith(rand.New(rand.NewPCG(22, 22)), 60, make([]float32, n))
	q, y := make([]int8, n), make([]float32, n)
	z := Quantizer{Scale: 0.5}
	Quantize(1, n, x, n, z, q, n)
	Dequantize(1, n, q, n, z, y, n)
	for i, v := range q {
		if want := levelOf(x[i], 2, 0, -128, 127); int32(v) != want || y[i] != float32(want)/2 {
			t.Fatalf("element %d, %v: level %d and number %v, want level %d", i, x[i], v, y[i], want)
		}
	}
}

// FuzzQuantize compares every instruction set with the formula.
func FuzzQuantize(f *testing.F) {
	f.Add(uint32(0x3f800000), uint8(3), uint8(0), uint8(255), uint64(1))
	f.Add(uint32(0x3d800000), uint8(100), uint8(1), uint8(128), uint64(2))
	f.Fuzz(func(t *testing.T, scale uint32, zeroPoint, low, high uint8, seed uint64) {
		z := Quantizer{math.Float32frombits(scale), int32(zeroPoint), int32(low), int32(high)}
		if !(z.Scale >= minScale && z.Scale <= math.MaxFloat32) || zeroPoint < low || zeroPoint > high || high == 0 {
			t.Skip("not a quantizer: its check refuses it")
		}
		r := rand.New(rand.NewPCG(seed, 23))
		x := numbersWith(r, 200*float64(z.Scale), make([]float32, 1+r.IntN(70)))
		q := make([]uint8, len(x))
		top := level
		defer setLevel(top)
		for _, k := range quantizeFamily.kernels() {
			if k.missing() != "" || k.ISA > top {
				continue
			}
			setLevel(k.ISA)
			Quantize(1, len(x), x, len(x), z, q, len(x))
			for i, v := range q {
				if want := levelOf(x[i], 1/z.Scale, z.ZeroPoint, z.Low, z.High); int32(v) != want {
					t.Fatalf("%s: %+v: %v becomes %d, want %d", k.Name, z, x[i], v, want)
				}
			}
		}
	})
}
