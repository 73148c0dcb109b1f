package kernels

import "math"

// rangeTask finds the range of each row.
type rangeTask struct {
	fn         minMaxFunc
	rows, cols int
	x          []float32
	ldx        int
	lo, hi     []float32 // lo is nil where hi is to be the largest magnitude
}

var rangeTasks freeList[rangeTask]

// Run does the i-th group of rows.
func (t *rangeTask) Run(i int) {
	n := rowsPerPart(t.cols)
	for r := i * n; r < min((i+1)*n, t.rows); r++ {
		lo, hi := t.fn(t.x[r*t.ldx:][:t.cols])
		if t.lo != nil {
			t.lo[r], t.hi[r] = lo, hi
		} else {
			t.hi[r] = magnitude(lo, hi)
		}
	}
}

// magnitude is the largest magnitude of numbers from lo to hi.
func magnitude(lo, hi float32) float32 { return max(-lo, hi, 0) }

// AbsMax returns
//
//	max_i |x[i]|
//
// or NaN where x holds one, and zero where it is empty. It runs on the kernel of
// [MinMax].
func AbsMax(x []float32) float32 { return magnitude(MinMax(x)) }

// MinMaxRows writes the least and the greatest element of each row i of x
// (rows, cols, ldx) to lo[i] and hi[i]; both are NaN where the row holds one.
// Rows of no columns give +Inf and −Inf.
func MinMaxRows(rows, cols int, x []float32, ldx int, lo, hi []float32) {
	checkShape(rows, cols)
	checkLeading(cols, ldx)
	checkMatrix(rows, cols, x, ldx)
	checkLength(lo, rows)
	checkLength(hi, rows)
	if rows == 0 {
		return
	}
	if cols == 0 {
		for i := range lo {
			lo[i], hi[i] = float32(math.Inf(1)), float32(math.Inf(-1))
		}
		return
	}
	runRanges(rangeTask{fn: minMaxFamily.use.fn, rows: rows, cols: cols, x: x, ldx: ldx, lo: lo, hi: hi})
}

// AbsMaxRows computes
//
//	y[i] = max_j |x[i,j]|
//
// for x (rows, cols, ldx) and y (rows): NaN where the row holds one, and zero
// where it has no columns. It runs on the kernel of [MinMax].
func AbsMaxRows(rows, cols int, x []float32, ldx int, y []float32) {
	checkShape(rows, cols)
	checkLeading(cols, ldx)
	checkMatrix(rows, cols, x, ldx)
	checkLength(y, rows)
	if cols == 0 {
		clear(y)
		return
	}
	runRanges(rangeTask{fn: minMaxFamily.use.fn, rows: rows, cols: cols, x: x, ldx: ldx, hi: y})
}

// runRanges shares the rows of a task among threads.
func runRanges(task rangeTask) {
	t := rangeTasks.get()
	*t = task
	Parallel(parts(t.rows, rowsPerPart(t.cols)), t)
	*t = rangeTask{}
	rangeTasks.put(t)
}
