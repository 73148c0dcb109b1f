package kernels

import (
	"runtime"
	"unsafe"
)

// Blocking of the packed products. A panel of B meets one strip of A after the
// other, a strip's sums staying in a buffer of 4 KiB until the epilogue has
// taken them. The strips that meet a panel before the next one comes, a chunk,
// are no more than stays in the second-level cache beside it.
const (
	// stripRows is the rows of a strip, two tiles of AVX-512 and four of AVX2;
	// amxRows those of AMX's, one tile. Longer ones save calls but hand more
	// stores of C at a time to the caches than those take without waiting.
	stripRows = 24
	amxRows   = 32

	chunkBytes = 416 << 10

	// Where all of a sparse B stays in that cache and C's rows lie far apart, it
	// is C that costs: then all panels meet a tile of rows before the next one,
	// lest every store touch another page. At 5 % density, 1024×3072×768, that
	// is 2.4 times as fast.
	residentBytes = 512 << 10
	farColumns    = 2048
)

// stripData is what the kernels read and write of a strip: its sums, and what
// the epilogue needs of its columns. It begins at a cache line, or every vector
// would cross from one to the next.
type stripData struct {
	sums    [amxRows * panelCols]int32
	columns columnData
}

// strip is the working memory of one part of a product.
type strip struct {
	*stripData
	rowSums []int32
	a       []byte // prepared rows of A
	args    epilogueArgs
	waiting waitingTile
}

var strips freeList[strip]

// newStrip takes a strip from the list.
func newStrip() *strip {
	s := strips.get()
	if s.stripData == nil {
		memory := growBytes(nil, int(unsafe.Sizeof(stripData{})))
		s.stripData = (*stripData)(unsafe.Pointer(&memory[0]))
	}
	return s
}

// put gives the strip back, without what it knew of its caller's memory.
func (s *strip) put() {
	s.args = epilogueArgs{}
	strips.put(s)
}

// packedTask is the product of rows of A and a packed B, divided into a grid of
// parts for Parallel.
type packedTask struct {
	kernel  panelKernel
	fused   fusedFunc // nil: the epilogue comes after the sums
	p       *packed
	m       int
	a       unsafe.Pointer
	lda     int // bytes
	lenA    int // bytes
	elem    int // bytes of an element of A
	prepare preparation

	sumKind, outKind int
	e                Epilogue
	quantize         quantizeParams
	zeroA, zeroB     int32   // of A and B as the kernel reads them
	colSums          []int32 // of B, panelCols for each panel
	c                unsafe.Pointer
	ldc              int // elements
	direct           bool

	stripRows                      int
	partRows, partPanels, gridCols int
}

var packedTasks freeList[packedTask]

// packedShare is the number of words' multiplications that is worth a further
// thread, some 2 µs of AVX-512: one that still looks for work joins within that.
const packedShare = 1 << 18

// run computes the product, shared among threads if it is large.
func (t *packedTask) run() {
	t.direct = t.direct && t.p.fullRows
	t.partRows, t.partPanels = t.m, len(t.p.panels)
	words := int(t.p.Density()*float64(t.p.n)*float64(t.p.k*t.p.elem/4)) * t.m
	if words >= 2*packedShare {
		shares := words / packedShare
		threads := min(runtime.GOMAXPROCS(0), shares)
		t.partRows, t.partPanels = packedGrid(t.m, len(t.p.panels), t.stripRows, threads, min(8*threads, max(threads, shares/2)), t.p.Density())
	}
	t.gridCols = ceilDiv(len(t.p.panels), t.partPanels)
	Parallel(ceilDiv(t.m, t.partRows)*t.gridCols, t)
	*t = packedTask{}
	packedTasks.put(t)
}

// packedGrid chooses the parts, at most so many, into which rows and panels are
// cut for a number of threads: as many rounds as threads take, and half a part
// that the last thread is late by on a machine that has other work, against what
// every part costs: r strips of w panels are multiplied, a quarter of that time
// for each strip goes into fetching its rows, for each panel into fetching it,
// and some into beginning.
func packedGrid(m, panels, stripRows, threads, most int, density float64) (rows, width int) {
	if threads < 2 {
		return m, panels
	}
	best := 0.0
	strips := ceilDiv(m, stripRows)
	for down := 1; down <= min(most, strips); down++ {
		for across := 1; down*across <= most && across <= panels; across++ {
			r, w := ceilDiv(strips, down), ceilDiv(panels, across)
			rounds := ceilDiv(ceilDiv(strips, r)*ceilDiv(panels, w), threads)
			part := density*float64(4*r*w+w) + float64(r) + 2
			if cost := (float64(rounds) + 0.5) * part; best == 0 || cost < best {
				best, rows, width = cost, r*stripRows, w
			}
		}
	}
	return rows, width
}

// Run computes one part of C.
func (t *packedTask) Run(part int) {
	i0, p0 := part/t.gridCols*t.partRows, part%t.gridCols*t.partPanels
	s := newStrip()
	t.rows(s, i0, min(i0+t.partRows, t.m), t.p.panels[p0:min(p0+t.partPanels, len(t.p.panels))])
	s.put()
}

// rows computes rows i … iEnd−1 of the given panels.
func (t *packedTask) rows(s *strip, i, iEnd int, panels []panel) {
	t.e.args(&s.args, t.sumKind, t.outKind, t.quantize)
	if t.fused != nil {
		s.beginFused()
	}
	// Of A's rows B needs the first depth elements, the row sums need all.
	depth, width := t.p.k, t.p.maxOff
	if t.zeroB == 0 {
		depth = min(depth, width/t.p.elem)
	}
	width = max(width, depth*t.p.elem)
	chunk := t.chunkRows(iEnd-i, chunkBytes/max(width, 1))
	turn := 0
	t.fillColumns(s, turn, &panels[0])
	for ; i < iEnd; i += chunk {
		rows := min(chunk, iEnd-i)
		a, lda := unsafe.Add(t.a, i*t.lda), t.lda
		if t.prepare != asIs && depth > 0 {
			lda = roundUp(width, 64) + 64
			s.a = growBytes(s.a, rows*lda)
			prepareRows(t.prepare, rows, depth, t.elem, a, t.lda, s.a, lda)
			a = unsafe.Pointer(unsafe.SliceData(s.a))
		}
		if t.zeroB != 0 {
			t.sumRows(s, rows, a, lda)
		}
		for n := range panels {
			if n+1 < len(panels) || i+chunk < iEnd {
				t.fillColumns(s, turn+1, &panels[(n+1)%len(panels)])
				t.fetchColumns(&panels[(n+2)%len(panels)])
			}
			t.panel(s, i, rows, a, lda, turn, &panels[n])
			turn++
		}
	}
	s.finish()
}

// chunkRows is how many of n rows make a chunk, of which most stay in the
// second-level cache: whole strips, and chunks about as large as each other, since
// all of B is fetched for every one.
func (t *packedTask) chunkRows(n, most int) int {
	if len(t.p.data) <= residentBytes && t.ldc >= farColumns {
		if t.stripRows == amxRows {
			return amxRows
		}
		return stripRows / 2
	}
	if n <= most {
		return n
	}
	chunk := max(t.stripRows, most/t.stripRows*t.stripRows)
	return roundUp(ceilDiv(n, ceilDiv(n, chunk)), t.stripRows)
}

// panel computes a chunk's rows of one panel, the one of a turn.
func (t *packedTask) panel(s *strip, i, rows int, a unsafe.Pointer, lda, turn int, q *panel) {
	b := unsafe.Add(unsafe.Pointer(unsafe.SliceData(t.p.data)), q.at)
	from := t.from(s, turn, q)
	if t.direct {
		t.kernel(rows, q.width, a, lda, q.offs, b, unsafe.Add(t.c, 4*(i*t.ldc+q.col)), t.ldc, from)
		return
	}
	s.args.sums, s.args.cols = unsafe.Pointer(&s.sums), q.cols
	c := &s.columns[turn%columnSlots]
	s.args.scale, s.args.bias = &c.scale[0], &c.bias[0]
	s.args.residual, s.args.ldr = nil, 4*t.e.LDR
	size := 4
	if t.outKind == outBytes {
		size = 1
	}
	fuses := t.fused != nil && rows >= tileRows && q.fits()
	if !fuses {
		s.finish() // before another panel takes the columns of the tile that waits
	}
	for r, n := 0, 0; r < rows; r += n {
		n = min(t.stripRows, rows-r)
		at := unsafe.Add(a, r*lda)
		e := &s.args
		e.out, e.ldout = unsafe.Add(t.c, size*((i+r)*t.ldc+q.col)), size*t.ldc
		if t.e.Residual != nil {
			e.residual = unsafe.Pointer(&t.e.Residual[(i+r)*t.e.LDR+q.col])
		}
		if fuses {
			n, fuses = rows/tileRows*tileRows, false
			t.fuse(s, n/tileRows, at, lda, q, b, from)
			continue
		}
		t.kernel(n, q.width, at, lda, q.offs, b, unsafe.Pointer(&s.sums), panelCols, from)
		if t.zeroB != 0 {
			subtractRowSums(n, s.sums[:], s.rowSums[r:])
		}
		e.rows = n
		epilogueFamily.use.fn(e)
	}
}

// sumRows sets s.rowSums to zeroB times the sum of each row of A.
func (t *packedTask) sumRows(s *strip, rows int, a unsafe.Pointer, lda int) {
	if cap(s.rowSums) < rows {
		s.rowSums = make([]int32, rows)
	}
	s.rowSums = s.rowSums[:rows]
	for i := range s.rowSums {
		row := unsafe.Add(a, i*lda)
		var sum int32
		if t.p.elem == 2 {
			for _, x := range unsafe.Slice((*int16)(row), t.p.k) {
				sum += int32(x)
			}
		} else {
			x := unsafe.Slice((*byte)(row), t.p.k)
			var done int
			sum, done = rowSumFast(x)
			for _, v := range x[done:] {
				sum += int32(v)
			}
		}
		s.rowSums[i] = t.zeroB * sum
	}
}

// subtractRowSums subtracts x[i] from row i of sums.
func subtractRowSums(rows int, sums, x []int32) {
	if subtractRowsFast(rows, sums, x) {
		return
	}
	for i := range rows {
		for j := range panelCols {
			sums[i*panelCols+j] -= x[i]
		}
	}
}

// newPackedTask checks the arguments of a product and returns a task for it,
// whose kernel is still to be chosen, or nil if there is nothing to do.
func newPackedTask[A uint8 | int8 | BF16 | float32, C int32 | float32 | uint8 | int8](p *packed, m int, a []A, lda int, c []C, ldc int, e *Epilogue, integer bool) *packedTask {
	var none Epilogue
	if e == nil {
		e = &none
	}
	var z C
	out, quantize := outInt32, quantizeParams{}
	switch any(z).(type) {
	case float32:
		out = outFloat32
	case uint8, int8:
		out = outBytes
	}
	switch {
	case m < 0:
		panic(errNegative)
	case lda < p.k:
		panic(errLDA)
	case ldc < p.n:
		panic(errLDC)
	case m == 0 || p.n == 0:
		return nil
	case tooShort(len(a), m, p.k, lda):
		panic(errShortA)
	case tooShort(len(c), m, p.n, ldc):
		panic(errShortC)
	}
	e.check(m, p.n, out, integer)
	switch any(z).(type) {
	case uint8:
		quantize = e.Quantizer.params(range8[uint8]())
	case int8:
		quantize = e.Quantizer.params(range8[int8]())
	}
	if p.k == 0 {
		lda = 0 // nothing of A is read, and no pointer may leave it
	}
	size := int(unsafe.Sizeof(*new(A)))
	t := packedTasks.get()
	*t = packedTask{
		p: p, m: m, a: unsafe.Pointer(unsafe.SliceData(a)), lda: lda * size, lenA: len(a) * size, elem: size,
		stripRows: stripRows, outKind: out, e: *e, quantize: quantize, c: unsafe.Pointer(unsafe.SliceData(c)), ldc: ldc,
	}
	return t
}
