package kernels

// layerNormBackwardTask is the gradient of a normalisation. The gradients of
// gamma and beta are sums over rows: each part sums its own rows, starting from
// zero, into its own stretch of partial (dgamma, then dbeta).
type layerNormBackwardTask struct {
	input      layerNormInputFunc
	params     layerNormParamsFunc
	rows, cols int
	perPart    int
	x, gamma   []float32
	mean, rstd []float32
	dy, dx     []float32
	fresh      bool // dx holds nothing to be added to
	partial    []float32
}

var layerNormBackwardTasks freeList[layerNormBackwardTask]

// Run does the i-th group of rows.
func (t *layerNormBackwardTask) Run(i int) {
	var dgamma, dbeta []float32
	if t.params != nil {
		sums := t.partial[2*i*t.cols:][:2*t.cols]
		clear(sums)
		dgamma, dbeta = sums[:t.cols], sums[t.cols:]
	}
	for r := i * t.perPart; r < min((i+1)*t.perPart, t.rows); r++ {
		lo, hi := r*t.cols, (r+1)*t.cols
		x, dy := t.x[lo:hi], t.dy[lo:hi]
		if t.params != nil {
			t.params(t.mean[r], t.rstd[r], x, dy, dgamma, dbeta)
		}
		if t.dx != nil {
			if t.fresh {
				clear(t.dx[lo:hi])
			}
			t.input(t.mean[r], t.rstd[r], x, t.gamma, dy, t.dx[lo:hi])
		}
	}
}

// sumParts is how many parts a sum over rows is cut into: 64 at most, so that
// the partial sums stay small, of at least 32 rows each. It depends on nothing
// but the number of rows.
func sumParts(rows int) (n, perPart int) {
	perPart = max(32, parts(rows, 64))
	return parts(rows, perPart), perPart
}

// LayerNormBackward computes, with x̂[i,j] = (x[i,j] − mean[i]) · rstd[i] and
// g[i,j] = dy[i,j] · gamma[j],
//
//	dx[i,j]   += rstd[i] · (g[i,j] − Σ_k g[i,k]/cols − x̂[i,j] · Σ_k g[i,k]·x̂[i,k]/cols)
//	dgamma[j] += Σ_i dy[i,j] · x̂[i,j]
//	dbeta[j]  += Σ_i dy[i,j]
//
// with mean and rstd as [LayerNorm] gave them. Each of dx, dgamma and dbeta may
// be nil; dx may not be x or dy, and without accumulate it is written instead of
// added to. The sums are made in float32, 16 or 8 side by
// side over columns, and over rows in at most 64 stretches that are then added up
// in order.
func LayerNormBackward(rows, cols int, x, gamma, mean, rstd, dy, dx, dgamma, dbeta []float32, accumulate bool) {
	checkShape(rows, cols)
	checkLength(x, rows*cols)
	checkLength(gamma, cols)
	checkLength(mean, rows)
	checkLength(rstd, rows)
	checkLength(dy, rows*cols)
	checkOptional(dx, rows*cols)
	checkOptional(dgamma, cols)
	checkOptional(dbeta, cols)
	if rows == 0 || cols == 0 {
		return
	}
	n, perPart := sumParts(rows)
	t := layerNormBackwardTasks.get()
	partial := t.partial
	*t = layerNormBackwardTask{
		input: layerNormInputFamily.use.fn, rows: rows, cols: cols, perPart: perPart,
		x: x, gamma: gamma, mean: mean, rstd: rstd, dy: dy, dx: dx, fresh: !accumulate,
	}
	if dgamma != nil || dbeta != nil {
		t.params = layerNormParamsFamily.use.fn
		if cap(partial) < 2*n*cols {
			partial = make([]float32, 2*n*cols)
		}
		t.partial = partial[:2*n*cols]
	}
	Parallel(n, t)
	if t.params != nil {
		for i := range n {
			sums := t.partial[2*i*cols:][:2*cols]
			if dgamma != nil {
				addFamily.use.fn(0, dgamma, sums[:cols], dgamma)
			}
			if dbeta != nil {
				addFamily.use.fn(0, dbeta, sums[cols:], dbeta)
			}
		}
	}
	*t = layerNormBackwardTask{partial: partial}
	layerNormBackwardTasks.put(t)
}
