// Package modules names the parts of models as Hugging Face does, for the
// graphs that packages ir and onnx write.
package modules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
)

// Names are the paths of Hugging Face's modules in a family of models, after
// which layers of a graph are named.
type Names struct {
	Graph      string
	Embeddings string
	Layer      string // of a block, %d for its number

	// Below the block.
	Attention, Query, Key, Value, Output string
	AttentionNorm                        string
	FFNIn, FFNOut                        string
	OutputNorm                           string

	Pooler, Classifier string
}

// families are the names by model_type, of which "" is BERT's too.
var families = map[string]*Names{
	"":        bertNames("bert", "bert.pooler.dense", "classifier"),
	"bert":    bertNames("bert", "bert.pooler.dense", "classifier"),
	"roberta": bertNames("roberta", "classifier.dense", "classifier.out_proj"),
	"distilbert": {
		Graph: "distilbert", Embeddings: "distilbert.embeddings", Layer: "distilbert.transformer.layer.%d",
		Attention: ".attention", Query: ".attention.q_lin", Key: ".attention.k_lin", Value: ".attention.v_lin", Output: ".attention.out_lin",
		AttentionNorm: ".sa_layer_norm", FFNIn: ".ffn.lin1", FFNOut: ".ffn.lin2", OutputNorm: ".output_layer_norm",
		Pooler: "pre_classifier", Classifier: "classifier",
	},
}

func bertNames(backbone, pooler, classifier string) *Names {
	return &Names{
		Graph: backbone, Embeddings: backbone + ".embeddings", Layer: backbone + ".encoder.layer.%d",
		Attention: ".attention.self", Query: ".attention.self.query", Key: ".attention.self.key", Value: ".attention.self.value",
		Output: ".attention.output.dense", AttentionNorm: ".attention.output.LayerNorm",
		FFNIn: ".intermediate.dense", FFNOut: ".output.dense", OutputNorm: ".output.LayerNorm",
		Pooler: pooler, Classifier: classifier,
	}
}

// Find are the names of the family of a model.
func Find(c *bert.Config) (*Names, error) {
	if names := families[c.ModelType]; names != nil {
		return names, nil
	}
	return nil, fmt.Errorf("model_type: found %q, want one of %q", c.ModelType, slices.Sorted(maps.Keys(families)))
}
