package kernels

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// viewAs is the same memory as T.
func viewAs[T Integer8](q []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(q))), len(q))
}

// quantizedCalls is every operation of quantized numbers, and those that are
// bit-equal on every instruction set with them.
func quantizedCalls() []rowCall {
	r := rand.New(rand.NewPCG(5, 6))
	const rows, cols = 1111, 97
	n := rows * cols
	x := numbersWith(r, 60, make([]float32, n))
	fill(r, 60, x[n/2:]) // rows without infinities and NaN
	residual, out := fill(r, 60, make([]float32, n)), make([]float32, n)
	q := make([]byte, n+rows)
	u8, s8 := viewAs[uint8](q), viewAs[int8](q)
	narrow := Quantizer{Scale: 0.3, ZeroPoint: 7, Low: -127, High: 127}
	source := make([]int8, n)
	scale, zeroPoint := make([]float32, rows), make([]int32, rows)
	acc := make([]int32, n)
	for i := range source {
		acc[i] = int32(3000 * r.NormFloat64())
		source[i] = int8(r.Uint32())
	}
	o := func(xs ...[]float32) [][]float32 { return xs }
	l := func(qs ...[]byte) [][]byte { return qs }
	return []rowCall{
		{"Quantize/u8", nil, l(q), func() { Quantize(rows, cols, x, cols, Quantizer{Scale: 0.5}, u8, cols+1) }},
		{"Quantize/s8", nil, l(q), func() { Quantize(rows, cols, x, cols, narrow, s8, cols) }},
		{"Dequantize", o(out), nil, func() { Dequantize(rows, cols, source, cols, narrow, out, cols) }},
		{"DynamicQuantizeS8", o(scale), l(q), func() { DynamicQuantizeS8(rows, cols, x, cols, s8, cols+1, scale) }},
		{"DynamicQuantizeU8", o(scale), l(q), func() {
			DynamicQuantizeU8(rows, cols, x, cols, u8, cols, scale, zeroPoint)
			for i, z := range zeroPoint {
				q[n+i] = byte(z)
			}
		}},
		{"SoftmaxQ8", nil, l(q), func() { SoftmaxQ8(rows, cols, 90, x, cols, Quantizer{Scale: 1. / 255}, u8, cols) }},
		{"SoftmaxInt32Q8", nil, l(q), func() {
			SoftmaxInt32Q8(rows, cols, cols, acc, cols, 1e-3, x[n-cols:], Quantizer{Scale: 1. / 127}, s8, cols+1)
		}},
		{"LayerNormQ8", o(out), l(q[:n]), func() {
			LayerNormQ8(rows, cols, x, residual, x[n-cols:], x[n-2*cols:][:cols], 1e-5, out, narrow, s8[:n])
		}},
		{"LayerNormQ8/levels", nil, l(q[:n]), func() {
			LayerNormQ8(rows, cols, x, residual, x[n-cols:], x[n-2*cols:][:cols], 1e-5, nil, narrow, s8[:n])
		}},
		{"Exp", o(out), nil, func() { Exp(x, out) }},
		{"Erf", o(out), nil, func() { Erf(x, out) }},
		{"MinMaxRows", o(scale, out[:rows]), nil, func() { MinMaxRows(rows, cols, x, cols, scale, out[:rows]) }},
		{"AbsMaxRows", o(scale), nil, func() { AbsMaxRows(rows, cols, x, cols, scale) }},
		{"AbsMax", o(scale[:1]), nil, func() { scale[0] = AbsMax(x[97:194]) }},
	}
}

func TestQuantizedPanic(t *testing.T) {
	x6, q6, s6 := make([]float32, 6), make([]uint8, 6), make([]int8, 6)
	one := Quantizer{Scale: 1}
	for _, c := range []struct {
		name, want string
		call       func()
	}{
		{"Quantize rows", errNegative, func() { Quantize(-1, 3, x6, 3, Quantizer{}, q6, 3) }},
		{"Quantize low", errLevels, func() { Quantize(2, 3, x6, 3, Quantizer{Scale: 1, Low: -1, High: 5}, q6, 3) }},
		{"Quantize high", errLevels, func() { Quantize(2, 3, x6, 3, Quantizer{Scale: 1, Low: -1, High: 128}, s6, 3) }},
		{"Quantize order", errLevels, func() { Quantize(2, 3, x6, 3, Quantizer{Scale: 1, Low: 1, High: -1}, s6, 3) }},
		{"Quantize zero point", errLevels, func() { Quantize(2, 3, x6, 3, Quantizer{Scale: 1, ZeroPoint: 256}, q6, 3) }},
		{"Quantize scale", errScale, func() { Quantize(2, 3, x6, 2, Quantizer{}, q6, 3) }},
		{"Quantize ldx", errLeading, func() { Quantize(2, 3, x6, 2, one, q6, 3) }},
		{"Quantize ldq", errLeading, func() { Quantize(0, 3, x6, 3, one, q6, 2) }},
		{"Quantize x", errLength, func() { Quantize(2, 3, x6, 4, one, q6, 3) }},
		{"Quantize q", errLength, func() { Quantize(2, 3, x6, 3, one, q6, 4) }},
		{"Dequantize scale", errScale, func() { Dequantize(2, 3, q6, 3, Quantizer{Scale: -1}, x6, 3) }},
		{"Dequantize ldy", errLeading, func() { Dequantize(2, 3, q6, 3, one, x6, 2) }},
		{"DynamicQuantizeS8 ldq", errLeading, func() { DynamicQuantizeS8(2, 3, x6, 3, s6, 2, x6[:2]) }},
		{"DynamicQuantizeS8 scale", errLength, func() { DynamicQuantizeS8(2, 3, x6, 3, s6, 3, x6[:3]) }},
		{"DynamicQuantizeU8 zero point", errLength, func() { DynamicQuantizeU8(2, 3, x6, 3, q6, 3, x6[:2], nil) }},
		{"DynamicQuantizeU8 rows", errNegative, func() { DynamicQuantizeU8(-2, 3, x6, 3, q6, 3, x6[:2], nil) }},
		{"MinMaxRows ldx", errLeading, func() { MinMaxRows(2, 3, x6, 2, x6[:2], x6[:2]) }},
		{"MinMaxRows hi", errLength, func() { MinMaxRows(2, 3, x6, 3, x6[:2], x6[:3]) }},
		{"AbsMaxRows x", errLength, func() { AbsMaxRows(2, 3, x6, 4, x6[:2]) }},
		{"Exp y", errLength, func() { Exp(x6, x6[:5]) }},
		{"Erf y", errLength, func() { Erf(x6[:5], x6) }},
		{"SoftmaxQ8 valid", errValid, func() { SoftmaxQ8(2, 3, 4, x6, 4, one, q6, 3) }},
		{"SoftmaxQ8 negative", errNegative, func() { SoftmaxQ8(2, 3, -1, x6, 4, one, q6, 3) }},
		{"SoftmaxQ8 levels", errLevels, func() { SoftmaxQ8(2, 3, 3, x6, 3, Quantizer{Scale: 1, High: 256}, q6, 3) }},
		{"SoftmaxQ8 ldx", errLeading, func() { SoftmaxQ8(2, 3, 3, x6, 2, one, q6, 3) }},
		{"SoftmaxQ8 x", errLength, func() { SoftmaxQ8(2, 3, 3, x6[:5], 3, one, q6, 3) }},
		{"SoftmaxQ8 q", errLength, func() { SoftmaxQ8(2, 3, 1, x6, 3, one, q6[:5], 3) }},
		{"SoftmaxInt32Q8 mask", errLength, func() {
			SoftmaxInt32Q8(2, 3, 3, make([]int32, 6), 3, 1, x6[:2], one, q6, 3)
		}},
		{"SoftmaxInt32Q8 ldq", errLeading, func() { SoftmaxInt32Q8(2, 3, 1, make([]int32, 6), 3, 1, nil, one, q6, 2) }},
		{"LayerNormQ8 cols", errNegative, func() { LayerNormQ8(2, -3, x6, nil, x6, x6, 0, nil, one, q6) }},
		{"LayerNormQ8 scale", errScale, func() { LayerNormQ8(2, 3, x6, nil, x6[:3], x6[:3], 0, x6, Quantizer{}, q6) }},
		{"LayerNormQ8 residual", errLength, func() { LayerNormQ8(2, 3, x6, x6[:5], x6[:3], x6[:3], 0, x6, one, q6) }},
		{"LayerNormQ8 beta", errLength, func() { LayerNormQ8(2, 3, x6, nil, x6[:3], x6[:2], 0, x6, one, q6) }},
		{"LayerNormQ8 y", errLength, func() { LayerNormQ8(2, 3, x6, nil, x6[:3], x6[:3], 0, x6[:5], one, q6) }},
		{"LayerNormQ8 q", errLength, func() { LayerNormQ8(2, 3, x6, nil, x6[:3], x6[:3], 0, x6, one, q6[:5]) }},
		{"Dequantize q", errLength, func() { Dequantize(2, 3, q6[:5], 3, one, x6, 3) }},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("%s: panic %v, want %q", c.name, got, c.want)
				}
			}()
			c.call()
		}()
	}
}
