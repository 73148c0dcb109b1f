package kernels

// fakeQuantRun is how many elements are summed up in float32 before the sums
// are carried on in float64.
const fakeQuantRun = 1 << 12

// fakeQuantSums are Σ dy·(y−x) inside the range, and Σ dy above and below it.
type fakeQuantSums struct{ inside, above, below float64 }

// fakeQuantBackwardTask is a backward pass: with one quantizer for the tensor
// the parts are stretches of vectorGrain elements, which leave their sums in
// their own place, else groups of rows, which own their row's gradients.
type fakeQuantBackwardTask struct {
	fn          fakeQuantBackwardFunc
	rows, cols  int
	x, y        []float32
	low, span   []float32
	lowRatio    float32
	dy, dx      []float32
	dlow, dspan []float32
	partial     []fakeQuantSums
}

var fakeQuantBackwardTasks freeList[fakeQuantBackwardTask]

// Run does part i.
func (t *fakeQuantBackwardTask) Run(i int) {
	if len(t.low) == 1 {
		t.partial[i] = t.sum(0, i*vectorGrain, min((i+1)*vectorGrain, len(t.x)))
		return
	}
	n := rowsPerPart(t.cols)
	for r := i * n; r < min((i+1)*n, t.rows); r++ {
		t.finish(r, t.sum(r, r*t.cols, (r+1)*t.cols))
	}
}

// sum does elements lo to hi with quantizer q.
func (t *fakeQuantBackwardTask) sum(q, lo, hi int) (s fakeQuantSums) {
	low, high := t.low[q], t.low[q]+t.span[q]
	for ; lo < hi; lo += fakeQuantRun {
		end := min(lo+fakeQuantRun, hi)
		var dx []float32
		if t.dx != nil {
			dx = t.dx[lo:end]
		}
		inside, above, below := t.fn(low, high, t.x[lo:end], t.y[lo:end], t.dy[lo:end], dx)
		s.add(fakeQuantSums{float64(inside), float64(above), float64(below)})
	}
	return s
}

func (s *fakeQuantSums) add(b fakeQuantSums) {
	s.inside += b.inside
	s.above += b.above
	s.below += b.below
}

// finish adds the sums of quantizer q to its gradients.
func (t *fakeQuantBackwardTask) finish(q int, s fakeQuantSums) {
	t.dspan[q] += float32(s.inside/float64(t.span[q]) + s.above + float64(t.lowRatio)*s.below)
	if t.dlow != nil {
		t.dlow[q] += float32(s.above + s.below)
	}
}

// FakeQuantizeBackward computes the gradients of [FakeQuantize] that
// quantization-aware training uses in place of the true ones:
//
//	dx    += dy where low ≤ x ≤ low+span
//	dspan += Σ dy · [ (y−x)/span inside; 1 above; lowRatio below ]
//	dlow  += Σ dy where x is outside
//
// y is what FakeQuantize gave. lowRatio is the least level over the greatest:
// 0 for asymmetric ranges, −64/63 for symmetric signed ones of 128 levels.
// Sums run over the tensor or over each row, like low and span. dx and dlow may
// be nil. NaN counts as inside. The sums are carried on in float64 every 4096
// elements.
func FakeQuantizeBackward(rows, cols int, x, y, low, span []float32, lowRatio float32, dy, dx, dlow, dspan []float32) {
	checkShape(rows, cols)
	checkLength(x, rows*cols)
	checkLength(y, rows*cols)
	checkQuantizers(rows, low, span)
	checkLength(dy, rows*cols)
	checkOptional(dx, rows*cols)
	checkOptional(dlow, len(low))
	checkLength(dspan, len(low))
	if rows == 0 || cols == 0 {
		return
	}
	t := fakeQuantBackwardTasks.get()
	partial := t.partial
	*t = fakeQuantBackwardTask{
		fn: fakeQuantBackwardFamily.use.fn, rows: rows, cols: cols,
		x: x, y: y, low: low, span: span, lowRatio: lowRatio, dy: dy, dx: dx, dlow: dlow, dspan: dspan,
	}
	if len(low) == 1 {
		n := parts(len(x), vectorGrain)
		if len(partial) < n {
			partial = make([]fakeQuantSums, n)
		}
		t.partial = partial
		Parallel(n, t)
		var s fakeQuantSums
		for _, part := range partial[:n] {
			s.add(part)
		}
		t.finish(0, s)
	} else {
		Parallel(parts(rows, rowsPerPart(cols)), t)
	}
	*t = fakeQuantBackwardTask{partial: partial}
	fakeQuantBackwardTasks.put(t)
}
