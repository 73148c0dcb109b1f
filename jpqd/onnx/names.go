package onnx

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
)

// moduleNames are the paths of Hugging Face's modules in a family of models,
// after which nodes and constants are named.
type moduleNames struct {
	graph      string
	embeddings string
	layer      string // of a block, %d for its number

	// Below the block.
	attention, query, key, value, output string
	attentionNorm                        string
	ffnIn, ffnOut                        string
	outputNorm                           string

	pooler, classifier string
}

// families are the names by model_type, of which "" is BERT's too.
var families = map[string]*moduleNames{
	"":        bertNames("bert", "bert.pooler.dense", "classifier"),
	"bert":    bertNames("bert", "bert.pooler.dense", "classifier"),
	"roberta": bertNames("roberta", "classifier.dense", "classifier.out_proj"),
	"distilbert": {
		graph: "distilbert", embeddings: "distilbert.embeddings", layer: "distilbert.transformer.layer.%d",
		attention: ".attention", query: ".attention.q_lin", key: ".attention.k_lin", value: ".attention.v_lin", output: ".attention.out_lin",
		attentionNorm: ".sa_layer_norm", ffnIn: ".ffn.lin1", ffnOut: ".ffn.lin2", outputNorm: ".output_layer_norm",
		pooler: "pre_classifier", classifier: "classifier",
	},
}

func bertNames(backbone, pooler, classifier string) *moduleNames {
	return &moduleNames{
		graph: backbone, embeddings: backbone + ".embeddings", layer: backbone + ".encoder.layer.%d",
		attention: ".attention.self", query: ".attention.self.query", key: ".attention.self.key", value: ".attention.self.value",
		output: ".attention.output.dense", attentionNorm: ".attention.output.LayerNorm",
		ffnIn: ".intermediate.dense", ffnOut: ".output.dense", outputNorm: ".output.LayerNorm",
		pooler: pooler, classifier: classifier,
	}
}

// findNames are the names of the family of a model.
func findNames(c *bert.Config) (*moduleNames, error) {
	if names := families[c.ModelType]; names != nil {
		return names, nil
	}
	return nil, fmt.Errorf("model for ONNX: Config: model_type: found %q, want one of %q", c.ModelType, slices.Sorted(maps.Keys(families)))
}
