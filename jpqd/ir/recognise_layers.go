package ir

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// linear recognises MatMul(x, weight) + bias, and gives the way to x.
func (r *recogniser) linear(s source) (*jpqd.CompressedLinear, way, error) {
	product, bias := s, source{}
	if a, b, ok := summands(s); ok {
		if product, bias = a, b; r.has(a) {
			product, bias = b, a
		}
	}
	if !product.is("MatMul") || bias.layer != nil && !r.has(bias) || !r.has(product.inputs[1]) {
		return nil, way{}, wanted(s, "the product of a value and a constant weight, and a bias")
	}
	c := &call{layer: product.layer}
	turnA, err := c.boolean("transpose_a", false)
	if err != nil {
		return nil, way{}, fmt.Errorf("%s: %w", product.describe(), err)
	}
	turnB, err := c.boolean("transpose_b", false)
	if err != nil {
		return nil, way{}, fmt.Errorf("%s: %w", product.describe(), err)
	}
	if turnA {
		return nil, way{}, fmt.Errorf("%s: transpose_a: found true, want false", product.describe())
	}
	l := &jpqd.CompressedLinear{}
	if l.Weight, err = r.weights(product.inputs[1], !turnB); err != nil {
		return nil, way{}, err
	}
	l.Bias = make([]float32, l.Weight.Rows)
	if bias.layer != nil {
		if l.Bias, err = r.vector(bias, l.Weight.Rows); err != nil {
			return nil, way{}, err
		}
	}
	x := r.back(product.inputs[0], false)
	if l.Input, err = r.oneRange(x); err == nil {
		x, err = r.smoothed(l, x)
	}
	return l, x, err
}

// smoothed recognises a multiplication of each column of a Linear's input by a
// number of its own, as SmoothQuant puts it in front of the quantizer, and gives
// the way behind it.
func (r *recogniser) smoothed(l *jpqd.CompressedLinear, w way) (way, error) {
	s := w.base
	if !s.is("Multiply") {
		return w, nil
	}
	x, factors := s.inputs[0], s.inputs[1]
	if r.has(x) {
		x, factors = factors, x
	}
	t := r.small(factors, max(1, l.Weight.Cols))
	if r.has(x) || t == nil || len(t.F32) != l.Weight.Cols || rowLength(t.Shape) != l.Weight.Cols {
		return w, nil // nothing that is known: what follows says so
	}
	l.Smooth = slices.Clone(t.F32)
	if l.Input == nil {
		return w, wanted(s, "a quantizer behind a multiplication by columns")
	}
	w = r.back(x, false)
	before, err := r.ranges(w)
	if err == nil && len(before) > 0 {
		err = wanted(s, "no quantizer in front of a multiplication by columns")
	}
	return w, err
}

// isLinear tells whether s looks like what linear recognises.
func (r *recogniser) isLinear(s source) bool {
	a, b, ok := summands(s)
	switch {
	case !ok:
		a = s
	case r.has(a):
		a = b
	case !r.has(b):
		return false
	}
	return a.is("MatMul") && r.has(a.inputs[1])
}

// norm recognises a layer normalisation, and gives what is normalised.
func (r *recogniser) norm(s source) (*jpqd.CompressedNorm, source, error) {
	const what = "a layer normalisation with a weight and a bias"
	scaled, beta, ok := summands(s)
	if !ok {
		return nil, source{}, wanted(s, what)
	}
	if r.has(scaled) {
		scaled, beta = beta, scaled
	}
	if !scaled.is("Multiply") || !r.has(beta) {
		return nil, source{}, wanted(s, what)
	}
	normal, gamma := scaled.inputs[0], scaled.inputs[1]
	if r.has(normal) {
		normal, gamma = gamma, normal
	}
	if !r.has(gamma) || r.has(normal) {
		return nil, source{}, wanted(s, what)
	}
	x, eps, err := r.normal(normal)
	if err != nil {
		return nil, source{}, err
	}
	if r.eps == 0 {
		r.eps = eps
	}
	if math.Abs(eps-r.eps) > 1e-3*r.eps {
		return nil, source{}, fmt.Errorf("%s: found eps %v, want %v as in the others", normal.describe(), eps, r.eps)
	}
	n := &jpqd.CompressedNorm{}
	in := r.back(x, false)
	if n.Input, err = r.oneRange(in); err != nil {
		return nil, source{}, err
	}
	g := r.small(gamma, maxChannels)
	if g == nil || r.hidden != 0 && g.Len() != r.hidden {
		return nil, source{}, fmt.Errorf("%s: found no constant of %d floats", gamma.describe(), r.hidden)
	}
	if r.hidden = g.Len(); r.hidden == 0 {
		return nil, source{}, fmt.Errorf("%s: found no elements", gamma.describe())
	}
	if n.Gamma, err = r.vector(gamma, r.hidden); err != nil {
		return nil, source{}, err
	}
	n.Beta, err = r.vector(beta, r.hidden)
	return n, in.base, err
}

// normal recognises (x − mean) / √(variance + eps), as one MVN or spelled out.
func (r *recogniser) normal(s source) (x source, eps float64, err error) {
	if s.is("MVN") {
		c := &call{layer: s.layer}
		mode, err := c.choice("eps_mode", "INSIDE_SQRT", "OUTSIDE_SQRT")
		if err == nil && mode != "INSIDE_SQRT" {
			err = fmt.Errorf("eps_mode: found %s, want INSIDE_SQRT", mode)
		}
		if err == nil {
			var divided bool
			if divided, err = c.boolean("normalize_variance", true); err == nil && !divided {
				err = errors.New("normalize_variance: found false, want true")
			}
		}
		if err == nil {
			eps, err = c.eps()
		}
		if axes := r.small(s.inputs[1], 1); err == nil && (axes == nil || len(axes.I64) != 1 || axes.I64[0] != -1 && axes.I64[0] != 2) {
			err = errors.New("found axes other than the last of three")
		}
		if err != nil {
			return source{}, 0, fmt.Errorf("%s: %w", s.describe(), err)
		}
		return s.inputs[0], eps, nil
	}
	const what = "a layer normalisation"
	if !s.is("Divide") || !s.inputs[0].is("Subtract") || !s.inputs[1].is("Sqrt") {
		return source{}, 0, wanted(s, what)
	}
	centred, root := s.inputs[0], s.inputs[1]
	variance, added, ok := summands(root.inputs[0])
	if ok && r.has(variance) {
		variance, added = added, variance
	}
	eps, constant := r.scalar(added)
	if !ok || !constant || !r.isMean(variance) || !r.isCentred(centred) {
		return source{}, 0, wanted(s, what)
	}
	square := variance.inputs[0]
	switch {
	case square.is("Power"):
		if two, ok := r.scalar(square.inputs[1]); !ok || two != 2 {
			return source{}, 0, wanted(square, "a power of 2")
		}
	case square.is("Multiply") && square.inputs[0] == square.inputs[1]:
	default:
		return source{}, 0, wanted(square, "a square")
	}
	deviation, err := r.plain(square.inputs[0])
	if err != nil {
		return source{}, 0, err
	}
	if !r.isCentred(deviation) || deviation.inputs[0] != centred.inputs[0] {
		return source{}, 0, wanted(square, "the square of the deviation from the mean")
	}
	return centred.inputs[0], eps, nil
}

// isMean tells whether s is a mean of the last of three dimensions, which it keeps.
func (r *recogniser) isMean(s source) bool {
	if !s.is("ReduceMean") {
		return false
	}
	keep, err := (&call{layer: s.layer}).boolean("keep_dims", false)
	axes := r.small(s.inputs[1], 1)
	return err == nil && keep && axes != nil && len(axes.I64) == 1 && (axes.I64[0] == -1 || axes.I64[0] == 2)
}

// isCentred tells whether s is a value less its mean.
func (r *recogniser) isCentred(s source) bool {
	return s.is("Subtract") && r.isMean(s.inputs[1]) && s.inputs[1].inputs[0] == s.inputs[0]
}

// gelu recognises the exact GELU, as one operation or spelled out:
// 0.5·x·(1 + erf(x/√2)), multiplied in any order.
func (r *recogniser) gelu(s source) (x source, err error) {
	const what = "the exact GELU"
	if s.is("Gelu") {
		mode, err := (&call{layer: s.layer}).choice("approximation_mode", "ERF", "TANH")
		if err == nil && mode != "ERF" {
			err = fmt.Errorf("approximation_mode: found %s, want ERF", mode)
		}
		if err != nil {
			return source{}, fmt.Errorf("%s: %w", s.describe(), err)
		}
		return s.inputs[0], nil
	}
	if !s.is("Multiply") {
		return source{}, wanted(s, what)
	}
	number := 1.0
	var gate source
	for _, f := range factors(s, 0) {
		if v, ok := r.scalar(f); ok {
			number *= v
			continue
		}
		a, b, ok := summands(f)
		if ok && r.has(a) {
			a, b = b, a
		}
		one, constant := r.scalar(b)
		switch {
		case ok && constant && one == 1 && a.is("Erf"):
			gate = a
		case f.is("Multiply") || x.layer != nil:
			return source{}, wanted(f, what)
		default:
			x = f
		}
	}
	const tolerance = 1e-4
	if gate.layer == nil || x.layer == nil || math.Abs(number-0.5) > tolerance {
		return source{}, wanted(s, what)
	}
	argument := gate.inputs[0].layer
	if !argument.is("Divide") && !argument.is("Multiply") || r.factorOf(argument) < 0 {
		return source{}, wanted(gate.inputs[0], what)
	}
	if argument.inputs[r.factorOf(argument)] != x || math.Abs(r.factor(argument)-math.Sqrt2/2) > tolerance {
		return source{}, wanted(gate.inputs[0], what)
	}
	return x, nil
}

// factors takes a product apart, three Multiplies deep.
func factors(s source, depth int) []source {
	if !s.is("Multiply") || depth == 3 {
		return []source{s}
	}
	return slices.Concat(factors(s.inputs[0], depth+1), factors(s.inputs[1], depth+1))
}
