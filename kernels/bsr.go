package kernels

import "unsafe"

// BSR is a block-sparse matrix (Rows, Cols), as SciPy's bsr_matrix lays it out.
// It is a weight as a linear layer stores it, (out, in); [PackInt8BSR] and its
// sisters make it the B of a product x·Wᵀ.
//
//	for i := range Rows / BlockRows {
//		for e := RowPtr[i]; e < RowPtr[i+1]; e++ {
//			the block of rows i·BlockRows …, columns ColIdx[e]·BlockCols … is
//			Values[e·BlockRows·BlockCols:], row by row
//		}
//	}
//
// Within a row of blocks ColIdx ascends. Blocks that are not listed are zero.
type BSR[T int8 | float32 | BF16] struct {
	Rows, Cols           int
	BlockRows, BlockCols int
	RowPtr               []int32 // Rows/BlockRows + 1 of them
	ColIdx               []int32
	Values               []T
}

// check panics unless the matrix is one.
func (w *BSR[T]) check() {
	if w.Rows < 0 || w.Cols < 0 || w.BlockRows < 1 || w.BlockCols < 1 || w.Rows%w.BlockRows != 0 || w.Cols%w.BlockCols != 0 {
		panic(errBSR)
	}
	if w.Cols > maxDepth {
		panic(errDepth)
	}
	rows, cols := w.Rows/w.BlockRows, w.Cols/w.BlockCols
	blocks := len(w.Values) / w.BlockRows / w.BlockCols
	if len(w.RowPtr) != rows+1 || w.RowPtr[0] != 0 || int(w.RowPtr[rows]) != len(w.ColIdx) || blocks != len(w.ColIdx) ||
		blocks == 0 && len(w.Values) > 0 || blocks > 0 && len(w.Values) != blocks*w.BlockRows*w.BlockCols {
		panic(errBSR)
	}
	for i := range rows {
		if w.RowPtr[i] > w.RowPtr[i+1] || int(w.RowPtr[i+1]) > len(w.ColIdx) {
			panic(errBSR)
		}
		last := int32(-1)
		for _, c := range w.ColIdx[w.RowPtr[i]:w.RowPtr[i+1]] {
			if c <= last || int(c) >= cols {
				panic(errBSR)
			}
			last = c
		}
	}
}

// bsrPacker packs the panels of a block-sparse B. A panel stores the granules
// in which one of its columns has a block, those of the others as zeros; so
// nothing is lost where blocks are multiples of a granule deep and of a panel
// wide.
type bsrPacker[T int8 | float32 | BF16] struct {
	p      *packed
	w      *BSR[T]
	blocks [][]int32 // of each row of blocks of a panel: the block at a column, or −1
}

// packBSR lays out and packs w for elements of elem bytes.
func packBSR[T int8 | float32 | BF16](p *packed, w *BSR[T], elem int) {
	p.n, p.k, p.elem, p.kept = w.Rows, w.Cols, elem, len(w.Values)
	p.layPanels()
	t := bsrPacker[T]{p: p, w: w}
	depth := granuleBytes / elem
	keep := make([]bool, ceilDiv(w.Cols, depth))
	at := 0
	for i := range p.panels {
		q := &p.panels[i]
		clear(keep)
		for r := q.col / w.BlockRows; r*w.BlockRows < q.col+q.cols; r++ {
			for _, c := range w.ColIdx[w.RowPtr[r]:w.RowPtr[r+1]] {
				first, end := int(c)*w.BlockCols, (int(c)+1)*w.BlockCols
				for g := first / depth; g*depth < end; g++ {
					keep[g] = true
				}
			}
		}
		for g, k := range keep {
			if k {
				q.offs = append(q.offs, int32(g*granuleBytes))
				p.maxOff = max(p.maxOff, (g+1)*granuleBytes)
			}
		}
		q.at = at
		at += len(q.offs) * granuleWords * 4 * q.width
	}
	p.data = growBytes(p.data, at)
	for i := range p.panels {
		t.pack(&p.panels[i])
	}
}

// pack packs one panel.
func (t *bsrPacker[T]) pack(q *panel) {
	w, size := t.w, t.w.BlockRows*t.w.BlockCols
	first := q.col / w.BlockRows
	t.blocks = t.blocks[:0]
	for r := first; r*w.BlockRows < q.col+q.cols; r++ {
		at := make([]int32, w.Cols/w.BlockCols)
		for c := range at {
			at[c] = -1
		}
		for e := w.RowPtr[r]; e < w.RowPtr[r+1]; e++ {
			at[w.ColIdx[e]] = e
		}
		t.blocks = append(t.blocks, at)
	}
	depth, words := granuleBytes/t.p.elem, q.width*4
	elem := int(unsafe.Sizeof(*new(T)))
	whole := w.BlockRows%packCols == 0 && w.BlockCols%depth == 0 && elem == t.p.elem
	for g, off := range q.offs {
		dst := t.p.data[q.at+g*granuleWords*words:]
		k := int(off) / t.p.elem
		for j := 0; j < q.width; j += packCols {
			cols := max(0, min(packCols, q.cols-j))
			if row := q.col + j; whole && cols == packCols {
				if e := t.blocks[row/w.BlockRows-first][k/w.BlockCols]; e >= 0 {
					block := w.Values[int(e)*size+row%w.BlockRows*w.BlockCols+k%w.BlockCols:]
					src := newSource(NT, unsafe.Pointer(&block[0]), elem, w.BlockCols)
					if packWordsFast(src, 0, packCols, 1, dst, j, words) == 1 {
						continue
					}
				}
			}
			var s granuleScratch
			for c := range cols {
				row := q.col + j + c
				blocks := t.blocks[row/w.BlockRows-first]
				for d := range min(depth, w.Cols-k) {
					if e := blocks[(k+d)/w.BlockCols]; e >= 0 {
						x := &w.Values[int(e)*size+row%w.BlockRows*w.BlockCols+(k+d)%w.BlockCols]
						putElement(s[c][d*t.p.elem:], t.p.elem, unsafe.Pointer(x), elem)
					}
				}
			}
			s.store(dst[4*j:], words)
		}
	}
}
