package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// adamWOf is the reference of one element's step.
func adamWOf(s AdamWStep, p, g, m, v float64) (p2, m2, v2 float64) {
	g *= float64(s.GradScale)
	t := float64(s.Step)
	m = s.Beta1*m + (1-s.Beta1)*g
	v = s.Beta2*v + (1-s.Beta2)*g*g
	p *= 1 - s.LR*s.WeightDecay
	p -= s.LR / (1 - math.Pow(s.Beta1, t)) * m / (math.Sqrt(v)/math.Sqrt(1-math.Pow(s.Beta2, t)) + s.Eps)
	return p, m, v
}

func TestAdamW(t *testing.T) {
	rowLevels(t, "adamw_f32", func(t *testing.T) {
		for _, place := range placements {
			for _, n := range rowSizes {
				r := rand.New(rand.NewPCG(uint64(n), 15))
				p, g := fill(r, 1, place.place(t, n)), place.place(t, n)
				m, v := place.place(t, n), place.place(t, n)
				clear(m)
				clear(v)
				wantP, wantM, wantV := doubles(p), doubles(m), doubles(v)
				for step := 1; step <= 20; step++ {
					s := AdamWStep{
						LR: 1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1,
						Step: step, GradScale: 1 / float32(step),
					}
					fill(r, 1, g)
					for i, d := range g {
						wantP[i], wantM[i], wantV[i] = adamWOf(s, wantP[i], float64(d), wantM[i], wantV[i])
					}
					unchanged := frozen(t, g)
					AdamW(s, p, g, m, v)
					unchanged()
				}
				checkClose(t, "p", p, wantP, 2e-6)
				checkClose(t, "m", m, wantM, 1e-6)
				checkClose(t, "v", v, wantV, 1e-6)
			}
		}
	})
}

// TestAdamWFirstStep: from zero moments the first step is lr·sign(g), whatever
// the size of the gradient; a zero gradient leaves nothing but the decay.
func TestAdamWFirstStep(t *testing.T) {
	rowLevels(t, "adamw_f32", func(t *testing.T) {
		p, g := []float32{1, 1, 1}, []float32{1e-3, -1e3, 0}
		s := AdamWStep{LR: 0.1, Beta1: 0.9, Beta2: 0.999, Eps: 1e-12, WeightDecay: 0.5, Step: 1, GradScale: 1}
		AdamW(s, p, g, make([]float32, 3), make([]float32, 3))
		checkClose(t, "p", p, []float64{0.85, 1.05, 0.95}, 1e-6)
	})
}
