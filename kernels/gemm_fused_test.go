package kernels

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// TestGemmInt8Fused takes products deep and wide enough for strips whose epilogue
// runs beside the next one's sums, and shapes that mix those with others: the
// bytes are the levels of what the same product gives in float32, which takes
// the ordinary way, at every level and for any number of threads.
func TestGemmInt8Fused(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	r := rand.New(rand.NewPCG(8, 9))
	shapes := [][3]int{{24, 32, 768}, {49, 96, 832}, {23, 64, 768}, {72, 80, 1024}, {100, 33, 768}, {50, 64, 760}, {30, 64, 704}, {530, 64, 768}}
	if testing.Short() {
		shapes = shapes[1:4]
	}
	for _, s := range shapes {
		m, n, k := s[0], s[1], s[2]
		u := newInt8Product[uint8](NT, m, n, k, 1, func(n int) []byte { return guarded[byte](t, n) })
		i := newInt8Product[int8](NT, m, n, k, 0, func(n int) []byte { return guarded[byte](t, n) })
		e := &Epilogue{ZeroA: 90, Scale: fill(r, 2e-6, make([]float32, n)), Bias: fill(r, 1, make([]float32, n)), Quantizer: Quantizer{Scale: 0.02, ZeroPoint: 9}}
		for _, act := range []Activation{ActGELU, ActGELUTanh} {
			e.Activation = act
			int8Levels(t, func(t *testing.T) {
				for _, threads := range []int{1, 3} {
					runtime.GOMAXPROCS(threads)
					checkFused(t, u, e)
					checkFused(t, i, e)
				}
			})
		}
	}
}

// checkFused compares a product into bytes with one into floats.
func checkFused[A Integer8](t *testing.T, p *int8Product[A], e *Epilogue) {
	t.Helper()
	b := p.pack()
	if b.kernel.ISA == VNNI && fusedKernel(b.kernel.Kernel) == nil {
		t.Fatalf("nothing is fused at %v", b.kernel.ISA)
	}
	ldc := p.n + 5
	floats, want := make([]float32, p.m*p.n), make([]uint8, p.m*p.n)
	GemmInt8(p.m, p.a, p.lda, b, floats, p.n, e)
	Quantize(p.m, p.n, floats, p.n, e.Quantizer, want, p.n)
	got := guarded[uint8](t, (p.m-1)*ldc+p.n)
	for i := range got {
		got[i] = 77
	}
	GemmInt8(p.m, p.a, p.lda, b, got, ldc, e)
	for i := range p.m {
		if !slices.Equal(got[i*ldc:][:p.n], want[i*p.n:][:p.n]) {
			t.Fatalf("%s %d×%d×%d: row %d is %v, want %v", b.kernel.Name, p.m, p.n, p.k, i, got[i*ldc:][:p.n], want[i*p.n:][:p.n])
		}
		for j := p.n; i < p.m-1 && j < ldc; j++ {
			if got[i*ldc+j] != 77 {
				t.Fatalf("%d×%d×%d: written behind row %d", p.m, p.n, p.k, i)
			}
		}
	}
}

// TestBlockSparseFused has panels with enough blocks, with too few and with none.
func TestBlockSparseFused(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	const m, n, k = 60, 160, 1600
	for _, cols := range []int{16, 32, 64} {
		w, dense := bsrOf(r, n, k, 32, cols, 0.6, 2)
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
