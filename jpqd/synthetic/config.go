// Package synthetic makes compressed models of random weights, so that the
// speed and the size of a well-known model can be measured without its
// checkpoint. Shapes, quantizers and sparsity are those of real runs; weights
// and ranges are drawn at random so that activations are of about unit size
// everywhere. The logits mean nothing.
package synthetic

import (
	"fmt"
	"strings"

	"github.com/go-jpqd/jpqd/bert"
)

// shape is what a named model has other than its family's default.
type shape struct {
	name, family                        string
	hidden, layers, heads, intermediate int
	positions, types                    int // max_position_embeddings and type_vocab_size; 0: the family's defaults
	epsilon                             float64
}

// shapes are the models that go by name, from their config.json on the hub:
// bert-base-uncased, bert-large-uncased, microsoft/MiniLM-L12-H384-uncased,
// distilbert-base-uncased and roberta-base.
var shapes = []shape{
	{name: "bert-base", family: "bert", hidden: 768, layers: 12, heads: 12, intermediate: 3072},
	{name: "bert-large", family: "bert", hidden: 1024, layers: 24, heads: 16, intermediate: 4096},
	{name: "minilm", family: "bert", hidden: 384, layers: 12, heads: 12, intermediate: 1536},
	{name: "distilbert-base", family: "distilbert", hidden: 768, layers: 6, heads: 12, intermediate: 3072},
	{name: "roberta-base", family: "roberta", hidden: 768, layers: 12, heads: 12, intermediate: 3072, positions: 514, types: 1, epsilon: 1e-5},
}

// Configs are the names that [Config] knows.
func Configs() []string {
	var names []string
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}

// Config is the configuration of a well-known model, with two labels.
func Config(name string) (bert.Config, error) {
	for _, s := range shapes {
		if s.name != name {
			continue
		}
		c, err := bert.DefaultConfigFor(s.family)
		if err != nil {
			return bert.Config{}, err
		}
		c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = s.hidden, s.layers, s.heads, s.intermediate
		if s.positions > 0 {
			c.MaxPositionEmbeddings, c.TypeVocabSize, c.LayerNormEps = s.positions, s.types, s.epsilon
		}
		return c, c.Validate()
	}
	return bert.Config{}, fmt.Errorf("found %q, want one of %s", name, strings.Join(Configs(), ", "))
}
