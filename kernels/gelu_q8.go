package kernels

import "unsafe"

// geluQ8Task is a GELU into levels, in groups of stripRows rows.
type geluQ8Task struct {
	rows, cols int
	x          []float32
	ldx        int
	quantize   quantizeParams
	q          []byte
	ldq        int
}

var geluQ8Tasks freeList[geluQ8Task]

// Run does the i-th group of rows. The epilogue reads whole vectors of sums, so
// columns at the end that are none go through the strip's buffer.
func (t *geluQ8Task) Run(i int) {
	s := newStrip()
	e := &s.args
	(&Epilogue{Activation: ActGELU}).args(e, sumFloat32, outBytes, t.quantize)
	e.scale, e.bias = &epilogueOnes[0], &epilogueZeros[0]
	first := i * stripRows
	e.rows = min(stripRows, t.rows-first)
	for j := 0; j < t.cols; j += panelCols {
		e.cols = min(panelCols, t.cols-j)
		e.sums, e.sumStride = unsafe.Pointer(&t.x[first*t.ldx+j]), 4*t.ldx
		if e.cols < panelCols {
			sums := unsafe.Slice((*float32)(unsafe.Pointer(&s.sums)), len(s.sums))
			for r := range e.rows {
				copy(sums[r*panelCols:], t.x[(first+r)*t.ldx+j:][:e.cols])
			}
			e.sums, e.sumStride = unsafe.Pointer(&s.sums), 4*panelCols
		}
		e.out, e.ldout = unsafe.Pointer(&t.q[first*t.ldq+j]), t.ldq
		epilogueFamily.use.fn(e)
	}
	s.put()
}

// GELUQ8 computes
//
//	q[i,j] = clamp(round(GELU(x[i,j]) · (1/Scale)) + ZeroPoint, Low, High)
//
// for x (rows, cols, ldx) and q (rows, cols, ldq), with [ActGELU], as an
// [Epilogue] does. NaN becomes Low. The result is bit-equal on every instruction
// set.
func GELUQ8[T Integer8](rows, cols int, x []float32, ldx int, quantizer Quantizer, q []T, ldq int) {
	checkShape(rows, cols)
	p := quantizer.params(range8[T]())
	if ldx < cols || ldq < cols {
		panic(errLeading)
	}
	if tooShort(len(x), rows, cols, ldx) || tooShort(len(q), rows, cols, ldq) {
		panic(errLength)
	}
	if rows == 0 || cols == 0 {
		return
	}
	t := geluQ8Tasks.get()
	*t = geluQ8Task{rows, cols, x, ldx, p, bytesOf(q), ldq}
	Parallel(ceilDiv(rows, stripRows), t)
	*t = geluQ8Task{}
	geluQ8Tasks.put(t)
}
