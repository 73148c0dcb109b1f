package autograd

import (
	"fmt"
	"math"

	"github.com/go-jpqd/jpqd/kernels"
)

// Group is a set of parameters trained alike.
type Group struct {
	Params      []*Param
	WeightDecay float64
	// GradMultiplier multiplies gradients before clipping (NNCF's
	// compression_lr_multiplier); 0 means 1.
	GradMultiplier float64
}

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2019), as
// torch.optim.AdamW.
type AdamW struct {
	Groups       []Group
	Beta1, Beta2 float64
	Epsilon      float64
	Steps        int // steps taken

	moments map[*Param]*Moments
	table   tableStep
}

// Moments are the running averages of one parameter's gradient and of its square.
type Moments struct{ M, V []float32 }

// NewAdamW returns an optimizer with zero moments and gives every parameter
// that is not frozen a gradient.
func NewAdamW(groups []Group, beta1, beta2, epsilon float64) *AdamW {
	o := &AdamW{Groups: groups, Beta1: beta1, Beta2: beta2, Epsilon: epsilon, moments: map[*Param]*Moments{}}
	for _, g := range groups {
		for _, p := range g.Params {
			if _, twice := o.moments[p]; twice {
				panic(fmt.Sprintf("autograd: parameter %s is in two groups", p.Name))
			}
			if !p.ByRows {
				p.rows = nil // of an optimizer before
			}
			switch {
			case p.Grad != nil || p.rows != nil || p.Frozen:
			case p.ByRows:
				p.rows = newRowGradient(p.Rows, p.Cols)
			default:
				p.Grad = memory[float32](len(p.Data))
			}
			o.moments[p] = &Moments{M: memory[float32](len(p.Data)), V: memory[float32](len(p.Data))}
		}
	}
	return o
}

// Moments are p's; to be saved and restored.
func (o *AdamW) Moments(p *Param) *Moments { return o.moments[p] }

// ZeroGrad sets every gradient to zero; [Tensor.Gradient] is what it then is.
func (o *AdamW) ZeroGrad() {
	for _, g := range o.Groups {
		for _, p := range g.Params {
			p.unset = p.Grad != nil
			if p.rows != nil {
				p.rows.clear()
			}
		}
	}
}

// GradNorm is the Euclidean norm of all gradients together, multipliers applied.
func (o *AdamW) GradNorm() float64 {
	sum := 0.0
	for _, g := range o.Groups {
		f := g.multiplier()
		for _, p := range g.Params {
			switch {
			case p.Frozen:
			case p.rows != nil:
				sum += f * f * p.rows.sumSquares()
			default:
				sum += f * f * kernels.SumSquares(p.Gradient())
			}
		}
	}
	return math.Sqrt(sum)
}

// Step updates every parameter that is not frozen. Gradients are multiplied by
// scale (see [ClipScale]); lr is the learning rate of this step.
func (o *AdamW) Step(lr, scale float64) {
	o.Steps++
	for _, g := range o.Groups {
		s := kernels.AdamWStep{
			LR: lr, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Epsilon, WeightDecay: g.WeightDecay,
			Step: o.Steps, GradScale: float32(scale * g.multiplier()),
		}
		for _, p := range g.Params {
			m := o.moments[p]
			switch {
			case p.Frozen:
			case p.rows != nil:
				o.table.run(s, p, m)
			default:
				kernels.AdamW(s, p.Data, p.Gradient(), m.M, m.V)
			}
		}
	}
}

func (g *Group) multiplier() float64 {
	if g.GradMultiplier == 0 {
		return 1
	}
	return g.GradMultiplier
}

// ClipScale is the factor that brings a gradient of the given norm down to
// maxNorm, as torch.nn.utils.clip_grad_norm_; 1 for maxNorm ≤ 0.
func ClipScale(norm, maxNorm float64) float64 {
	if maxNorm <= 0 {
		return 1
	}
	return math.Min(1, maxNorm/(norm+1e-6))
}

// LinearSchedule is the factor on the learning rate for a step (from 0): it
// rises from 0 over warmup steps, then falls to 0 at total.
func LinearSchedule(step, warmup, total int) float64 {
	if step < warmup {
		return float64(step) / float64(max(1, warmup))
	}
	return math.Max(0, float64(total-step)/float64(max(1, total-warmup)))
}

// ConstantSchedule rises from 0 over warmup steps and stays at 1.
func ConstantSchedule(step, warmup int) float64 {
	if step < warmup {
		return float64(step) / float64(max(1, warmup))
	}
	return 1
}
