package kernels

import "unsafe"

// PackedBF16 is the B of BF16 products, packed once for the instruction set in
// use and shared by any number of calls and goroutines. It may be dense or
// block-sparse.
type PackedBF16 struct {
	packed
	kernel implementation[panelKernel]
}

// PackBF16 packs a B of k rows and n columns, stored (k, n) for NN or (n, k), as
// a linear layer's weight is, for NT. The depth k is at most 65,536.
func PackBF16(op GemmOp, n, k int, b []BF16, ldb int) *PackedBF16 {
	p := new(PackedBF16)
	p.Pack(op, n, k, b, ldb)
	return p
}

// Pack does what [PackBF16] does in place, reusing p's memory. No product may
// be using p.
func (p *PackedBF16) Pack(op GemmOp, n, k int, b []BF16, ldb int) {
	checkPacking(op, n, k, len(b), ldb)
	p.kernel = gemmBF16Family.use
	align := granuleBytes
	if p.kernel.ISA == AMX {
		align = 64
	}
	p.reset(n, k, 2, align)
	p.fill(newSource(op, unsafe.Pointer(unsafe.SliceData(b)), 2, ldb))
}

// PackBF16BSR packs a block-sparse weight (out, in), of which B is the
// transpose, as [PackInt8BSR] does; blocks should be a multiple of 8 columns.
func PackBF16BSR(w BSR[BF16]) *PackedBF16 {
	w.check()
	p := &PackedBF16{kernel: gemmBF16Family.use}
	packBSR(&p.packed, &w, 2)
	return p
}

// GemmPackedBF16 multiplies a matrix A of m rows with a packed B, summing up in
// float32; shapes and epilogue are those of [GemmPackedF32]. The product of two
// BF16 is exact in float32, sums are rounded, and subnormal numbers may count
// as zero, so that
//
//	|s − exact| ≤ (K+1) · 2⁻²³ · Σ |a(i,p)| · |b(p,j)| + K · 2⁻¹²⁵ · (1 + max |a| + max |b|)
//
// up to second order. The number of threads never changes a result; the
// instruction set may.
func GemmPackedBF16[C float32 | uint8 | int8](m int, a []BF16, lda int, b *PackedBF16, c []C, ldc int, e *Epilogue) {
	if b == nil || b.kernel.fn == nil {
		panic(errNoPacked)
	}
	t := newPackedTask(&b.packed, m, a, lda, c, ldc, e, false)
	if t == nil {
		return
	}
	t.floats(b.kernel.fn)
	t.run()
}
