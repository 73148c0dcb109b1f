package kernels

import "unsafe"

// PackedF32 is the B of float32 products, packed once for the instruction set in
// use and shared by any number of calls and goroutines. It may be dense or
// block-sparse.
type PackedF32 struct {
	packed
	kernel implementation[panelKernel]
}

// PackF32 packs a B of k rows and n columns, stored (k, n) for NN or (n, k), as
// a linear layer's weight is, for NT. The depth k is at most 65,536.
func PackF32(op GemmOp, n, k int, b []float32, ldb int) *PackedF32 {
	checkPacking(op, n, k, len(b), ldb)
	p := &PackedF32{kernel: gemmPanelF32.use}
	p.reset(n, k, 4, granuleBytes)
	p.fill(newSource(op, unsafe.Pointer(unsafe.SliceData(b)), 4, ldb))
	return p
}

// PackF32BSR packs a block-sparse weight (out, in), of which B is the transpose,
// as [PackInt8BSR] does; blocks should be a multiple of 4 columns.
func PackF32BSR(w BSR[float32]) *PackedF32 {
	w.check()
	p := &PackedF32{kernel: gemmPanelF32.use}
	packBSR(&p.packed, &w, 4)
	return p
}

// GemmPackedF32 multiplies a matrix A of m rows with a packed B:
//
//	for i := range m {
//		for j := range b.N() {
//			s := Σ a[i*lda+p] · b(p,j) over p < b.K()
//			c[i*ldc+j] = what e makes of s
//		}
//	}
//
// a is (m, K) with leading dimension lda, c is (m, N) with ldc; c must not
// overlap a. e may be nil where C is float32. A sum is one chain of
// multiply-adds in the order of p, so that barring underflow
//
//	|s − exact| ≤ K · 2⁻²⁴ · Σ |a(i,p)| · |b(p,j)|
//
// up to second order, and neither the number of threads nor the place in the
// matrix changes a bit. The levels from AVX2 up fuse each multiply-add and
// agree with each other bit for bit; pure Go may round the product as well.
// Blocks that a block-sparse B leaves out take no part in the sum, except for
// the zeros that fill up those it keeps to 32 columns of the product and four of
// its depth (eight of BF16): with them an infinity or a NaN in A makes a NaN.
func GemmPackedF32[C float32 | uint8 | int8](m int, a []float32, lda int, b *PackedF32, c []C, ldc int, e *Epilogue) {
	if b == nil || b.kernel.fn == nil {
		panic(errNoPacked)
	}
	t := newPackedTask(&b.packed, m, a, lda, c, ldc, e, false)
	if t == nil {
		return
	}
	t.floats(b.kernel.fn, b.kernel.ISA)
	t.run()
}

// floats sets up a task on a kernel of floats.
func (t *packedTask) floats(kernel panelKernel, isa ISA) {
	t.kernel, t.sumKind = kernel, sumFloat32
	if isa == AMX {
		t.stripRows = amxRows
	}
	if t.p.maxOff > t.p.k*t.elem {
		t.prepare = copied
	}
	t.direct = t.outKind == outFloat32 && t.e.plain()
}
