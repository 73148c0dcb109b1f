package jpqd

import (
	"errors"
	"fmt"
	"math"
)

// Validate refuses a model whose parts do not fit together or hold values that
// cannot be computed with. Errors name the field, the value found and the one
// wanted.
func (c *Compressed) Validate() error {
	if c == nil {
		return errors.New("compressed model: found none")
	}
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("compressed model: Config: %w", err)
	}
	if found, want := len(c.Layers), c.Config.NumHiddenLayers; found != want {
		return fmt.Errorf("compressed model: Layers: found %d, want num_hidden_layers = %d", found, want)
	}
	k := &compressedChecker{hidden: c.Config.HiddenSize}
	k.embeddings(c)
	for i := range c.Layers {
		k.layer(fmt.Sprintf("Layers[%d]", i), &c.Layers[i], c)
	}
	k.head(c)
	return k.err
}

// compressedChecker keeps the first error.
type compressedChecker struct {
	hidden int
	err    error
}

func (k *compressedChecker) fail(format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("compressed model: "+format, args...)
	}
}

func (k *compressedChecker) embeddings(c *Compressed) {
	e := &c.Embeddings
	k.matrix("Embeddings.Word", &e.Word, c.Config.VocabSize, k.hidden)
	k.matrix("Embeddings.Position", &e.Position, c.Config.MaxLength(), k.hidden)
	if c.Config.HasTokenTypes() {
		k.matrix("Embeddings.TokenType", &e.TokenType, c.Config.TypeVocabSize, k.hidden)
	} else {
		k.empty("Embeddings.TokenType", &e.TokenType, "a model without token types")
		if e.AddTypes != [2]*ActivationRange{} {
			k.fail("Embeddings.AddTypes: found a range, want none in a model without token types")
		}
	}
	k.operands("Embeddings.AddTypes", e.AddTypes)
	k.operands("Embeddings.AddInputs", e.AddInputs)
	k.norm("Embeddings.Norm", &e.Norm)
}

// head wants a pooler for classification alone.
func (k *compressedChecker) head(c *Compressed) {
	width := k.hidden
	if c.Config.QuestionAnswering() {
		k.empty("Pooler.Weight", &c.Pooler.Weight, "a model for question answering")
		if len(c.Pooler.Bias) > 0 || c.Pooler.Smooth != nil || c.Pooler.Input != nil {
			k.fail("Pooler: found a bias, factors or a range, want none in a model for question answering")
		}
	} else {
		width = c.Pooler.Weight.Rows
		if width < 1 || width > k.hidden {
			k.fail("Pooler.Weight: found %d rows, want 1 to hidden_size = %d", width, k.hidden)
			return
		}
		k.linear("Pooler", &c.Pooler, width, k.hidden)
	}
	k.linear("Classifier", &c.Classifier, c.Config.NumLabels(), width)
	k.activation("Logits", c.Logits)
}

func (k *compressedChecker) layer(path string, l *CompressedLayer, c *Compressed) {
	const lost = "a block that lost all heads or neurons"
	k.kept(path+".Heads", l.Heads, c.Config.NumAttentionHeads)
	k.kept(path+".Neurons", l.Neurons, c.Config.IntermediateSize)
	if width := len(l.Heads) * c.Config.HeadDim(); width > 0 {
		k.linear(path+".Query", &l.Query, width, k.hidden)
		k.linear(path+".Key", &l.Key, width, k.hidden)
		k.linear(path+".Value", &l.Value, width, k.hidden)
		k.activation(path+".QueryOut", l.QueryOut)
		k.activation(path+".KeyOut", l.KeyOut)
		k.activation(path+".ScaleIn", l.ScaleIn)
		k.activation(path+".ScoresIn", l.ScoresIn)
		k.activation(path+".ProbsOut", l.ProbsOut)
		k.activation(path+".ValueOut", l.ValueOut)
		k.pair(path+".QueryOut and KeyOut", l.QueryOut, l.KeyOut)
		k.pair(path+".ProbsOut and ValueOut", l.ProbsOut, l.ValueOut)
		k.linear(path+".Output", &l.Output, k.hidden, width)
		if l.Output.Smooth != nil {
			k.fail("%s.Output.Smooth: found factors, want them in the rows of Value", path)
		}
	} else {
		k.empty(path+".Query.Weight", &l.Query.Weight, lost)
		k.empty(path+".Key.Weight", &l.Key.Weight, lost)
		k.empty(path+".Value.Weight", &l.Value.Weight, lost)
		k.empty(path+".Output.Weight", &l.Output.Weight, lost)
		k.floats(path+".Output.Bias", l.Output.Bias, k.hidden)
	}
	k.operands(path+".AttentionAdd", l.AttentionAdd)
	k.norm(path+".AttentionNorm", &l.AttentionNorm)
	if neurons := len(l.Neurons); neurons > 0 {
		k.linear(path+".FFNIn", &l.FFNIn, neurons, k.hidden)
		k.linear(path+".FFNOut", &l.FFNOut, k.hidden, neurons)
	} else {
		k.empty(path+".FFNIn.Weight", &l.FFNIn.Weight, lost)
		k.empty(path+".FFNOut.Weight", &l.FFNOut.Weight, lost)
		k.floats(path+".FFNOut.Bias", l.FFNOut.Bias, k.hidden)
	}
	k.operands(path+".OutputAdd", l.OutputAdd)
	k.norm(path+".OutputNorm", &l.OutputNorm)
}

// kept wants ids below n, ascending.
func (k *compressedChecker) kept(path string, ids []int, n int) {
	for i, id := range ids {
		if id < 0 || id >= n || i > 0 && id <= ids[i-1] {
			k.fail("%s[%d]: found %d, want ascending ids from 0 to %d", path, i, id, n-1)
			return
		}
	}
}

// linear also wants scales whose product with the value of the input's integer
// 1 is a float32.
func (k *compressedChecker) linear(path string, l *CompressedLinear, rows, cols int) {
	k.matrix(path+".Weight", &l.Weight, rows, cols)
	k.floats(path+".Bias", l.Bias, rows)
	if l.Smooth != nil {
		k.floats(path+".Smooth", l.Smooth, cols)
		if l.Input == nil {
			k.fail("%s.Smooth: found factors of an input that is not quantized, want none", path)
		}
	}
	k.activation(path+".Input", l.Input)
	if k.err != nil {
		return
	}
	for i, scale := range l.Weight.Scale {
		if s := float32(l.Input.Step() * float64(scale)); !normal(s) {
			k.fail("%s.Weight.Scale[%d]: found %v, times the input's step %v: want a normal float32", path, i, scale, l.Input.Step())
			return
		}
	}
}

func (k *compressedChecker) matrix(path string, m *CompressedMatrix, rows, cols int) {
	if m.Rows != rows || m.Cols != cols {
		k.fail("%s: found %d × %d, want %d × %d", path, m.Rows, m.Cols, rows, cols)
		return
	}
	switch {
	case m.F32 != nil && m.I8 != nil:
		k.fail("%s: found both F32 and I8, want one of them", path)
	case m.I8 == nil:
		k.floats(path+".F32", m.F32, rows*cols)
	default:
		if len(m.I8) != rows*cols {
			k.fail("%s.I8: found %d values, want %d", path, len(m.I8), rows*cols)
		}
		k.scales(path+".Scale", m.Scale, rows)
		if m.Zero != nil && len(m.Zero) != rows {
			k.fail("%s.Zero: found %d values, want %d or none", path, len(m.Zero), rows)
		}
	}
	if m.I8 == nil && m.Zero != nil {
		k.fail("%s.Zero: found %d values, want none of a matrix in F32", path, len(m.Zero))
	}
}

// empty wants a matrix without elements.
func (k *compressedChecker) empty(path string, m *CompressedMatrix, where string) {
	if m.Rows != 0 && m.Cols != 0 || len(m.F32) > 0 || len(m.I8) > 0 {
		k.fail("%s: found %d × %d, want no elements in %s", path, m.Rows, m.Cols, where)
	}
}

func (k *compressedChecker) norm(path string, n *CompressedNorm) {
	k.activation(path+".Input", n.Input)
	k.floats(path+".Gamma", n.Gamma, k.hidden)
	k.floats(path+".Beta", n.Beta, k.hidden)
}

func (k *compressedChecker) floats(path string, v []float32, n int) {
	if len(v) != n {
		k.fail("%s: found %d values, want %d", path, len(v), n)
		return
	}
	for i, x := range v {
		if x-x != 0 { // Inf − Inf and NaN − NaN are NaN
			k.fail("%s[%d]: found %v, want a finite value", path, i, x)
			return
		}
	}
}

func (k *compressedChecker) scales(path string, v []float32, n int) {
	k.floats(path, v, n)
	for i, x := range v {
		if !normal(x) {
			k.fail("%s[%d]: found %v, want a normal float32 above 0", path, i, x)
			return
		}
	}
}

func (k *compressedChecker) activation(path string, r *ActivationRange) {
	if r == nil {
		return
	}
	if r.Levels < 2 || r.Levels > 256 {
		k.fail("%s.Levels: found %d, want 2 to 256", path, r.Levels)
		return
	}
	span := r.High - r.Low
	if !(r.Low <= 0 && r.High >= 0 && normal(span) && normal(float32(r.Levels-1)/span) && normal(float32(r.Step()))) {
		k.fail("%s: found range %v to %v, want finite limits with 0 between them and a scale that is a normal float32", path, r.Low, r.High)
	}
}

// operands are the ranges of an addition.
func (k *compressedChecker) operands(path string, pair [2]*ActivationRange) {
	for i, r := range pair {
		k.activation(fmt.Sprintf("%s[%d]", path, i), r)
	}
}

// pair wants the product of two quantizers' steps to be a float32.
func (k *compressedChecker) pair(path string, a, b *ActivationRange) {
	if k.err != nil {
		return
	}
	if step := a.Step() * b.Step(); !normal(float32(step)) {
		k.fail("%s: found a product of steps of %v, want a normal float32", path, step)
	}
}

// normal tells whether x is above zero, finite and of full precision.
func normal(x float32) bool {
	const smallest = 0x1p-126
	return x >= smallest && x <= math.MaxFloat32
}
