package kernels

// biasTask adds a bias to the rows of x or, where partial is set, sums rows:
// each part sums its own rows, starting from zero, into its own stretch of
// partial.
type biasTask struct {
	add        vectorFunc
	rows, cols int
	perPart    int
	x, bias    []float32
	partial    []float32
}

var biasTasks, columnSumTasks freeList[biasTask]

// Run does the i-th group of rows.
func (t *biasTask) Run(i int) {
	var sums []float32
	if t.partial != nil {
		sums = t.partial[i*t.cols:][:t.cols]
		clear(sums)
	}
	for r := i * t.perPart; r < min((i+1)*t.perPart, t.rows); r++ {
		x := t.x[r*t.cols:][:t.cols]
		if t.partial != nil {
			t.add(0, sums, x, sums)
		} else {
			t.add(0, x, t.bias, x)
		}
	}
}

// AddBias computes
//
//	x[i,j] += bias[j]
//
// for x (rows, cols) and bias (cols). It runs on the kernel of [Add].
func AddBias(rows, cols int, x, bias []float32) {
	checkShape(rows, cols)
	checkLength(x, rows*cols)
	checkLength(bias, cols)
	if rows == 0 || cols == 0 {
		return
	}
	t := biasTasks.get()
	*t = biasTask{add: addFamily.use.fn, rows: rows, cols: cols, perPart: rowsPerPart(cols), x: x, bias: bias}
	Parallel(parts(rows, t.perPart), t)
	*t = biasTask{}
	biasTasks.put(t)
}

// ColumnSums computes
//
//	sums[j] += Σ_i x[i,j]
//
// for x (rows, cols) and sums (cols). It runs on the kernel of [Add]; the
// result is bit-equal on every instruction set.
func ColumnSums(rows, cols int, x, sums []float32) {
	checkShape(rows, cols)
	checkLength(x, rows*cols)
	checkLength(sums, cols)
	if rows == 0 || cols == 0 {
		return
	}
	n, perPart := sumParts(rows)
	t := columnSumTasks.get()
	partial := t.partial
	if cap(partial) < n*cols {
		partial = make([]float32, n*cols)
	}
	*t = biasTask{add: addFamily.use.fn, rows: rows, cols: cols, perPart: perPart, x: x, partial: partial[:n*cols]}
	Parallel(n, t)
	for i := range n {
		t.add(0, sums, t.partial[i*cols:][:cols], sums)
	}
	*t = biasTask{partial: partial}
	columnSumTasks.put(t)
}
