package kernels

import "unsafe"

// The epilogues of a model's products, done by themselves, take a tenth of the
// products' time. Where there is a fusedFunc, a tile's epilogue waits and runs
// between the multiplications of the next tile, whichever panel that is of.

// fusedFunc makes the sums of some tiles, 12 rows of 32 columns each, as a
// panelKernel does from at least fusedGranules granules; at the same time it
// finishes the tile before each: first the one whose sums are at last, to where
// rows[0] says, then its own, all but the last, to where rows[1] says. The sums of
// the tiles are at sums, at last, at sums again and so on; those of the last tile
// stay there.
type fusedFunc func(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)

// fusedRows is where the results of tiles go, and what they need of a panel's
// columns. Distances are in bytes. Floats are added to the residual.
type fusedRows struct {
	scale, bias *float32
	out         unsafe.Pointer
	ldout       int
	residual    unsafe.Pointer
	ldr         int
}

// tileRows is the rows of a fusedFunc's tile.
const tileRows = 12

// fusedGranules is the least depth in which a tile finishes the one before: half a
// row every 16 bytes.
const fusedGranules = 2 * tileRows

// fusedEpilogue is all that a fusedFunc reads of an epilogue, behind one pointer.
type fusedEpilogue struct {
	table               [128]float32 // GELU's: c0, c1, c2, c3
	limit, slope, shift float32
	inverse, low, high  float32
	zeroPoint           int32
}

// fusedTiles is the working memory of a fusedFunc, at the start of a cache line:
// the sums of the tile that waits and of the one being made.
type fusedTiles struct {
	sums     [2][tileRows * panelCols]int32
	epilogue fusedEpilogue
}

// waitingTile is a tile whose epilogue is still to come.
type waitingTile struct {
	*fusedTiles
	waits bool
	which int          // of the sums
	rows  [2]fusedRows // its own; of the tiles to come
	args  epilogueArgs // if it is finished by itself
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

// beginFused sets what all tiles of a part have in common.
func (s *strip) beginFused() {
	w := &s.waiting
	if w.fusedTiles == nil {
		memory := growBytes(nil, int(unsafe.Sizeof(fusedTiles{})))
		w.fusedTiles = (*fusedTiles)(unsafe.Pointer(&memory[0]))
	}
	e := &w.epilogue
	if s.args.activation == actGELU {
		copy(e.table[:], unsafe.Slice(s.args.table, len(e.table)))
		e.limit, e.slope, e.shift = s.args.limit[0], s.args.slope[0], roundingShift
	}
	e.inverse, e.low, e.high, e.zeroPoint = s.args.inverse[0], s.args.low[0], s.args.high[0], s.args.zeroPoint[0]
}

// fits tells whether a fusedFunc takes tiles of a panel.
func (q *panel) fits() bool { return q.cols == panelCols && len(q.offs) >= fusedGranules }

// fuse makes the sums of some tiles, finishing the one that waits and all but the
// last, and lets that one wait. s.args has the panel's columns, and where the
// results go.
func (t *packedTask) fuse(s *strip, tiles int, a unsafe.Pointer, lda int, q *panel, b, from unsafe.Pointer) {
	w, e := &s.waiting, &s.args
	own := &w.rows[1]
	own.scale, own.bias, own.out, own.ldout, own.residual, own.ldr = e.scale, e.bias, e.out, e.ldout, e.residual, e.ldr
	if own.residual == nil {
		// The sum with −0 is x itself.
		own.residual, own.ldr = unsafe.Pointer(&epilogueZeros), 0
	}
	if !w.waits {
		t.kernel(tileRows, panelCols, a, lda, q.offs, b, w.sumsAt(w.which), panelCols, from)
		w.waits, w.rows[0] = true, *own
		if tiles--; tiles == 0 {
			return
		}
		own.down(1)
		a = unsafe.Add(a, tileRows*lda)
	}
	t.fused(tiles, a, lda, q.offs, b, w.sumsAt(1-w.which), from, &w.epilogue, w.sumsAt(w.which), &w.rows)
	w.which = (w.which + tiles) % 2
	w.rows[0] = *own
	w.rows[0].down(tiles - 1)
}

// down goes down some tiles.
func (r *fusedRows) down(tiles int) {
	r.out = unsafe.Add(r.out, tiles*tileRows*r.ldout)
	r.residual = unsafe.Add(r.residual, tiles*tileRows*r.ldr)
}

// sumsAt is one of the two tiles of sums.
func (w *waitingTile) sumsAt(i int) unsafe.Pointer { return unsafe.Pointer(&w.sums[i]) }

// finish finishes the tile that waits, if one does.
func (s *strip) finish() {
	w := &s.waiting
	if !w.waits {
		return
	}
	w.args = s.args
	e, r := &w.args, &w.rows[0]
	e.sums, e.rows, e.cols = w.sumsAt(w.which), tileRows, panelCols
	e.scale, e.bias = r.scale, r.bias
	e.out, e.ldout, e.residual, e.ldr = r.out, r.ldout, r.residual, r.ldr
	if e.outKind == outBytes {
		e.residual = nil
	}
	epilogueFamily.use.fn(e)
	w.waits, w.rows, w.args = false, [2]fusedRows{}, epilogueArgs{}
}
