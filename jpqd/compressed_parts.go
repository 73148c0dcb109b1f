package jpqd

import "fmt"

// partVisitor is told of every part of a [Compressed] by the name that it has in
// a file. A count of −1 stands for any.
type partVisitor interface {
	ids(name string, v *[]int)
	vector(name string, v *[]float32, n int)
	optional(name string, v *[]float32, n int) // a vector that may be nil
	matrix(name string, m *CompressedMatrix, rows, cols int)
	activation(name string, r **ActivationRange)
}

// visitParts walks over a model. The sizes that it tells are those that the
// configuration and the parts before give, so that a visitor may fill the parts
// in; c.Layers must have their number.
func visitParts(c *Compressed, v partVisitor) {
	hidden := c.Config.HiddenSize
	p := &partWalk{v, hidden}
	e := &c.Embeddings
	v.matrix("embeddings.word", &e.Word, c.Config.VocabSize, hidden)
	v.matrix("embeddings.position", &e.Position, c.Config.MaxLength(), hidden)
	if c.Config.HasTokenTypes() {
		v.matrix("embeddings.token_type", &e.TokenType, c.Config.TypeVocabSize, hidden)
		p.operands("embeddings.add_types", &e.AddTypes)
	}
	p.operands("embeddings.add_inputs", &e.AddInputs)
	p.norm("embeddings.norm", &e.Norm)
	for i := range c.Layers {
		p.layer(fmt.Sprintf("layers.%d.", i), &c.Layers[i], c.Config.HeadDim())
	}
	width := hidden
	if !c.Config.QuestionAnswering() {
		v.vector("pooler.bias", &c.Pooler.Bias, -1)
		width = len(c.Pooler.Bias)
		v.matrix("pooler", &c.Pooler.Weight, width, hidden)
		v.optional("pooler.smooth", &c.Pooler.Smooth, hidden)
		v.activation("pooler.input", &c.Pooler.Input)
	}
	p.linear("classifier", &c.Classifier, c.Config.NumLabels(), width)
	v.activation("logits", &c.Logits)
}

type partWalk struct {
	partVisitor
	hidden int
}

func (p *partWalk) layer(name string, l *CompressedLayer, headDim int) {
	p.ids(name+"heads", &l.Heads)
	p.ids(name+"neurons", &l.Neurons)
	width, neurons := len(l.Heads)*headDim, len(l.Neurons)
	p.linear(name+"query", &l.Query, width, p.hidden)
	p.linear(name+"key", &l.Key, width, p.hidden)
	p.linear(name+"value", &l.Value, width, p.hidden)
	p.activation(name+"query_out", &l.QueryOut)
	p.activation(name+"key_out", &l.KeyOut)
	p.activation(name+"scale_in", &l.ScaleIn)
	p.activation(name+"scores_in", &l.ScoresIn)
	p.activation(name+"probs_out", &l.ProbsOut)
	p.activation(name+"value_out", &l.ValueOut)
	p.linear(name+"output", &l.Output, p.hidden, width)
	p.operands(name+"attention_add", &l.AttentionAdd)
	p.norm(name+"attention_norm", &l.AttentionNorm)
	p.linear(name+"ffn_in", &l.FFNIn, neurons, p.hidden)
	p.linear(name+"ffn_out", &l.FFNOut, p.hidden, neurons)
	p.operands(name+"output_add", &l.OutputAdd)
	p.norm(name+"output_norm", &l.OutputNorm)
}

func (p *partWalk) linear(name string, l *CompressedLinear, rows, cols int) {
	p.vector(name+".bias", &l.Bias, rows)
	p.matrix(name, &l.Weight, rows, cols)
	p.optional(name+".smooth", &l.Smooth, cols)
	p.activation(name+".input", &l.Input)
}

func (p *partWalk) norm(name string, n *CompressedNorm) {
	p.activation(name+".input", &n.Input)
	p.vector(name+".gamma", &n.Gamma, p.hidden)
	p.vector(name+".beta", &n.Beta, p.hidden)
}

func (p *partWalk) operands(name string, pair *[2]*ActivationRange) {
	for i := range pair {
		p.activation(fmt.Sprintf("%s.%d", name, i), &pair[i])
	}
}

// Quantized says whether any weight is stored as integers or any activation has
// a range.
func (c *Compressed) Quantized() bool {
	f := new(quantizerFinder)
	visitParts(c, f)
	return f.found
}

// quantizerFinder finds whether there is a quantizer.
type quantizerFinder struct{ found bool }

func (f *quantizerFinder) ids(string, *[]int)               {}
func (f *quantizerFinder) vector(string, *[]float32, int)   {}
func (f *quantizerFinder) optional(string, *[]float32, int) {}
func (f *quantizerFinder) matrix(_ string, m *CompressedMatrix, _, _ int) {
	f.found = f.found || m.I8 != nil
}
func (f *quantizerFinder) activation(_ string, r **ActivationRange) { f.found = f.found || *r != nil }
