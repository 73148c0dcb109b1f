package kernels

import (
	"bytes"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"unsafe"
)

// int8Product is one int8 product with its operands; B lies as NT or NN says.
type int8Product[A Integer8] struct {
	op       GemmOp
	m, n, k  int
	a        []A
	lda, ldb int
	b        []int8
}

// fillBytes fills x with random bytes of which some are the extremes.
func fillBytes[T Integer8](r *rand.Rand, x []T) {
	low, high := range8[T]()
	for i := range x {
		switch r.IntN(8) {
		case 0:
			x[i] = T(low)
		case 1:
			x[i] = T(high)
		default:
			x[i] = T(r.Uint32())
		}
	}
}

func newInt8Product[A Integer8](op GemmOp, m, n, k, pad int, alloc func(int) []byte) *int8Product[A] {
	rows, cols := k, n
	if op == NT {
		rows, cols = n, k
	}
	size := func(r, c int) int { return max(0, (r-1)*(c+pad)+c) }
	p := &int8Product[A]{op: op, m: m, n: n, k: k, lda: k + pad, ldb: cols + pad}
	a, b := alloc(size(m, k)), alloc(size(rows, cols))
	p.a = unsafe.Slice((*A)(unsafe.Pointer(unsafe.SliceData(a))), len(a))
	p.b = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
	r := rand.New(rand.NewPCG(uint64(m), uint64(n<<20|k)))
	fillBytes(r, p.a)
	fillBytes(r, p.b)
	return p
}

func plainBytes(n int) []byte { return make([]byte, n) }

// reference is the product with zero points, modulo 2³².
func (p *int8Product[A]) reference(zeroA, zeroB int32) []int32 {
	c := make([]int32, p.m*p.n)
	rs, cs := p.ldb, 1
	if p.op == NT {
		rs, cs = 1, p.ldb
	}
	for i := range p.m {
		for j := range p.n {
			var s int32
			for q := range p.k {
				s += (int32(p.a[i*p.lda+q]) - zeroA) * (int32(p.b[q*rs+j*cs]) - zeroB)
			}
			c[i*p.n+j] = s
		}
	}
	return c
}

func (p *int8Product[A]) pack() *PackedInt8 { return PackInt8(p.op, p.n, p.k, p.b, p.ldb) }

// int8Levels runs f for every implementation of the int8 product that may run,
// and asserts that it is the one in use.
func int8Levels(t *testing.T, f func(t *testing.T)) { rowLevels(t, "gemm_int8", f) }

// int8Sizes straddle the tiles of every level: rows of 6, 12, 16 and 32, columns
// of 8, 16 and 32, granules of 16 bytes and AMX's 64.
func int8Sizes() (ms, ns, ks []int) {
	if testing.Short() {
		return []int{1, 5, 12, 17, 33, 49}, []int{1, 16, 17, 32, 50}, []int{0, 1, 16, 20, 64, 100}
	}
	return []int{0, 1, 2, 3, 5, 6, 7, 11, 12, 13, 16, 17, 31, 33, 48, 49, 65}, []int{0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 77},
		[]int{0, 1, 3, 4, 15, 16, 17, 33, 63, 64, 65, 128, 130}
}

func testInt8Sizes[A Integer8](t *testing.T) {
	ms, ns, ks := int8Sizes()
	int8Levels(t, func(t *testing.T) {
		for _, m := range ms {
			for _, n := range ns {
				for _, k := range ks {
					p := newInt8Product[A](GemmOp((m+n+k)%2), m, n, k, (m+k)%3, plainBytes)
					a, b := slices.Clone(p.a), slices.Clone(p.b)
					zeroA, zeroB := int32(m%3*50), int32(n%4*7)
					checkInt8Product(t, p, zeroA, zeroB)
					if !slices.Equal(a, p.a) || !slices.Equal(b, p.b) {
						t.Fatalf("%d×%d×%d: an operand has changed", m, n, k)
					}
				}
			}
		}
	})
}

// checkInt8Product compares a product with the reference; C's rows have gaps that must
// stay as they are.
func checkInt8Product[A Integer8](t *testing.T, p *int8Product[A], zeroA, zeroB int32) {
	t.Helper()
	const gap = 3
	ldc := p.n + gap
	c := make([]int32, max(0, p.m*ldc))
	for i := range c {
		c[i] = -77
	}
	GemmInt8(p.m, p.a, p.lda, p.pack(), c, ldc, &Epilogue{ZeroA: zeroA, ZeroB: zeroB})
	want := p.reference(zeroA, zeroB)
	for i := range p.m {
		if !slices.Equal(c[i*ldc:i*ldc+p.n], want[i*p.n:(i+1)*p.n]) {
			t.Fatalf("%s %v %d×%d×%d zero points %d, %d: row %d = %v, want %v", Selected("gemm_int8").Name, p.op, p.m, p.n, p.k,
				zeroA, zeroB, i, c[i*ldc:i*ldc+p.n], want[i*p.n:(i+1)*p.n])
		}
		for _, x := range c[i*ldc+p.n : (i+1)*ldc] {
			if x != -77 {
				t.Fatalf("%v %d×%d×%d: written behind row %d", p.op, p.m, p.n, p.k, i)
			}
		}
	}
}

func TestGemmInt8Unsigned(t *testing.T) { testInt8Sizes[uint8](t) }
func TestGemmInt8Signed(t *testing.T)   { testInt8Sizes[int8](t) }

// TestGemmInt8Extremes: sums of the greatest products, which 16 bits cannot hold.
func TestGemmInt8Extremes(t *testing.T) {
	const m, n, k = 13, 33, 1000
	for _, b := range []int8{127, -127, -128} {
		w := slices.Repeat([]int8{b}, n*k)
		int8Levels(t, func(t *testing.T) {
			p := PackInt8(NT, n, k, w, k)
			c := make([]int32, m*n)
			GemmInt8(m, slices.Repeat([]uint8{255}, m*k), k, p, c, n, nil)
			if want := slices.Repeat([]int32{255 * int32(b) * k}, m*n); !slices.Equal(c, want) {
				t.Errorf("255 · %d · %d = %d, want %d", b, k, c[0], want[0])
			}
			GemmInt8(m, slices.Repeat([]int8{-128}, m*k), k, p, c, n, nil)
			if want := slices.Repeat([]int32{-128 * int32(b) * k}, m*n); !slices.Equal(c, want) {
				t.Errorf("-128 · %d · %d = %d, want %d", b, k, c[0], want[0])
			}
		})
	}
}

// TestGemmInt8Guard lets every operand end where memory ends.
func TestGemmInt8Guard(t *testing.T) {
	for _, s := range [][3]int{{1, 1, 1}, {1, 32, 16}, {5, 3, 17}, {12, 32, 64}, {13, 49, 66}, {33, 16, 100}, {50, 40, 130}} {
		for _, op := range []GemmOp{NN, NT} {
			p := newInt8Product[uint8](op, s[0], s[1], s[2], 1, func(n int) []byte { return guarded[byte](t, n) })
			q := newInt8Product[int8](op, s[0], s[1], s[2], 1, func(n int) []byte { return guarded[byte](t, n) })
			c := guarded[int32](t, (p.m-1)*(p.n+2)+p.n)
			u := guarded[uint8](t, (p.m-1)*(p.n+2)+p.n)
			wantP, wantQ := p.reference(0, 0), q.reference(0, 0)
			int8Levels(t, func(t *testing.T) {
				GemmInt8(p.m, p.a, p.lda, p.pack(), c, p.n+2, nil)
				for i := range p.m {
					if !slices.Equal(c[i*(p.n+2):][:p.n], wantP[i*p.n:][:p.n]) {
						t.Fatalf("%v %v: row %d differs", op, s, i)
					}
				}
				GemmInt8(q.m, q.a, q.lda, q.pack(), c, q.n+2, nil)
				for i := range q.m {
					if !slices.Equal(c[i*(q.n+2):][:q.n], wantQ[i*q.n:][:q.n]) {
						t.Fatalf("%v %v: row %d differs", op, s, i)
					}
				}
				bias := fill(rand.New(rand.NewPCG(1, 2)), 1, guarded[float32](t, p.n))
				GemmInt8(p.m, p.a, p.lda, p.pack(), u, p.n+2, &Epilogue{Bias: bias, Quantizer: Quantizer{Scale: 1}, Activation: ActGELU})
			})
		}
	}
}

// TestGemmInt8NoDepth: without depth there may be no A, whatever its leading
// dimension. With -race the compiler checks that no pointer leaves its memory.
func TestGemmInt8NoDepth(t *testing.T) {
	const m, n, lda = 50, 20, 3
	int8Levels(t, func(t *testing.T) {
		c := slices.Repeat([]int32{1}, 2*m*n)
		GemmInt8[uint8](m, nil, lda, PackInt8(NT, n, 0, nil, 0), c, n, nil)
		GemmInt8[int8](m, nil, lda, PackInt8(NT, n, 0, nil, 0), c, n, &Epilogue{ZeroA: 1, ZeroB: 2})
		strides := [2]int{5, 7}
		GemmInt8Batch[uint8](Batch{2, 1, strides, strides, [2]int{m * n, 0}}, NT, m, n, 0, nil, lda, nil, 0, c, n, nil)
		if slices.ContainsFunc(c, func(x int32) bool { return x != 0 }) {
			t.Errorf("%d", c)
		}
	})
}

// TestPackPadding packs a B whose depth is padded by more than a granule, as AMX
// has it, from memory that ends with B.
func TestPackPadding(t *testing.T) {
	const n, k = 5, 16
	b := slices.Repeat([]int8{1}, n*k)
	var p packed
	p.reset(n, k, 1, 4*granuleBytes)
	fillWith(p.data, 9)
	p.fill(newSource(NT, unsafe.Pointer(unsafe.SliceData(b)), 1, k))
	if ones := bytes.Count(p.data, []byte{1}); ones != n*k || bytes.Count(p.data, []byte{0}) != len(p.data)-ones {
		t.Errorf("%d", p.data)
	}
}

// TestGemmInt8Threads: the number of threads changes no bit, whether rows or
// columns are divided, evenly or not, with an epilogue and without.
func TestGemmInt8Threads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	shapes := [][3]int{{20, 2272, 260}, {150, 1024, 70}, {400, 256, 128}, {6, 4096, 512}}
	if testing.Short() {
		shapes = shapes[:1]
	}
	for _, s := range shapes {
		p := newInt8Product[int8](NT, s[0], s[1], s[2], 0, plainBytes)
		unsigned := viewAs[uint8](bytesOf(p.a))
		int8Levels(t, func(t *testing.T) {
			b := p.pack()
			if words := s[0] * s[1] * s[2] * b.elem / 4; words < 2*packedShare {
				t.Fatalf("%v: %d words are not shared among threads", s, words)
			}
			e := &Epilogue{ZeroA: 3, ZeroB: -5, Scale: []float32{1e-3}, Activation: ActGELU}
			var one []float32
			var sums []int32
			for _, threads := range []int{1, 2, 5} {
				runtime.GOMAXPROCS(threads)
				c, d := make([]float32, p.m*p.n), make([]int32, p.m*p.n)
				GemmInt8(p.m, p.a, p.lda, b, c, p.n, e)
				GemmInt8(p.m, unsigned, p.lda, b, d, p.n, nil)
				if one == nil {
					one, sums = c, d
				} else if !slices.Equal(one, c) || !slices.Equal(sums, d) {
					t.Fatalf("%v: %d threads and one differ", s, threads)
				}
			}
		})
	}
}

func TestGemmInt8Concurrent(t *testing.T) {
	p := newInt8Product[uint8](NT, 70, 96, 200, 0, plainBytes)
	b, want := p.pack(), p.reference(9, 0)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := make([]int32, p.m*p.n)
			for range 10 {
				GemmInt8(p.m, p.a, p.lda, b, c, p.n, &Epilogue{ZeroA: 9})
				if !slices.Equal(c, want) {
					t.Error("a concurrent product differs")
				}
			}
		})
	}
	wg.Wait()
}

func TestGemmInt8Allocs(t *testing.T) {
	p := newInt8Product[int8](NT, 100, 96, 200, 0, plainBytes)
	c, u := make([]int32, p.m*p.n), make([]uint8, p.m*p.n)
	scale := make([]float32, p.n)
	int8Levels(t, func(t *testing.T) {
		b := p.pack()
		for name, call := range map[string]func(){
			"int32": func() { GemmInt8(p.m, p.a, p.lda, b, c, p.n, nil) },
			"uint8": func() {
				GemmInt8(p.m, p.a, p.lda, b, u, p.n, &Epilogue{ZeroA: 1, ZeroB: 2, Scale: scale, Activation: ActGELU, Quantizer: Quantizer{Scale: 1}})
			},
			"Pack": func() { b.Pack(p.op, p.n, p.k, p.b, p.ldb) },
		} {
			if n := testing.AllocsPerRun(10, call); n != 0 {
				t.Errorf("%s: %v allocations a call", name, n)
			}
		}
	})
}

func TestGemmInt8Panics(t *testing.T) {
	w := make([]int8, 12)
	b := PackInt8(NT, 3, 4, w, 4)
	a, c, u := make([]uint8, 8), make([]int32, 6), make([]uint8, 6)
	f := make([]float32, 6)
	for name, test := range map[string]struct {
		want string
		call func()
	}{
		"op":         {errPackOp, func() { PackInt8(TN, 3, 4, w, 4) }},
		"n":          {errNegative, func() { PackInt8(NN, -1, 4, w, 4) }},
		"ldb":        {errLDB, func() { PackInt8(NT, 3, 4, w, 3) }},
		"b":          {errShortB, func() { PackInt8(NN, 3, 4, w[:11], 3) }},
		"depth":      {errDepth, func() { PackInt8(NN, 0, 1<<16+1, nil, 0) }},
		"nil":        {errNoPacked, func() { GemmInt8(2, a, 4, nil, c, 3, nil) }},
		"zero":       {errNoPacked, func() { GemmInt8(2, a, 4, new(PackedInt8), c, 3, nil) }},
		"m":          {errNegative, func() { GemmInt8(-2, a, 4, b, c, 3, nil) }},
		"lda":        {errLDA, func() { GemmInt8(2, a, 3, b, c, 3, nil) }},
		"ldc":        {errLDC, func() { GemmInt8(2, a, 4, b, c, 2, nil) }},
		"a":          {errShortA, func() { GemmInt8(2, a[:7], 4, b, c, 3, nil) }},
		"c":          {errShortC, func() { GemmInt8(2, a, 4, b, c[:5], 3, nil) }},
		"wild":       {errShortA, func() { GemmInt8(math.MaxInt, a, 4, b, c, 3, nil) }},
		"s32 scale":  {errEpilogue, func() { GemmInt8(2, a, 4, b, c, 3, &Epilogue{Scale: f[:1]}) }},
		"scale":      {errEpilogue, func() { GemmInt8(2, a, 4, b, f, 3, &Epilogue{Scale: f[:2]}) }},
		"bias":       {errEpilogue, func() { GemmInt8(2, a, 4, b, f, 3, &Epilogue{Bias: f[:2]}) }},
		"residual":   {errEpilogue, func() { GemmInt8(2, a, 4, b, f, 3, &Epilogue{Residual: f[:5], LDR: 3}) }},
		"ldr":        {errEpilogue, func() { GemmInt8(2, a, 4, b, f, 3, &Epilogue{Residual: f, LDR: 2}) }},
		"activation": {errEpilogue, func() { GemmInt8(2, a, 4, b, f, 3, &Epilogue{Activation: 9}) }},
		"quantizer":  {errScale, func() { GemmInt8(2, a, 4, b, u, 3, nil) }},
		"bsr":        {errBSR, func() { PackInt8BSR(BSR[int8]{Rows: 4, Cols: 4, BlockRows: 3, BlockCols: 4}) }},
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

func FuzzGemmInt8(f *testing.F) {
	f.Add(uint8(13), uint8(33), uint16(64), uint8(0), int32(0), int32(0), true)
	f.Add(uint8(49), uint8(16), uint16(130), uint8(5), int32(128), int32(-3), false)
	f.Fuzz(func(t *testing.T, m, n uint8, k uint16, pad uint8, zeroA, zeroB int32, transposed bool) {
		op := NN
		if transposed {
			op = NT
		}
		p := newInt8Product[uint8](op, int(m), int(n), int(k%700), int(pad), plainBytes)
		q := newInt8Product[int8](op, int(m), int(n), int(k%700), int(pad), plainBytes)
		int8Levels(t, func(t *testing.T) {
			checkInt8Product(t, p, zeroA, zeroB)
			checkInt8Product(t, q, zeroA, zeroB)
		})
	})
}
