package kernels

import "fmt"

// GemmOp says which operand of a matrix product is stored transposed.
type GemmOp uint8

// The three products of a linear layer y = x·Wᵀ whose weight is stored
// (out, in): NT is the layer itself, NN the gradient of its input, TN the
// gradient of its weight.
const (
	NN GemmOp = iota // C = A·B
	NT               // C = A·Bᵀ
	TN               // C = Aᵀ·B
)

// String returns "NN", "NT" or "TN".
func (op GemmOp) String() string {
	if op > TN {
		return fmt.Sprintf("GemmOp(%d)", uint8(op))
	}
	return [...]string{"NN", "NT", "TN"}[op]
}

// GemmF32 multiplies two matrices of float32:
//
//	for i := range m {
//		for j := range n {
//			s := Σ A(i,p)·B(p,j) over p < k
//			if accumulate { s += c[i*ldc+j] }
//			c[i*ldc+j] = s
//		}
//	}
//
//	op    A(i,p)                 B(p,j)
//	NN    a[i*lda+p]  a (m, k)   b[p*ldb+j]  b (k, n)
//	NT    a[i*lda+p]  a (m, k)   b[j*ldb+p]  b (n, k)
//	TN    a[p*lda+i]  a (k, m)   b[p*ldb+j]  b (k, n)
//
// c must not overlap a or b. Of each row of c only the first n elements are
// written. With k = 0 the sums are zero.
//
// # Order and tolerance
//
// The sum over p is cut into q = ⌈k/384⌉ blocks of nearly equal depth
// d ≤ 384. Within a block an element is one chain of multiply-adds in the order
// of p, and the blocks' sums are added to c one after the other. The cuts
// depend on k alone: neither the number of threads nor the position in the
// matrix changes a result. Barring underflow,
//
//	|computed − exact| ≤ (d + q) · 2⁻²⁴ · (|c before, if accumulating| + Σ |A(i,p)|·|B(p,j)|)
//
// up to second order. The levels from AVX2 up fuse each multiply-add and agree
// with each other bit for bit; pure Go may round the product as well.
func GemmF32(op GemmOp, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	checkGemm(op, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		return
	}
	gemmF32Run(gemmF32Args{op, m, n, k, a, lda, b, ldb, c, ldc, accumulate})
}

// checkGemm panics on arguments of a product that cannot be.
func checkGemm(op GemmOp, m, n, k, lenA, lda, lenB, ldb, lenC, ldc int) {
	rowsA, colsA, rowsB, colsB := m, k, k, n
	switch op {
	case NN:
	case NT:
		rowsB, colsB = n, k
	case TN:
		rowsA, colsA = k, m
	default:
		panic(errGemmOp)
	}
	switch {
	case m < 0 || n < 0 || k < 0:
		panic(errNegative)
	case lda < colsA:
		panic(errLDA)
	case ldb < colsB:
		panic(errLDB)
	case ldc < n:
		panic(errLDC)
	case m == 0 || n == 0:
		return
	case tooShort(lenA, rowsA, colsA, lda):
		panic(errShortA)
	case tooShort(lenB, rowsB, colsB, ldb):
		panic(errShortB)
	case tooShort(lenC, m, n, ldc):
		panic(errShortC)
	}
}

// tooShort tells whether a slice of length have lacks elements of a matrix
// (rows, cols) with leading dimension ld ≥ cols. It divides, so that no product
// of wild dimensions can overflow.
func tooShort(have, rows, cols, ld int) bool {
	if rows == 0 || cols == 0 {
		return false
	}
	return have < cols || (have-cols)/ld < rows-1
}
