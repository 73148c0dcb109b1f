package int8

import "github.com/go-jpqd/jpqd/kernels"

// rowGrain is about how many elements the rows of one part have together.
const rowGrain = 1 << 13

func rowsPerPart(cols int) int { return max(1, rowGrain/max(cols, 1)) }

// parts is into how many parts of rowsPerPart rows are cut.
func parts(rows, cols int) int {
	each := rowsPerPart(cols)
	return (rows + each - 1) / each
}

// norm is a layer normalisation of what its input quantizer leaves.
type norm struct {
	input       *quantizer // or nil
	gamma, beta []float32  // (cols)
	eps         float32
}

// rowTask does to the rows of y (rows, cols), some at a time while they are in
// the cache, all that follows a product:
//
//	y = result(y·factor·scale + bias)·times
//	y = norm(activation(y + residualIn(residual))),  then its quantized copies
//
// A residual that is quantized is overwritten: nothing reads it afterwards.
// What depends on the place of an element within a vector is done row by row,
// so that a result depends on its row alone.
type rowTask struct {
	rows, cols int
	y          []float32
	factor     float32
	scale      []float32  // (cols) or nil
	bias       []float32  // (cols) or nil
	result     *quantizer // or nil
	times      float32
	residual   []float32            // (rows, cols) or nil
	residualIn *quantizer           // or nil
	activation func(x, y []float32) // or nil
	norm       *norm                // or nil
	mean, rstd []float32            // (rows) for the norm
	copies     []quantizedCopy
}

// quantizedCopy is where the integers of y (rows, cols) go; that may be y.
type quantizedCopy struct {
	quantizer *quantizer
	to        []float32
}

// rowTask returns the workspace's task for y (rows, cols), with nothing to do.
func (w *Workspace) rowTask(rows, cols int, y []float32) *rowTask {
	w.row = rowTask{rows: rows, cols: cols, y: y[:rows*cols], factor: 1, times: 1, mean: w.mean, rstd: w.rstd, copies: w.row.copies[:0]}
	return &w.row
}

// after is the task that follows a linear's product.
func (w *Workspace) after(l *linear, rows int, y []float32) *rowTask {
	t := w.rowTask(rows, l.rows, y)
	t.scale, t.bias = l.scale, l.bias
	return t
}

// add makes the task add a residual, each operand quantized.
func (t *rowTask) add(residual []float32, operands [2]*quantizer) {
	t.result, t.residual, t.residualIn = operands[0], residual, operands[1]
}

// copyTo makes the task write a copy quantized by each of the inputs.
func (t *rowTask) copyTo(all inputs, copies *[3][]float32) {
	for i := range all {
		t.copies = append(t.copies, quantizedCopy{&all[i], copies[i]})
	}
}

// inPlace makes the task leave integers in y, unless q is nil.
func (t *rowTask) inPlace(q *quantizer) {
	if q != nil {
		t.copies = append(t.copies, quantizedCopy{q, t.y})
	}
}

func (t *rowTask) run() { kernels.Parallel(parts(t.rows, t.cols), t) }

// Run does the i-th group of rows.
func (t *rowTask) Run(i int) {
	first := i * rowsPerPart(t.cols)
	end := min(first+rowsPerPart(t.cols), t.rows)
	lo, hi := first*t.cols, end*t.cols
	y := t.y[lo:hi]
	if t.factor != 1 {
		kernels.Scale(t.factor, y, y)
	}
	for at := 0; at < len(y); at += t.cols {
		t.affine(y[at : at+t.cols])
	}
	if t.result != nil {
		t.result.fake(y, y)
	}
	if t.times != 1 {
		kernels.Scale(t.times, y, y)
	}
	if t.residual != nil {
		residual := t.residual[lo:hi]
		if t.residualIn != nil {
			t.residualIn.fake(residual, residual)
		}
		kernels.Add(y, residual, y)
	}
	if t.activation != nil {
		for at := 0; at < len(y); at += t.cols {
			t.activation(y[at:at+t.cols], y[at:at+t.cols])
		}
	}
	if n := t.norm; n != nil {
		if n.input != nil {
			n.input.fake(y, y)
		}
		kernels.LayerNorm(end-first, t.cols, y, n.gamma, n.beta, n.eps, y, t.mean[first:end], t.rstd[first:end])
	}
	for _, c := range t.copies {
		c.quantizer.integers(y, c.to[lo:hi])
	}
}

// affine scales a row and adds the bias.
func (t *rowTask) affine(y []float32) {
	if t.scale != nil {
		kernels.Mul(y, t.scale, y)
	}
	if t.bias != nil {
		kernels.Add(y, t.bias, y)
	}
}
