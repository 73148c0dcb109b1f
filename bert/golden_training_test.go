package bert

import (
	"math"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/internal/golden"
)

// Twenty steps of AdamW give the losses, gradients and weights that PyTorch
// gives in float64, as near as float32 comes. What PyTorch pads, the batches here
// leave out.
func TestTrainingIsThatOfPyTorch(t *testing.T) {
	g := golden.ReadTraining(t)
	c, err := ParseConfig(g.Config)
	if err != nil {
		t.Fatal(err)
	}
	m := build(c)
	g.SetWeights(m.Parameters())
	decay, plain := autograd.Group{WeightDecay: g.WeightDecay}, autograd.Group{}
	for _, p := range m.Parameters() {
		if len(p.Shape) == 2 {
			decay.Params = append(decay.Params, p)
		} else {
			plain.Params = append(plain.Params, p)
		}
	}
	optimizer := autograd.NewAdamW([]autograd.Group{decay, plain}, 0.9, 0.999, 1e-8)
	near := func(what string, step int, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance) {
			t.Errorf("step %d: %s %.9g, PyTorch %.9g", step, what, got, want)
		}
	}
	tape := autograd.NewTape()
	for step, batch := range g.Batches {
		var b Batch
		var labels []int32
		for _, s := range batch {
			b.Append(s.IDs, s.Types)
			labels = append(labels, s.Label)
		}
		tape.Begin(autograd.Training, 1, uint64(step))
		logits := m.Forward(tape, &b)
		loss := tape.CrossEntropy(logits, labels)
		tape.Backward(loss, 1)
		if step == 0 {
			checkFirstGradients(t, g, m)
		}
		norm := optimizer.GradNorm()
		optimizer.Step(g.LearningRate*autograd.LinearSchedule(step, g.WarmupSteps, len(g.Batches)), autograd.ClipScale(norm, g.MaxGradNorm))
		optimizer.ZeroGrad()

		want := g.Float64
		near("loss", step, float64(loss.Data[0]), want.Loss[step], 1e-5*want.Loss[step])
		near("norm of the gradient", step, norm, want.GradientNorm[step], 1e-5*want.GradientNorm[step])
		for s, row := range want.Logits[step] {
			for i, x := range row {
				near("logit", step, float64(logits.Data[s*logits.Cols+i]), x, 1e-5)
			}
		}
	}
	g.CheckNorms(t, m.Parameters())
}

// checkFirstGradients compares the gradient of every parameter, as a vector.
// That of a key's bias is 0 but for rounding: it moves all scores of a query alike.
func checkFirstGradients(t *testing.T, g *golden.Training, m *Model) {
	t.Helper()
	want := g.Gradients(t)
	if n := len(want.Names()); n != len(m.Parameters()) {
		t.Fatalf("golden gradients of %d parameters, want %d", n, len(m.Parameters()))
	}
	for _, p := range m.Parameters() {
		w, err := want.F32(p.Name, p.Shape...)
		if err != nil {
			t.Fatal(err)
		}
		difference, norm, found := 0.0, 0.0, p.Gradient()
		for i, x := range w {
			difference = math.Hypot(difference, float64(found[i])-float64(x))
			norm = math.Hypot(norm, float64(x))
		}
		if !(difference <= 1e-4*norm+1e-8) {
			t.Errorf("%s: gradient of norm %g is off by %g", p.Name, norm, difference)
		}
	}
}
