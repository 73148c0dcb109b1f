package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// product is one call of GemmF32 with its operands: their leading dimensions
// are pad larger than their widths, their first elements lie shift floats into
// their allocations.
type product struct {
	op            GemmOp
	m, n, k       int
	a, b, c       []float32
	lda, ldb, ldc int
}

func newProduct(op GemmOp, m, n, k, pad, shift int, fill func(*rand.Rand, []float32)) *product {
	return newProductIn(op, m, n, k, pad, fill, func(n int) []float32 { return make([]float32, shift+n)[shift:] })
}

func newProductIn(op GemmOp, m, n, k, pad int, fill func(*rand.Rand, []float32), alloc func(int) []float32) *product {
	rowsA, colsA, rowsB, colsB := m, k, k, n
	if op == NT {
		rowsB, colsB = n, k
	}
	if op == TN {
		rowsA, colsA = k, m
	}
	matrix := func(rows, cols int) ([]float32, int) {
		if rows == 0 || cols == 0 {
			return nil, cols + pad
		}
		return alloc((rows-1)*(cols+pad) + cols), cols + pad
	}
	p := &product{op: op, m: m, n: n, k: k}
	p.a, p.lda = matrix(rowsA, colsA)
	p.b, p.ldb = matrix(rowsB, colsB)
	p.c, p.ldc = matrix(m, n)
	r := rand.New(rand.NewPCG(uint64(m), uint64(n<<20|k)))
	for _, x := range [][]float32{p.a, p.b, p.c} {
		fill(r, x)
	}
	return p
}

// run multiplies into p.c.
func (p *product) run(accumulate bool) {
	GemmF32(p.op, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, p.c, p.ldc, accumulate)
}

// result multiplies into a copy of p.c.
func (p *product) result(accumulate bool) []float32 {
	q := *p
	q.c = slices.Clone(p.c)
	q.run(accumulate)
	return q.c
}

// reference is c as it should be, and the sums of the absolute values that
// went into each element; elements outside the matrix keep their value.
func (p *product) reference(accumulate bool) (want, size []float64) {
	want, size = make([]float64, len(p.c)), make([]float64, len(p.c))
	for i, x := range p.c {
		want[i] = float64(x)
	}
	ars, acs, brs, bcs := p.lda, 1, p.ldb, 1
	if p.op == TN {
		ars, acs = 1, p.lda
	}
	if p.op == NT {
		brs, bcs = 1, p.ldb
	}
	for i := range p.m {
		for j := range p.n {
			var sum, abs float64
			if accumulate {
				sum = float64(p.c[i*p.ldc+j])
				abs = math.Abs(sum)
			}
			for q := range p.k {
				x := float64(p.a[i*ars+q*acs]) * float64(p.b[q*brs+j*bcs])
				sum += x
				abs += math.Abs(x)
			}
			want[i*p.ldc+j], size[i*p.ldc+j] = sum, abs
		}
	}
	return want, size
}

// smallIntegers have products whose sums float32 holds exactly, in any order.
func smallIntegers(r *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(r.IntN(17) - 8)
	}
}

func randomFloats(r *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
}

// checkExact compares the result of exact operands with the reference, gaps
// between rows included, and the operands with what they were.
func checkExact(t *testing.T, p *product, accumulate bool, want []float64) {
	t.Helper()
	a, b := slices.Clone(p.a), slices.Clone(p.b)
	got := p.result(accumulate)
	for i, x := range got {
		if float64(x) != want[i] {
			t.Fatalf("%s %v m=%d n=%d k=%d accumulate=%v: c[%d, %d] = %v, want %v",
				Selected("gemm_f32").Name, p.op, p.m, p.n, p.k, accumulate, i/p.ldc, i%p.ldc, x, want[i])
		}
	}
	if !slices.Equal(a, p.a) || !slices.Equal(b, p.b) {
		t.Fatalf("%v m=%d n=%d k=%d: an operand has changed", p.op, p.m, p.n, p.k)
	}
}

// gemmLevels runs f at the level of each implementation of the product, and
// asserts that it is the one in use.
func gemmLevels(t *testing.T, f func(t *testing.T)) {
	names := map[ISA]string{
		Generic: "gemm_f32_generic_4x4", AVX2: "gemm_f32_avx2_6x16", AVX512: "gemm_f32_avx512_8x48",
	}
	top := level
	defer setLevel(top)
	for _, l := range []ISA{Generic, AVX2, AVX512} {
		t.Run(l.String(), func(t *testing.T) {
			if why := Missing(l); why != "" {
				t.Skip(why)
			}
			if l > top {
				t.Skipf("JPQD_ISA caps the level at %v", top)
			}
			setLevel(l)
			if got := Selected("gemm_f32").Name; got != names[l] {
				t.Fatalf("selected %s, want %s", got, names[l])
			}
			f(t)
		})
	}
}
