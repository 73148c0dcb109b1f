package kernels

import (
	"encoding/binary"
	"unsafe"
)

// source is an unpacked B: element (p, j), elem bytes wide, lies at
// b + p*rowStride + j*colStride; one of the strides is elem.
type source struct {
	b                    unsafe.Pointer
	elem                 int
	rowStride, colStride int
}

// newSource describes a B of the given operation, NN or NT.
func newSource(op GemmOp, b unsafe.Pointer, elem, ldb int) source {
	if op == NT {
		return source{b, elem, elem, ldb * elem}
	}
	return source{b, elem, ldb * elem, elem}
}

// packCols is how many columns are packed at a time.
const packCols = 8

// granuleScratch is a granule of eight columns, each as a row of A has it.
type granuleScratch [packCols][granuleBytes]byte

// packTask packs the panels of a dense B.
type packTask struct {
	p   *packed
	src source
}

var packTasks freeList[packTask]

// packGrain is how many bytes of panels are worth sharing among threads.
const packGrain = 1 << 17

// fill packs a dense B, shared among threads if it is large.
func (p *packed) fill(src source) {
	t := packTasks.get()
	*t = packTask{p, src}
	if len(p.data) >= packGrain {
		Parallel(len(p.panels), t)
	} else {
		for i := range p.panels {
			t.Run(i)
		}
	}
	*t = packTask{}
	packTasks.put(t)
}

// Run packs one panel.
func (t *packTask) Run(i int) {
	q := &t.p.panels[i]
	depth := granuleBytes / t.p.elem // of a granule
	words := q.width * 4             // bytes of a row of words
	dst := t.p.data[q.at:]
	if t.p.elem == 2 && t.src.elem == 2 && t.p.k%depth == 0 && packPanelFast(t.src, q, t.p.k/depth, dst) {
		return
	}
	for j := 0; j < q.cols; j += packCols {
		if j+packCols > q.cols {
			j = max(0, q.cols-packCols) // some columns once more
		}
		cols := min(packCols, q.cols-j)
		whole := 0 // granules packed by assembly
		if t.p.elem == t.src.elem && t.p.k/depth > 0 {
			whole = packWordsFast(t.src, q.col+j, cols, t.p.k/depth, dst, j, words)
		}
		for g := whole; g < len(q.offs); g++ {
			var s granuleScratch
			t.src.gather(&s, g*depth, min(depth, t.p.k-g*depth), q.col+j, cols, t.p.elem)
			s.store(dst[g*granuleWords*words+4*j:], words)
		}
	}
	if q.cols < q.width {
		for row := 4 * q.cols; row < len(q.offs)*granuleWords*words; row += words {
			clear(dst[row:][:4*(q.width-q.cols)])
		}
	}
}

// gather copies depth elements from row p on of columns col … col+cols−1. A
// depth below one copies nothing: row p is behind B then.
func (s source) gather(dst *granuleScratch, p, depth, col, cols, elem int) {
	if depth < 1 {
		return
	}
	for j := range cols {
		from := unsafe.Add(s.b, p*s.rowStride+(col+j)*s.colStride)
		for d := range depth {
			putElement(dst[j][d*elem:], elem, unsafe.Add(from, d*s.rowStride), s.elem)
		}
	}
}

// putElement copies one element; where the packed element is wider, an int8 is
// extended to int16, a BF16 to float32.
func putElement(dst []byte, elem int, from unsafe.Pointer, fromElem int) {
	switch {
	case elem != fromElem && elem == 4:
		binary.NativeEndian.PutUint32(dst, uint32(*(*BF16)(from))<<16)
	case elem != fromElem:
		binary.NativeEndian.PutUint16(dst, uint16(*(*int8)(from)))
	case elem == 1:
		dst[0] = *(*byte)(from)
	case elem == 2:
		binary.NativeEndian.PutUint16(dst, *(*uint16)(from))
	default:
		binary.NativeEndian.PutUint32(dst, *(*uint32)(from))
	}
}

// store writes the granule's words, row by row with the given distance.
func (s *granuleScratch) store(dst []byte, stride int) {
	for w := range granuleWords {
		row := dst[w*stride:]
		for j := range packCols {
			copy(row[4*j:4*j+4], s[j][4*w:])
		}
	}
}
