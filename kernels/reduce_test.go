package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSumSquares(t *testing.T) {
	rowLevels(t, "sumsquares_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, n := range append([]int{vectorGrain, 2*vectorGrain + 5}, rowSizes...) {
				x := fill(rand.New(rand.NewPCG(uint64(n), 12)), 1, p.place(t, n))
				want := 0.0
				for _, v := range x {
					want += float64(v) * float64(v)
				}
				unchanged := frozen(t, x)
				got := SumSquares(x)
				unchanged()
				if math.Abs(got-want) > 1e-12*want {
					t.Errorf("of %d: %v, want %v", n, got, want)
				}
			}
		}
	})
}

func TestMinMax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	rowLevels(t, "minmax_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, n := range append([]int{2*vectorGrain + 5}, rowSizes...) {
				r := rand.New(rand.NewPCG(uint64(n), 13))
				x := fill(r, 1, p.place(t, n))
				check := func(wantLo, wantHi float32) {
					t.Helper()
					if lo, hi := MinMax(x); !sameBits([]float32{lo, hi}, []float32{wantLo, wantHi}) {
						t.Fatalf("of %d: %v, %v, want %v, %v", n, lo, hi, wantLo, wantHi)
					}
				}
				if n == 0 {
					check(inf, -inf)
					continue
				}
				for _, i := range []int{0, n / 2, n - 1} {
					for j := range x {
						x[j] = 5 + r.Float32()
					}
					x[i] = 4
					if n == 1 {
						check(4, 4)
					} else {
						lo, hi := MinMax(x)
						if lo != 4 || hi < 5 || hi >= 6 {
							t.Fatalf("of %d: %v, %v", n, lo, hi)
						}
						x[n-1-i], x[i] = -inf, 7
						if i != n-1-i {
							check(-inf, 7)
						}
					}
					x[i] = nan
					check(nan, nan)
				}
			}
		}
	})
}

// TestColumnSums covers ColumnSums and AddBias, which run on the kernel of Add.
func TestColumnSums(t *testing.T) {
	rowLevels(t, "add_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, rows := range []int{0, 1, 5, 70} {
				for _, cols := range rowSizes {
					r := rand.New(rand.NewPCG(uint64(cols), 14))
					x, sums := fill(r, 1, p.place(t, rows*cols)), fill(r, 1, p.place(t, cols))
					want, biased := doubles(sums), doubles(x)
					for i, v := range x {
						want[i%cols] += float64(v)
						biased[i] += float64(sums[i%cols])
					}
					unchanged := frozen(t, sums)
					x2 := append([]float32(nil), x...)
					AddBias(rows, cols, x2, sums)
					unchanged()
					checkClose(t, "x + bias", x2, biased, 1e-7)
					unchanged = frozen(t, x)
					ColumnSums(rows, cols, x, sums)
					unchanged()
					checkClose(t, "sums", sums, want, 5e-6)
				}
			}
		}
	})
}
