package kernels

// softmaxQ8Params are the scalars of a softmax to levels: of q, rows of cols
// levels, the first valid are probabilities. scale is that of int32 scores.
type softmaxQ8Params struct {
	rows, cols, valid int
	ldx, ldq          int
	scale             float32
	quantize          quantizeParams
}

// softmaxQ8Func writes the softmax of rows to q. The scores are x where acc is
// nil, else acc·scale, to which a mask that is not nil is added. scratch has room
// for the valid columns, rounded up to a multiple of lanes16.
type softmaxQ8Func func(p softmaxQ8Params, x []float32, acc []int32, mask, scratch []float32, q []byte)

var softmaxQ8Family family[softmaxQ8Func]

func init() {
	register(&softmaxQ8Family, Kernel{Op: "softmax_q8", Name: "softmax_q8_generic"}, softmaxQ8Generic)
}

// scratchRow is room for a row of numbers.
type scratchRow struct{ x []float32 }

var scratchRows freeList[scratchRow]

// getScratch is room for n numbers and for reading on to a whole vector.
func getScratch(n int) *scratchRow {
	s := scratchRows.get()
	if n = parts(n, lanes16) * lanes16; len(s.x) < n {
		s.x = make([]float32, n)
	}
	return s
}

// softmaxQ8Task is a softmax of float32 or int32 scores.
type softmaxQ8Task struct {
	fn     softmaxQ8Func
	params softmaxQ8Params
	x      []float32
	acc    []int32
	mask   []float32
	q      []byte
}

var softmaxQ8Tasks freeList[softmaxQ8Task]

// Run does the i-th group of rows.
func (t *softmaxQ8Task) Run(i int) {
	p := t.params
	n := rowsPerPart(p.cols)
	first := i * n
	p.rows = min(n, p.rows-first)
	var x []float32
	var acc []int32
	if t.acc != nil && p.valid > 0 {
		acc = t.acc[first*p.ldx:]
	} else if p.valid > 0 {
		x = t.x[first*p.ldx:]
	}
	s := getScratch(p.valid)
	t.fn(p, x, acc, t.mask, s.x, t.q[first*p.ldq:])
	scratchRows.put(s)
}

// SoftmaxQ8 computes for each row i, of which the first valid columns count,
//
//	m      = max_k x[i,k]
//	e[j]   = exp(x[i,j] − m)
//	q[i,j] = clamp(round(e[j] · (1/Scale / Σ_k e[k])) + ZeroPoint, Low, High)    j < valid
//	q[i,j] = ZeroPoint                                                           valid ≤ j < cols
//
// for x (rows, valid, ldx) and q (rows, cols, ldq), with 0 ≤ valid ≤ cols, exp as
// [Exp] and round half to even. A row whose elements are all −Inf, one with
// everything masked out, has zero probabilities; one that holds NaN or +Inf
// becomes Low.
//
// Every operation is rounded to float32 by itself and the sum has one order: the
// element j goes to the sum j mod 16, and sums l and l+8, then l+4, l+2 and l+1
// are added. So the result is bit-equal on every instruction set.
func SoftmaxQ8[T Integer8](rows, cols, valid int, x []float32, ldx int, quantizer Quantizer, q []T, ldq int) {
	checkValid(rows, cols, valid)
	p := quantizer.params(range8[T]())
	checkLeading(valid, ldx)
	checkLeading(cols, ldq)
	checkMatrix(rows, valid, x, ldx)
	checkMatrix(rows, cols, q, ldq)
	runSoftmaxQ8(softmaxQ8Task{params: softmaxQ8Params{rows, cols, valid, ldx, ldq, 1, p}, x: x, q: bytesOf(q)})
}

// SoftmaxInt32Q8 is [SoftmaxQ8] of the scores
//
//	float32(x[i,j]) · scale + mask[j]
//
// for x (rows, valid, ldx), the products of a quantized QKᵀ. mask (valid) may be
// nil; the product is rounded before it is added.
func SoftmaxInt32Q8[T Integer8](rows, cols, valid int, x []int32, ldx int, scale float32, mask []float32, quantizer Quantizer, q []T, ldq int) {
	checkValid(rows, cols, valid)
	p := quantizer.params(range8[T]())
	checkLeading(valid, ldx)
	checkLeading(cols, ldq)
	checkMatrix(rows, valid, x, ldx)
	checkOptional(mask, valid)
	checkMatrix(rows, cols, q, ldq)
	runSoftmaxQ8(softmaxQ8Task{params: softmaxQ8Params{rows, cols, valid, ldx, ldq, scale, p}, acc: x, mask: mask, q: bytesOf(q)})
}

// checkValid panics unless the shape holds the valid columns.
func checkValid(rows, cols, valid int) {
	checkShape(rows, cols)
	if valid < 0 {
		panic(errNegative)
	}
	if valid > cols {
		panic(errValid)
	}
}

// runSoftmaxQ8 shares the rows of a task among threads.
func runSoftmaxQ8(task softmaxQ8Task) {
	rows, cols := task.params.rows, task.params.cols
	if rows == 0 || cols == 0 {
		return
	}
	task.fn = softmaxQ8Family.use.fn
	t := softmaxQ8Tasks.get()
	*t = task
	Parallel(parts(rows, rowsPerPart(cols)), t)
	*t = softmaxQ8Task{}
	softmaxQ8Tasks.put(t)
}
