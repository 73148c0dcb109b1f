package ir

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ElementType is the type of a tensor's elements, as files spell it.
type ElementType string

// The element types that can be evaluated.
const (
	F32     ElementType = "f32"
	F16     ElementType = "f16"
	BF16    ElementType = "bf16"
	I64     ElementType = "i64"
	I32     ElementType = "i32"
	I16     ElementType = "i16"
	I8      ElementType = "i8"
	U32     ElementType = "u32"
	U16     ElementType = "u16"
	U8      ElementType = "u8"
	Boolean ElementType = "boolean"
)

// elementTypes are the precision of each type on a port and its size in bytes.
var elementTypes = map[ElementType]struct {
	precision string
	size      int
}{
	F32: {"FP32", 4}, F16: {"FP16", 2}, BF16: {"BF16", 2},
	I64: {"I64", 8}, I32: {"I32", 4}, I16: {"I16", 2}, I8: {"I8", 1},
	U32: {"U32", 4}, U16: {"U16", 2}, U8: {"U8", 1}, Boolean: {"BOOL", 1},
}

// precisions are the names that a port may bear, those of types that are not evaluated included.
var precisions = map[string]bool{
	"FP32": true, "FP16": true, "BF16": true, "FP64": true,
	"I64": true, "I32": true, "I16": true, "I8": true, "I4": true,
	"U64": true, "U32": true, "U16": true, "U8": true, "U6": true, "U4": true, "U3": true, "U2": true, "U1": true, "BIN": true,
	"BOOL": true, "NF4": true, "F8E4M3": true, "F8E5M2": true, "F4E2M1": true, "F8E8M0": true, "STRING": true,
}

// isFloat tells whether values of the type are held as float32.
func (t ElementType) isFloat() bool { return t == F32 || t == F16 || t == BF16 }

func parseElementType(s string) (ElementType, error) {
	t := ElementType(s)
	if _, ok := elementTypes[t]; !ok {
		return "", fmt.Errorf("element type: found %.80q, want one of f32 f16 bf16 i64 i32 i16 i8 u32 u16 u8 boolean", s)
	}
	return t, nil
}

// wrap reduces v to the range of an integer type, as a conversion in C does.
func (t ElementType) wrap(v int64) int64 {
	switch t {
	case I32:
		return int64(int32(v))
	case I16:
		return int64(int16(v))
	case I8:
		return int64(int8(v))
	case U32:
		return int64(uint32(v))
	case U16:
		return int64(uint16(v))
	case U8:
		return int64(uint8(v))
	case Boolean:
		if v != 0 {
			return 1
		}
	}
	return v
}

// round reduces v to the precision of a float type.
func (t ElementType) round(v float32) float32 {
	switch t {
	case F16:
		return halfToFloat(floatToHalf(v))
	case BF16:
		return bfloatToFloat(floatToBfloat(v))
	}
	return v
}

// roundAll rounds values to the precision of a float type.
func (t ElementType) roundAll(v []float32) {
	if t == F32 {
		return
	}
	for i, x := range v {
		v[i] = t.round(x)
	}
}

// decodeFloats reads len(dst) little-endian values of a float type.
func decodeFloats(dst []float32, t ElementType, raw []byte) {
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = halfToFloat(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = bfloatToFloat(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	}
}

// decodeInts reads len(dst) little-endian values of an integer type or of booleans.
func decodeInts(dst []int64, t ElementType, raw []byte) {
	switch elementTypes[t].size {
	case 1:
		if t == I8 { // tables of weights
			for i := range dst {
				dst[i] = int64(int8(raw[i]))
			}
			return
		}
		for i := range dst {
			dst[i] = t.wrap(int64(raw[i]))
		}
	case 2:
		for i := range dst {
			dst[i] = t.wrap(int64(binary.LittleEndian.Uint16(raw[2*i:])))
		}
	case 4:
		for i := range dst {
			dst[i] = t.wrap(int64(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	case 8:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	}
}

func bfloatToFloat(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// floatToBfloat rounds half to even.
func floatToBfloat(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func halfToFloat(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10)&31, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero and subnormals: fraction · 2⁻²⁴
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinities and NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// floatToHalf rounds half to even.
func floatToHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	abs := math.Abs(float64(v))
	switch {
	case v != v:
		return sign | 0x7e00
	case abs >= 65520:
		return sign | 0x7c00
	case abs < 1.0/(1<<14): // a multiple of 2⁻²⁴
		return sign | uint16(math.RoundToEven(abs*(1<<24)))
	}
	bits = bits&0x7fffffff - 112<<23
	return sign | uint16((bits+0xfff+bits>>13&1)>>13)
}
