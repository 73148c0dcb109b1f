package autograd

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// op is an operation under test: it builds a result from the inputs.
type op struct {
	name   string
	inputs [][2]int // shapes
	build  func(t *Tape, in []*Tensor) *Tensor
	// positive inputs are drawn from [0.1, 1); others from a normal distribution.
	positive bool
}

var (
	checkOffsets = []int{0, 3, 4, 9}
	checkIDs     = []int32{2, 0, 2, 3}
	checkLabels  = []int32{1, 0, 2}
	// reluShift moves every second element below zero, and none near it.
	reluShift = func() []float32 {
		shift := make([]float32, 81)
		for i := range shift {
			shift[i] = -2 * float32(i%2)
		}
		return shift
	}()
)

var ops = []op{
	{name: "Linear", inputs: [][2]int{{5, 7}, {3, 7}, {1, 3}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Linear(in[0], in[1], in[2]) }},
	{name: "Linear without bias", inputs: [][2]int{{5, 7}, {3, 7}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Linear(in[0], in[1], nil) }},
	{name: "Gather", inputs: [][2]int{{4, 3}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Gather(in[0], checkIDs) }},
	{name: "Add", inputs: [][2]int{{3, 4}, {3, 4}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Add(in[0], in[1]) }},
	{name: "Add to itself", inputs: [][2]int{{3, 4}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Add(in[0], in[0]) }},
	{name: "Scale", inputs: [][2]int{{3, 4}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Scale(in[0], -1.7) }},
	{name: "GELU", inputs: [][2]int{{9, 9}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.GELU(in[0]) }},
	{name: "Tanh", inputs: [][2]int{{9, 9}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.Tanh(in[0]) }},
	{name: "Dropout", inputs: [][2]int{{9, 9}}, build: func(t *Tape, in []*Tensor) *Tensor { t.Training = true; return t.Dropout(in[0], 0.3) }},
	{name: "DropoutAdd", inputs: [][2]int{{9, 9}, {9, 9}}, build: func(t *Tape, in []*Tensor) *Tensor {
		t.Training = true
		return t.DropoutAdd(in[0], 0.3, in[1], false)
	}},
	{name: "DropoutAdd in place", inputs: [][2]int{{9, 9}, {9, 9}}, build: func(t *Tape, in []*Tensor) *Tensor {
		t.Training = true
		return t.DropoutAdd(t.Scale(in[0], 2), 0.3, in[1], true)
	}},
	{name: "LayerNorm", inputs: [][2]int{{5, 33}, {1, 33}, {1, 33}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.LayerNorm(in[0], in[1], in[2], 1e-3) }},
	{name: "AttentionProbs", inputs: [][2]int{{9, 6}, {9, 6}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.AttentionProbs(in[0], in[1], checkOffsets, 2, 0.6) }},
	{name: "Attention", inputs: [][2]int{{9, 6}, {9, 6}, {9, 6}}, build: func(t *Tape, in []*Tensor) *Tensor {
		t.Training = true
		return t.Attention(in[0], in[1], in[2], checkOffsets, nil, 2, 0.6, 0.3)
	}},
	{name: "Attention of some queries", inputs: [][2]int{{4, 6}, {9, 6}, {9, 6}}, build: func(t *Tape, in []*Tensor) *Tensor {
		t.Training = true
		k, v := t.Scale(in[1], 1), t.Scale(in[2], 1) // whose gradients are not there yet
		return t.Attention(in[0], k, v, checkOffsets, []int{0, 0, 4, 4}, 2, 0.6, 0.3)
	}},
	{name: "Attention of one tensor", inputs: [][2]int{{9, 6}}, build: func(t *Tape, in []*Tensor) *Tensor {
		x := t.Scale(in[0], 1) // whose gradient is not there yet
		return t.Attention(x, x, x, checkOffsets, nil, 2, 0.6, 0)
	}},
	{name: "AttentionScores", inputs: [][2]int{{9, 6}, {9, 6}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.AttentionScores(in[0], in[1], checkOffsets, 2) }},
	{name: "AttentionSoftmax", inputs: [][2]int{{1, 2 * (9 + 1 + 25)}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.AttentionSoftmax(in[0], checkOffsets, 2) }},
	{name: "ReLU", inputs: [][2]int{{9, 9}}, positive: true, build: func(t *Tape, in []*Tensor) *Tensor { return t.ReLU(t.Add(in[0], t.Constant(9, 9, reluShift))) }},
	{name: "AttentionContext", inputs: [][2]int{{1, 2 * (9 + 1 + 25)}, {9, 6}}, positive: true, build: func(t *Tape, in []*Tensor) *Tensor { return t.AttentionContext(in[0], in[1], checkOffsets, 2) }},
	{name: "CrossEntropy", inputs: [][2]int{{3, 4}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.CrossEntropy(in[0], checkLabels) }},
	{name: "VocabularyCrossEntropy", inputs: [][2]int{{3, 40}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.VocabularyCrossEntropy(in[0], []int32{17, 0, 39}) }},
	{name: "MSE", inputs: [][2]int{{3, 1}}, build: func(t *Tape, in []*Tensor) *Tensor { return t.MSE(in[0], []float32{0.5, -1, 2}) }},
	{name: "Distillation", inputs: [][2]int{{3, 4}}, build: func(t *Tape, in []*Tensor) *Tensor {
		return t.Distillation(in[0], t.Constant(3, 4, []float32{1, 2, 3, 4, -1, 0, 1, 0, 3, 3, 0, -3}), 2)
	}},
	{name: "TokenCrossEntropy", inputs: [][2]int{{9, 2}}, build: func(t *Tape, in []*Tensor) *Tensor {
		return t.TokenCrossEntropy(in[0], checkOffsets, []int32{2, 0, -100, 0, 4, 5}) // two of each column's three count
	}},
	{name: "TokenDistillation", inputs: [][2]int{{9, 2}}, build: func(t *Tape, in []*Tensor) *Tensor {
		return t.TokenDistillation(in[0], t.Constant(9, 2, []float32{1, 2, 3, 4, -1, 0, 1, 0, 3, 3, 0, -3, 0, 0, 1, -1, 2, 2}), checkOffsets, 2)
	}},
}

// Every operation's gradient is that of central differences, for a random
// direction of the result's gradient. The differences are taken in float32
// arithmetic, whose noise sets the tolerance.
func TestGradientsAreThoseOfFiniteDifferences(t *testing.T) {
	for _, o := range ops {
		t.Run(o.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			in := make([]*Tensor, len(o.inputs))
			for i, s := range o.inputs {
				in[i] = NewTensor(s[0], s[1])
				in[i].Grad = make([]float32, len(in[i].Data))
				for j := range in[i].Data {
					in[i].Data[j] = float32(rng.NormFloat64())
					if o.positive {
						in[i].Data[j] = float32(0.1 + 0.9*rng.Float64())
					}
				}
			}
			tape := NewTape()
			tape.Begin(Gradients, 7, 1)
			out := o.build(tape, in)
			direction := make([]float32, len(out.Data))
			for i := range direction {
				direction[i] = float32(rng.NormFloat64())
			}
			copy(out.Gradient(), direction)
			tape.backpropagate(0)
			value := func() float64 {
				tape.Begin(Gradients, 7, 1)
				sum := 0.0
				for i, v := range o.build(tape, in).Data {
					sum += float64(v) * float64(direction[i])
				}
				return sum
			}
			for i, x := range in {
				for j := range x.Data {
					const h = 1e-2
					was := x.Data[j]
					x.Data[j] = was + h
					up := value()
					x.Data[j] = was - h
					down := value()
					x.Data[j] = was
					got, want := float64(x.Gradient()[j]), (up-down)/(2*h)
					if math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
						t.Fatalf("input %d, element %d: gradient %g, finite difference %g", i, j, got, want)
					}
				}
			}
		})
	}
}

// noOps are the methods of Tape that differentiate nothing.
var noOps = []string{"Backward", "Begin", "Checkpoint", "Begun", "Bytes", "Constant", "Custom", "Floats", "New", "Recording"}

// Every operation is in the table above, under a name that begins with its own.
func TestEveryOpIsChecked(t *testing.T) {
	methods := reflect.TypeFor[*Tape]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		checked := slices.ContainsFunc(ops, func(o op) bool { return strings.Fields(o.name)[0] == name })
		if !checked && !slices.Contains(noOps, name) {
			t.Errorf("Tape.%s has no check against finite differences, want one in ops", name)
		}
	}
}

// Gradients add up: a second backward pass over the same inputs doubles them.
func TestGradientsAccumulate(t *testing.T) {
	x := NewTensor(2, 2)
	copy(x.Data, []float32{1, 2, 3, 4})
	x.Grad = make([]float32, 4)
	tape := NewTape()
	for pass := 1; pass <= 2; pass++ {
		tape.Begin(Gradients, 0, 0)
		tape.Backward(tape.CrossEntropy(x, []int32{0, 1}), 1)
		if want := float32(pass) * 0.5 * float32(1-1/(1+math.E)-1); pass == 2 && math.Abs(float64(x.Gradient()[3]-want)) > 1e-6 {
			t.Errorf("gradient after two passes %v, want %v", x.Gradient()[3], want)
		}
	}
}

func TestInferenceRecordsNothing(t *testing.T) {
	x := NewTensor(2, 2)
	x.Grad = make([]float32, 4)
	tape := NewTape()
	tape.Begin(Inference, 0, 0)
	if y := tape.GELU(x); y.Gradient() != nil || len(tape.nodes) != 0 {
		t.Errorf("inference recorded %d nodes", len(tape.nodes))
	}
}

// After the first steps have grown the arena, a step allocates nothing.
func TestStepsAllocateNothing(t *testing.T) {
	w, b := NewParam("w", 64, 64), NewParam("b", 64)
	o := NewAdamW([]Group{{Params: []*Param{w, b}}}, 0.9, 0.999, 1e-8)
	x := make([]float32, 9*64)
	tape := NewTape()
	labels := []int32{0, 1, 2}
	ids := []int32{0, 3, 4}
	step := func() {
		tape.Begin(Training, 1, 1)
		h := tape.GELU(tape.Linear(tape.Constant(9, 64, x), &w.Tensor, &b.Tensor))
		p := tape.Dropout(tape.AttentionProbs(h, h, checkOffsets, 2, 0.6), 0.1)
		h = tape.AttentionContext(p, h, checkOffsets, 2)
		h = tape.DropoutAdd(tape.Attention(h, h, h, checkOffsets, nil, 2, 0.6, 0.1), 0.1, h, true)
		h = tape.Gather(h, ids)
		tape.Backward(tape.CrossEntropy(h, labels), 1)
		o.Step(1e-3, ClipScale(o.GradNorm(), 1))
		o.ZeroGrad()
	}
	step()
	step()
	if n := testing.AllocsPerRun(20, step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}

func TestDropoutRepeatsItselfForTheSameStep(t *testing.T) {
	x := NewTensor(10, 10)
	fillOnes(x.Data)
	draw := func(seed, step uint64) []float32 {
		tape := NewTape()
		tape.Begin(Training, seed, step)
		tape.Dropout(x, 0.5)
		return append([]float32(nil), tape.Dropout(x, 0.5).Data...)
	}
	same := func(a, b []float32) bool {
		for i := range a {
			if a[i] != b[i] {
				return false
			}
		}
		return true
	}
	if !same(draw(1, 1), draw(1, 1)) {
		t.Error("the same seed and step drop differently")
	}
	if same(draw(1, 1), draw(1, 2)) || same(draw(1, 1), draw(2, 1)) {
		t.Error("another seed or step drops alike")
	}
}

func fillOnes(x []float32) {
	for i := range x {
		x[i] = 1
	}
}
