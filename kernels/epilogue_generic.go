package kernels

import (
	"math"
	"unsafe"
)

func epilogueGeneric(e *epilogueArgs) {
	scale, bias := unsafe.Slice(e.scale, panelCols), unsafe.Slice(e.bias, panelCols)
	for i := range e.rows {
		sums := unsafe.Add(e.sums, i*e.sumStride)
		out := unsafe.Add(e.out, i*e.ldout)
		var residual []float32
		if e.residual != nil {
			residual = unsafe.Slice((*float32)(unsafe.Add(e.residual, i*e.ldr)), e.cols)
		}
		for j := range e.cols {
			var v float32
			if e.sumKind == sumFloat32 {
				v = *(*float32)(unsafe.Add(sums, 4*j))
			} else {
				s := *(*int32)(unsafe.Add(sums, 4*j))
				if e.outKind == outInt32 {
					*(*int32)(unsafe.Add(out, 4*j)) = s
					continue
				}
				v = float32(s)
			}
			v = fma32(v, scale[j], bias[j])
			if residual != nil {
				v += residual[j]
			}
			v = e.activate(v)
			if e.outKind == outFloat32 {
				*(*float32)(unsafe.Add(out, 4*j)) = v
				continue
			}
			v *= e.inverse[0]
			if !(v > e.low[0]) {
				v = e.low[0]
			}
			if v > e.high[0] {
				v = e.high[0]
			}
			*(*byte)(unsafe.Add(out, j)) = byte(int32(roundToEven(v)) + e.zeroPoint[0])
		}
	}
}

// activate applies the activation.
func (e *epilogueArgs) activate(x float32) float32 {
	switch e.activation {
	case actReLU:
		if 0 > x {
			return 0
		}
	case actGELU:
		f := e.lookUp(abs32(x), 32)
		if 0 > x {
			return 0 - f
		}
		return x - f
	case actTanh:
		f := e.lookUp(abs32(x), 256)
		return math.Float32frombits(math.Float32bits(f) | math.Float32bits(x)&(1<<31))
	}
	return x
}

// lookUp evaluates the cubic of t in a table of n.
func (e *epilogueArgs) lookUp(t float32, n int) float32 {
	if t > e.limit[0] {
		t = e.limit[0]
	}
	m := fma32(t, e.slope[0], roundingShift)
	i := int(math.Float32bits(m)) & (n - 1)
	c := unsafe.Slice(e.table, 4*n)
	return fma32(fma32(fma32(c[3*n+i], t, c[2*n+i]), t, c[n+i]), t, c[i])
}
