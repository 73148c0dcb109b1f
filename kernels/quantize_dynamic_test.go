package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestDynamicQuantize(t *testing.T) {
	const rows = 5
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	rowLevels(t, "quantize_q8", func(t *testing.T) {
		for place, p := range placements {
			for _, cols := range rowSizes {
				ld := cols + 3
				x := gap(rows, cols, ld, fill(rand.New(rand.NewPCG(uint64(cols), 24)), 3, p.place(t, (rows-1)*ld+cols)))
				for j := range cols {
					x[ld+j] = 0
					x[2*ld+j] = 1 + float32(j%7)
				}
				if cols > 0 {
					x[3*ld+cols/2], x[4*ld+cols-1] = nan, inf
				}
				s8, u8 := viewAs[int8](bytePlacements[place](t, rows*cols)), bytePlacements[place](t, rows*cols)
				scale, scaleU8, zeroPoint := p.place(t, rows), p.place(t, rows), guarded[int32](t, rows)
				unchanged := frozen(t, x)
				DynamicQuantizeS8(rows, cols, x, ld, s8, cols, scale)
				DynamicQuantizeU8(rows, cols, x, ld, u8, cols, scaleU8, zeroPoint)
				unchanged()
				for i := range rows {
					lo, hi := float32(0), float32(0)
					for _, v := range x[i*ld:][:cols] {
						lo, hi = min(lo, v), max(hi, v)
					}
					want, wantU8, wantZero := max(max(-lo, hi)/127, minScale), max(hi/255-lo/255, minScale), int32(0)
					if want == want && want < inf {
						wantZero = int32(math.RoundToEven(float64(-lo / wantU8)))
					}
					if !sameBits([]float32{scale[i], scaleU8[i]}, []float32{want, wantU8}) || zeroPoint[i] != wantZero {
						t.Fatalf("row %d of %d columns: scales %v and %v, zero point %d, want %v, %v, %d", i, cols,
							scale[i], scaleU8[i], zeroPoint[i], want, wantU8, wantZero)
					}
					for j, v := range x[i*ld:][:cols] {
						a, b := levelOf(v, 1/want, 0, -127, 127), levelOf(v, 1/wantU8, wantZero, 0, 255)
						if int32(s8[i*cols+j]) != a || int32(u8[i*cols+j]) != b {
							t.Fatalf("row %d of %d columns: %v becomes %d and %d, want %d and %d", i, cols, v, s8[i*cols+j], u8[i*cols+j], a, b)
						}
					}
				}
			}
		}
	})
}

func TestRowRanges(t *testing.T) {
	const rows = 3
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	rowLevels(t, "minmax_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, cols := range rowSizes {
				ld := cols + 2
				x := fill(rand.New(rand.NewPCG(uint64(cols), 25)), 3, p.place(t, (rows-1)*ld+cols))
				if cols > 0 {
					x[ld+cols-1] = nan
				}
				lo, hi, peak := p.place(t, rows), p.place(t, rows), p.place(t, rows)
				MinMaxRows(rows, cols, x, ld, lo, hi)
				AbsMaxRows(rows, cols, x, ld, peak)
				for i := range rows {
					wantLo, wantHi, wantPeak := inf, -inf, float32(0)
					for _, v := range x[i*ld:][:cols] {
						wantLo, wantHi, wantPeak = min(wantLo, v), max(wantHi, v), max(wantPeak, v, -v)
					}
					got, want := []float32{lo[i], hi[i], peak[i], AbsMax(x[i*ld:][:cols])}, []float32{wantLo, wantHi, wantPeak, wantPeak}
					if !sameBits(got, want) {
						t.Fatalf("row %d of %d columns: %v, want %v", i, cols, got, want)
					}
				}
			}
		}
	})
}
