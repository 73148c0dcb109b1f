package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLayerNormQ8(t *testing.T) {
	const rows, eps = 3, 1e-5
	rowLevels(t, "layernorm_q8", func(t *testing.T) {
		for place, p := range placements {
			for _, cols := range rowSizes {
				r := rand.New(rand.NewPCG(uint64(cols), 30))
				n := rows * cols
				x, residual := fill(r, 2, p.place(t, n)), fill(r, 1, p.place(t, n))
				for i := range x {
					x[i] += 3
				}
				gamma, beta := fill(r, 1, p.place(t, cols)), fill(r, 1, p.place(t, cols))
				for _, added := range [][]float32{nil, residual} {
					if n == 0 {
						added = nil // an empty slice at a guard page is nil
					}
					testLayerNormQ8(t, rows, cols, eps, x, added, gamma, beta, p.place(t, n), bytePlacements[place](t, n))
				}
			}
		}
	})
}

func testLayerNormQ8(t *testing.T, rows, cols int, eps float32, x, residual, gamma, beta, y []float32, q []byte) {
	t.Helper()
	z := Quantizer{Scale: 0.02, ZeroPoint: 120}
	signed := Quantizer{Scale: 0.03, ZeroPoint: -3, Low: -127, High: 127}
	unchanged := frozen(t, x, residual, gamma, beta)
	LayerNormQ8(rows, cols, x, residual, gamma, beta, eps, y, z, q)
	only, both := make([]int8, len(q)), slices.Clone(q)
	LayerNormQ8(rows, cols, x, residual, gamma, beta, eps, nil, z, q)
	LayerNormQ8(rows, cols, x, residual, gamma, beta, eps, nil, signed, only)
	unchanged()
	if !slices.Equal(q, both) {
		t.Fatalf("%d columns: levels alone differ", cols)
	}
	for i := range rows {
		if cols == 0 {
			break
		}
		v := doubles(x[i*cols:][:cols])
		for j := range v {
			if residual != nil {
				v[j] = float64(float32(x[i*cols+j] + residual[i*cols+j]))
			}
		}
		want, _, _ := layerNormOf(v, doubles(gamma), doubles(beta), float64(eps))
		tolerance := 3e-6
		if cols == 1 {
			tolerance = 1e-3 // rstd is 1/√eps: the rounding of the mean is multiplied
		}
		checkClose(t, "y", y[i*cols:][:cols], want, tolerance)
		got := doubles(y[i*cols:][:cols])
		checkLevels(t, q[i*cols:][:cols], false, z.resolved(0, 255), got, 1e-4)
		checkLevels(t, bytesOf(only[i*cols:][:cols]), true, signed, got, 1e-4)
	}
	inPlace, onResidual := slices.Clone(x), slices.Clone(residual)
	LayerNormQ8[uint8](rows, cols, inPlace, residual, gamma, beta, eps, inPlace, Quantizer{}, nil)
	if residual != nil {
		LayerNormQ8[uint8](rows, cols, x, onResidual, gamma, beta, eps, onResidual, Quantizer{}, nil)
	}
	if !sameBits(inPlace, y) || residual != nil && !sameBits(onResidual, y) {
		t.Fatalf("%d columns: in place the result differs", cols)
	}
}

// FuzzLayerNormQ8 compares every instruction set with the generic kernel.
func FuzzLayerNormQ8(f *testing.F) {
	f.Add(uint64(1), uint16(40), float32(1e-5), true, true)
	f.Add(uint64(2), uint16(313), float32(0), false, false)
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, eps float32, special, added bool) {
		r := rand.New(rand.NewPCG(seed, 31))
		const rows = 2
		cols := int(n%1000) + 1
		numbers := func(n int) []float32 {
			if special {
				return numbersWith(r, 3, make([]float32, n))
			}
			return fill(r, 3, make([]float32, n))
		}
		x, gamma, beta := numbers(rows*cols), numbers(cols), numbers(cols)
		var residual []float32
		if added {
			residual = numbers(rows * cols)
		}
		top := level
		defer setLevel(top)
		var want []float32
		var levels []int8
		for _, k := range layerNormQ8Family.kernels() {
			if k.missing() != "" || k.ISA > top {
				continue
			}
			setLevel(k.ISA)
			y, q := make([]float32, rows*cols), make([]int8, rows*cols)
			LayerNormQ8(rows, cols, x, residual, gamma, beta, eps, y, Quantizer{Scale: 0.03, ZeroPoint: 4}, q)
			if k.ISA == Generic {
				want, levels = y, q
			} else if !sameBits(y, want) || !slices.Equal(q, levels) {
				t.Fatalf("%s: %v and %v, generic %v and %v", k.Name, y, q, want, levels)
			}
		}
	})
}
