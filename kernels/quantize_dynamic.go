package kernels

// dynamicTask quantizes each row by its own range: to int8 around zero or, where
// zeroPoint is set, to uint8 with a zero point.
type dynamicTask struct {
	ranges     minMaxFunc
	quantize   quantizeFunc
	rows, cols int
	x          []float32
	ldx        int
	q          []byte
	ldq        int
	scale      []float32
	zeroPoint  []int32
}

var dynamicTasks freeList[dynamicTask]

// Run does the i-th group of rows.
func (t *dynamicTask) Run(i int) {
	n := rowsPerPart(t.cols)
	for r := i * n; r < min((i+1)*n, t.rows); r++ {
		x, q := t.x[r*t.ldx:][:t.cols], t.q[r*t.ldq:][:t.cols]
		lo, hi := t.ranges(x)
		var p quantizeParams
		if t.zeroPoint == nil {
			t.scale[r] = max(magnitude(lo, hi)/127, minScale)
			p = quantizeParams{1 / t.scale[r], -127, 127, 0}
		} else {
			lo, hi = min(lo, 0), max(hi, 0)
			t.scale[r] = max(hi/255-lo/255, minScale)
			p = zeroPointParams(lo, t.scale[r])
			t.zeroPoint[r] = p.zeroPoint
		}
		t.quantize(p, x, q)
	}
}

// zeroPointParams is the quantizer to uint8 of numbers from low on: low becomes
// the level 0. Without a finite range there is no zero point but 0.
func zeroPointParams(low, scale float32) quantizeParams {
	zeroPoint := float32(0)
	if z := roundToEven(-low / scale); z > 0 {
		zeroPoint = min(z, 255)
	}
	return quantizeParams{1 / scale, -zeroPoint, 255 - zeroPoint, int32(zeroPoint)}
}

// DynamicQuantizeS8 computes for each row i
//
//	scale[i] = max(max_j |x[i,j]| / 127, 2⁻¹²⁶)
//	q[i,j]   = clamp(round(x[i,j] · (1/scale[i])), −127, 127)
//
// for x (rows, cols, ldx), q (rows, cols, ldq) and scale (rows), with round half
// to even and every operation rounded to float32: the result is bit-equal on
// every instruction set. A row that holds NaN has the scale NaN and the levels
// −127; one that holds an infinity the scale +Inf, the levels 0 of finite numbers
// and −127 of infinities.
func DynamicQuantizeS8(rows, cols int, x []float32, ldx int, q []int8, ldq int, scale []float32) {
	checkShape(rows, cols)
	checkLeading(cols, ldx, ldq)
	checkMatrix(rows, cols, x, ldx)
	checkMatrix(rows, cols, q, ldq)
	checkLength(scale, rows)
	runDynamic(dynamicTask{rows: rows, cols: cols, x: x, ldx: ldx, q: bytesOf(q), ldq: ldq, scale: scale})
}

// DynamicQuantizeU8 computes for each row i
//
//	low, high    = min(0, min_j x[i,j]), max(0, max_j x[i,j])
//	scale[i]     = max(high/255 − low/255, 2⁻¹²⁶)
//	zeroPoint[i] = clamp(round(−low / scale[i]), 0, 255)
//	q[i,j]       = clamp(round(x[i,j] · (1/scale[i])) + zeroPoint[i], 0, 255)
//
// for x (rows, cols, ldx), q (rows, cols, ldq), scale and zeroPoint (rows), with
// round half to even and every operation rounded to float32: the result is
// bit-equal on every instruction set. A row that holds NaN has the scale NaN, the
// zero point 0 and the levels 0; one that holds an infinity has the scale +Inf,
// the zero point 0 and the levels 0.
func DynamicQuantizeU8(rows, cols int, x []float32, ldx int, q []uint8, ldq int, scale []float32, zeroPoint []int32) {
	checkShape(rows, cols)
	checkLeading(cols, ldx, ldq)
	checkMatrix(rows, cols, x, ldx)
	checkMatrix(rows, cols, q, ldq)
	checkLength(scale, rows)
	if len(zeroPoint) != rows {
		panic(errLength)
	}
	runDynamic(dynamicTask{rows: rows, cols: cols, x: x, ldx: ldx, q: q, ldq: ldq, scale: scale, zeroPoint: zeroPoint})
}

// runDynamic shares the rows of a task among threads. Rows of no columns are
// rows of zeros.
func runDynamic(task dynamicTask) {
	if task.rows == 0 {
		return
	}
	if task.cols == 0 {
		for i := range task.scale {
			task.scale[i] = minScale
		}
		clear(task.zeroPoint)
		return
	}
	task.ranges, task.quantize = minMaxFamily.use.fn, quantizeFamily.use.fn
	t := dynamicTasks.get()
	*t = task
	Parallel(parts(t.rows, rowsPerPart(t.cols)), t)
	*t = dynamicTask{}
	dynamicTasks.put(t)
}
