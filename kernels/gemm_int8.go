package kernels

import "unsafe"

// PackedInt8 is the B of int8 products, packed once for the instruction set in
// use and shared by any number of calls and goroutines. It may be dense or
// block-sparse.
type PackedInt8 struct {
	packed
	kernel  implementation[int8Kernel]
	few     panelKernel // for few rows
	colSums []int32     // of each column over the depth, panelCols for each panel
	zeros   []int32     // as many zeros as the longest panel has granules
}

// PackInt8 packs a B of k rows and n columns, stored (k, n) for NN or (n, k),
// as a linear layer's weight is, for NT. The depth k is at most 65,536.
func PackInt8(op GemmOp, n, k int, b []int8, ldb int) *PackedInt8 {
	p := new(PackedInt8)
	p.Pack(op, n, k, b, ldb)
	return p
}

// Pack does what [PackInt8] does in place, reusing p's memory: for a B that
// changes from call to call. No product may be using p.
func (p *PackedInt8) Pack(op GemmOp, n, k int, b []int8, ldb int) {
	checkPacking(op, n, k, len(b), ldb)
	p.pack(op, n, k, unsafe.Pointer(unsafe.SliceData(b)), ldb, true)
}

// pack packs a B whose arguments are checked, and sums up its columns if asked.
func (p *PackedInt8) pack(op GemmOp, n, k int, b unsafe.Pointer, ldb int, sums bool) {
	p.start()
	p.reset(n, k, p.elem, p.kernel.fn.align)
	p.fill(newSource(op, b, 1, ldb))
	if sums {
		p.sumColumns()
	}
}

// PackInt8BSR packs a block-sparse weight (out, in): B is its transpose, n is
// w.Rows and k is w.Cols. Blocks of any shape are taken; a product's time is in
// proportion to the blocks kept where they are a multiple of 16 columns (inputs)
// and of 32 rows (outputs), and with narrower ones to what is left after zeros
// have filled them up to that.
func PackInt8BSR(w BSR[int8]) *PackedInt8 {
	w.check()
	p := new(PackedInt8)
	p.start()
	packBSR(&p.packed, &w, p.elem)
	p.sumColumns()
	return p
}

// start chooses the kernel, and by it the layout.
func (p *PackedInt8) start() {
	p.kernel = gemmInt8Family.use
	p.few = p.kernel.fn.u8
	p.elem = 1
	if p.kernel.fn.widened {
		p.elem = 2
	}
	if p.kernel.ISA == AMX {
		// AMX needs 16 rows to be worth its tiles; the layout is the same.
		p.few = gemmInt8Family.at(VNNI).u8
	}
}

// A granule of ones, as the kernels read A.
var (
	byteOnes  = [granuleBytes]uint8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	int16Ones = [granuleBytes / 2]int16{1, 1, 1, 1, 1, 1, 1, 1}
)

// sumColumns multiplies a row of ones with each panel.
func (p *PackedInt8) sumColumns() {
	ones := unsafe.Pointer(&byteOnes)
	if p.elem == 2 {
		ones = unsafe.Pointer(&int16Ones)
	}
	p.colSums = growInt32(p.colSums, len(p.panels)*panelCols)
	most := 0
	for _, q := range p.panels {
		most = max(most, len(q.offs))
	}
	p.zeros = growInt32(p.zeros, most)
	for i := range p.panels {
		q := &p.panels[i]
		b := unsafe.Add(unsafe.Pointer(unsafe.SliceData(p.data)), q.at)
		p.few(1, q.width, ones, 0, p.zeros[:len(q.offs)], b, unsafe.Pointer(&p.colSums[q.col]), panelCols, nil)
	}
}

// growInt32 returns buf cut to n, or n new zeros.
func growInt32(buf []int32, n int) []int32 {
	if cap(buf) >= n {
		return buf[:n]
	}
	return make([]int32, n)
}

// GemmInt8 multiplies a matrix A of m rows with a packed B, in integers:
//
//	for i := range m {
//		for j := range b.N() {
//			s := Σ (a[i*lda+p] − e.ZeroA) · (b(p,j) − e.ZeroB) over p < b.K()
//			c[i*ldc+j] = what e makes of s
//		}
//	}
//
// A is uint8 or int8. C is int32, for which e may be nil and set nothing but the
// zero points; float32; or uint8 or int8, in levels of e.Quantizer. a is
// (m, K) with leading dimension lda, c is (m, N) with ldc; c must not overlap a.
//
// The sum is exact modulo 2³² – nothing saturates – and with the epilogue's
// fixed steps the result is bit-equal on every instruction set and for any
// number of threads. Calls allocate nothing once buffers have grown.
//
// It panics, in this order, where a dimension is negative, a leading dimension
// too small, a slice too short, or the epilogue does not fit.
func GemmInt8[A Integer8, C int32 | float32 | uint8 | int8](m int, a []A, lda int, b *PackedInt8, c []C, ldc int, e *Epilogue) {
	if b == nil || b.kernel.fn.u8 == nil {
		panic(errNoPacked)
	}
	t := newPackedTask(&b.packed, m, a, lda, c, ldc, e, true)
	if t == nil {
		return
	}
	b.choose(t, ^A(0) > 0)
	t.run()
}

// choose sets the kernel of a task, and how it reads A.
func (p *PackedInt8) choose(t *packedTask, unsigned bool) {
	t.kernel, t.colSums, t.sumKind = p.kernel.fn.u8, p.colSums, sumInt32
	t.zeroA, t.zeroB = t.e.ZeroA, t.e.ZeroB
	switch {
	case p.elem == 2 && unsigned:
		t.prepare = extended
	case p.elem == 2:
		t.prepare = signedWide
	case !unsigned && p.kernel.fn.s8 != nil && t.zeroB == 0 && t.m >= fewRows:
		t.kernel = p.kernel.fn.s8
	case !unsigned:
		t.prepare = flipped
		t.zeroA += 128
	}
	if p.kernel.ISA == AMX {
		t.stripRows = amxRows
	}
	if t.m < fewRows {
		t.kernel = p.few
	}
	if t.prepare == asIs && (t.m-1)*t.lda+p.maxOff > t.lenA {
		// The last granule would reach over the end of A.
		t.prepare = copied
	}
	t.direct = t.outKind == outInt32 && t.zeroB == 0
	t.fused = t.fusedBy(p.kernel.Kernel)
}

// fewRows is how many rows AMX needs (oneDNN's threshold as well).
const fewRows = 16
