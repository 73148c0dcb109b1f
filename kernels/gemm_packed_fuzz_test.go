package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// FuzzGemmPacked compares the products of floats and of BF16, every
// implementation of them, with exact sums; all operands end at a page that
// faults.
func FuzzGemmPacked(f *testing.F) {
	f.Add(uint8(13), uint8(33), uint16(64), uint8(0), true)
	f.Add(uint8(49), uint8(16), uint16(131), uint8(5), false)
	f.Fuzz(func(t *testing.T, m, n uint8, k uint16, pad uint8, transposed bool) {
		op := NN
		if transposed {
			op = NT
		}
		p := newProductIn(op, int(m), int(n), int(k%300), int(pad), smallIntegers, func(n int) []float32 { return guarded[float32](t, n) })
		want, _ := p.reference(false)
		check := func(what string, c []float32) {
			for i, x := range c {
				if float64(x) != want[i] {
					t.Fatalf("%s: %v %d×%d×%d: c[%d] = %v, want %v", what, op, p.m, p.n, p.k, i, x, want[i])
				}
			}
		}
		rowLevels(t, "gemm_packed_f32", func(t *testing.T) {
			c := guarded[float32](t, len(p.c))
			copy(c, p.c)
			GemmPackedF32(p.m, p.a, p.lda, PackF32(op, p.n, p.k, p.b, p.ldb), c, p.ldc, nil)
			check("f32", c)
		})
		a, b := guarded[BF16](t, len(p.a)), guarded[BF16](t, len(p.b))
		RoundBF16(p.a, a)
		RoundBF16(p.b, b)
		rowLevels(t, "gemm_bf16", func(t *testing.T) {
			c := guarded[float32](t, len(p.c))
			copy(c, p.c)
			GemmPackedBF16(p.m, a, p.lda, PackBF16(op, p.n, p.k, b, p.ldb), c, p.ldc, nil)
			check("bf16", c)
		})
	})
}

// FuzzEpilogue compares the levels of the epilogue bit for bit, with scalars of
// any kind, NaN and infinities among them.
func FuzzEpilogue(f *testing.F) {
	f.Add(uint8(5), uint8(33), uint32(0x3f800000), uint32(0), uint32(0x3c000000), int32(7), uint8(2), false, uint64(1))
	f.Add(uint8(9), uint8(64), uint32(0x7f800000), uint32(0x7fc00000), uint32(0x3f000000), int32(-3), uint8(4), true, uint64(2))
	f.Fuzz(func(t *testing.T, m, n uint8, scale, bias, step uint32, zero int32, act uint8, residual bool, seed uint64) {
		rows, cols := int(m%60), int(n%100)
		r := rand.New(rand.NewPCG(seed, 1))
		p := newInt8Product[uint8](NT, rows, cols, 20, 0, plainBytes)
		e := Epilogue{ZeroA: zero, Activation: Activation(act) % numActivations, Quantizer: Quantizer{
			Scale: math.Float32frombits(step), ZeroPoint: zero & 127,
		}}
		if !(e.Quantizer.Scale >= minScale && e.Quantizer.Scale <= math.MaxFloat32) {
			e.Quantizer.Scale = 0.25
		}
		e.Scale, e.Bias = fill(r, 1e-3, make([]float32, cols)), fill(r, 1, make([]float32, cols))
		if cols > 0 {
			e.Scale[0], e.Bias[cols-1] = math.Float32frombits(scale), math.Float32frombits(bias)
		}
		if residual {
			e.Residual, e.LDR = fill(r, 1, make([]float32, rows*cols)), cols
		}
		var floats []float32
		var unsigned []uint8
		var signed []int8
		rowLevels(t, "epilogue", func(t *testing.T) {
			y, u, s := guarded[float32](t, rows*cols), guarded[uint8](t, rows*cols), guarded[int8](t, rows*cols)
			w := p.pack()
			GemmInt8(rows, p.a, p.lda, w, y, cols, &e)
			GemmInt8(rows, p.a, p.lda, w, u, cols, &e)
			GemmInt8(rows, p.a, p.lda, w, s, cols, &e)
			if floats == nil {
				floats, unsigned, signed = slices.Clone(y), slices.Clone(u), slices.Clone(s)
			}
			if !sameBits(floats, y) || !slices.Equal(unsigned, u) || !slices.Equal(signed, s) {
				t.Fatalf("%s and the first level differ", Selected("epilogue").Name)
			}
		})
	})
}
