package bert

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// MaskedHead tells the word of a token from its encoding (Devlin et al. 2019):
// a Linear, GELU and a LayerNorm, then the product with the word embeddings,
// which belong to the encoder as well.
type MaskedHead struct {
	Transform *Linear // (hidden, hidden)
	Norm      *LayerNorm
	Bias      *autograd.Param // (vocabulary)
}

func newMaskedHead(f *family, c *Config) *MaskedHead {
	return &MaskedHead{
		Transform: newLinear(f.transform, c.HiddenSize, c.HiddenSize),
		Norm:      newLayerNorm(f.transformNorm, c.HiddenSize, c.LayerNormEps),
		Bias:      autograd.NewParam(f.wordBias, c.VocabSize),
	}
}

// MaskedLM says whether the logits are one for every word of the vocabulary.
func (c *Config) MaskedLM() bool { return c.Architecture == c.family().unmasking }

// WithMaskedLM is the configuration with the head of masked language modelling.
func (c Config) WithMaskedLM() Config {
	c = c.WithHead(false)
	c.Architecture = c.family().unmasking
	return c
}

// Unmask returns the logits of every word, (rows, vocabulary), of encodings x
// (rows, hidden). Only rows whose word is wanted should be handed to it:
// [autograd.Tape.Gather] picks them.
func (m *Model) Unmask(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	h := m.Masked
	x = h.Norm.Forward(t, t.GELU(h.Transform.Forward(t, x)))
	return m.Logits.left(t, t.Linear(x, &m.Word.Weight.Tensor, &h.Bias.Tensor))
}

// untie takes the decoder's parameters from the tensors that a checkpoint has,
// found by their names here: transformers may write them beside those that they
// share their memory with. A decoder of its own is refused.
func (m *Model) untie(f *checkpoint.File, found map[string]string) error {
	if m.Masked == nil {
		return nil
	}
	decoder := m.Config.family().decoder
	for twin, shared := range map[string]string{decoder + ".weight": m.Word.Weight.Name, decoder + ".bias": m.Masked.Bias.Name} {
		name, ok := found[twin]
		if !ok || twin == shared {
			continue
		}
		delete(found, twin)
		other, ok := found[shared]
		if !ok { // some versions keep this name of the two
			found[shared] = name
			continue
		}
		if !slices.Equal(f.Tensors[name].F32, f.Tensors[other].F32) {
			return fmt.Errorf("tensor %s: differs from %s, want a head that shares it (tie_word_embeddings)", name, other)
		}
	}
	return nil
}
