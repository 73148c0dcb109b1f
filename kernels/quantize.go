package kernels

import (
	"math"
	"unsafe"
)

// Integer8 is a type of quantized numbers.
type Integer8 interface{ uint8 | int8 }

// Quantizer maps real numbers to levels of eight bits: level q stands for
// (q − ZeroPoint)·Scale. Low and High bound the levels in use, say −127 and 127;
// both zero stand for the whole range of the type.
type Quantizer struct {
	Scale     float32 // at least 2⁻¹²⁶ and finite
	ZeroPoint int32   // the level of zero, within Low … High
	Low, High int32
}

// quantizeParams are the scalars of a quantizer as kernels take them: the levels
// less the zero point, which are exact in float32.
type quantizeParams struct {
	inverse, low, high float32
	zeroPoint          int32
}

// dequantizeParams are the scalars of the way back. A level is taken as
// unsigned: flip is 128 for int8, the difference, and zeroPoint includes it.
type dequantizeParams struct {
	scale           float32
	zeroPoint, flip int32
}

// quantizeFunc writes the levels of x to q, of either type.
type quantizeFunc func(p quantizeParams, x []float32, q []byte)

// dequantizeFunc writes the numbers that the levels q stand for to y.
type dequantizeFunc func(p dequantizeParams, q []byte, y []float32)

var (
	quantizeFamily   family[quantizeFunc]
	dequantizeFamily family[dequantizeFunc]
)

func init() {
	register(&quantizeFamily, Kernel{Op: "quantize_q8", Name: "quantize_q8_generic"}, quantizeGeneric)
	register(&dequantizeFamily, Kernel{Op: "dequantize_q8", Name: "dequantize_q8_generic"}, dequantizeGeneric)
}

// minScale is the least scale whose inverse is finite.
const minScale = 0x1p-126

// range8 is the range of T.
func range8[T Integer8]() (low, high int32) {
	if ^T(0) > 0 {
		return 0, math.MaxUint8
	}
	return math.MinInt8, math.MaxInt8
}

// params checks the quantizer for levels of [low, high] and returns its scalars.
func (z Quantizer) params(low, high int32) quantizeParams {
	if z.Low != 0 || z.High != 0 {
		if z.Low < low || z.High > high {
			panic(errLevels)
		}
		low, high = z.Low, z.High
	}
	if z.ZeroPoint < low || z.ZeroPoint > high {
		panic(errLevels)
	}
	if !(z.Scale >= minScale && z.Scale <= math.MaxFloat32) {
		panic(errScale)
	}
	return quantizeParams{1 / z.Scale, float32(low - z.ZeroPoint), float32(high - z.ZeroPoint), z.ZeroPoint}
}

// bytesOf is the same memory as bytes.
func bytesOf[T Integer8](q []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(q))), len(q))
}

// quantizeTask quantizes x to q, or dequantizes q to x where backward is set.
// Matrices without gaps are cut into stretches of vectorGrain elements, others
// into groups of rows.
type quantizeTask struct {
	forward    quantizeFunc
	backward   dequantizeFunc
	quantize   quantizeParams
	dequantize dequantizeParams
	rows, cols int
	x          []float32
	ldx        int
	q          []byte
	ldq        int
}

var quantizeTasks freeList[quantizeTask]

// flat tells whether the matrices have no gaps.
func (t *quantizeTask) flat() bool { return t.rows == 1 || t.ldx == t.cols && t.ldq == t.cols }

// Run does part i.
func (t *quantizeTask) Run(i int) {
	if t.flat() {
		lo, hi := i*vectorGrain, min((i+1)*vectorGrain, t.rows*t.cols)
		t.stretch(t.x[lo:hi], t.q[lo:hi])
		return
	}
	n := rowsPerPart(t.cols)
	from, end := i*n, min((i+1)*n, t.rows)
	if t.backward == nil && quantizeRowsFast(t.quantize, end-from, t.cols, t.x[from*t.ldx:], t.ldx, t.q[from*t.ldq:], t.ldq) {
		return
	}
	for r := from; r < end; r++ {
		t.stretch(t.x[r*t.ldx:][:t.cols], t.q[r*t.ldq:][:t.cols])
	}
}

func (t *quantizeTask) stretch(x []float32, q []byte) {
	if t.backward != nil {
		t.backward(t.dequantize, q, x)
	} else {
		t.forward(t.quantize, x, q)
	}
}

// Quantize computes
//
//	q[i,j] = clamp(round(x[i,j] · (1/Scale)) + ZeroPoint, Low, High)
//
// for x (rows, cols, ldx) and q (rows, cols, ldq), with round half to even. The
// inverse of the scale and its product with x are each rounded to float32. NaN
// becomes Low, −Inf Low and +Inf High. The result is bit-equal on every
// instruction set.
func Quantize[T Integer8](rows, cols int, x []float32, ldx int, quantizer Quantizer, q []T, ldq int) {
	checkShape(rows, cols)
	p := quantizer.params(range8[T]())
	runQuantize(quantizeTask{
		forward: quantizeFamily.use.fn, quantize: p,
		rows: rows, cols: cols, x: x, ldx: ldx, q: bytesOf(q), ldq: ldq,
	})
}

// Dequantize computes
//
//	y[i,j] = (q[i,j] − ZeroPoint) · Scale
//
// for q (rows, cols, ldq) and y (rows, cols, ldy). The difference is exact and
// the product rounded to float32: the result is bit-equal on every instruction
// set.
func Dequantize[T Integer8](rows, cols int, q []T, ldq int, quantizer Quantizer, y []float32, ldy int) {
	checkShape(rows, cols)
	low, high := range8[T]()
	quantizer.params(low, high)
	runQuantize(quantizeTask{
		backward:   dequantizeFamily.use.fn,
		dequantize: dequantizeParams{quantizer.Scale, quantizer.ZeroPoint - low, -low},
		rows:       rows, cols: cols, x: y, ldx: ldy, q: bytesOf(q), ldq: ldq,
	})
}

// runQuantize checks the matrices of a task and shares it among threads.
func runQuantize(task quantizeTask) {
	rows, cols := task.rows, task.cols
	checkLeading(cols, task.ldx, task.ldq)
	if rows == 0 || cols == 0 {
		return
	}
	checkMatrix(rows, cols, task.x, task.ldx)
	checkMatrix(rows, cols, task.q, task.ldq)
	t := quantizeTasks.get()
	*t = task
	if t.flat() {
		Parallel(parts(rows*cols, vectorGrain), t)
	} else {
		Parallel(parts(rows, rowsPerPart(cols)), t)
	}
	*t = quantizeTask{}
	quantizeTasks.put(t)
}
