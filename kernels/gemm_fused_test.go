package kernels

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"
)

// TestGemmInt8Fused takes products deep and wide enough for strips whose epilogue
// runs beside the next one's sums, and shapes that mix those with others, at
// every level and for any number of threads.
func TestGemmInt8Fused(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	r := rand.New(rand.NewPCG(8, 9))
	shapes := [][3]int{{24, 32, 768}, {49, 96, 832}, {23, 64, 768}, {72, 80, 1024}, {100, 33, 768}, {50, 64, 760}, {30, 64, 704}, {700, 192, 768}, {75, 64, 777}, {72, 64, 448}, {60, 64, 384}, {50, 64, 368}}
	if testing.Short() {
		shapes = shapes[1:4]
	}
	for _, s := range shapes {
		m, n, k := s[0], s[1], s[2]
		u := newInt8Product[uint8](NT, m, n, k, 1, func(n int) []byte { return guarded[byte](t, n) })
		i := newInt8Product[int8](NT, m, n, k, 0, func(n int) []byte { return guarded[byte](t, n) })
		e := &Epilogue{ZeroA: 90, Scale: fill(r, 2e-6, make([]float32, n)), Bias: fill(r, 1, make([]float32, n)), Quantizer: Quantizer{Scale: 0.02, ZeroPoint: 9}}
		residual := fill(r, 1, guarded[float32](t, (m-1)*(n+3)+n))
		for _, act := range []Activation{ActNone, ActGELU, ActGELUTanh} {
			int8Levels(t, func(t *testing.T) {
				for _, threads := range []int{1, 3} {
					runtime.GOMAXPROCS(threads)
					e.Activation, e.Residual = act, nil
					checkFused(t, u, e)
					checkFused(t, i, e)
					e.Residual, e.LDR = residual, n+3
					checkFusedFloats(t, u, e)
				}
			})
		}
	}
}

// checkFused compares a product into floats and into bytes with its integers,
// finished by themselves.
func checkFused[A Integer8](t *testing.T, p *int8Product[A], e *Epilogue) {
	t.Helper()
	floats := checkFusedFloats(t, p, e)
	want := make([]uint8, p.m*p.n)
	Quantize(p.m, p.n, floats, p.n, e.Quantizer, want, p.n)
	fused(t, p, e, want, outBytes, func(x byte) uint32 { return uint32(x) })
}

// checkFusedFloats returns the floats that it expects and has found.
func checkFusedFloats[A Integer8](t *testing.T, p *int8Product[A], e *Epilogue) []float32 {
	t.Helper()
	sums, want := make([]int32, p.m*p.n), make([]float32, p.m*p.n)
	GemmInt8(p.m, p.a, p.lda, p.pack(), sums, p.n, &Epilogue{ZeroA: e.ZeroA})
	var s [panelCols]int32
	var scale, bias [panelCols]float32
	var args epilogueArgs
	e.args(&args, sumInt32, outFloat32, quantizeParams{})
	for i := range p.m {
		for j := 0; j < p.n; j += panelCols {
			cols := min(panelCols, p.n-j)
			copy(s[:], sums[i*p.n+j:][:cols])
			args.sums, args.rows, args.cols = unsafe.Pointer(&s), 1, cols
			copy(scale[:], e.Scale[j:])
			copy(bias[:], e.Bias[j:])
			args.scale, args.bias = &scale[0], &bias[0]
			if e.Residual != nil {
				args.residual = unsafe.Pointer(&e.Residual[i*e.LDR+j])
			}
			args.out = unsafe.Pointer(&want[i*p.n+j])
			epilogueGeneric(&args)
		}
	}
	fused(t, p, e, want, outFloat32, math.Float32bits)
	return want
}

// fused compares a product with what it should be, to the bit.
func fused[C float32 | uint8, A Integer8](t *testing.T, p *int8Product[A], e *Epilogue, want []C, kind int, bits func(C) uint32) {
	t.Helper()
	b := p.pack()
	gelu := e.Activation != ActNone
	if b.kernel.ISA == VNNI && (kind == outBytes || !gelu) && fusedKernel(b.kernel.Kernel, kind, gelu) == nil {
		t.Fatalf("nothing is fused at %v", b.kernel.ISA)
	}
	ldc := p.n + 5
	got := guarded[C](t, (p.m-1)*ldc+p.n)
	for i := range got {
		got[i] = 77
	}
	GemmInt8(p.m, p.a, p.lda, b, got, ldc, e)
	for i := range p.m {
		for j, x := range got[i*ldc:][:p.n] {
			if bits(x) != bits(want[i*p.n+j]) {
				t.Fatalf("%s %d×%d×%d: [%d, %d] is %v, want %v", b.kernel.Name, p.m, p.n, p.k, i, j, x, want[i*p.n+j])
			}
		}
		for j := p.n; i < p.m-1 && j < ldc; j++ {
			if got[i*ldc+j] != 77 {
				t.Fatalf("%d×%d×%d: written behind row %d", p.m, p.n, p.k, i)
			}
		}
	}
}

// TestBlockSparseFused has panels with enough blocks, with too few and with none,
// and so many of these in a row that a tile waits for long.
func TestBlockSparseFused(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // threads would share the panels
	r := rand.New(rand.NewPCG(10, 11))
	const m, n, k = 60, 384, 1600
	for _, cols := range []int{16, 32, 64} {
		w, dense := bsrOf(r, n, k, 32, cols, 0.6, 2, 4, 5, 6, 7, 8, 9)
		a := make([]int8, m*k)
		fillBytes(r, a)
		e := &Epilogue{ZeroA: -5, Scale: []float32{1e-6}, Bias: fill(r, 1, make([]float32, n)), Activation: ActGELU, Quantizer: Quantizer{Scale: 0.02}}
		int8Levels(t, func(t *testing.T) {
			got, floats, want := make([]int8, m*n), make([]float32, m*n), make([]int8, m*n)
			GemmInt8(m, a, k, PackInt8BSR(w), got, n, e)
			GemmInt8(m, a, k, PackInt8(NT, n, k, dense, k), floats, n, e)
			Quantize(m, n, floats, n, e.Quantizer, want, n)
			if !slices.Equal(got, want) {
				t.Fatalf("blocks of 32×%d: sparse and dense differ", cols)
			}
		})
	}
}
