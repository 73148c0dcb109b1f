package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
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

// floatsOf turns a block-sparse matrix of bytes into one of small whole numbers.
func floatsOf(w BSR[int8], dense []int8) (BSR[float32], []float32) {
	f := BSR[float32]{w.Rows, w.Cols, w.BlockRows, w.BlockCols, w.RowPtr, w.ColIdx, make([]float32, len(w.Values))}
	for i, x := range w.Values {
		f.Values[i] = float32(x % 8)
	}
	d := make([]float32, len(dense))
	for i, x := range dense {
		d[i] = float32(x % 8)
	}
	return f, d
}

// TestBlockSparseFloats compares block-sparse products of floats with dense
// ones, whose sums are exact.
func TestBlockSparseFloats(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range [][4]int{{96, 128, 32, 32}, {48, 64, 16, 16}, {128, 128, 64, 64}, {40, 48, 8, 8}, {33, 64, 1, 32}, {64, 33, 32, 1}, {30, 50, 10, 10}} {
		for _, density := range []float64{0, 0.2, 0.6, 1} {
			bytes, denseBytes := bsrOf(r, s[0], s[1], s[2], s[3], density, 0)
			w, dense := floatsOf(bytes, denseBytes)
			const m = 29
			a := make([]float32, m*s[1])
			smallIntegers(r, a)
			want := make([]float32, m*s[0])
			GemmF32(NT, m, s[0], s[1], a, s[1], dense, s[1], want, s[0], false)
			rowLevels(t, "gemm_packed_f32", func(t *testing.T) {
				got := make([]float32, m*s[0])
				GemmPackedF32(m, a, s[1], PackF32BSR(w), got, s[0], nil)
				if !slices.Equal(got, want) {
					t.Fatalf("%v, density %v: sparse and dense differ", s, density)
				}
			})
			rowLevels(t, "gemm_bf16", func(t *testing.T) {
				got := make([]float32, m*s[0])
				half := BSR[BF16]{w.Rows, w.Cols, w.BlockRows, w.BlockCols, w.RowPtr, w.ColIdx, bf16s(w.Values)}
				GemmPackedBF16(m, bf16s(a), s[1], PackBF16BSR(half), got, s[0], nil)
				if !slices.Equal(got, want) {
					t.Fatalf("%v, density %v: sparse and dense BF16 differ", s, density)
				}
			})
		}
	}
}

func TestBSRPanics(t *testing.T) {
	good := func() BSR[int8] {
		return BSR[int8]{Rows: 4, Cols: 6, BlockRows: 2, BlockCols: 3, RowPtr: []int32{0, 1, 3}, ColIdx: []int32{1, 0, 1}, Values: make([]int8, 18)}
	}
	PackInt8BSR(good())
	for name, spoil := range map[string]func(w *BSR[int8]){
		"rows":           func(w *BSR[int8]) { w.Rows = 5 },
		"block":          func(w *BSR[int8]) { w.BlockCols = 0 },
		"pointers":       func(w *BSR[int8]) { w.RowPtr = w.RowPtr[:2] },
		"first pointer":  func(w *BSR[int8]) { w.RowPtr = []int32{1, 1, 3} },
		"last pointer":   func(w *BSR[int8]) { w.RowPtr = []int32{0, 1, 2} },
		"falling":        func(w *BSR[int8]) { w.RowPtr = []int32{0, 4, 3} },
		"column":         func(w *BSR[int8]) { w.ColIdx = []int32{1, 0, 2} },
		"negative":       func(w *BSR[int8]) { w.ColIdx = []int32{-1, 0, 1} },
		"unsorted":       func(w *BSR[int8]) { w.ColIdx = []int32{1, 1, 0} },
		"twice the same": func(w *BSR[int8]) { w.ColIdx = []int32{1, 1, 1} },
		"values":         func(w *BSR[int8]) { w.Values = w.Values[:17] },
		"huge blocks": func(w *BSR[int8]) {
			*w = BSR[int8]{math.MaxInt/2 + 1, 4, math.MaxInt/2 + 1, 4, []int32{0, 0}, nil, make([]int8, 3)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != errBSR {
					t.Errorf("panic %v, want %q", got, errBSR)
				}
			}()
			w := good()
			spoil(&w)
			PackInt8BSR(w)
		})
	}
}
