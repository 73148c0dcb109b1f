package kernels

// softmaxFunc writes the softmax of the row x to y.
type softmaxFunc func(x, y []float32)

// softmaxBackwardFunc writes y∘(dy − Σ dy∘y) of one row to dx.
type softmaxBackwardFunc func(y, dy, dx []float32)

var (
	softmaxFamily         family[softmaxFunc]
	softmaxBackwardFamily family[softmaxBackwardFunc]
)

func init() {
	register(&softmaxFamily, Kernel{Op: "softmax_f32", Name: "softmax_f32_generic"}, softmaxGeneric)
	register(&softmaxBackwardFamily, Kernel{Op: "softmax_backward_f32", Name: "softmax_backward_f32_generic"}, softmaxBackwardGeneric)
}

// softmaxTask is a softmax or, where backward is set, its gradient: rows of
// one, two or three matrices, each with its leading dimension.
type softmaxTask struct {
	forward       softmaxFunc
	backward      softmaxBackwardFunc
	rows, cols    int
	a, b, c       []float32
	lda, ldb, ldc int
}

var softmaxTasks freeList[softmaxTask]

// Run does the i-th group of rows.
func (t *softmaxTask) Run(i int) {
	n := rowsPerPart(t.cols)
	from, end := i*n, min((i+1)*n, t.rows)
	if t.backward == nil && softmaxFast(end-from, t.cols, t.a[from*t.lda:], t.lda, t.b[from*t.ldb:], t.ldb) {
		return
	}
	for r := from; r < end; r++ {
		a := t.a[r*t.lda:][:t.cols]
		b := t.b[r*t.ldb:][:t.cols]
		if t.backward != nil {
			t.backward(a, b, t.c[r*t.ldc:][:t.cols])
		} else {
			t.forward(a, b)
		}
	}
}

// Softmax computes for each row i
//
//	y[i,j] = exp(x[i,j] − m) / Σ_k exp(x[i,k] − m),  m = max_k x[i,k]
//
// for x (rows, cols, ldx) and y (rows, cols, ldy). y may be x, with ldy = ldx. A
// row whose elements are all −Inf, one with everything masked out, becomes
// zeros; one that holds NaN or +Inf becomes NaN.
//
// exp has an error of at most 1.1 ulp, which leaves that of its argument: the
// relative error of y[i,j] is at most 1e-6 + |x[i,j] − m| · 2⁻²⁴ for rows of up
// to some thousand columns. The levels from AVX2 up agree with each other bit for bit.
func Softmax(rows, cols int, x []float32, ldx int, y []float32, ldy int) {
	checkShape(rows, cols)
	if ldx < cols || ldy < cols {
		panic(errLeading)
	}
	if rows == 0 || cols == 0 {
		return
	}
	if len(x) < (rows-1)*ldx+cols || len(y) < (rows-1)*ldy+cols {
		panic(errLength)
	}
	runSoftmax(softmaxTask{
		forward: softmaxFamily.use.fn, rows: rows, cols: cols,
		a: x, lda: ldx, b: y, ldb: ldy,
	})
}

// SoftmaxBackward computes for each row i
//
//	dx[i,j] = y[i,j] · (dy[i,j] − Σ_k dy[i,k]·y[i,k])
//
// where y is what [Softmax] gave, with an error of about 1e-6 · max |dy| at most.
// dx may be dy.
func SoftmaxBackward(rows, cols int, y []float32, ldy int, dy []float32, lddy int, dx []float32, lddx int) {
	checkShape(rows, cols)
	if ldy < cols || lddy < cols || lddx < cols {
		panic(errLeading)
	}
	if rows == 0 || cols == 0 {
		return
	}
	if len(y) < (rows-1)*ldy+cols || len(dy) < (rows-1)*lddy+cols || len(dx) < (rows-1)*lddx+cols {
		panic(errLength)
	}
	runSoftmax(softmaxTask{
		backward: softmaxBackwardFamily.use.fn, rows: rows, cols: cols,
		a: y, lda: ldy, b: dy, ldb: lddy, c: dx, ldc: lddx,
	})
}

// runSoftmax shares the rows of a task among threads.
func runSoftmax(task softmaxTask) {
	t := softmaxTasks.get()
	*t = task
	Parallel(parts(t.rows, rowsPerPart(t.cols)), t)
	*t = softmaxTask{}
	softmaxTasks.put(t)
}
