package kernels

import "unsafe"

// panel is one panel of a packed B.
type panel struct {
	offs  []int32 // where its granules lie in a row of A, in bytes
	at    int     // its first granule in the packed data, in bytes
	col   int     // its first column
	cols  int     // its columns that are B's
	width int     // its columns in memory, panelCols or 16
}

// packed is a B in panels, ready for a panelKernel.
type packed struct {
	n, k     int
	elem     int // bytes of an element as the kernel reads it
	panels   []panel
	data     []byte  // aligned to 64 bytes
	dense    []int32 // 0, 16, 32, … for the panels without gaps
	kept     int     // elements of B that are stored, padding not counted
	maxOff   int     // end of the last granule in a row of A, in bytes
	fullRows bool    // every panel's columns are all B's
}

// N returns the number of columns of the product.
func (p *packed) N() int { return p.n }

// K returns the depth of the product.
func (p *packed) K() int { return p.k }

// Bytes returns the size of the packed data.
func (p *packed) Bytes() int { return len(p.data) }

// Density returns the share of B's elements that are stored: 1 for a dense B.
func (p *packed) Density() float64 {
	if p.n == 0 || p.k == 0 {
		return 1
	}
	return float64(p.kept) / (float64(p.n) * float64(p.k))
}

// reset lays out a dense B (k, n) anew, its depth padded to align bytes, keeping
// what was allocated.
func (p *packed) reset(n, k, elem, align int) {
	p.n, p.k, p.elem, p.kept = n, k, elem, n*k
	granules := roundUp(k*elem, align) / granuleBytes
	p.maxOff = granules * granuleBytes
	for g := len(p.dense); g < granules; g++ {
		p.dense = append(p.dense, int32(g*granuleBytes))
	}
	p.layPanels()
	at := 0
	for i := range p.panels {
		q := &p.panels[i]
		q.offs, q.at = p.dense[:granules], at
		at += granules * granuleWords * 4 * q.width
	}
	p.data = growBytes(p.data, at)
}

// layPanels cuts the columns into panels.
func (p *packed) layPanels() {
	p.panels, p.fullRows = p.panels[:0], true
	for j := 0; j < p.n; j += panelCols {
		q := panel{col: j, cols: min(panelCols, p.n-j), width: panelCols}
		if q.cols <= 16 {
			q.width = 16
		}
		p.fullRows = p.fullRows && q.cols == q.width
		p.panels = append(p.panels, q)
	}
}

// growBytes returns buf cut to n bytes if it holds them, else a new buffer of
// n, aligned to 64. What buf held is lost.
func growBytes(buf []byte, n int) []byte {
	if cap(buf) >= n {
		return buf[:n]
	}
	buf = make([]byte, n+63)
	preferHugePages(buf)
	skip := -int(uintptr(unsafe.Pointer(&buf[0]))) & 63
	return buf[skip : skip+n : skip+n]
}

// checkPacking panics on arguments of a pack function that cannot be.
func checkPacking(op GemmOp, n, k, have, ldb int) {
	rows, cols := k, n
	switch op {
	case NN:
	case NT:
		rows, cols = n, k
	default:
		panic(errPackOp)
	}
	switch {
	case n < 0 || k < 0:
		panic(errNegative)
	case ldb < cols:
		panic(errLDB)
	case tooShort(have, rows, cols, ldb):
		panic(errShortB)
	case k > maxDepth:
		panic(errDepth)
	}
}

// maxDepth keeps the places of granules, and sums of products of bytes, in
// 32 bits: 65,536 products of 255 · −128 are −2³¹ + 2²³.
const maxDepth = 1 << 16
