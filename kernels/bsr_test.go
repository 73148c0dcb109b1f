package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// bsrOf keeps the given share of a matrix's blocks, the rest zero, and drops
// every block of the rows of blocks that empty names.
func bsrOf(r *rand.Rand, rows, cols, blockRows, blockCols int, density float64, empty ...int) (w BSR[int8], dense []int8) {
	dense = make([]int8, rows*cols)
	w = BSR[int8]{Rows: rows, Cols: cols, BlockRows: blockRows, BlockCols: blockCols, RowPtr: []int32{0}}
	for i := range rows / blockRows {
		for j := range cols / blockCols {
			if r.Float64() < density && !slices.Contains(empty, i) {
				w.ColIdx = append(w.ColIdx, int32(j))
				block := make([]int8, blockRows*blockCols)
				fillBytes(r, block)
				w.Values = append(w.Values, block...)
				for x := range blockRows {
					copy(dense[(i*blockRows+x)*cols+j*blockCols:], block[x*blockCols:][:blockCols])
				}
			}
		}
		w.RowPtr = append(w.RowPtr, int32(len(w.ColIdx)))
	}
	return w, dense
}

// TestBlockSparseInt8 compares block-sparse products with dense ones of the same
// matrix, for every shape of blocks, with rows of blocks that are empty and with
// blocks of zeros that are kept.
func TestBlockSparseInt8(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range [][4]int{
		{96, 128, 32, 32}, {64, 96, 32, 16}, {64, 96, 16, 32}, {48, 64, 16, 16}, {128, 128, 64, 64}, {64, 128, 32, 64},
		{40, 48, 8, 8}, {36, 20, 4, 4}, {33, 64, 1, 32}, {64, 33, 32, 1}, {30, 50, 10, 10}, {32, 96, 32, 96}, {16, 48, 16, 48},
	} {
		densities := []float64{0.3, 1, 0, 0.1}
		if testing.Short() {
			densities = densities[:2]
		}
		for _, density := range densities {
			w, dense := bsrOf(r, s[0], s[1], s[2], s[3], density, 1)
			if len(w.Values) > 0 {
				clear(w.Values[:s[2]*s[3]])
				for x := range s[2] {
					for y := range s[3] {
						i, j := 0, int(w.ColIdx[0])
						for w.RowPtr[i+1] == 0 {
							i++
						}
						dense[(i*s[2]+x)*s[1]+j*s[3]+y] = 0
					}
				}
			}
			for _, m := range []int{1, 13, 50} {
				a := make([]uint8, m*s[1])
				fillBytes(r, a)
				signed := make([]int8, m*s[1])
				fillBytes(r, signed)
				int8Levels(t, func(t *testing.T) {
					sparse, full := PackInt8BSR(w), PackInt8(NT, s[0], s[1], dense, s[1])
					got, want := make([]int32, m*s[0]), make([]int32, m*s[0])
					GemmInt8(m, a, s[1], sparse, got, s[0], &Epilogue{ZeroA: 7})
					GemmInt8(m, a, s[1], full, want, s[0], &Epilogue{ZeroA: 7})
					if !slices.Equal(got, want) {
						t.Fatalf("%v, density %v, m = %d: sparse and dense differ", s, density, m)
					}
					GemmInt8(m, signed, s[1], sparse, got, s[0], nil)
					GemmInt8(m, signed, s[1], full, want, s[0], nil)
					if !slices.Equal(got, want) {
						t.Fatalf("%v, density %v, m = %d: sparse and dense differ for int8", s, density, m)
					}
				})
			}
		}
	}
}

// TestBlockSparseInt8Narrow: blocks that keep away from the last columns, or no
// blocks at all, whose product is what the zero points make of A. A ends where
// memory ends.
func TestBlockSparseInt8Narrow(t *testing.T) {
	const m, n, cols, blockCols = 3, 32, 1005, 5
	a, signed := guarded[uint8](t, m*cols), guarded[int8](t, m*cols)
	r := rand.New(rand.NewPCG(9, 10))
	fillBytes(r, a)
	fillBytes(r, signed)
	for _, last := range []int32{-1, 0, 99, 190} { // column of the only block
		w := BSR[int8]{Rows: n, Cols: cols, BlockRows: n, BlockCols: blockCols, RowPtr: []int32{0, 0}}
		if last >= 0 {
			w.RowPtr[1], w.ColIdx, w.Values = 1, []int32{last}, make([]int8, n*blockCols)
			fillBytes(r, w.Values)
		}
		dense := make([]int8, n*cols)
		for i := range n {
			copy(dense[i*cols+max(0, int(last))*blockCols:], w.Values[min(i*blockCols, len(w.Values)):min((i+1)*blockCols, len(w.Values))])
		}
		for _, zeroB := range []int32{0, -3} {
			int8Levels(t, func(t *testing.T) {
				b, e := PackInt8BSR(w), &Epilogue{ZeroA: 5, ZeroB: zeroB}
				got := make([]int32, m*n)
				p := &int8Product[uint8]{NT, m, n, cols, a, cols, cols, dense}
				GemmInt8(m, a, cols, b, got, n, e)
				if want := p.reference(e.ZeroA, zeroB); !slices.Equal(got, want) {
					t.Errorf("block %d, ZeroB %d, uint8: %d, want %d", last, zeroB, got, want)
				}
				q := &int8Product[int8]{NT, m, n, cols, signed, cols, cols, dense}
				GemmInt8(m, signed, cols, b, got, n, e)
				if want := q.reference(e.ZeroA, zeroB); !slices.Equal(got, want) {
					t.Errorf("block %d, ZeroB %d, int8: %d, want %d", last, zeroB, got, want)
				}
			})
		}
	}
}

// FuzzBlockSparseInt8 compares block-sparse products of any blocks with sums of
// the dense matrix; A and the weights end where memory ends.
func FuzzBlockSparseInt8(f *testing.F) {
	f.Add(uint8(3), uint8(32), uint8(5), uint8(1), uint8(30), uint8(9), uint64(1), int32(5), int32(0))
	f.Add(uint8(40), uint8(8), uint8(16), uint8(5), uint8(4), uint8(128), uint64(2), int32(128), int32(-3))
	f.Add(uint8(17), uint8(33), uint8(3), uint8(2), uint8(2), uint8(0), uint64(3), int32(0), int32(1))
	f.Fuzz(func(t *testing.T, m, blockRows, blockCols, down, across, density uint8, seed uint64, zeroA, zeroB int32) {
		blockRows, blockCols = blockRows%70+1, blockCols%70+1
		n, k := int(blockRows)*int(down%5), int(blockCols)*int(across%32)
		r := rand.New(rand.NewPCG(seed, 1))
		w, dense := bsrOf(r, n, k, int(blockRows), int(blockCols), float64(density)/255)
		if len(w.Values) > 0 {
			values := guarded[int8](t, len(w.Values))
			copy(values, w.Values)
			w.Values = values
		}
		alloc := func(n int) []byte { return guarded[byte](t, n) }
		p := newInt8Product[uint8](NT, int(m%50), n, k, int(seed%3), alloc)
		q := newInt8Product[int8](NT, int(m%50), n, k, int(seed%3), alloc)
		p.b, p.ldb, q.b, q.ldb = dense, k, dense, k
		wantP, wantQ := p.reference(zeroA, zeroB), q.reference(zeroA, zeroB)
		int8Levels(t, func(t *testing.T) {
			b, c, e := PackInt8BSR(w), make([]int32, p.m*n), &Epilogue{ZeroA: zeroA, ZeroB: zeroB}
			if GemmInt8(p.m, p.a, p.lda, b, c, n, e); !slices.Equal(c, wantP) {
				t.Errorf("uint8: %d, want %d", c, wantP)
			}
			if GemmInt8(q.m, q.a, q.lda, b, c, n, e); !slices.Equal(c, wantQ) {
				t.Errorf("int8: %d, want %d", c, wantQ)
			}
		})
	})
}

// TestBlockSparseStorage: blocks that fit the panels take no more memory than
// they have elements, and an empty row of blocks takes none.
func TestBlockSparseStorage(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, block := range [][2]int{{32, 32}, {32, 16}, {64, 64}, {96, 16}} {
		w, _ := bsrOf(r, 192, 192, block[0], block[1], 0.4, 0)
		p := PackInt8BSR(w)
		if got, want := p.Bytes(), len(w.Values)*p.elem; got != want {
			t.Errorf("%v: %d bytes packed for %d elements", block, got, want)
		}
		if got, want := p.Density(), float64(len(w.Values))/(192*192); got != want {
			t.Errorf("%v: density %v, want %v", block, got, want)
		}
	}
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

// TestBlockSparseLeavesOut: what A holds where B has no block of 32×32 takes no
// part in a sum of floats, not even as NaN times zero.
func TestBlockSparseLeavesOut(t *testing.T) {
	const m, n, k = 13, 64, 96
	w := BSR[float32]{Rows: n, Cols: k, BlockRows: 32, BlockCols: 32, RowPtr: []int32{0, 1, 1}, ColIdx: []int32{1}, Values: slices.Repeat([]float32{1}, 32*32)}
	a, want := slices.Repeat([]float32{float32(math.NaN())}, m*k), make([]float32, m*n)
	for i := range m {
		fillWith(a[i*k+32:i*k+64], 1)
		fillWith(want[i*n:i*n+32], 32)
	}
	c := make([]float32, m*n)
	rowLevels(t, "gemm_packed_f32", func(t *testing.T) {
		GemmPackedF32(m, a, k, PackF32BSR(w), c, n, nil)
		if !slices.Equal(c, want) {
			t.Errorf("%v", c)
		}
	})
	rowLevels(t, "gemm_bf16", func(t *testing.T) {
		half := BSR[BF16]{w.Rows, w.Cols, w.BlockRows, w.BlockCols, w.RowPtr, w.ColIdx, bf16s(w.Values)}
		GemmPackedBF16(m, bf16s(a), k, PackBF16BSR(half), c, n, nil)
		if !slices.Equal(c, want) {
			t.Errorf("%v", c)
		}
	})
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
