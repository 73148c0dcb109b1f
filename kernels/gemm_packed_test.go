package kernels

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
)

// packedSizes straddle the tiles and the granules of floats.
func packedSizes() [][3]int {
	shapes := [][3]int{
		{1, 1, 1}, {1, 32, 4}, {2, 16, 3}, {5, 17, 8}, {6, 33, 7}, {7, 8, 9}, {11, 31, 16}, {12, 32, 64}, {13, 48, 65}, {24, 50, 100},
		{25, 64, 33}, {47, 30, 20}, {48, 32, 12}, {49, 96, 50}, {0, 5, 5}, {5, 0, 5}, {5, 40, 0},
	}
	if !testing.Short() {
		shapes = append(shapes, [3]int{600, 40, 200}, [3]int{30, 300, 800})
	}
	return shapes
}

// TestGemmPackedF32 compares exact products, with guard pages behind every
// operand and gaps between the rows.
func TestGemmPackedF32(t *testing.T) {
	for _, s := range packedSizes() {
		for _, op := range []GemmOp{NN, NT} {
			p := newProductIn(op, s[0], s[1], s[2], 1, smallIntegers, func(n int) []float32 { return guarded[float32](t, n) })
			want, _ := p.reference(false)
			a, b := slices.Clone(p.a), slices.Clone(p.b)
			t.Run(fmt.Sprintf("%v/%dx%dx%d", op, s[0], s[1], s[2]), func(t *testing.T) {
				rowLevels(t, "gemm_packed_f32", func(t *testing.T) {
					w := PackF32(op, p.n, p.k, p.b, p.ldb)
					GemmPackedF32(p.m, p.a, p.lda, w, p.c, p.ldc, nil)
					for i, x := range p.c {
						if float64(x) != want[i] {
							t.Fatalf("c[%d, %d] = %v, want %v", i/p.ldc, i%p.ldc, x, want[i])
						}
					}
				})
			})
			if !slices.Equal(a, p.a) || !slices.Equal(b, p.b) {
				t.Fatalf("%v %v: an operand has changed", op, s)
			}
		}
	}
}

// TestGemmPackedF32Tolerance checks the documented bound, that the levels of
// assembly agree bit for bit, and that neither threads nor the place of a row
// changes a result.
func TestGemmPackedF32Tolerance(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, s := range [][3]int{{9, 49, 1}, {13, 13, 64}, {100, 128, 384}, {7, 50, 3072}} {
		p := newProduct(NT, s[0], s[1], s[2], 0, 0, randomFloats)
		want, size := p.reference(false)
		var fused []float32
		rowLevels(t, "gemm_packed_f32", func(t *testing.T) {
			w := PackF32(NT, p.n, p.k, p.b, p.ldb)
			var c []float32
			for _, threads := range []int{1, 3} {
				runtime.GOMAXPROCS(threads)
				d := make([]float32, p.m*p.n)
				GemmPackedF32(p.m, p.a, p.lda, w, d, p.n, nil)
				if c != nil && !slices.Equal(c, d) {
					t.Fatalf("%v: %d threads and one differ", s, threads)
				}
				c = d
			}
			last := make([]float32, p.n)
			GemmPackedF32(1, p.a[(p.m-1)*p.lda:], p.lda, w, last, p.n, nil)
			if !slices.Equal(last, c[(p.m-1)*p.n:]) {
				t.Fatalf("%v: the last row alone differs", s)
			}
			for i, x := range c {
				if e := math.Abs(float64(x) - want[i]); e > float64(p.k)*0x1p-24*1.001*size[i] {
					t.Fatalf("%v: c[%d] = %v, want %v", s, i, x, want[i])
				}
			}
			if level == Generic {
				return
			}
			if fused != nil && !slices.Equal(c, fused) {
				t.Fatalf("%v: %v and the level below differ", s, level)
			}
			fused = c
		})
	}
}

// TestPackedFloatsPadding: what lies behind the rows of A, or in the gaps of C,
// never enters a sum, not even as NaN times zero.
func TestPackedFloatsPadding(t *testing.T) {
	nan := float32(math.NaN())
	const m, n, k, lda = 5, 20, 5, 9
	a, w := slices.Repeat([]float32{nan}, m*lda), slices.Repeat([]float32{1}, n*k)
	for i := range m {
		for p := range k {
			a[i*lda+p] = 1
		}
	}
	rowLevels(t, "gemm_packed_f32", func(t *testing.T) {
		c := make([]float32, m*n)
		GemmPackedF32(m, a, lda, PackF32(NT, n, k, w, k), c, n, nil)
		if !slices.Equal(c, slices.Repeat([]float32{k}, m*n)) {
			t.Errorf("%v", c)
		}
	})
	rowLevels(t, "gemm_bf16", func(t *testing.T) {
		c := make([]float32, m*n)
		GemmPackedBF16(m, bf16s(a), lda, PackBF16(NT, n, k, bf16s(w), k), c, n, nil)
		if !slices.Equal(c, slices.Repeat([]float32{k}, m*n)) {
			t.Errorf("%v", c)
		}
	})
}
