package kernels

import "unsafe"

// The epilogues of a model's products, done by themselves, take a tenth of the
// products' time. Where there is a fusedFunc, a strip's epilogue waits and runs
// between the multiplications of the next strip, whichever panel that is of.

// fusedFunc makes the sums of two tiles, stripRows rows of 32 columns, as a
// panelKernel does from at least fusedGranules granules; at the same time it
// finishes the rows whose sums are at last, into results at out, ldout bytes
// apart, those in floats after adding the residual at rows ldr bytes apart. sums
// and last are rows of 32 without gaps.
type fusedFunc func(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last, out unsafe.Pointer, ldout int, residual unsafe.Pointer, ldr int)

// fusedGranules is the least depth in which a tile finishes its share of the last
// strip: half a row every 16 bytes.
const fusedGranules = 2 * stripRows / 2

// fusedEpilogue is all that a fusedFunc reads of an epilogue, behind one pointer.
type fusedEpilogue struct {
	table               [128]float32 // GELU's: c0, c1, c2, c3
	scale, bias         [panelCols]float32
	limit, slope, shift float32
	inverse, low, high  float32
	zeroPoint           int32
}

// fusedStrip is the working memory of fused strips, at the start of a cache
// line: the sums of the one that waits and of the one being made.
type fusedStrip struct {
	sums     [2][stripRows * panelCols]int32
	epilogue fusedEpilogue
}

// waitingStrip is a strip whose epilogue is still to come.
type waitingStrip struct {
	*fusedStrip
	panel    *panel // that it is of, nil: none waits
	which    int    // of the sums
	out      unsafe.Pointer
	ldout    int
	residual unsafe.Pointer
	ldr      int
	args     epilogueArgs // if it is finished by itself
}

// fusedBy returns the fusedFunc that goes with an int8 kernel and the epilogue,
// or nil.
func (t *packedTask) fusedBy(k Kernel) fusedFunc {
	if t.zeroB != 0 || t.outKind == outBytes && t.e.Residual != nil {
		return nil
	}
	switch t.e.Activation {
	case ActNone:
		return fusedKernel(k, t.outKind, false)
	case ActGELU, ActGELUTanh:
		return fusedKernel(k, t.outKind, true)
	}
	return nil
}

// beginFused sets what all strips of a part have in common.
func (s *strip) beginFused() {
	w := &s.waiting
	if w.fusedStrip == nil {
		memory := growBytes(nil, int(unsafe.Sizeof(fusedStrip{})))
		w.fusedStrip = (*fusedStrip)(unsafe.Pointer(&memory[0]))
	}
	e := &w.epilogue
	if s.args.activation == actGELU {
		copy(e.table[:], unsafe.Slice(s.args.table, len(e.table)))
		e.limit, e.slope, e.shift = s.args.limit[0], s.args.slope[0], roundingShift
	}
	e.inverse, e.low, e.high, e.zeroPoint = s.args.inverse[0], s.args.low[0], s.args.high[0], s.args.zeroPoint[0]
}

// fits tells whether a fusedFunc takes rows of a panel.
func (q *panel) fits(rows int) bool {
	return rows == stripRows && q.cols == panelCols && len(q.offs) >= fusedGranules
}

// fuse makes the sums of a strip, finishing the one that waits, and lets this one
// wait. s.args has the panel's columns, and where the strip's results go.
func (t *packedTask) fuse(s *strip, a unsafe.Pointer, lda int, q *panel, b, from unsafe.Pointer) {
	w := &s.waiting
	next := 1 - w.which
	sums := unsafe.Pointer(&w.sums[next])
	if w.panel != nil {
		t.fused(2, a, lda, q.offs, b, sums, from, &w.epilogue, unsafe.Pointer(&w.sums[w.which]), w.out, w.ldout, w.residual, w.ldr)
	} else {
		t.kernel(stripRows, panelCols, a, lda, q.offs, b, sums, panelCols, from)
	}
	if w.panel != q {
		copy(w.epilogue.scale[:], unsafe.Slice(s.args.scale, panelCols))
		copy(w.epilogue.bias[:], unsafe.Slice(s.args.bias, panelCols))
	}
	w.panel, w.which, w.out, w.ldout = q, next, s.args.out, s.args.ldout
	w.residual, w.ldr = s.args.residual, s.args.ldr
	if w.residual == nil {
		// The sum with −0 is x itself.
		w.residual, w.ldr = unsafe.Pointer(&epilogueZeros), 0
	}
}

// finish finishes the strip that waits, if one does.
func (s *strip) finish() {
	w := &s.waiting
	if w.panel == nil {
		return
	}
	w.args = s.args
	e := &w.args
	e.sums, e.rows, e.cols = unsafe.Pointer(&w.sums[w.which]), stripRows, panelCols
	e.scale, e.bias = &w.epilogue.scale[0], &w.epilogue.bias[0]
	e.out, e.ldout, e.residual, e.ldr = w.out, w.ldout, w.residual, w.ldr
	if e.outKind == outBytes {
		e.residual = nil
	}
	epilogueFamily.use.fn(e)
	w.panel, w.out, w.residual, w.args = nil, nil, nil, epilogueArgs{}
}
