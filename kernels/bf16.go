package kernels

import "math"

// BF16 is a brain float: the upper half of a float32's bits.
type BF16 uint16

// Float32 returns the number.
func (x BF16) Float32() float32 { return math.Float32frombits(uint32(x) << 16) }

// ToBF16 rounds x to the nearest BF16, half to even; a NaN stays one.
func ToBF16(x float32) BF16 {
	bits := math.Float32bits(x)
	if x != x {
		return BF16(bits>>16 | 0x40)
	}
	return BF16((bits + 0x7fff + bits>>16&1) >> 16)
}
