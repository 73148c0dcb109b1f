package kernels

// Panics of misuse.
const (
	errGemmOp      = "kernels: no such GemmOp"
	errNegative    = "kernels: negative dimension"
	errLDA         = "kernels: lda too small"
	errLDB         = "kernels: ldb too small"
	errLDC         = "kernels: ldc too small"
	errLDT         = "kernels: ldt too small"
	errShortA      = "kernels: a too short"
	errShortB      = "kernels: b too short"
	errShortC      = "kernels: c too short"
	errShortT      = "kernels: t too short"
	errPackOp      = "kernels: B is packed from NN or NT"
	errDepth       = "kernels: depth too large"
	errBSR         = "kernels: not a block-sparse matrix"
	errEpilogue    = "kernels: epilogue does not fit the product"
	errBatch       = "kernels: negative batch or stride"
	errNoPacked    = "kernels: b is not packed"
	errLength      = "kernels: slice length does not match the shape"
	errLevels      = "kernels: quantization levels out of range"
	errLeading     = "kernels: leading dimension too small"
	errStep        = "kernels: step of the optimizer must be at least 1"
	errProbability = "kernels: probability outside [0, 1]"
	errScale       = "kernels: scale of a quantizer too small or not finite"
	errValid       = "kernels: more valid columns than columns"
)
