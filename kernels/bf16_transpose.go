package kernels

// transposeRows is how many rows of x a vector kernel rounds at a time: of each
// column they make a cache line of the transpose.
const transposeRows = 32

// roundTransposeFunc rounds transposeRows rows of cols elements, ldx apart, to y,
// cols apart, and to columns of t, ldt apart.
type roundTransposeFunc func(cols int, x []float32, y, t []BF16, ldt int)

var roundTransposeFamily family[roundTransposeFunc]

func init() {
	register(&roundTransposeFamily, Kernel{Op: "round_transpose_bf16", Name: "round_transpose_bf16_generic"}, roundTransposeGeneric)
}

// roundTransposeTask is a call, in parts of perPart bands of rows. The last rows,
// if they are less than a band, are done in scratch memory.
type roundTransposeTask struct {
	fn         roundTransposeFunc
	rows, cols int
	x          []float32
	y, t       []BF16
	ldt        int
	perPart    int
	lastX      []float32
	lastY      []BF16
}

var roundTransposeTasks freeList[roundTransposeTask]

// RoundTransposeBF16 rounds a matrix x (rows, cols) to BF16, half to even, as
// [RoundBF16] does, both as it is and transposed:
//
//	y[i*cols+j] = ToBF16(x[i*cols+j])
//	t[j*ldt+i]  = ToBF16(x[i*cols+j])    0 for rows ≤ i < rows rounded up to 32
//
// for j < cols. ldt is at least rows rounded up to 32. The gradient of a linear
// layer's output is wanted as both: with t as A the gradient of the weight is an NN
// product, and [GemmBF16] has no need to transpose. An ldt of an odd number of
// cache lines, as 32 more than a multiple of 64, keeps t's rows apart in a cache.
// The result is bit-equal on every instruction set.
func RoundTransposeBF16(rows, cols int, x []float32, y, t []BF16, ldt int) {
	checkShape(rows, cols)
	checkLength(x, rows*cols)
	bands := ceilDiv(rows, transposeRows)
	switch {
	case len(y) != len(x):
		panic(errLength)
	case ldt < bands*transposeRows:
		panic(errLDT)
	case tooShort(len(t), cols, bands*transposeRows, ldt):
		panic(errShortT)
	case rows == 0 || cols == 0:
		return
	}
	w := roundTransposeTasks.get()
	lastX, lastY := w.lastX, w.lastY
	if rows%transposeRows != 0 {
		lastX = grow(lastX, transposeRows*cols)
		if len(lastY) < transposeRows*cols {
			lastY = make([]BF16, transposeRows*cols)
		}
	}
	*w = roundTransposeTask{
		fn: roundTransposeFamily.use.fn, rows: rows, cols: cols, x: x, y: y, t: t, ldt: ldt,
		perPart: ceilDiv(rowsPerPart(cols), transposeRows), lastX: lastX, lastY: lastY,
	}
	Parallel(ceilDiv(bands, w.perPart), w)
	*w = roundTransposeTask{lastX: lastX, lastY: lastY}
	roundTransposeTasks.put(w)
}

// Run does the i-th part.
func (w *roundTransposeTask) Run(i int) {
	for r := i * w.perPart * transposeRows; r < min((i+1)*w.perPart*transposeRows, w.rows); r += transposeRows {
		x, y := w.x[r*w.cols:], w.y[r*w.cols:]
		if n := (w.rows - r) * w.cols; r+transposeRows > w.rows {
			clear(w.lastX[copy(w.lastX[:transposeRows*w.cols], x):])
			w.fn(w.cols, w.lastX, w.lastY, w.t[r:], w.ldt)
			copy(y[:n], w.lastY)
		} else {
			w.fn(w.cols, x, y, w.t[r:], w.ldt)
		}
	}
}

func roundTransposeGeneric(cols int, x []float32, y, t []BF16, ldt int) {
	for i := range transposeRows {
		for j := range cols {
			v := ToBF16(x[i*cols+j])
			y[i*cols+j], t[j*ldt+i] = v, v
		}
	}
}
