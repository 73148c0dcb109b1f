package kernels

import "math"

func layerNormGeneric(eps float32, x, gamma, beta, y []float32) (mean, rstd float32) {
	n := float64(len(x))
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	mean = float32(sum / n)
	squares := 0.0
	for _, v := range x {
		d := float64(v - mean)
		squares += d * d
	}
	rstd = float32(1 / math.Sqrt(squares/n+float64(eps)))
	gamma, beta, y = gamma[:len(x)], beta[:len(x)], y[:len(x)]
	for i, v := range x {
		y[i] = (v-mean)*rstd*gamma[i] + beta[i]
	}
	return mean, rstd
}

func layerNormInputGeneric(mean, rstd float32, x, gamma, dy, dx []float32) {
	gamma, dy, dx = gamma[:len(x)], dy[:len(x)], dx[:len(x)]
	sum, dot := 0.0, 0.0
	for i, v := range x {
		g := dy[i] * gamma[i]
		sum += float64(g)
		dot += float64(g) * float64((v-mean)*rstd)
	}
	n := float64(len(x))
	a, b := float32(sum/n), float32(dot/n)
	for i, v := range x {
		dx[i] += rstd * (dy[i]*gamma[i] - a - (v-mean)*rstd*b)
	}
}

func layerNormParamsGeneric(mean, rstd float32, x, dy, dgamma, dbeta []float32) {
	dy, dgamma, dbeta = dy[:len(x)], dgamma[:len(x)], dbeta[:len(x)]
	for i, v := range x {
		dgamma[i] += dy[i] * ((v - mean) * rstd)
		dbeta[i] += dy[i]
	}
}
