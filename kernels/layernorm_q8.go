package kernels

// layerNormQ8Params are the scalars of a normalisation of rows.
type layerNormQ8Params struct {
	rows, cols int
	eps        float32
	quantize   quantizeParams
}

// layerNormQ8Func normalises rows of x + residual to y and q. residual, y and q
// may be nil; sum has room for a row where residual is not and y is.
type layerNormQ8Func func(p layerNormQ8Params, x, residual, gamma, beta, sum, y []float32, q []byte)

var layerNormQ8Family family[layerNormQ8Func]

func init() {
	register(&layerNormQ8Family, Kernel{Op: "layernorm_q8", Name: "layernorm_q8_generic"}, layerNormQ8Generic)
}

// layerNormQ8Task is a normalisation of rows.
type layerNormQ8Task struct {
	fn                          layerNormQ8Func
	params                      layerNormQ8Params
	x, residual, gamma, beta, y []float32
	q                           []byte
}

var layerNormQ8Tasks freeList[layerNormQ8Task]

// Run does the i-th group of rows.
func (t *layerNormQ8Task) Run(i int) {
	p := t.params
	n := rowsPerPart(p.cols)
	lo := i * n * p.cols
	p.rows = min(n, p.rows-i*n)
	hi := lo + p.rows*p.cols
	var sum []float32
	if t.residual != nil && t.y == nil {
		s := getScratch(p.cols)
		defer scratchRows.put(s)
		sum = s.x
	}
	var q []byte
	if t.q != nil {
		q = t.q[lo:hi]
	}
	t.fn(p, t.x[lo:hi], section(t.residual, lo, hi), t.gamma, t.beta, sum, section(t.y, lo, hi), q)
}

// section is x[lo:hi], or nil of nil.
func section(x []float32, lo, hi int) []float32 {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

// LayerNormQ8 computes for each row i
//
//	v[j]    = x[i,j] + residual[i,j]
//	mean    = Σ_j v[j] / cols
//	rstd    = 1 / √(Σ_j (v[j] − mean)² / cols + eps)
//	y[i,j]  = (v[j] − mean) · rstd · gamma[j] + beta[j]
//	q[i,j]  = clamp(round(y[i,j] · (1/Scale)) + ZeroPoint, Low, High)
//
// for x, residual, y and q (rows, cols), gamma and beta (cols), with round half to
// even. residual may be nil, for zeros, and so may y or q, where that is not
// wanted; without q the quantizer is not looked at. y may be x or residual. NaN
// becomes Low, as in [Quantize]. y has the error of [LayerNorm].
//
// Squares are added to their sum, and beta to the product with gamma, in one
// rounding; every other operation is rounded to float32 by itself. The sums have
// one order: the element j goes to the sum j mod 32, and sums l and l+16, then
// l+8, l+4, l+2 and l+1 are added. So y and q are bit-equal on every instruction
// set.
func LayerNormQ8[T Integer8](rows, cols int, x, residual, gamma, beta []float32, eps float32, y []float32, quantizer Quantizer, q []T) {
	checkShape(rows, cols)
	p := layerNormQ8Params{rows: rows, cols: cols, eps: eps}
	if q != nil {
		p.quantize = quantizer.params(range8[T]())
	}
	checkLength(x, rows*cols)
	checkOptional(residual, rows*cols)
	checkLength(gamma, cols)
	checkLength(beta, cols)
	checkOptional(y, rows*cols)
	if q != nil && len(q) != rows*cols {
		panic(errLength)
	}
	if rows == 0 || cols == 0 {
		return
	}
	t := layerNormQ8Tasks.get()
	*t = layerNormQ8Task{layerNormQ8Family.use.fn, p, x, residual, gamma, beta, y, bytesOf(q)}
	Parallel(parts(rows, rowsPerPart(cols)), t)
	*t = layerNormQ8Task{}
	layerNormQ8Tasks.put(t)
}
