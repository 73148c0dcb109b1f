package jpqd

import (
	"math"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/kernels"
)

// sparsifier is movement sparsity (Sanh, Wolf and Rush 2020) on one Linear.
type sparsifier struct {
	node         string // NNCF's name of the Linear
	linear       *bert.Linear
	structure    SparseStructure
	weight, bias maskedOperand
}

// maskedOperand is a weight or bias with its importance scores and mask. As a
// matrix (rows, cols) every score covers a block of factors[0]·factors[1].
type maskedOperand struct {
	rows, cols int
	factors    [2]int
	scores     *autograd.Param // (rows/factors[0], cols/factors[1])
	mask       []float32       // (rows, cols), 0 or 1; ones at first
	frozen     bool

	// Of the current step, for the backward half.
	in, out *autograd.Tensor
}

// keepQuantile bounds the threshold so that about 2 % of a tensor survives.
const keepQuantile = 0.98

func newSparsifier(node string, l *bert.Linear, s SparseStructure) (*sparsifier, error) {
	out, in := l.Weight.Rows, l.Weight.Cols
	if err := s.check(l.Name, out, in); err != nil {
		return nil, err
	}
	factors := s.Factors
	switch {
	case s.Mode == PerDim && s.Axis == 0:
		factors = [2]int{1, in}
	case s.Mode == PerDim:
		factors = [2]int{out, 1}
	case s.Mode == Fine:
		factors = [2]int{1, 1}
	}
	p := &sparsifier{node: node, linear: l, structure: s}
	p.weight.init(l.Name+".pre_ops.0.op.weight_importance", out, in, factors, 2)
	p.bias.init(l.Name+".pre_ops.0.op.bias_importance", out, 1, [2]int{factors[0], 1}, 1)
	return p, nil
}

func (o *maskedOperand) init(name string, rows, cols int, factors [2]int, dims int) {
	o.rows, o.cols, o.factors = rows, cols, factors
	shape := []int{rows / factors[0], cols / factors[1]}[:dims]
	o.scores = autograd.NewParam(name, shape...)
	o.scores.Rows, o.scores.Cols = rows/factors[0], cols/factors[1]
	o.mask = make([]float32, rows*cols)
	for i := range o.mask {
		o.mask[i] = 1
	}
}

// area is the number of elements that one score covers.
func (o *maskedOperand) area() int { return o.factors[0] * o.factors[1] }

// apply is W' = M∘W. In training, unless frozen, the mask is made anew first:
// M = 1[E > min(τ, Q₀.₉₈(E))] with E the scores expanded to W's shape.
//
//	w has rows·cols elements in any shape
func (o *maskedOperand) apply(t *autograd.Tape, w *autograd.Tensor, threshold float64) *autograd.Tensor {
	if t.Training && !o.frozen {
		o.remask(threshold)
	}
	y := t.New(w.Rows, w.Cols, w)
	kernels.Mul(o.mask, w.Data, y.Data)
	o.in, o.out = w, y
	t.Custom(o)
	return y
}

// Backward is the other half of apply, with g = dW': dW += M∘g, and straight
// through the threshold dS += Σ g∘W over each score's block.
func (o *maskedOperand) Backward() {
	kernels.MulAdd(o.mask, o.out.Gradient(), o.in.Gradient())
	if o.scores.Gradient() != nil {
		kernels.Parallel(o.scores.Rows, o)
	}
}

// Run adds the gradient of the scores of row i; it makes a maskedOperand a
// kernels.Task.
func (o *maskedOperand) Run(i int) {
	ds := o.scores.Grad[i*o.scores.Cols : (i+1)*o.scores.Cols]
	for r := i * o.factors[0]; r < (i+1)*o.factors[0]; r++ {
		g, w := o.out.Grad[r*o.cols:(r+1)*o.cols], o.in.Data[r*o.cols:(r+1)*o.cols]
		for j := range ds {
			var sum float32
			for c := j * o.factors[1]; c < (j+1)*o.factors[1]; c++ {
				sum += g[c] * w[c]
			}
			ds[j] += sum
		}
	}
}

// remask makes the mask from the scores.
func (o *maskedOperand) remask(threshold float64) {
	t := float32(math.Inf(-1))
	if !math.IsInf(threshold, -1) {
		t = min(float32(threshold), o.quantile(keepQuantile))
	}
	for i := range o.scores.Rows {
		row := o.mask[i*o.factors[0]*o.cols:][:o.cols]
		for j, s := range o.scores.Row(i) {
			var m float32
			if s > t {
				m = 1
			}
			fill(row[j*o.factors[1]:(j+1)*o.factors[1]], m)
		}
		for r := 1; r < o.factors[0]; r++ {
			copy(o.mask[(i*o.factors[0]+r)*o.cols:][:o.cols], row)
		}
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// quantile is torch.quantile of the expanded scores with linear interpolation,
// in float32 as there.
func (o *maskedOperand) quantile(q float32) float32 {
	rank := q * float32(o.rows*o.cols-1)
	below := int(rank)
	above := int(math.Ceil(float64(rank)))
	sources := [...]scoreSource{{o.scores.Data, o.area()}}
	low, upTo := orderStatistic(sources[:], below)
	high := low
	if above >= upTo {
		high = nextScore(sources[:], low)
	}
	return lerp(low, high, rank-float32(below))
}

// lerp is torch.lerp.
func lerp(a, b, weight float32) float32 {
	if weight < 0.5 {
		return a + weight*(b-a)
	}
	return b - (b-a)*(1-weight)
}

// freeze fixes the mask; the scores are trained no more.
func (o *maskedOperand) freeze() {
	o.frozen = true
	o.scores.Freeze()
}

// initialThreshold is the k-th smallest of all expanded scores, k = ⌊N/1000⌋+1,
// so that about 0.1 % of the elements are at or below it.
func initialThreshold(ps []*sparsifier) float64 {
	var sources []scoreSource
	n := 0
	for _, p := range ps {
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			sources = append(sources, scoreSource{o.scores.Data, o.area()})
			n += o.rows * o.cols
		}
	}
	k := min(n, int(float64(n)*0.001)+1)
	v, _ := orderStatistic(sources, k-1)
	return float64(v)
}

// importanceLoss is the regularisation of all scores:
//
//	L = mean over layers of λ·½·[mean(σ(S_w))·f0·f1 + mean(σ(S_b))·f0]
type importanceLoss struct {
	sparsifiers []*sparsifier
	factor      float64 // λ
	out         *autograd.Tensor
}

// layerCoefficient is NNCF's fixed weight of a layer's term.
const layerCoefficient = 0.5

// forward returns L as a (1, 1) tensor.
func (r *importanceLoss) forward(t *autograd.Tape) *autograd.Tensor {
	r.out = t.New(1, 1)
	sum := 0.0
	for _, p := range r.sparsifiers {
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			s := 0.0
			for _, v := range o.scores.Data {
				s += sigmoid(float64(v))
			}
			sum += s * float64(o.area()) / float64(len(o.scores.Data))
		}
	}
	r.out.Data[0] = float32(r.factor * layerCoefficient * sum / float64(len(r.sparsifiers)))
	t.Custom(r)
	return r.out
}

// Backward adds dL·λ·½·f0·f1·σ'(s)/(scores·layers) to each score's gradient.
func (r *importanceLoss) Backward() {
	g := float64(r.out.Gradient()[0]) * r.factor * layerCoefficient / float64(len(r.sparsifiers))
	for _, p := range r.sparsifiers {
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			each, ds := g*float64(o.area())/float64(len(o.scores.Data)), o.scores.Gradient()
			for i, v := range o.scores.Data {
				s := sigmoid(float64(v))
				ds[i] += float32(each * s * (1 - s))
			}
		}
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
