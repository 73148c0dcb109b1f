package kernels

import (
	"math"
)

// AdamWStep is what one step of AdamW needs to know besides the tensors.
type AdamWStep struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64

	// Step counts from 1.
	Step int

	// GradScale multiplies every gradient first; 1 leaves them as they are.
	// Gradient clipping sets it to min(1, limit/norm).
	GradScale float32
}

// adamwCoefficients are the scalars of a step, computed in float64 and rounded
// once.
type adamwCoefficients struct {
	gradScale     float32
	beta1         float32
	oneMinusBeta1 float32
	beta2         float32
	oneMinusBeta2 float32
	rootScale     float32 // 1/√(1−β2^t)
	eps           float32
	decay         float32 // 1−lr·wd
	stepSize      float32 // lr/(1−β1^t)
}

// adamwFunc updates p, m and v, all as long as g.
type adamwFunc func(c *adamwCoefficients, p, g, m, v []float32)

var adamwFamily family[adamwFunc]

func init() {
	register(&adamwFamily, Kernel{Op: "adamw_f32", Name: "adamw_f32_generic"}, adamwGeneric)
}

// adamwTask is one step on one tensor.
type adamwTask struct {
	fn         adamwFunc
	c          adamwCoefficients
	p, g, m, v []float32
}

var adamwTasks freeList[adamwTask]

// Run does elements i·vectorGrain and on.
func (t *adamwTask) Run(i int) {
	lo := i * vectorGrain
	hi := min(lo+vectorGrain, len(t.g))
	t.fn(&t.c, t.p[lo:hi], t.g[lo:hi], t.m[lo:hi], t.v[lo:hi])
}

// AdamW does one step of AdamW (Loshchilov and Hutter, 2019) as
// torch.optim.AdamW does it. For every element, with t = s.Step,
//
//	g' = g · GradScale
//	m  = β1·m + (1−β1)·g'
//	v  = β2·v + (1−β2)·g'²
//	p  = (1 − lr·wd)·p − lr/(1−β1^t) · m / (√v/√(1−β2^t) + eps)
//
// g is left as it is. Every product, quotient and sum is rounded to float32 by
// itself, so the result is bit-equal on every instruction set.
func AdamW(s AdamWStep, p, g, m, v []float32) {
	if s.Step < 1 {
		panic(errStep)
	}
	sameLength(p, m, g)
	sameLength(v, v, g)
	if len(g) == 0 {
		return
	}
	t := adamwTasks.get()
	*t = adamwTask{adamwFamily.use.fn, s.coefficients(), p, g, m, v}
	Parallel(parts(len(g), vectorGrain), t)
	*t = adamwTask{}
	adamwTasks.put(t)
}

func (s AdamWStep) coefficients() adamwCoefficients {
	t := float64(s.Step)
	return adamwCoefficients{
		gradScale:     s.GradScale,
		beta1:         float32(s.Beta1),
		oneMinusBeta1: float32(1 - s.Beta1),
		beta2:         float32(s.Beta2),
		oneMinusBeta2: float32(1 - s.Beta2),
		rootScale:     float32(1 / math.Sqrt(1-math.Pow(s.Beta2, t))),
		eps:           float32(s.Eps),
		decay:         float32(1 - s.LR*s.WeightDecay),
		stepSize:      float32(s.LR / (1 - math.Pow(s.Beta1, t))),
	}
}
