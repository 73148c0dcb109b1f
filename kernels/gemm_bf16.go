package kernels

import "unsafe"

// PackedBF16 is the B of BF16 products, packed once for the instruction set in
// use and shared by any number of calls and goroutines. It may be dense or
// block-sparse.
type PackedBF16 struct {
	packed
	kernel implementation[bf16Kernel]
}

// size is the bytes of an element as the kernel reads it.
func (k bf16Kernel) size() int {
	if k.expanded {
		return 4
	}
	return 2
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
	p.pack(op, n, k, b, ldb)
}

func (p *PackedBF16) pack(op GemmOp, n, k int, b []BF16, ldb int) {
	p.kernel = gemmBF16Family.use
	align := granuleBytes
	if p.kernel.ISA == AMX {
		align = 64
	}
	p.reset(n, k, p.kernel.fn.size(), align)
	p.fill(newSource(op, unsafe.Pointer(unsafe.SliceData(b)), 2, ldb))
}

// PackBF16BSR packs a block-sparse weight (out, in), of which B is the
// transpose, as [PackInt8BSR] does; blocks should be a multiple of 8 columns.
func PackBF16BSR(w BSR[BF16]) *PackedBF16 {
	w.check()
	p := &PackedBF16{kernel: gemmBF16Family.use}
	packBSR(&p.packed, &w, p.kernel.fn.size())
	return p
}

// GemmPackedBF16 multiplies a matrix A of m rows with a packed B, summing up in
// float32; shapes and epilogue are those of [GemmPackedF32]. The product of two
// BF16 is exact in float32, sums are rounded, and subnormal numbers may count
// as zero, so that
//
//	|s − exact| ≤ (K+1) · 2⁻²³ · Σ |a(i,p)| · |b(p,j)| + K · 2⁻¹²⁵ · (1 + max |a| + max |b|)
//
// up to second order. A bias alone may be what a sum begins with, rather than be
// added to it, and is then one of the products of this bound. The number of threads
// never changes a result; the instruction set may.
func GemmPackedBF16[C float32 | uint8 | int8](m int, a []BF16, lda int, b *PackedBF16, c []C, ldc int, e *Epilogue) {
	if b == nil || b.kernel.fn.fn == nil {
		panic(errNoPacked)
	}
	t := newPackedTask(&b.packed, m, a, lda, c, ldc, e, false)
	if t == nil {
		return
	}
	t.floats(b.kernel.fn.fn, b.kernel.ISA)
	t.direct = t.outKind == outFloat32 && t.e.biasOnly()
	if b.kernel.fn.expanded {
		t.prepare = expanded
	}
	t.run()
}

// HasBF16 tells whether the CPU multiplies BF16 by instructions of its own, which
// is faster than float32. Elsewhere products of BF16 are expanded.
func HasBF16() bool { return !gemmBF16Family.use.fn.expanded }

// bf16Buffers are the operands of a GemmBF16 as the kernel reads them.
type bf16Buffers struct {
	b, a PackedBF16
	rows []float32 // A transposed, a word of two BF16 each

	floatA, floatB []float32 // A and B expanded
}

var bf16Packed freeList[bf16Buffers]

// GemmBF16 multiplies two matrices of BF16 into float32, for training in mixed
// precision:
//
//	for i := range m {
//		for j := range n {
//			s := Σ A(i,p)·B(p,j) over p < k
//			if accumulate { s += c[i*ldc+j] }
//			c[i*ldc+j] = s
//		}
//	}
//
// with A and B stored as for [GemmF32] and the tolerance of [GemmPackedBF16].
// c must not overlap a or b. The depth k is at most 65,536. B is packed on the
// way, and A too where it is transposed; CPUs without products of BF16 multiply
// in float32.
func GemmBF16(op GemmOp, m, n, k int, a []BF16, lda int, b []BF16, ldb int, c []float32, ldc int, accumulate bool) {
	var e Epilogue
	if accumulate {
		e.Residual, e.LDR = c, ldc
	}
	gemmBF16(op, m, n, k, a, lda, b, ldb, c, ldc, &e)
}

// GemmBiasBF16 is what a linear layer computes: the NT product of [GemmBF16] and
// in every row a bias of n elements.
func GemmBiasBF16(m, n, k int, a []BF16, lda int, b []BF16, ldb int, bias, c []float32, ldc int) {
	checkLength(bias, n)
	gemmBF16(NT, m, n, k, a, lda, b, ldb, c, ldc, &Epilogue{Bias: bias})
}

// gemmBF16 is a GemmBF16 with an epilogue of either a bias, or c as the residual.
func gemmBF16(op GemmOp, m, n, k int, a []BF16, lda int, b []BF16, ldb int, c []float32, ldc int, e *Epilogue) {
	checkGemm(op, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if k > maxDepth {
		panic(errDepth)
	}
	if m == 0 || n == 0 {
		return
	}
	buf := bf16Packed.get()
	defer bf16Packed.put(buf)
	if gemmBF16Family.use.fn.expanded {
		buf.floatA, buf.floatB = grow(buf.floatA, len(a)), grow(buf.floatB, len(b))
		ExpandBF16(a, buf.floatA[:len(a)])
		ExpandBF16(b, buf.floatB[:len(b)])
		add := e.Residual != nil
		for i := 0; e.Bias != nil && i < m; i++ {
			copy(c[i*ldc:], e.Bias)
			add = true
		}
		GemmF32(op, m, n, k, buf.floatA[:len(a)], lda, buf.floatB[:len(b)], ldb, c, ldc, add)
		return
	}
	opB := op
	if op == TN {
		opB = NN
		a, lda = buf.transpose(m, k, a, lda)
	}
	buf.b.pack(opB, n, k, b, ldb)
	GemmPackedBF16(m, a, lda, &buf.b, c, ldc, e)
}

// transpose returns the transpose (m, k) of a (k, m). Packed as a B, its columns
// lie in words; transposing the words of each panel makes them rows.
func (buf *bf16Buffers) transpose(m, k int, a []BF16, lda int) ([]BF16, int) {
	buf.a.pack(NN, m, k, a, lda)
	ld := buf.distance()
	buf.rows = grow(buf.rows, m*ld)
	Parallel(len(buf.a.panels), buf)
	return unsafe.Slice((*BF16)(unsafe.Pointer(unsafe.SliceData(buf.rows))), 2*m*ld), 2 * ld
}

// distance is how many words apart the transposed rows lie: an odd number of
// cache lines, so that those of a tile do not fall on the same places of a cache.
func (buf *bf16Buffers) distance() int { return roundUp(buf.a.maxOff/4, 32) + 16 }

// Run transposes the words of one panel.
func (buf *bf16Buffers) Run(i int) {
	q, ld, depth := &buf.a.panels[i], buf.distance(), buf.a.maxOff/4
	if depth == 0 {
		return
	}
	words := unsafe.Slice((*float32)(unsafe.Pointer(&buf.a.data[q.at])), depth*q.width)
	packTransposed(buf.rows[q.col*ld:], ld, words, q.width, depth, q.cols)
}
