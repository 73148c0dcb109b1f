package kernels

// layerNormFunc normalises one row and returns its mean and 1/√(variance+eps).
type layerNormFunc func(eps float32, x, gamma, beta, y []float32) (mean, rstd float32)

// layerNormInputFunc adds one row's gradient to dx.
type layerNormInputFunc func(mean, rstd float32, x, gamma, dy, dx []float32)

// layerNormParamsFunc adds one row's share to dgamma and dbeta.
type layerNormParamsFunc func(mean, rstd float32, x, dy, dgamma, dbeta []float32)

var (
	layerNormFamily       family[layerNormFunc]
	layerNormInputFamily  family[layerNormInputFunc]
	layerNormParamsFamily family[layerNormParamsFunc]
)

func init() {
	register(&layerNormFamily, Kernel{Op: "layernorm_f32", Name: "layernorm_f32_generic"}, layerNormGeneric)
	register(&layerNormInputFamily, Kernel{Op: "layernorm_input_f32", Name: "layernorm_input_f32_generic"}, layerNormInputGeneric)
	register(&layerNormParamsFamily, Kernel{Op: "layernorm_params_f32", Name: "layernorm_params_f32_generic"}, layerNormParamsGeneric)
}

// layerNormTask is a normalisation of rows.
type layerNormTask struct {
	fn             layerNormFunc
	rows, cols     int
	eps            float32
	x, gamma, beta []float32
	y, mean, rstd  []float32
}

var layerNormTasks freeList[layerNormTask]

// Run does the i-th group of rows.
func (t *layerNormTask) Run(i int) {
	n := rowsPerPart(t.cols)
	for r := i * n; r < min((i+1)*n, t.rows); r++ {
		lo, hi := r*t.cols, (r+1)*t.cols
		t.mean[r], t.rstd[r] = t.fn(t.eps, t.x[lo:hi], t.gamma, t.beta, t.y[lo:hi])
	}
}

// LayerNorm computes for each row i
//
//	mean[i] = Σ_j x[i,j] / cols
//	rstd[i] = 1 / √(Σ_j (x[i,j] − mean[i])² / cols + eps)
//	y[i,j]  = (x[i,j] − mean[i]) · rstd[i] · gamma[j] + beta[j]
//
// for x and y (rows, cols), gamma and beta (cols), mean and rstd (rows), which
// [LayerNormBackward] needs. y may be x. For rows of up to some thousand columns
// the error of the normalised number is about 3e-6 · max(1, |y|), unless the mean
// is much larger than the deviation.
func LayerNorm(rows, cols int, x, gamma, beta []float32, eps float32, y, mean, rstd []float32) {
	checkShape(rows, cols)
	checkLength(x, rows*cols)
	checkLength(gamma, cols)
	checkLength(beta, cols)
	checkLength(y, rows*cols)
	checkLength(mean, rows)
	checkLength(rstd, rows)
	if rows == 0 || cols == 0 {
		return
	}
	t := layerNormTasks.get()
	*t = layerNormTask{layerNormFamily.use.fn, rows, cols, eps, x, gamma, beta, y, mean, rstd}
	Parallel(parts(rows, rowsPerPart(cols)), t)
	*t = layerNormTask{}
	layerNormTasks.put(t)
}
