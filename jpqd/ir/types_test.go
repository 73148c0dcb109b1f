package ir

import (
	"math"
	"slices"
	"testing"
)

// Values of IEEE 754 half precision.
func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 6.1035156e-05, 0x0001: 5.9604645e-08,
		0x03ff: 6.097555e-05, 0x8001: -5.9604645e-08, 0x3555: 0.33325195,
	} {
		if got := halfToFloat(bits); got != want {
			t.Errorf("%#04x: found %v, want %v", bits, got, want)
		}
	}
	for bits := range 1 << 16 {
		h := uint16(bits)
		if f := halfToFloat(h); f == f && floatToHalf(f) != h {
			t.Fatalf("%#04x: found %#04x after going through float32", h, floatToHalf(f))
		}
	}
	for v, want := range map[float32]uint16{
		1 + 1.0/2048: 0x3c00, 1 + 3.0/2048: 0x3c02, 65519: 0x7bff, 65520: 0x7c00, 2.9e-8: 0, 6.1e-5: 0x03ff, 6.103e-5: 0x0400, -1e9: 0xfc00,
	} {
		if got := floatToHalf(v); got != want {
			t.Errorf("%v: found %#04x, want %#04x", v, got, want)
		}
	}
	if nan := halfToFloat(floatToHalf(float32(math.NaN()))); nan == nan {
		t.Errorf("NaN: found %v", nan)
	}
}

func TestBfloat(t *testing.T) {
	for v, want := range map[float32]uint16{1: 0x3f80, 1.00390625: 0x3f80, 1.01171875: 0x3f82, -3: 0xc040} {
		if got := floatToBfloat(v); got != want {
			t.Errorf("%v: found %#04x, want %#04x", v, got, want)
		}
	}
	if nan := bfloatToFloat(floatToBfloat(float32(math.NaN()))); nan == nan {
		t.Errorf("NaN: found %v", nan)
	}
}

func TestDecode(t *testing.T) {
	raw := []byte{0xff, 0x80, 0x01, 0x00, 0xfe, 0xff, 0xff, 0xff}
	for typ, want := range map[ElementType][]int64{
		I8: {-1, -128, 1, 0, -2, -1, -1, -1}, U8: {255, 128, 1, 0, 254, 255, 255, 255}, Boolean: {1, 1, 1, 0, 1, 1, 1, 1},
		I16: {-32513, 1, -2, -1}, U16: {33023, 1, 65534, 65535}, I32: {98559, -2}, U32: {98559, 4294967294}, I64: {-8589836033},
	} {
		got := make([]int64, len(want))
		decodeInts(got, typ, raw)
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", typ, got, want)
		}
	}
	for typ, want := range map[ElementType][]float32{F32: {1, -2}, F16: {0, 1.875, 0, -2}, BF16: {0, 1, 0, -2}} {
		got := make([]float32, len(want))
		decodeFloats(got, typ, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0})
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %v, want %v", typ, got, want)
		}
	}
}
