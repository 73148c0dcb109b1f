package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// layerNormOf is the reference of one row.
func layerNormOf(x, gamma, beta []float64, eps float64) (y []float64, mean, rstd float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	variance := 0.0
	for _, v := range x {
		variance += (v - mean) * (v - mean) / n
	}
	rstd = 1 / math.Sqrt(variance+eps)
	y = make([]float64, len(x))
	for i, v := range x {
		y[i] = (v-mean)*rstd*gamma[i] + beta[i]
	}
	return y, mean, rstd
}

// layerNormSlope is the reference of one row's gradients.
func layerNormSlope(x, gamma []float64, mean, rstd float64, dy []float64) (dx, dgamma, dbeta []float64) {
	n := float64(len(x))
	dx, dgamma, dbeta = make([]float64, len(x)), make([]float64, len(x)), slices.Clone(dy)
	sum, dot := 0.0, 0.0
	for i, v := range x {
		dgamma[i] = dy[i] * (v - mean) * rstd
		sum += dy[i] * gamma[i] / n
		dot += dgamma[i] * gamma[i] / n
	}
	for i, v := range x {
		dx[i] = rstd * (dy[i]*gamma[i] - sum - (v-mean)*rstd*dot)
	}
	return dx, dgamma, dbeta
}

func TestLayerNorm(t *testing.T) {
	const rows, eps = 3, 1e-5
	rowLevels(t, "layernorm_f32", func(t *testing.T) {
		for _, p := range placements {
			for _, cols := range rowSizes {
				r := rand.New(rand.NewPCG(uint64(cols), 9))
				x := fill(r, 2, p.place(t, rows*cols))
				for i := range x {
					x[i] += 3
				}
				gamma, beta := fill(r, 1, p.place(t, cols)), fill(r, 1, p.place(t, cols))
				y, mean, rstd := p.place(t, rows*cols), p.place(t, rows), p.place(t, rows)
				unchanged := frozen(t, x, gamma, beta)
				LayerNorm(rows, cols, x, gamma, beta, eps, y, mean, rstd)
				unchanged()
				if cols == 0 {
					continue
				}
				inPlace := slices.Clone(x)
				LayerNorm(rows, cols, inPlace, gamma, beta, eps, inPlace, mean, rstd)
				if !sameBits(inPlace, y) {
					t.Errorf("%d columns: in place the result differs", cols)
				}
				for i := range rows {
					want, m, s := layerNormOf(doubles(x[i*cols:][:cols]), doubles(gamma), doubles(beta), eps)
					tolerance := 3e-6
					if cols == 1 {
						tolerance = 1e-3 // rstd is 1/√eps: the rounding of the mean is multiplied
					}
					checkClose(t, "y", y[i*cols:][:cols], want, tolerance)
					checkClose(t, "mean", mean[i:i+1], []float64{m}, 1e-6)
					checkClose(t, "rstd", rstd[i:i+1], []float64{s}, 1e-6)
				}
			}
		}
	})
}

func TestLayerNormBackward(t *testing.T) {
	rowLevels(t, "layernorm_input_f32", func(t *testing.T) { testLayerNormBackward(t, 3) })
	rowLevels(t, "layernorm_params_f32", func(t *testing.T) { testLayerNormBackward(t, 70) })
}

func testLayerNormBackward(t *testing.T, rows int) {
	for _, p := range placements {
		for _, cols := range rowSizes {
			if cols == 1 {
				continue // x̂ is zero: nothing but rounding errors over √eps
			}
			r := rand.New(rand.NewPCG(uint64(cols), 10))
			x, dy := fill(r, 2, p.place(t, rows*cols)), fill(r, 1, p.place(t, rows*cols))
			gamma := fill(r, 1, p.place(t, cols))
			y, mean, rstd := make([]float32, rows*cols), p.place(t, rows), p.place(t, rows)
			LayerNorm(rows, cols, x, gamma, gamma, 1e-5, y, mean, rstd)
			dx := fill(r, 1, p.place(t, rows*cols))
			dgamma, dbeta := fill(r, 1, p.place(t, cols)), fill(r, 1, p.place(t, cols))
			wantX, wantGamma, wantBeta := doubles(dx), doubles(dgamma), doubles(dbeta)
			for i := range rows {
				if cols == 0 {
					break
				}
				row := x[i*cols:][:cols]
				a, b, c := layerNormSlope(doubles(row), doubles(gamma), float64(mean[i]), float64(rstd[i]), doubles(dy[i*cols:][:cols]))
				for j := range cols {
					wantX[i*cols+j] += a[j]
					wantGamma[j] += b[j]
					wantBeta[j] += c[j]
				}
			}
			onlyX, onlyGamma, onlyBeta := slices.Clone(dx), slices.Clone(dgamma), slices.Clone(dbeta)
			unchanged := frozen(t, x, gamma, mean, rstd, dy)
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, dy, dx, dgamma, dbeta, true)
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, dy, onlyX, nil, nil, true)
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, dy, nil, onlyGamma, nil, true)
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, dy, nil, nil, onlyBeta, true)
			unchanged()
			checkClose(t, "dx", dx, wantX, 1e-5)
			checkClose(t, "dgamma", dgamma, wantGamma, 1e-5)
			checkClose(t, "dbeta", dbeta, wantBeta, 1e-5)
			if !sameBits(dx, onlyX) || !sameBits(dgamma, onlyGamma) || !sameBits(dbeta, onlyBeta) {
				t.Errorf("%d columns: a gradient alone differs from all together", cols)
			}
		}
	}
}

func TestLayerNormSlope(t *testing.T) {
	const n, eps = 9, 1e-5
	r := rand.New(rand.NewPCG(11, 11))
	numbers := func() []float64 { return doubles(fill(r, 1, make([]float32, n))) }
	x, gamma, beta, dy := numbers(), numbers(), numbers(), numbers()
	loss := func() (sum float64) {
		y, _, _ := layerNormOf(x, gamma, beta, eps)
		for i, v := range y {
			sum += v * dy[i]
		}
		return sum
	}
	_, mean, rstd := layerNormOf(x, gamma, beta, eps)
	dx, dgamma, dbeta := layerNormSlope(x, gamma, mean, rstd, dy)
	checkSlope(t, x, loss, dx)
	checkSlope(t, gamma, loss, dgamma)
	checkSlope(t, beta, loss, dbeta)
}
