package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"weak"
)

// activations in float64, and the error that each one's documentation allows.
var activationReferences = map[Activation]struct {
	f     func(x float64) float64
	bound func(x float64) float64
}{
	ActNone: {func(x float64) float64 { return x }, func(x float64) float64 { return 0 }},
	ActReLU: {func(x float64) float64 { return max(x, 0) }, func(x float64) float64 { return 0 }},
	ActGELU: {func(x float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) },
		func(x float64) float64 { return 5e-7 * max(1, math.Abs(x)) }},
	ActGELUTanh: {func(x float64) float64 { return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) },
		func(x float64) float64 { return 5e-7 * max(1, math.Abs(x)) }},
	ActTanh: {math.Tanh, func(x float64) float64 { return 3e-7 }},
}

// TestActivations: GELU, its cousin and tanh over their whole range and at the
// special numbers. A float product with K = 0 hands the bias to the activation.
func TestActivations(t *testing.T) {
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-30, -1e-30, 1e30, -1e30, math.MaxFloat32, -math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), -float32(math.NaN())}
	for v := float32(-12); v < 12; v += 1.0 / 512 {
		x = append(x, v, v+1e-4)
	}
	n := len(x)
	p := PackF32(NT, n, 0, nil, 0)
	for act, ref := range activationReferences {
		var first []float32
		rowLevels(t, "epilogue", func(t *testing.T) {
			y := make([]float32, n)
			GemmPackedF32(1, nil, 0, p, y, n, &Epilogue{Bias: x, Activation: act})
			for i, v := range x {
				want := ref.f(float64(v))
				switch {
				case v != v:
					if y[i] == y[i] {
						t.Errorf("activation %d of NaN is %v", act, y[i])
					}
				case math.IsInf(float64(v), 0) || act == ActReLU || act == ActNone:
					if want == want && float64(y[i]) != want {
						t.Errorf("activation %d of %v is %v, want %v", act, v, y[i], want)
					}
				case math.Abs(float64(y[i])-want) > ref.bound(float64(v)):
					t.Errorf("activation %d of %v is %v, want %v (off by %.3g)", act, v, y[i], want, float64(y[i])-want)
				}
			}
			if first == nil {
				first = y
			}
			if !sameBits(first, y) {
				t.Errorf("activation %d: %s and the first level differ", act, Selected("epilogue").Name)
			}
		})
	}
}

// epilogueCase is an int8 product with everything an epilogue can do.
type epilogueCase struct {
	p *int8Product[uint8]
	e Epilogue
}

func newEpilogueCase(t *testing.T, r *rand.Rand, m, n, k int) epilogueCase {
	c := epilogueCase{p: newInt8Product[uint8](NT, m, n, k, 1, plainBytes)}
	c.e = Epilogue{ZeroA: 100, ZeroB: 3, LDR: n + 2, Quantizer: Quantizer{Scale: 0.03, ZeroPoint: 7}}
	c.e.Scale, c.e.Bias = fill(r, 1e-4, guarded[float32](t, n)), fill(r, 1, guarded[float32](t, n))
	c.e.Residual = fill(r, 1, guarded[float32](t, max(0, (m-1)*(n+2)+n)))
	return c
}

// TestEpilogue takes each step apart: the float result is the activation of
// exactly the number that the documented operations give, and the bytes are its
// levels. Levels of the instruction set must agree in every bit.
func TestEpilogue(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	shapes := [][3]int{{5, 15, 64}, {6, 32, 40}, {9, 17, 20}, {50, 33, 16}, {1, 1, 5}, {3, 8, 16}, {4, 16, 33}, {49, 70, 64}}
	if testing.Short() {
		shapes = shapes[:3]
	}
	for _, s := range shapes {
		m, n := s[0], s[1]
		for _, parts := range []string{"scale", "scale bias", "scale bias residual", "one scale", "residual"} {
			for act, ref := range activationReferences {
				c := newEpilogueCase(t, r, s[0], s[1], s[2])
				switch parts {
				case "scale":
					c.e.Bias, c.e.Residual = nil, nil
				case "scale bias":
					c.e.Residual = nil
				case "one scale":
					c.e.Scale, c.e.Residual = c.e.Scale[:1], nil
				case "residual":
					c.e.Scale, c.e.Bias = []float32{1e-4}, nil
				}
				c.e.Activation = act
				sums := c.p.reference(c.e.ZeroA, c.e.ZeroB)
				var floats []float32
				t.Run(fmt.Sprintf("%v/%s/%d", s, parts, act), func(t *testing.T) {
					rowLevels(t, "epilogue", func(t *testing.T) {
						b := c.p.pack()
						y := guarded[float32](t, m*n)
						GemmInt8(m, c.p.a, c.p.lda, b, y, n, &c.e)
						for i := range m {
							for j := range n {
								v := float32(sums[i*n+j])
								scale, bias := c.e.Scale[min(j, len(c.e.Scale)-1)], float32(math.Copysign(0, -1))
								if c.e.Bias != nil {
									bias = c.e.Bias[j]
								}
								v = fma32(v, scale, bias)
								if c.e.Residual != nil {
									v += c.e.Residual[i*c.e.LDR+j]
								}
								if e := math.Abs(float64(y[i*n+j]) - ref.f(float64(v))); e > ref.bound(float64(v)) {
									t.Fatalf("(%d, %d): %v, want %v", i, j, y[i*n+j], ref.f(float64(v)))
								}
							}
						}
						if floats == nil {
							floats = slices.Clone(y)
						}
						if !sameBits(floats, y) {
							t.Fatalf("%s and the first level differ", Selected("epilogue").Name)
						}
						checkEpilogueLevels[uint8](t, &c, b, floats)
						checkEpilogueLevels[int8](t, &c, b, floats)
					})
				})
			}
		}
	}
}

// TestEpilogueChunks: a step reaches its row and column wherever the product is
// cut – behind many granules, where the rows of C lie far apart, and for threads.
func TestEpilogueChunks(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(3)
	r := rand.New(rand.NewPCG(7, 8))
	for _, s := range [][4]int{{50, 40, 20, farColumns}, {60, 35, 17000, 35}, {500, 170, 130, 171}} {
		m, n, ldc := s[0], s[1], s[3]
		if testing.Short() && s[2] > 1000 {
			continue
		}
		c := newEpilogueCase(t, r, m, n, s[2])
		sums := c.p.reference(c.e.ZeroA, c.e.ZeroB)
		int8Levels(t, func(t *testing.T) {
			y := make([]float32, m*ldc)
			GemmInt8(m, c.p.a, c.p.lda, c.p.pack(), y, ldc, &c.e)
			for i := range m {
				for j := range n {
					want := fma32(float32(sums[i*n+j]), c.e.Scale[j], c.e.Bias[j]) + c.e.Residual[i*c.e.LDR+j]
					if y[i*ldc+j] != want {
						t.Fatalf("%v: (%d, %d) is %v, want %v", s, i, j, y[i*ldc+j], want)
					}
				}
			}
		})
	}
}

// checkEpilogueLevels: the bytes are the levels of the floats, for the whole range of
// the type and for a narrower one.
func checkEpilogueLevels[T Integer8](t *testing.T, c *epilogueCase, b *PackedInt8, floats []float32) {
	t.Helper()
	m, n := c.p.m, c.p.n
	for _, bounds := range [][2]int32{{0, 0}, {1, 120}} {
		e := c.e
		e.Quantizer.Low, e.Quantizer.High = bounds[0], bounds[1]
		got, want := guarded[T](t, m*n), make([]T, m*n)
		GemmInt8(m, c.p.a, c.p.lda, b, got, n, &e)
		Quantize(m, n, floats, n, e.Quantizer, want, n)
		if !slices.Equal(got, want) {
			t.Fatalf("levels %v of %T: %v, want %v", bounds, want, got, want)
		}
	}
}

// TestEpilogueSpecials: NaN and infinities from the residual reach the result.
func TestEpilogueSpecials(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	x := []float32{nan, inf, -inf, 1e20, -1e20, 3, -nan, 0.5, 1.5, -0.5}
	n := len(x)
	p := PackF32(NT, n, 0, nil, 0)
	rowLevels(t, "epilogue", func(t *testing.T) {
		got, signed := make([]uint8, n), make([]int8, n)
		e := &Epilogue{Residual: x, LDR: n, Quantizer: Quantizer{Scale: 1, ZeroPoint: 10}}
		GemmPackedF32(1, nil, 0, p, got, n, e)
		if want := []uint8{0, 255, 0, 255, 0, 13, 0, 10, 12, 10}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		GemmPackedF32(1, nil, 0, p, signed, n, e)
		if want := []int8{-128, 127, -128, 127, -128, 13, -128, 10, 12, 10}; !slices.Equal(signed, want) {
			t.Errorf("%v, want %v", signed, want)
		}
	})
}

// TestStripsLetGo: what a product has read and written is not kept by buffers.
func TestStripsLetGo(t *testing.T) {
	const m, n = 2, 3
	kept := map[string]weak.Pointer[float32]{}
	func() {
		c, d := make([]float32, 1<<16), make([]float32, 1<<16)
		residual, x := make([]float32, 1<<16), make([]float32, 1<<16)
		kept["c"], kept["d"], kept["residual"], kept["x"] = weak.Make(&c[0]), weak.Make(&d[0]), weak.Make(&residual[0]), weak.Make(&x[0])
		GemmPackedF32(m, nil, 0, PackF32(NT, n, 0, nil, 0), c, n, &Epilogue{Residual: residual, LDR: n})
		batch := Batch{Outer: 1, Inner: 1}
		GemmInt8Batch[uint8](batch, NT, m, n, 0, nil, 0, nil, 0, d, n, nil)
		GELUQ8(m, panelCols, x, panelCols, Quantizer{Scale: 1}, make([]int8, m*panelCols), panelCols)
	}()
	runtime.GC()
	for name, p := range kept {
		if p.Value() != nil {
			t.Errorf("%s is kept", name)
		}
	}
}

// TestGELUQ8: the levels of what the epilogue's GELU gives, on every level and
// with gaps between rows.
func TestGELUQ8(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, s := range [][2]int{{0, 5}, {1, 1}, {3, 31}, {5, 32}, {50, 33}, {97, 100}} {
		rows, cols := s[0], s[1]
		ldx, ldq := cols+3, cols+1
		x := fill(r, 2, guarded[float32](t, max(0, (rows-1)*ldx+cols)))
		z := Quantizer{Scale: 0.02, ZeroPoint: 9}
		rowLevels(t, "epilogue", func(t *testing.T) {
			q := guarded[uint8](t, max(0, (rows-1)*ldq+cols))
			GELUQ8(rows, cols, x, ldx, z, q, ldq)
			for i := range rows {
				y, want := make([]float32, cols), make([]uint8, cols)
				GemmPackedF32(1, nil, 0, PackF32(NT, cols, 0, nil, 0), y, cols, &Epilogue{Bias: x[i*ldx:][:cols], Activation: ActGELU})
				Quantize(1, cols, y, cols, z, want, cols)
				if !slices.Equal(q[i*ldq:][:cols], want) {
					t.Fatalf("%v: row %d is %v, want %v", s, i, q[i*ldq:][:cols], want)
				}
			}
		})
	}
	call := func() { GELUQ8(1, 3, make([]float32, 3), 3, Quantizer{Scale: 1}, make([]int8, 2), 3) }
	defer func() {
		if got := recover(); got != errLength {
			t.Errorf("panic %v, want %q", got, errLength)
		}
	}()
	call()
}
