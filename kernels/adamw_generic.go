package kernels

import "math"

// adamwGeneric rounds every product by itself, as the assembly does: the
// conversions keep the compiler from fusing it with the sum that follows.
func adamwGeneric(c *adamwCoefficients, p, g, m, v []float32) {
	p, m, v = p[:len(g)], m[:len(g)], v[:len(g)]
	for i := range g {
		grad := float32(g[i] * c.gradScale)
		mean := float32(m[i]*c.beta1) + float32(grad*c.oneMinusBeta1)
		square := float32(v[i]*c.beta2) + float32(float32(grad*grad)*c.oneMinusBeta2)
		root := float32(math.Sqrt(float64(square)))
		step := float32(mean*c.stepSize) / (float32(root*c.rootScale) + c.eps)
		m[i], v[i] = mean, square
		p[i] = float32(p[i]*c.decay) - step
	}
}
