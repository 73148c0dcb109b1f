package bert

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/go-jpqd/jpqd/autograd"
)

// Model is an encoder with a head: a pooler over the first token and a
// classifier, one Linear over every token for question answering, or a
// [MaskedHead].
type Model struct {
	Config Config

	Word, Position *Embedding
	TokenType      *Embedding // nil where the family has none
	SumTypes       *Op        // word + type; nil without types
	SumPositions   *Op        // + position
	EmbeddingNorm  *LayerNorm
	Embedded       OperandHook // of the embedding output in front of its dropout; nil: it is used as it is
	Layers         []*Layer
	Pooler         *Linear     // (hidden, hidden); nil but for classification
	Classifier     *Linear     // (labels, hidden); for question answering qa_outputs (2, hidden); nil for masked language modelling
	Masked         *MaskedHead // nil but for masked language modelling
	Logits         *Op         // the model's output: its Hooks[0] transforms it

	// GradientCheckpointing keeps only the output of each layer for the backward
	// half, which runs the layers once more.
	GradientCheckpointing bool
	segments              []segment
}

// Layer is one transformer block with post-normalisation (Devlin et al. 2019).
type Layer struct {
	Query, Key, Value *Linear // (hidden, hidden)
	Scores            *Op     // matmul_0: Q·Kᵀ
	Scale             *Op     // the division by √head_dim; Hooks[0] is of what is divided
	MaskAdd           *Op     // the attention mask's addition; Hooks[0] is of the scaled scores. DistilBERT has none
	Context           *Op     // matmul_1: P·V
	AttentionOutput   *Linear // (hidden, hidden)
	AttentionAdd      *Op     // attention output + the layer's input
	AttentionNorm     *LayerNorm
	Intermediate      *Linear // (intermediate, hidden)
	Output            *Linear // (hidden, intermediate)
	OutputAdd         *Op     // feed-forward output + its input
	OutputNorm        *LayerNorm
}

// New returns a model with random weights. The configuration must be valid.
func New(cfg Config, seed uint64) *Model {
	m := build(cfg)
	rng := newRand(seed)
	for _, p := range m.Parameters() {
		m.reset(p, rng)
	}
	return m
}

// SinusoidalPositions replaces the position embeddings by sinusoids (Vaswani et al.
// 2017) times an amplitude, of a sequence's first token on:
//
//	amplitude · sin(i / 10000^(2j/hidden)), amplitude · cos(the same)    columns 2j, 2j+1
//
// They are a start for training: with them one projection finds the neighbour of
// every position, where random ones have to be learnt position by position.
func (m *Model) SinusoidalPositions(amplitude float32) {
	table := &m.Position.Weight.Tensor
	offset := m.Config.PositionOffset()
	for i := range m.Config.MaxLength() {
		row := table.Row(i + offset)
		for j := range row {
			angle := float64(i) / math.Pow(10000, float64(j&^1)/float64(len(row)))
			if j%2 == 0 {
				row[j] = amplitude * float32(math.Sin(angle))
			} else {
				row[j] = amplitude * float32(math.Cos(angle))
			}
		}
	}
}

// newRand is the source of random weights.
func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6a707164)) }

// build makes the model with zero weights.
func build(c Config) *Model {
	f := c.family()
	e := f.backbone + f.embeddings
	m := &Model{
		Config:        c,
		Word:          newEmbedding(e+"word_embeddings", c.VocabSize, c.HiddenSize),
		Position:      newEmbedding(e+"position_embeddings", c.MaxPositionEmbeddings, c.HiddenSize),
		SumPositions:  &Op{Name: e + f.embeddingAdd},
		EmbeddingNorm: newLayerNorm(e+"LayerNorm", c.HiddenSize, c.LayerNormEps),
		Logits:        &Op{Name: "logits"},
	}
	m.Word.Weight.ByRows = !c.MaskedLM() // whose head multiplies with the table
	if !f.noTypes {
		m.TokenType = newEmbedding(e+"token_type_embeddings", c.TypeVocabSize, c.HiddenSize)
		m.SumTypes, m.SumPositions = m.SumPositions, &Op{Name: e + "__iadd___0"}
	}
	switch {
	case c.QuestionAnswering():
		m.Classifier = newLinear("qa_outputs", c.NumLabels(), c.HiddenSize)
	case c.MaskedLM():
		m.Masked = newMaskedHead(f, &c)
	default:
		m.Pooler = newLinear(f.pooler, c.HiddenSize, c.HiddenSize)
		m.Classifier = newLinear(f.classifier, c.NumLabels(), c.HiddenSize)
	}
	for i := range c.NumHiddenLayers {
		m.Layers = append(m.Layers, f.newLayer(fmt.Sprintf(f.backbone+f.layer, i), &c))
	}
	return m
}

func (f *family) newLayer(path string, c *Config) *Layer {
	linear := func(name string, out, in int) *Linear { return newLinear(path+name, out, in) }
	norm := func(name string) *LayerNorm { return newLayerNorm(path+name, c.HiddenSize, c.LayerNormEps) }
	op := func(module, name string) *Op { return &Op{Name: path + module + name} }
	l := &Layer{
		Query:           linear(f.query, c.HiddenSize, c.HiddenSize),
		Key:             linear(f.key, c.HiddenSize, c.HiddenSize),
		Value:           linear(f.value, c.HiddenSize, c.HiddenSize),
		Scores:          op(f.self, "matmul_0"),
		Scale:           op(f.self, "__truediv___0"),
		MaskAdd:         op(f.self, "__add___0"),
		Context:         op(f.self, "matmul_1"),
		AttentionOutput: linear(f.attentionOutput, c.HiddenSize, c.HiddenSize),
		AttentionAdd:    op(f.attentionAdd, "__add___0"),
		AttentionNorm:   norm(f.attentionNorm),
		Intermediate:    linear(f.intermediate, c.IntermediateSize, c.HiddenSize),
		Output:          linear(f.output, c.HiddenSize, c.IntermediateSize),
		OutputAdd:       op(f.ffnAdd, "__add___0"),
		OutputNorm:      norm(f.outputNorm),
	}
	if f.attentionAdd == f.ffnAdd { // one module traces both sums
		l.OutputAdd = op(f.ffnAdd, "__add___1")
	}
	return l
}

// Embeddings lists the tables in the order of the model.
func (m *Model) Embeddings() []*Embedding {
	if m.TokenType == nil {
		return []*Embedding{m.Word, m.Position}
	}
	return []*Embedding{m.Word, m.Position, m.TokenType}
}

// Linears lists every Linear in the order of the forward pass.
func (m *Model) Linears() []*Linear {
	var all []*Linear
	for _, l := range m.Layers {
		all = append(all, l.Query, l.Key, l.Value, l.AttentionOutput, l.Intermediate, l.Output)
	}
	if m.Masked != nil {
		return append(all, m.Masked.Transform)
	}
	if m.Pooler != nil {
		all = append(all, m.Pooler)
	}
	return append(all, m.Classifier)
}

// Norms lists every LayerNorm in the order of the forward pass.
func (m *Model) Norms() []*LayerNorm {
	all := []*LayerNorm{m.EmbeddingNorm}
	for _, l := range m.Layers {
		all = append(all, l.AttentionNorm, l.OutputNorm)
	}
	if m.Masked != nil {
		all = append(all, m.Masked.Norm)
	}
	return all
}

// Ops lists every operation of activations in the order of the forward pass.
func (m *Model) Ops() []*Op {
	var all []*Op
	if m.SumTypes != nil {
		all = append(all, m.SumTypes)
	}
	all = append(all, m.SumPositions)
	for _, l := range m.Layers {
		if m.Config.ScalesQuery() { // and fills the mask in, without an addition
			all = append(all, l.Scale, l.Scores)
		} else {
			all = append(all, l.Scores, l.Scale, l.MaskAdd)
		}
		all = append(all, l.Context, l.AttentionAdd, l.OutputAdd)
	}
	return append(all, m.Logits)
}

// Parameters lists every parameter in the order in which transformers does.
func (m *Model) Parameters() []*autograd.Param {
	var ps []*autograd.Param
	linear := func(ls ...*Linear) {
		for _, l := range ls {
			ps = append(ps, l.Weight, l.Bias)
		}
	}
	for _, e := range m.Embeddings() {
		ps = append(ps, e.Weight)
	}
	ps = append(ps, m.EmbeddingNorm.Weight, m.EmbeddingNorm.Bias)
	for _, l := range m.Layers {
		linear(l.Query, l.Key, l.Value, l.AttentionOutput)
		ps = append(ps, l.AttentionNorm.Weight, l.AttentionNorm.Bias)
		linear(l.Intermediate, l.Output)
		ps = append(ps, l.OutputNorm.Weight, l.OutputNorm.Bias)
	}
	if h := m.Masked; h != nil {
		ps = append(ps, h.Bias)
		linear(h.Transform)
		return append(ps, h.Norm.Weight, h.Norm.Bias)
	}
	if m.Pooler != nil {
		linear(m.Pooler)
	}
	linear(m.Classifier)
	return ps
}

// NumParameters is the number of trained values.
func (m *Model) NumParameters() int {
	n := 0
	for _, p := range m.Parameters() {
		n += len(p.Data)
	}
	return n
}
