package kernels

// fakeQuantParams are the scalars of one quantizer: the range [low, high], the
// scale s = (levels−1)/span and the zero point.
type fakeQuantParams struct {
	low, high, scale, zeroPoint float32
}

// fakeQuantFunc quantizes and dequantizes x.
type fakeQuantFunc func(q fakeQuantParams, x, y []float32)

// fakeQuantBackwardFunc adds dy to dx (unless dx is nil) where low ≤ x ≤ high,
// and returns the sum of dy·(y−x) there, and of dy above and below.
type fakeQuantBackwardFunc func(low, high float32, x, y, dy, dx []float32) (inside, above, below float32)

var (
	fakeQuantFamily         family[fakeQuantFunc]
	fakeQuantBackwardFamily family[fakeQuantBackwardFunc]
)

func init() {
	register(&fakeQuantFamily, Kernel{Op: "fakequant_f32", Name: "fakequant_f32_generic"}, fakeQuantGeneric)
	register(&fakeQuantBackwardFamily, Kernel{Op: "fakequant_backward_f32", Name: "fakequant_backward_f32_generic"}, fakeQuantBackwardGeneric)
}

// fakeQuantTask is a forward pass. With one quantizer for the tensor the parts
// are stretches of vectorGrain elements, else groups of rows.
type fakeQuantTask struct {
	fn         fakeQuantFunc
	rows, cols int
	x, y       []float32
	low, span  []float32
	levels     int
}

var fakeQuantTasks freeList[fakeQuantTask]

// Run does part i.
func (t *fakeQuantTask) Run(i int) {
	if len(t.low) == 1 {
		lo, hi := i*vectorGrain, min((i+1)*vectorGrain, len(t.x))
		t.fn(newFakeQuantParams(t.low[0], t.span[0], t.levels), t.x[lo:hi], t.y[lo:hi])
		return
	}
	n := rowsPerPart(t.cols)
	for r := i * n; r < min((i+1)*n, t.rows); r++ {
		lo, hi := r*t.cols, (r+1)*t.cols
		t.fn(newFakeQuantParams(t.low[r], t.span[r], t.levels), t.x[lo:hi], t.y[lo:hi])
	}
}

func newFakeQuantParams(low, span float32, levels int) fakeQuantParams {
	s := float32(levels-1) / span
	return fakeQuantParams{low: low, high: low + span, scale: s, zeroPoint: roundToEven(float32(-low * s))}
}

// FakeQuantize rounds x (rows, cols) to levels evenly spaced numbers:
//
//	s  = (levels−1) / span
//	zp = round(−low · s)
//	y  = round((clamp(x, low, low+span) − low) · s − zp) / s
//
// with span > 0 and round half to even. low and span hold one number for the
// tensor or one for each row; y may be x. Zero maps to zero, NaN stays NaN.
// Every operation is rounded to float32 by itself, so the result is bit-equal
// on every instruction set.
func FakeQuantize(rows, cols int, x, low, span []float32, levels int, y []float32) {
	checkShape(rows, cols)
	if levels < 2 {
		panic(errLevels)
	}
	checkLength(x, rows*cols)
	checkQuantizers(rows, low, span)
	checkLength(y, rows*cols)
	if rows == 0 || cols == 0 {
		return
	}
	t := fakeQuantTasks.get()
	*t = fakeQuantTask{fakeQuantFamily.use.fn, rows, cols, x, y, low, span, levels}
	if len(low) == 1 {
		Parallel(parts(len(x), vectorGrain), t)
	} else {
		Parallel(parts(rows, rowsPerPart(cols)), t)
	}
	*t = fakeQuantTask{}
	fakeQuantTasks.put(t)
}

// checkQuantizers panics unless there is one quantizer, or one for each row.
func checkQuantizers(rows int, low, span []float32) {
	if len(low) != 1 && len(low) != rows {
		panic(errLength)
	}
	checkLength(span, len(low))
}
