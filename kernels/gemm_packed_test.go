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

// TestPackedGrid checks that every thread has work, and that the parts cover C.
func TestPackedGrid(t *testing.T) {
	for _, s := range [][2]int{{1, 24}, {8, 96}, {128, 24}, {1024, 24}, {1024, 96}, {4096, 1}, {25, 3}, {100, 7}} {
		for _, threads := range []int{1, 2, 3, 8, 64} {
			rows, panels := packedGrid(s[0], s[1], stripRows, threads, 8*threads, 1)
			if rows < 1 || panels < 1 || rows < s[0] && rows%stripRows != 0 {
				t.Fatalf("%v, %d threads: parts of %d rows, %d panels", s, threads, rows, panels)
			}
			parts, units := ceilDiv(s[0], rows)*ceilDiv(s[1], panels), ceilDiv(s[0], stripRows)*s[1]
			if most := min(threads, units); 2*parts < most || parts > 8*threads {
				t.Errorf("%v, %d threads: %d parts of %d", s, threads, parts, units)
			}
		}
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

// TestGemmPackedPanics: the checks that the products of floats do not share with
// those of int8, whose test has the others.
func TestGemmPackedPanics(t *testing.T) {
	a, c, half := make([]float32, 8), make([]float32, 6), make([]BF16, 12)
	w, h := PackF32(NT, 3, 4, make([]float32, 12), 4), PackBF16(NT, 3, 4, half, 4)
	for name, test := range map[string]struct {
		want string
		call func()
	}{
		"f32 nil":        {errNoPacked, func() { GemmPackedF32(2, a, 4, nil, c, 3, nil) }},
		"f32 zero":       {errNoPacked, func() { GemmPackedF32(2, a, 4, new(PackedF32), c, 3, nil) }},
		"f32 zero point": {errEpilogue, func() { GemmPackedF32(2, a, 4, w, c, 3, &Epilogue{ZeroA: 1}) }},
		"f32 a":          {errShortA, func() { GemmPackedF32(2, a[:7], 4, w, c, 3, nil) }},
		"f32 op":         {errPackOp, func() { PackF32(TN, 3, 4, a, 4) }},
		"f32 depth":      {errDepth, func() { PackF32(NN, 0, maxDepth+1, nil, 0) }},
		"f32 bsr":        {errBSR, func() { PackF32BSR(BSR[float32]{}) }},
		"bf16 nil":       {errNoPacked, func() { GemmPackedBF16(2, half, 4, nil, c, 3, nil) }},
		"bf16 zero":      {errNoPacked, func() { GemmPackedBF16(2, half, 4, new(PackedBF16), c, 3, nil) }},
		"bf16 point":     {errEpilogue, func() { GemmPackedBF16(2, half, 4, h, c, 3, &Epilogue{ZeroB: 1}) }},
		"bf16 c":         {errShortC, func() { GemmPackedBF16(2, half, 4, h, c[:5], 3, nil) }},
		"bf16 op":        {errPackOp, func() { PackBF16(TN, 3, 4, half, 4) }},
		"bf16 bsr":       {errDepth, func() { PackBF16BSR(BSR[BF16]{Cols: maxDepth + 1, BlockRows: 1, BlockCols: 1, RowPtr: []int32{0}}) }},
		"GemmBF16 depth": {errDepth, func() { GemmBF16(NN, 0, 0, maxDepth+1, nil, maxDepth+1, nil, 0, nil, 0, false) }},
		"GELUQ8 ldx":     {errLeading, func() { GELUQ8(1, 3, a, 2, Quantizer{Scale: 1}, make([]int8, 3), 3) }},
		"GELUQ8 ldq":     {errLeading, func() { GELUQ8(1, 3, a, 3, Quantizer{Scale: 1}, make([]int8, 3), 2) }},
		"batch inner": {errBatch, func() {
			GemmInt8Batch(Batch{Outer: 1, Inner: -1}, NT, 1, 1, 1, []int8{1}, 1, []int8{1}, 1, []int32{1}, 1, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("panic %v, want %q", got, test.want)
				}
			}()
			test.call()
		})
	}
}
