package kernels

import (
	"math"
	"unsafe"
)

// Epilogue is what a packed product does with the sums of a tile before it
// leaves the registers and the first-level cache:
//
//	v := float32(Σ (a(i,p) − ZeroA) · (b(p,j) − ZeroB))     int8; else Σ a(i,p)·b(p,j)
//	v = fma(v, Scale[j], Bias[j])                           one rounding
//	v = v + Residual[i*LDR+j]
//	v = Activation(v)
//	c[i*ldc+j] = v, or for a C of bytes, in Quantizer's levels,
//	             clamp(round(v · (1/Quantizer.Scale)) + Quantizer.ZeroPoint, Low, High)
//
// with round half to even; NaN becomes Low. The zero Epilogue adds nothing:
// empty fields leave their step out. A C of int32 takes the sums as they are,
// modulo 2³²; then only the zero points may be set.
//
// Residual may be c itself, of float32 and with LDR = ldc, which adds to it.
//
// Given the sum, every step is the same sequence of IEEE operations on every
// instruction set, so int8 products end in the same bits everywhere (of a NaN,
// that it is one).
type Epilogue struct {
	ZeroA, ZeroB int32      // zero points of A and B; int8 products only
	Scale        []float32  // one for all columns, or N of them
	Bias         []float32  // N of them
	Residual     []float32  // (M, N) with leading dimension LDR
	LDR          int        //
	Activation   Activation //
	Quantizer    Quantizer  // of a C of bytes
}

// Kinds of sums and of results, as the kernels take them.
const (
	sumInt32 = iota
	sumFloat32
)

const (
	outInt32 = iota
	outFloat32
	outBytes
)

const (
	actNone = iota
	actReLU
	actGELU // max(x, 0) − f(|x|)
	actTanh // f(|x|) with x's sign
)

// epilogueArgs is one strip of up to panelCols columns for an epilogueFunc.
// Distances are in bytes. scale and bias hold panelCols numbers each; the scalars
// of the vector kernels are repeated eight times.
type epilogueArgs struct {
	sums         unsafe.Pointer // int32 or float32, rows of panelCols
	sumStride    int
	rows, cols   int
	scale, bias  *float32
	residual     unsafe.Pointer // float32, or nil
	ldr          int
	out          unsafe.Pointer
	ldout        int
	sumKind      int
	outKind      int
	activation   int
	table        *float32 // its coefficients
	slope, limit [8]float32
	inverse      [8]float32
	low, high    [8]float32
	zeroPoint    [8]int32
}

// epilogueFunc finishes a strip.
type epilogueFunc func(e *epilogueArgs)

var epilogueFamily family[epilogueFunc]

func init() {
	register(&epilogueFamily, Kernel{Op: "epilogue", Name: "epilogue_generic"}, epilogueGeneric)
}

// epilogueOnes and epilogueZeros are the scale and the bias of an epilogue
// without: the product with one and the sum with −0 are x itself.
var epilogueOnes, epilogueZeros [panelCols]float32

func init() {
	for i := range epilogueOnes {
		epilogueOnes[i] = 1
		epilogueZeros[i] = math.Float32frombits(1 << 31)
	}
}

// check panics unless e fits a product (m, n) with the kind of result.
func (e *Epilogue) check(m, n, out int, integer bool) {
	switch {
	case e.Activation >= numActivations,
		!integer && (e.ZeroA != 0 || e.ZeroB != 0),
		out == outInt32 && (e.Scale != nil || e.Bias != nil || e.Residual != nil || e.Activation != ActNone),
		e.Scale != nil && len(e.Scale) != 1 && len(e.Scale) != n,
		e.Bias != nil && len(e.Bias) != n,
		e.Residual != nil && (e.LDR < n || tooShort(len(e.Residual), m, n, e.LDR)):
		panic(errEpilogue)
	}
}

// plain tells whether e leaves the sums of floats as they are.
func (e *Epilogue) plain() bool { return e.biasOnly() && e.Bias == nil }

// biasOnly tells whether e adds nothing but perhaps a bias to them.
func (e *Epilogue) biasOnly() bool {
	return e.Scale == nil && e.Residual == nil && e.Activation == ActNone
}

// args fills in what is the same for every strip.
func (e *Epilogue) args(a *epilogueArgs, sum, out int, quantize quantizeParams) {
	a.sumKind, a.outKind, a.activation = sum, out, actNone
	a.sumStride = 4 * panelCols
	if t := activationTables[e.Activation]; t != nil {
		a.activation, a.table = actGELU, &t.coefficients[0]
		if e.Activation == ActTanh {
			a.activation = actTanh
		}
		fill8(&a.slope, t.slope)
		fill8(&a.limit, t.limit)
	} else if e.Activation == ActReLU {
		a.activation = actReLU
	}
	if out == outBytes {
		fill8(&a.inverse, quantize.inverse)
		fill8(&a.low, quantize.low)
		fill8(&a.high, quantize.high)
		fill8(&a.zeroPoint, quantize.zeroPoint)
	}
}

func fill8[T any](dst *[8]T, x T) {
	for i := range dst {
		dst[i] = x
	}
}
