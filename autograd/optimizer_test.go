package autograd

import (
	"math"
	"testing"
)

// One parameter over three steps against the formulas of torch.optim.AdamW,
// computed in float64.
func TestAdamWFollowsTheFormula(t *testing.T) {
	p := NewParam("p", 3)
	copy(p.Data, []float32{1, -2, 0.5})
	const lr, wd, b1, b2, eps, scale = 0.1, 0.01, 0.9, 0.999, 1e-8, 0.5
	o := NewAdamW([]Group{{Params: []*Param{p}, WeightDecay: wd}}, b1, b2, eps)
	want, m, v := []float64{1, -2, 0.5}, make([]float64, 3), make([]float64, 3)
	for step := 1; step <= 3; step++ {
		for i := range want {
			g := float64(i+step) - 2.5
			p.Gradient()[i] = float32(g)
			g *= scale
			want[i] *= 1 - lr*wd
			m[i] = b1*m[i] + (1-b1)*g
			v[i] = b2*v[i] + (1-b2)*g*g
			mh, vh := m[i]/(1-math.Pow(b1, float64(step))), v[i]/(1-math.Pow(b2, float64(step)))
			want[i] -= lr * mh / (math.Sqrt(vh) + eps)
		}
		o.Step(lr, scale)
		o.ZeroGrad()
	}
	for i := range want {
		if math.Abs(float64(p.Data[i])-want[i]) > 1e-6 {
			t.Errorf("element %d is %v, want %v", i, p.Data[i], want[i])
		}
	}
}

func TestFrozenParametersStay(t *testing.T) {
	p := NewParam("p", 2)
	o := NewAdamW([]Group{{Params: []*Param{p}, WeightDecay: 1}}, 0.9, 0.999, 1e-8)
	copy(p.Data, []float32{1, 2})
	p.Gradient()[0] = 5
	p.Freeze()
	o.Step(0.1, 1)
	if p.Data[0] != 1 || p.Data[1] != 2 || o.GradNorm() != 0 {
		t.Errorf("a frozen parameter became %v", p.Data)
	}
}

func TestGradNormAndClipping(t *testing.T) {
	p, q := NewParam("p", 2), NewParam("q", 1)
	o := NewAdamW([]Group{{Params: []*Param{p}}, {Params: []*Param{q}, GradMultiplier: 2}}, 0.9, 0.999, 1e-8)
	p.Gradient()[0], p.Gradient()[1], q.Gradient()[0] = 3, 4, 6
	if got := o.GradNorm(); math.Abs(got-13) > 1e-6 {
		t.Errorf("norm %v, want 13", got)
	}
	for _, c := range []struct{ norm, max, want float64 }{{13, 1, 1 / (13 + 1e-6)}, {0.5, 1, 1}, {13, 0, 1}} {
		if got := ClipScale(c.norm, c.max); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("ClipScale(%v, %v) = %v, want %v", c.norm, c.max, got, c.want)
		}
	}
}

// transformers' get_linear_schedule_with_warmup.
func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		step, warmup, total int
		want                float64
	}{{0, 0, 10, 1}, {5, 0, 10, 0.5}, {10, 0, 10, 0}, {0, 4, 10, 0}, {2, 4, 10, 0.5}, {4, 4, 10, 1}, {7, 4, 10, 0.5}, {12, 4, 10, 0}} {
		if got := LinearSchedule(c.step, c.warmup, c.total); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("LinearSchedule(%d, %d, %d) = %v, want %v", c.step, c.warmup, c.total, got, c.want)
		}
	}
	if ConstantSchedule(1, 4) != 0.25 || ConstantSchedule(9, 4) != 1 {
		t.Error("ConstantSchedule does not rise to 1 and stay")
	}
}

func TestParameterInTwoGroupsPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	p := NewParam("p", 1)
	NewAdamW([]Group{{Params: []*Param{p}}, {Params: []*Param{p}}}, 0.9, 0.999, 1e-8)
}
