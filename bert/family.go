package bert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// family is what differs between models of one kind of encoder: the names of
// modules and of config.json's keys, and a few details of the arithmetic. All
// of them are post-norm transformer encoders over absolute positions.
type family struct {
	modelType      string // of config.json
	classification string // architecture with a head over the first token
	answering      string // architecture with a start and an end logit per token
	unmasking      string // architecture with a logit of every word per token
	backbone       string // prefix of the encoder's parameters

	embeddings string // paths below backbone
	layer      string // with %d

	query, key, value, attentionOutput, attentionNorm string // below a layer
	intermediate, output, outputNorm                  string
	self, attentionAdd, ffnAdd                        string // modules that the operations of attention and the residual sums are in
	embeddingAdd                                      string // the first sum of embeddings as it is traced; RoBERTa's comes behind two sums of position ids

	pooler, classifier string // of the classification head

	transform, transformNorm, wordBias, decoder string // of the masked language modelling head; the decoder shares its weight with the word embeddings

	noTypes       bool   // no token type table
	offsetByPad   bool   // the first position is pad_token_id + 1
	scalesQuery   bool   // q/√head_dim before the product, not scores/√head_dim after it
	poolerReLU    bool   // behind the pooler, else tanh
	poolerDropout bool   // in front of the pooler, too
	answerDropout string // config.json's key of a dropout in front of the question-answering head; "": none

	keys     configKeys
	defaults func(c *Config) // transformers' defaults where they differ from BERT's
}

// families are the supported ones, BERT first.
var families = []*family{
	{
		modelType: "bert", classification: "BertForSequenceClassification", answering: "BertForQuestionAnswering", unmasking: "BertForMaskedLM",
		backbone: "bert.", embeddings: "embeddings.", embeddingAdd: "__add___0", layer: "encoder.layer.%d.",
		query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
		attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
		intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm",
		self: "attention.self.", attentionAdd: "attention.output.", ffnAdd: "output.",
		pooler: "bert.pooler.dense", classifier: "classifier",
		transform: "cls.predictions.transform.dense", transformNorm: "cls.predictions.transform.LayerNorm",
		wordBias: "cls.predictions.bias", decoder: "cls.predictions.decoder",
	},
	{
		modelType: "roberta", classification: "RobertaForSequenceClassification", answering: "RobertaForQuestionAnswering", unmasking: "RobertaForMaskedLM",
		backbone: "roberta.", embeddings: "embeddings.", embeddingAdd: "__add___2", layer: "encoder.layer.%d.",
		query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
		attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
		intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm",
		self: "attention.self.", attentionAdd: "attention.output.", ffnAdd: "output.",
		pooler: "classifier.dense", classifier: "classifier.out_proj",
		transform: "lm_head.dense", transformNorm: "lm_head.layer_norm", wordBias: "lm_head.bias", decoder: "lm_head.decoder",
		offsetByPad: true, poolerDropout: true,
		defaults: func(c *Config) { c.VocabSize, c.PadTokenID = 50265, 1 },
	},
	{
		modelType: "distilbert", classification: "DistilBertForSequenceClassification", answering: "DistilBertForQuestionAnswering", unmasking: "DistilBertForMaskedLM",
		backbone: "distilbert.", embeddings: "embeddings.", embeddingAdd: "__add___0", layer: "transformer.layer.%d.",
		query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
		attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
		intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm",
		self: "attention.", attentionAdd: "", ffnAdd: "",
		pooler: "pre_classifier", classifier: "classifier",
		transform: "vocab_transform", transformNorm: "vocab_layer_norm", wordBias: "vocab_projector.bias", decoder: "vocab_projector",
		noTypes: true, scalesQuery: true, poolerReLU: true, answerDropout: "qa_dropout",
		keys: configKeys{
			"hidden_size": "dim", "num_hidden_layers": "n_layers", "num_attention_heads": "n_heads", "intermediate_size": "hidden_dim",
			"hidden_act": "activation", "hidden_dropout_prob": "dropout", "attention_probs_dropout_prob": "attention_dropout",
			"classifier_dropout": "seq_classif_dropout", "layer_norm_eps": "", "type_vocab_size": "", "position_embedding_type": "",
		},
		defaults: func(c *Config) { c.NumHiddenLayers, c.TypeVocabSize, c.ClassifierDropout = 6, 0, 0.2 },
	},
}

// findFamily returns the family for config.json's model_type; "" is BERT.
func findFamily(modelType string) (*family, error) {
	for i, f := range families {
		if f.modelType == modelType || modelType == "" && i == 0 {
			return f, nil
		}
	}
	var names []string
	for _, f := range families {
		names = append(names, fmt.Sprintf("%q", f.modelType))
	}
	return nil, fmt.Errorf("model_type: found %q, want one of %s", modelType, strings.Join(names, ", "))
}

// family is that of a valid configuration.
func (c *Config) family() *family {
	f, err := findFamily(c.ModelType)
	if err != nil {
		panic("bert: " + err.Error())
	}
	return f
}

// architecture is the head that a name of config.json's "architectures" asks
// for: that of classification unless it is the one of question answering.
// Models of masked language modelling are mostly read for their encoder, so
// that only [LoadOptions] asks for that head.
func (f *family) architecture(names []string) string {
	if slices.Contains(names, f.answering) {
		return f.answering
	}
	return f.classification
}

// configKeys are a family's names of config.json's keys by BERT's; "" where it
// has none. What is not listed has BERT's name.
type configKeys map[string]string

// configKeys are the family's keys for one of its heads.
func (f *family) configKeys(answering bool) configKeys {
	if !answering || f.answerDropout == "" {
		return f.keys
	}
	keys := maps.Clone(f.keys)
	keys["classifier_dropout"] = f.answerDropout
	return keys
}

// own is the family's name of one of BERT's keys.
func (k configKeys) own(bert string) string {
	if own, ok := k[bert]; ok {
		return own
	}
	return bert
}

// toBERT is an object with the family's keys in BERT's names.
func (k configKeys) toBERT(raw map[string]json.RawMessage) ([]byte, error) {
	renamed := maps.Clone(raw)
	for bert, own := range k {
		delete(renamed, bert)
		if v, ok := raw[own]; ok {
			renamed[bert] = v
		}
	}
	return json.Marshal(renamed)
}

// QuestionAnswering says whether the logits are a start and an end for every
// token, (rows, 2), rather than one row for a sequence.
func (c *Config) QuestionAnswering() bool { return c.Architecture == c.family().answering }

// PositionOffset is the row of the position table that belongs to a sequence's
// first token: RoBERTa's begin behind that of padding, pad_token_id + 1.
func (c *Config) PositionOffset() int {
	if c.family().offsetByPad {
		return c.PadTokenID + 1
	}
	return 0
}

// MaxLength is the number of tokens of the longest sequence.
func (c *Config) MaxLength() int { return c.MaxPositionEmbeddings - c.PositionOffset() }

// PoolerReLU says that a ReLU follows the pooler, as in DistilBERT, and not tanh.
func (c *Config) PoolerReLU() bool { return c.family().poolerReLU }

// ScalesQuery says that the query is divided by √head_dim before its product
// with the key, as in DistilBERT, and not the product.
func (c *Config) ScalesQuery() bool { return c.family().scalesQuery }

// HasTokenTypes says whether there is a token type table.
func (c *Config) HasTokenTypes() bool { return !c.family().noTypes }
