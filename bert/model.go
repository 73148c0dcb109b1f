package bert

import (
	"fmt"
	"math/rand/v2"

	"github.com/go-jpqd/jpqd/autograd"
)

// Model is a BERT encoder with pooler and classification head.
type Model struct {
	Config Config

	Word, Position, TokenType *Embedding
	SumPositions              *Op // __iadd___0: (word + type) + position
	EmbeddingNorm             *LayerNorm
	Layers                    []*Layer
	Pooler, Classifier        *Linear
}

// Layer is one transformer block with post-normalisation (Devlin et al. 2019).
type Layer struct {
	Query, Key, Value *Linear // (hidden, hidden)
	Scores            *Op     // matmul_0: Q·Kᵀ
	Context           *Op     // matmul_1: P·V
	AttentionOutput   *Linear // (hidden, hidden)
	AttentionNorm     *LayerNorm
	Intermediate      *Linear // (intermediate, hidden)
	Output            *Linear // (hidden, intermediate)
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

// newRand is the source of random weights.
func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6a707164)) }

// build makes the model with zero weights.
func build(c Config) *Model {
	const e = "bert.embeddings."
	m := &Model{
		Config:        c,
		Word:          newEmbedding(e+"word_embeddings", c.VocabSize, c.HiddenSize),
		Position:      newEmbedding(e+"position_embeddings", c.MaxPositionEmbeddings, c.HiddenSize),
		TokenType:     newEmbedding(e+"token_type_embeddings", c.TypeVocabSize, c.HiddenSize),
		SumPositions:  &Op{Name: e + "__iadd___0"},
		EmbeddingNorm: newLayerNorm(e+"LayerNorm", c.HiddenSize, c.LayerNormEps),
		Pooler:        newLinear("bert.pooler.dense", c.HiddenSize, c.HiddenSize),
		Classifier:    newLinear("classifier", c.NumLabels(), c.HiddenSize),
	}
	for i := range c.NumHiddenLayers {
		l := fmt.Sprintf("bert.encoder.layer.%d.", i)
		m.Layers = append(m.Layers, &Layer{
			Query:           newLinear(l+"attention.self.query", c.HiddenSize, c.HiddenSize),
			Key:             newLinear(l+"attention.self.key", c.HiddenSize, c.HiddenSize),
			Value:           newLinear(l+"attention.self.value", c.HiddenSize, c.HiddenSize),
			Scores:          &Op{Name: l + "attention.self.matmul_0"},
			Context:         &Op{Name: l + "attention.self.matmul_1"},
			AttentionOutput: newLinear(l+"attention.output.dense", c.HiddenSize, c.HiddenSize),
			AttentionNorm:   newLayerNorm(l+"attention.output.LayerNorm", c.HiddenSize, c.LayerNormEps),
			Intermediate:    newLinear(l+"intermediate.dense", c.IntermediateSize, c.HiddenSize),
			Output:          newLinear(l+"output.dense", c.HiddenSize, c.IntermediateSize),
			OutputNorm:      newLayerNorm(l+"output.LayerNorm", c.HiddenSize, c.LayerNormEps),
		})
	}
	return m
}

// Embeddings lists the tables in the order of the model.
func (m *Model) Embeddings() []*Embedding { return []*Embedding{m.Word, m.Position, m.TokenType} }

// Linears lists every Linear in the order of the forward pass.
func (m *Model) Linears() []*Linear {
	var all []*Linear
	for _, l := range m.Layers {
		all = append(all, l.Query, l.Key, l.Value, l.AttentionOutput, l.Intermediate, l.Output)
	}
	return append(all, m.Pooler, m.Classifier)
}

// Ops lists every two-operand operation in the order of the forward pass.
func (m *Model) Ops() []*Op {
	all := []*Op{m.SumPositions}
	for _, l := range m.Layers {
		all = append(all, l.Scores, l.Context)
	}
	return all
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
	linear(m.Pooler, m.Classifier)
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
