package jpqd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// structures are one of each granularity for a weight of (8, 12).
var structures = []SparseStructure{
	{Mode: Fine, Factors: [2]int{1, 1}},
	{Mode: Block, Factors: [2]int{2, 3}},
	{Mode: Block, Factors: [2]int{8, 12}},
	{Mode: PerDim, Axis: 0},
	{Mode: PerDim, Axis: 1},
}

func newLinear(name string, out, in int) *bert.Linear {
	return &bert.Linear{Name: name, Weight: autograd.NewParam(name+".weight", out, in), Bias: autograd.NewParam(name+".bias", out)}
}

func mustSparsify(t *testing.T, l *bert.Linear, s SparseStructure) *sparsifier {
	t.Helper()
	p, err := newSparsifier("node of "+l.Name, l, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func randomFill(rng *rand.Rand, xs ...[]float32) {
	for _, x := range xs {
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
	}
}

// expanded is torch.repeat_interleave of the scores along both dimensions.
func expanded(o *maskedOperand) []float32 {
	e := make([]float32, 0, o.rows*o.cols)
	perRow := o.cols / o.factors[1]
	for r := range o.rows {
		for c := range o.cols {
			e = append(e, o.scores.Data[r/o.factors[0]*perRow+c/o.factors[1]])
		}
	}
	return e
}

// torchQuantile interpolates linearly at q·(n−1).
func torchQuantile(x []float32, q float64) float64 {
	x = slices.Sorted(slices.Values(x))
	at := q * float64(len(x)-1)
	below := int(at)
	above := min(below+1, len(x)-1)
	return float64(x[below]) + (at-float64(below))*float64(x[above]-x[below])
}

func TestScoreShapes(t *testing.T) {
	tests := []struct {
		structure        SparseStructure
		weight           []int
		weightFactors    [2]int
		bias, biasFactor int
	}{
		{structures[0], []int{8, 12}, [2]int{1, 1}, 8, 1},
		{structures[1], []int{4, 4}, [2]int{2, 3}, 4, 2},
		{structures[2], []int{1, 1}, [2]int{8, 12}, 1, 8},
		{structures[3], []int{8, 1}, [2]int{1, 12}, 8, 1},
		{structures[4], []int{1, 12}, [2]int{8, 1}, 1, 8},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.structure), func(t *testing.T) {
			p := mustSparsify(t, newLinear("layer", 8, 12), test.structure)
			if got := p.weight.scores.Shape; !slices.Equal(got, test.weight) {
				t.Errorf("weight scores: found shape %v, want %v", got, test.weight)
			}
			if p.weight.factors != test.weightFactors {
				t.Errorf("weight factors: found %v, want %v", p.weight.factors, test.weightFactors)
			}
			if got := p.bias.scores.Shape; !slices.Equal(got, []int{test.bias}) {
				t.Errorf("bias scores: found shape %v, want (%d,)", got, test.bias)
			}
			if got := p.bias.factors; got != [2]int{test.biasFactor, 1} {
				t.Errorf("bias factors: found %v, want (%d, 1)", got, test.biasFactor)
			}
			for _, o := range []*maskedOperand{&p.weight, &p.bias} {
				if slices.ContainsFunc(o.scores.Data, func(v float32) bool { return v != 0 }) {
					t.Error("scores do not start at zero")
				}
				if slices.ContainsFunc(o.mask, func(v float32) bool { return v != 1 }) {
					t.Error("the mask does not start as ones")
				}
			}
			if got, want := p.weight.scores.Name, "layer.pre_ops.0.op.weight_importance"; got != want {
				t.Errorf("name: found %s, want %s", got, want)
			}
		})
	}
}

// M = 1[E > min(τ, Q₀.₉₈(E))] against the definition on expanded scores.
func TestMaskIsThatOfExpandedScores(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range structures {
		p := mustSparsify(t, newLinear("layer", 8, 12), s)
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			for range 20 {
				randomFill(rng, o.scores.Data)
				for _, threshold := range []float64{math.Inf(-1), -1, 0, 0.3, float64(o.scores.Data[0]), 1, 2, 100} {
					limit := min(threshold, torchQuantile(expanded(o), 0.98))
					o.remask(threshold)
					for i, e := range expanded(o) {
						if alive := float64(e) > limit; alive != (o.mask[i] == 1) || o.mask[i] != 0 && o.mask[i] != 1 {
							t.Fatalf("%v, τ = %v, limit %v: score %v of element %d has mask %v", s, threshold, limit, e, i, o.mask[i])
						}
					}
				}
			}
		}
	}
}

func TestMaskByHand(t *testing.T) {
	counting := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i)
		}
		return x
	}
	tests := []struct {
		name      string
		out, in   int
		structure SparseStructure
		scores    []float32
		threshold float64
		alive     int // elements
	}{
		{"100 scores, quantile 97.02", 10, 10, structures[0], counting(100), 1e9, 2},
		{"below the quantile", 10, 10, structures[0], counting(100), 96.5, 3},
		{"strictly above the threshold", 10, 10, structures[0], counting(100), 97, 2},
		{"position 98.98 of 101 is between two scores", 101, 1, structures[0], counting(101), 1e9, 2},
		{"a structure of more than 2 % makes the quantile the maximum", 8, 12, structures[3], counting(8), 1e9, 0},
		{"its maximum survives a lower threshold", 8, 12, structures[3], counting(8), 6.5, 12},
		{"equal scores at the threshold", 8, 12, structures[0], make([]float32, 96), 0, 0},
		{"equal scores above the threshold", 8, 12, structures[0], make([]float32, 96), -1e-6, 96},
		{"before warm-up", 8, 12, structures[1], []float32{-1e30, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, math.Inf(-1), 96},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustSparsify(t, newLinear("layer", test.out, test.in), test.structure)
			copy(p.weight.scores.Data, test.scores)
			p.weight.remask(test.threshold)
			alive := 0
			for _, m := range p.weight.mask {
				alive += int(m)
			}
			if alive != test.alive {
				t.Errorf("found %d elements alive, want %d", alive, test.alive)
			}
		})
	}
}

func TestOnlyTrainingMakesMasks(t *testing.T) {
	tests := []struct {
		name   string
		mode   autograd.Mode
		frozen bool
		remade bool
	}{
		{"training", autograd.Training, false, true},
		{"evaluation", autograd.Inference, false, false},
		{"frozen", autograd.Training, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustSparsify(t, newLinear("layer", 8, 12), structures[3])
			o := &p.weight
			p.linear.Weight.Grad = make([]float32, 96)
			fill(p.linear.Weight.Data, 3)
			for i := range o.scores.Data {
				o.scores.Data[i] = float32(i)
			}
			clear(o.mask[:12]) // as stored: the first row is dead
			if test.frozen {
				o.freeze()
			}
			tape := autograd.NewTape()
			tape.Begin(test.mode, 0, 0)
			y := o.apply(tape, &p.linear.Weight.Tensor, 3.5)
			for r := range 8 {
				want := float32(3)
				if test.remade && r <= 3 || !test.remade && r == 0 {
					want = 0
				}
				if got := y.Row(r)[5]; got != want {
					t.Errorf("row %d: found %v, want %v", r, got, want)
				}
			}
		})
	}
}

func TestMaskGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, s := range structures {
		for _, frozen := range []bool{false, true} {
			t.Run(fmt.Sprint(s, frozen), func(t *testing.T) {
				l := newLinear("layer", 8, 12)
				p := mustSparsify(t, l, s)
				for _, c := range []struct {
					o *maskedOperand
					w *autograd.Param
				}{{&p.weight, l.Weight}, {&p.bias, l.Bias}} {
					o, w := c.o, c.w
					w.Grad, o.scores.Grad = make([]float32, len(w.Data)), make([]float32, len(o.scores.Data))
					randomFill(rng, w.Data, w.Gradient(), o.scores.Data, o.scores.Gradient())
					before, scoresBefore := slices.Clone(w.Gradient()), slices.Clone(o.scores.Gradient())
					if frozen {
						o.freeze()
					}
					tape := autograd.NewTape()
					tape.Begin(autograd.Training, 0, 0)
					y := o.apply(tape, &w.Tensor, 0.1)
					randomFill(rng, y.Gradient())
					o.Backward()
					ds := make([]float64, len(o.scores.Data))
					for i := range w.Data {
						if want := before[i] + o.mask[i]*y.Gradient()[i]; !near(w.Gradient()[i], want, 1e-6) {
							t.Fatalf("dW[%d]: found %v, want %v", i, w.Gradient()[i], want)
						}
						ds[(i/o.cols/o.factors[0])*(o.cols/o.factors[1])+i%o.cols/o.factors[1]] += float64(y.Gradient()[i] * w.Data[i])
					}
					if frozen {
						if o.scores.Gradient() != nil || !o.scores.Frozen {
							t.Error("frozen scores have a gradient")
						}
						continue
					}
					for i, want := range ds {
						if !near(o.scores.Gradient()[i], float32(want)+scoresBefore[i], 1e-4) {
							t.Errorf("dS[%d]: found %v, want %v", i, o.scores.Gradient()[i], want+float64(scoresBefore[i]))
						}
					}
				}
			})
		}
	}
}

// near says whether two numbers differ by at most tolerance, relative to those above 1.
func near(a, b, tolerance float32) bool {
	return abs(a-b) <= tolerance*max(1, abs(a), abs(b))
}

// The unit values of a block of BERT-base where all scores are zero, σ = ½:
// ½·(½·32·32 + ½·32) = 264 for blocks of 32×32, ½·(½·768 + ½) = 192.25 for rows of
// 768, ½·(½·768 + ½·768) = 384 for columns of 768, whose one bias score covers
// 768 too. Their mean over a block, (4·264 + 192.25 + 384)/6 = 272.0417, is that of
// the model.
func TestRegularisationOfBERTBase(t *testing.T) {
	square := SparseStructure{Mode: Block, Factors: [2]int{32, 32}}
	tests := []struct {
		name      string
		out, in   int
		structure SparseStructure
		want      float64
	}{
		{"attention", 768, 768, square, 264},
		{"feed-forward in", 3072, 768, SparseStructure{Mode: PerDim, Axis: 0}, 192.25},
		{"feed-forward out", 768, 3072, SparseStructure{Mode: PerDim, Axis: 1}, 384},
	}
	loss := func(factor float64, ps ...*sparsifier) float64 {
		tape := autograd.NewTape()
		tape.Begin(autograd.Inference, 0, 0)
		r := importanceLoss{sparsifiers: ps, factor: factor}
		return float64(r.forward(tape).Data[0])
	}
	var block []*sparsifier
	for _, test := range tests {
		l := &bert.Linear{Name: test.name, Weight: &autograd.Param{Tensor: autograd.Tensor{Rows: test.out, Cols: test.in}}}
		p := mustSparsify(t, l, test.structure)
		if got := loss(1, p); math.Abs(got-test.want) > 1e-4 {
			t.Errorf("%s: found %v, want %v", test.name, got, test.want)
		}
		block = append(block, p)
	}
	block = append(block, block[0], block[0], block[0]) // Q, K, V and the output
	if got := loss(1, block...); math.Abs(got-272.0417) > 1e-4 {
		t.Errorf("one block: found %v, want 272.0417", got)
	}
	if got := loss(0.05, block...); math.Abs(got-13.6021) > 1e-4 {
		t.Errorf("one block, λ = 0.05: found %v, want 13.6021", got)
	}
}

func TestRegularisationGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	r := &importanceLoss{factor: 0.7}
	for _, s := range structures {
		p := mustSparsify(t, newLinear("layer", 8, 12), s)
		randomFill(rng, p.weight.scores.Data, p.bias.scores.Data)
		r.sparsifiers = append(r.sparsifiers, p)
	}
	tape := autograd.NewTape()
	forward := func() float64 {
		tape.Begin(autograd.Inference, 0, 0)
		return float64(r.forward(tape).Data[0])
	}
	for _, p := range r.sparsifiers {
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			o.scores.Grad = make([]float32, len(o.scores.Data))
		}
	}
	tape.Begin(autograd.Gradients, 0, 0)
	tape.Backward(r.forward(tape), 2)
	for _, p := range r.sparsifiers {
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			for i, s := range o.scores.Data {
				const h = 0.05
				o.scores.Data[i] = s + h
				high := forward()
				o.scores.Data[i] = s - h
				low := forward()
				o.scores.Data[i] = s
				// Twice the slope: the loss's own gradient is 2. Float32 losses and the
				// third derivative limit the precision.
				if got, want := float64(o.scores.Gradient()[i]), (high-low)/h; math.Abs(got-want) > 1e-3*math.Abs(want)+3e-5 {
					t.Errorf("%v, score %d: found %v, want %v", p.structure, i, got, want)
				}
				sigma := sigmoid(float64(s))
				exact := 2 * 0.7 * 0.5 * float64(o.area()) * sigma * (1 - sigma) / float64(len(o.scores.Data)) / 5
				if got := float64(o.scores.Gradient()[i]); math.Abs(got-exact) > 1e-6*exact {
					t.Errorf("%v, score %d: found %v, want %v by the formula", p.structure, i, got, exact)
				}
			}
		}
	}
}

// The k-th smallest of all expanded scores, k = min(N, ⌊N/1000⌋+1).
func TestInitialThreshold(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for n := range 10 {
		var ps []*sparsifier
		var all []float32
		for i, s := range structures[:2+n%4] {
			p := mustSparsify(t, newLinear("layer", 8*(1+n*i), 12*(1+n)), s)
			randomFill(rng, p.weight.scores.Data, p.bias.scores.Data)
			all = append(append(all, expanded(&p.weight)...), expanded(&p.bias)...)
			ps = append(ps, p)
		}
		slices.Sort(all)
		k := min(len(all), len(all)/1000+1)
		if got, want := initialThreshold(ps), float64(all[k-1]); got != want {
			t.Errorf("%d elements: found %v, want the %d-th smallest %v", len(all), got, k, want)
		}
	}
}
