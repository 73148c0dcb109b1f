package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

var gemmOps = []GemmOp{NN, NT, TN}

// gemmBlockShapes reach over the edges of blocks: the depth's (384), the rows'
// (144), the columns' (1536), and the sizes from which operands are packed.
func gemmBlockShapes() [][3]int {
	shapes := [][3]int{
		{3, 50, 383}, {13, 49, 384}, {9, 17, 385}, {7, 33, 769},
		{143, 20, 31}, {145, 50, 40}, {290, 49, 30},
		{5, 1535, 9}, {20, 1537, 33}, {97, 1600, 12},
		{95, 70, 70}, {96, 70, 70}, {300, 97, 50},
	}
	if !testing.Short() {
		shapes = append(shapes, [3]int{130, 97, 400}, [3]int{150, 50, 770}, [3]int{9, 1540, 390})
	}
	return shapes
}

// TestGemmF32Tiles sweeps sizes on both sides of the tiles' edges, 0 and 1,
// with gaps between rows and unaligned operands.
func TestGemmF32Tiles(t *testing.T) {
	ms := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17}
	ns := []int{0, 1, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 49, 64, 97}
	ks := []int{0, 1, 7, 8, 9, 13, 64}
	if testing.Short() {
		ms, ns, ks = []int{1, 5, 8, 13}, []int{1, 8, 13, 16, 33, 49}, []int{0, 1, 8, 13}
	}
	gemmLevels(t, func(t *testing.T) {
		for _, m := range ms {
			for _, n := range ns {
				for _, k := range ks {
					for _, op := range gemmOps {
						for _, accumulate := range []bool{false, true} {
							p := newProduct(op, m, n, k, (m+n)%3, k%4, smallIntegers)
							want, _ := p.reference(accumulate)
							checkExact(t, p, accumulate, want)
						}
					}
				}
			}
		}
	})
}

// TestGemmF32Blocks does the same for the edges of blocks.
func TestGemmF32Blocks(t *testing.T) {
	for _, s := range gemmBlockShapes() {
		for _, op := range gemmOps {
			for _, accumulate := range []bool{false, true} {
				p := newProduct(op, s[0], s[1], s[2], 3, 1, smallIntegers)
				want, _ := p.reference(accumulate)
				t.Run(fmt.Sprintf("%v/%dx%dx%d/%v", op, s[0], s[1], s[2], accumulate), func(t *testing.T) {
					gemmLevels(t, func(t *testing.T) { checkExact(t, p, accumulate, want) })
				})
			}
		}
	}
}

// TestGemmF32FarRows reaches the packing of a transposed A, whose rows must lie
// far apart.
func TestGemmF32FarRows(t *testing.T) {
	for _, s := range [][3]int{{300, 50, 20}, {257, 48, 390}, {150, 64, 9}, {10, 100, 17}} {
		p := newProduct(TN, s[0], s[1], s[2], 260, 3, smallIntegers)
		want, _ := p.reference(true)
		gemmLevels(t, func(t *testing.T) { checkExact(t, p, true, want) })
	}
}

// TestGemmF32Guard lets every operand end where memory ends.
func TestGemmF32Guard(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {2, 5, 3}, {5, 3, 9}, {6, 16, 8}, {7, 13, 13}, {8, 48, 16}, {9, 17, 11}, {13, 13, 64}, {13, 49, 7}, {97, 31, 12}, {100, 77, 401}}
	for _, s := range shapes {
		for _, op := range gemmOps {
			p := newProductIn(op, s[0], s[1], s[2], 1, smallIntegers, func(n int) []float32 { return guarded[float32](t, n) })
			want, _ := p.reference(true)
			start := slices.Clone(p.c)
			gemmLevels(t, func(t *testing.T) {
				copy(p.c, start)
				p.run(true)
				for i, x := range p.c {
					if float64(x) != want[i] {
						t.Fatalf("%v %v: c[%d] = %v, want %v", op, s, i, x, want[i])
					}
				}
			})
		}
	}
}

// gemmTolerance is what GemmF32 promises for the depth k, in units of
// 2⁻²⁴·(Σ|a||b| and what c held).
func gemmTolerance(k int) float64 {
	blocks := (k + 383) / 384
	return float64((k+blocks-1)/blocks + 7 + blocks)
}

// TestGemmF32Tolerance checks the documented bound and that the levels of
// assembly agree bit for bit. Besides random floats, whose errors cancel, it
// takes operands whose roundings all go the same way.
func TestGemmF32Tolerance(t *testing.T) {
	drift := func(_ *rand.Rand, x []float32) {
		for i := range x {
			x[i] = 1 + 0x1p-12 + 0x1p-23
		}
	}
	for _, fill := range []func(*rand.Rand, []float32){randomFloats, drift} {
		for _, s := range [][3]int{{9, 49, 1}, {13, 13, 64}, {17, 33, 384}, {8, 48, 385}, {7, 50, 1000}, {5, 7, 3072}} {
			for _, op := range gemmOps {
				for _, accumulate := range []bool{false, true} {
					p := newProduct(op, s[0], s[1], s[2], 0, 0, fill)
					want, size := p.reference(accumulate)
					var fused []float32
					gemmLevels(t, func(t *testing.T) {
						got := p.result(accumulate)
						for i, x := range got {
							if e := math.Abs(float64(x) - want[i]); e > gemmTolerance(p.k)*0x1p-24*size[i] {
								t.Fatalf("%v %v: c[%d] = %v, want %v: error %.1f units, at most %v", op, s, i, x, want[i], e/size[i]*0x1p24, gemmTolerance(p.k))
							}
						}
						if level == Generic {
							return
						}
						if fused != nil && !slices.Equal(got, fused) {
							t.Fatalf("%v %v: %v and the level below differ", op, s, level)
						}
						fused = got
					})
				}
			}
		}
	}
}

// TestGemmF32Threads: neither the number of threads nor the place of an
// element in the matrix changes a bit of it.
func TestGemmF32Threads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	shapes := [][3]int{{400, 128, 128}, {131, 256, 100}, {50, 1700, 30}}
	if testing.Short() {
		shapes = shapes[:1]
	}
	gemmLevels(t, func(t *testing.T) {
		for _, s := range shapes {
			for _, op := range gemmOps {
				p := newProduct(op, s[0], s[1], s[2], 0, 0, randomFloats)
				runtime.GOMAXPROCS(1)
				one := p.result(true)
				for _, threads := range []int{2, 5} {
					runtime.GOMAXPROCS(threads)
					if !slices.Equal(one, p.result(true)) {
						t.Fatalf("%v %v: %d threads and one differ", op, s, threads)
					}
				}
				// A corner, as a product of its own.
				i, j := s[0]-29, s[1]-21
				corner := *p
				corner.m, corner.n = 29, 21
				corner.c = slices.Clone(p.c[i*p.ldc+j:])
				switch op {
				case NN:
					corner.a, corner.b = p.a[i*p.lda:], p.b[j:]
				case NT:
					corner.a, corner.b = p.a[i*p.lda:], p.b[j*p.ldb:]
				case TN:
					corner.a, corner.b = p.a[i:], p.b[j:]
				}
				corner.run(true)
				for r := range 29 {
					if !slices.Equal(corner.c[r*p.ldc:][:21], one[(i+r)*p.ldc+j:][:21]) {
						t.Fatalf("%v %v: row %d of a corner differs from the whole", op, s, r)
					}
				}
			}
		}
	})
}

// TestGemmGrid checks that parts are whole tiles, that no dimension is cut
// finer than its tiles, and that every thread has work.
func TestGemmGrid(t *testing.T) {
	for _, s := range [][2]int{{400, 128}, {1024, 768}, {13, 3072}, {3072, 13}, {8, 48}, {2000, 2000}} {
		for _, threads := range []int{1, 2, 3, 8, 64} {
			rows, cols := gemmGrid(s[0], s[1], 8, 48, threads)
			if rows < 1 || cols < 1 || rows < s[0] && rows%8 != 0 || cols < s[1] && cols%48 != 0 {
				t.Errorf("%v, %d threads: parts of %d×%d", s, threads, rows, cols)
			}
			parts := ceilDiv(s[0], rows) * ceilDiv(s[1], cols)
			tiles := ceilDiv(s[0], 8) * ceilDiv(s[1], 48)
			if parts > 2*threads+threads || 2*parts < min(threads, tiles) {
				t.Errorf("%v, %d threads: %d parts of %d tiles", s, threads, parts, tiles)
			}
		}
	}
}

// TestGemmF32Concurrent multiplies from several goroutines with shared operands.
func TestGemmF32Concurrent(t *testing.T) {
	small := newProduct(NT, 13, 50, 64, 0, 0, smallIntegers)
	large := newProduct(TN, 300, 96, 100, 0, 0, smallIntegers)
	wantSmall, wantLarge := small.result(true), large.result(true)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if !slices.Equal(small.result(true), wantSmall) || !slices.Equal(large.result(true), wantLarge) {
					t.Error("a concurrent product differs")
				}
			}
		})
	}
	wg.Wait()
}

// TestGemmF32Allocs counts allocations: none serially; shared among threads,
// none but for the rare call that first has so many parts in flight.
func TestGemmF32Allocs(t *testing.T) {
	for _, op := range gemmOps {
		for _, s := range [][3]int{{13, 13, 64}, {300, 100, 120}} {
			p := newProduct(op, s[0], s[1], s[2], 0, 0, randomFloats)
			if n := testing.AllocsPerRun(10, func() { p.run(false) }); n != 0 {
				t.Errorf("%v %v: %v allocations a call", op, s, n)
			}
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	p := newProduct(NN, 400, 128, 128, 0, 0, randomFloats)
	var before, after runtime.MemStats
	p.run(false)
	runtime.ReadMemStats(&before)
	const calls = 50
	for range calls {
		p.run(false)
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n >= calls {
		t.Errorf("%d allocations in %d calls on two threads", n, calls)
	}
}

func TestGemmF32Panics(t *testing.T) {
	x := make([]float32, 12)
	// Each case breaks its own condition and all those checked after it.
	for _, c := range []struct {
		op                     GemmOp
		m, n, k, lda, ldb, ldc int
		a, b, c                []float32
		want                   string
	}{
		{3, -1, 3, 4, 0, 0, 0, nil, nil, nil, errGemmOp},
		{NN, -1, 3, 4, 0, 0, 0, nil, nil, nil, errNegative},
		{NN, 3, -1, 4, 0, 0, 0, nil, nil, nil, errNegative},
		{NN, 3, 3, -1, 0, 0, 0, nil, nil, nil, errNegative},
		{NN, 3, 3, 4, 3, 0, 0, nil, nil, nil, errLDA},
		{TN, 3, 3, 4, 2, 0, 0, nil, nil, nil, errLDA},
		{NN, 3, 3, 4, 4, 2, 0, nil, nil, nil, errLDB},
		{NT, 3, 3, 4, 4, 3, 0, nil, nil, nil, errLDB},
		{NN, 3, 3, 4, 4, 3, 2, nil, nil, nil, errLDC},
		{NN, 3, 0, 4, 3, 0, 0, nil, nil, nil, errLDA},
		{NN, 3, 3, 4, 4, 3, 3, x[:11], nil, nil, errShortA},
		{TN, 3, 3, 4, 4, 3, 3, x, nil, nil, errShortA},
		{NN, 3, 3, 4, 4, 3, 3, x, x[:11], nil, errShortB},
		{NT, 3, 3, 4, 4, 4, 3, x, x[:11], nil, errShortB},
		{NN, 3, 3, 4, 4, 3, 3, x, x, x[:8], errShortC},
		{NN, 3, 3, 0, 0, 3, 3, nil, nil, x[:8], errShortC},
		{NN, math.MaxInt, 1, 1, math.MaxInt, 1, 1, x, x, x, errShortA},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("%d m=%d n=%d k=%d lda=%d ldb=%d ldc=%d: panic %v, want %q", c.op, c.m, c.n, c.k, c.lda, c.ldb, c.ldc, got, c.want)
				}
			}()
			GemmF32(c.op, c.m, c.n, c.k, c.a, c.lda, c.b, c.ldb, c.c, c.ldc, false)
		}()
	}
}

// FuzzGemmF32 compares every implementation with the reference.
func FuzzGemmF32(f *testing.F) {
	f.Add(uint8(0), uint16(13), uint16(13), uint16(64), uint8(0), uint8(0), true)
	f.Add(uint8(1), uint16(97), uint16(49), uint16(9), uint8(1), uint8(2), false)
	f.Add(uint8(2), uint16(9), uint16(100), uint16(390), uint8(255), uint8(3), true)
	f.Fuzz(func(t *testing.T, op uint8, m, n, k uint16, pad, shift uint8, accumulate bool) {
		p := newProduct(GemmOp(op%3), int(m%200), int(n%200), int(k%800), int(pad), int(shift%16), smallIntegers)
		want, _ := p.reference(accumulate)
		gemmLevels(t, func(t *testing.T) { checkExact(t, p, accumulate, want) })
	})
}
