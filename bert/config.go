package bert

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// Config is config.json of a Hugging Face folder of BERT, RoBERTa or DistilBERT;
// the keys are BERT's. Those that jpqd does not know are kept and written back.
type Config struct {
	ModelType                 string   // model_type: "bert" (also ""), "roberta" or "distilbert"
	Architecture              string   // architectures: "BertForSequenceClassification", "BertForQuestionAnswering" and the like; "" classifies
	VocabSize                 int      // vocab_size
	HiddenSize                int      // hidden_size
	NumHiddenLayers           int      // num_hidden_layers
	NumAttentionHeads         int      // num_attention_heads
	IntermediateSize          int      // intermediate_size
	HiddenAct                 string   // hidden_act: "gelu" (exact)
	HiddenDropoutProb         float64  // hidden_dropout_prob
	AttentionProbsDropoutProb float64  // attention_probs_dropout_prob
	ClassifierDropout         float64  // classifier_dropout, or hidden_dropout_prob where null
	MaxPositionEmbeddings     int      // max_position_embeddings
	TypeVocabSize             int      // type_vocab_size; 0 for DistilBERT
	InitializerRange          float64  // initializer_range: standard deviation of random weights
	LayerNormEps              float64  // layer_norm_eps
	PadTokenID                int      // pad_token_id
	Labels                    []string // id2label in order of id; default LABEL_0, LABEL_1; question answering has two that mean nothing
	ProblemType               string   // problem_type: "" or "single_label_classification", or "regression"

	extra map[string]json.RawMessage // keys not listed above
}

// WithHead is the configuration with the other head. Labels start afresh.
func (c Config) WithHead(answering bool) Config {
	f := c.family()
	c.Architecture, c.Labels, c.ProblemType = f.classification, []string{"LABEL_0", "LABEL_1"}, ""
	if answering {
		c.Architecture = f.answering
	}
	return c
}

// HeadDim is the width of one attention head.
func (c *Config) HeadDim() int { return c.HiddenSize / c.NumAttentionHeads }

// ScoreScale is 1/√head_dim, the factor of attention's scores.
func (c *Config) ScoreScale() float32 { return float32(1 / math.Sqrt(float64(c.HeadDim()))) }

// NumLabels is the number of outputs of the classification head.
func (c *Config) NumLabels() int { return len(c.Labels) }

// Sizes above these are refused: they exceed any published BERT many times and
// keep products of two sizes well inside an int.
const (
	maxVocab  = 1 << 22
	maxWidth  = 1 << 16
	maxLayers = 1 << 10
	maxValues = 1 << 30 // parameters in all; BERT-large has 335 million
)

// configJSON is the part of config.json that Config holds.
type configJSON struct {
	ModelType                 string            `json:"model_type"`
	VocabSize                 int               `json:"vocab_size"`
	HiddenSize                int               `json:"hidden_size"`
	NumHiddenLayers           int               `json:"num_hidden_layers"`
	NumAttentionHeads         int               `json:"num_attention_heads"`
	IntermediateSize          int               `json:"intermediate_size"`
	HiddenAct                 string            `json:"hidden_act"`
	HiddenDropoutProb         float64           `json:"hidden_dropout_prob"`
	AttentionProbsDropoutProb float64           `json:"attention_probs_dropout_prob"`
	ClassifierDropout         *float64          `json:"classifier_dropout"`
	MaxPositionEmbeddings     int               `json:"max_position_embeddings"`
	TypeVocabSize             int               `json:"type_vocab_size"`
	InitializerRange          float64           `json:"initializer_range"`
	LayerNormEps              float64           `json:"layer_norm_eps"`
	PadTokenID                int               `json:"pad_token_id"`
	PositionEmbeddingType     string            `json:"position_embedding_type"`
	ID2Label                  map[string]string `json:"id2label,omitempty"`
	Label2ID                  map[string]int    `json:"label2id,omitempty"`
	NumLabels                 *int              `json:"num_labels,omitempty"`
	ProblemType               *string           `json:"problem_type,omitempty"`
	Architectures             []string          `json:"architectures"`
}

// knownKeys are the JSON keys of configJSON.
var knownKeys = func() []string {
	data, err := json.Marshal(configJSON{ID2Label: map[string]string{"0": ""}, Label2ID: map[string]int{"": 0}, NumLabels: new(int), ProblemType: new(string)})
	if err != nil {
		panic(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		panic(err)
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}()

// DefaultConfig is transformers' BertConfig(): BERT-base with two labels.
func DefaultConfig() Config {
	return Config{
		ModelType: "bert", Architecture: "BertForSequenceClassification",
		VocabSize: 30522, HiddenSize: 768, NumHiddenLayers: 12, NumAttentionHeads: 12, IntermediateSize: 3072,
		HiddenAct: "gelu", HiddenDropoutProb: 0.1, AttentionProbsDropoutProb: 0.1, ClassifierDropout: 0.1,
		MaxPositionEmbeddings: 512, TypeVocabSize: 2, InitializerRange: 0.02, LayerNormEps: 1e-12,
		Labels: []string{"LABEL_0", "LABEL_1"},
	}
}

// DefaultConfigFor is transformers' default configuration of a model_type.
func DefaultConfigFor(modelType string) (Config, error) {
	f, err := findFamily(modelType)
	if err != nil {
		return Config{}, err
	}
	c := DefaultConfig()
	c.ModelType, c.Architecture = f.modelType, f.classification
	if f.defaults != nil {
		f.defaults(&c)
	}
	return c, nil
}

// LoadConfig reads dir/config.json. Keys that are absent have transformers' defaults.
func LoadConfig(dir string) (Config, error) {
	path := filepath.Join(dir, "config.json")
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, err
	}
	if info.Size() > 1<<24 {
		return Config{}, fmt.Errorf("%s: %d bytes, want a configuration of at most 16 MiB", path, info.Size())
	}
	var c Config
	err = checkpoint.ReadJSON(path, &c)
	return c, err
}

// ParseConfig reads the text of a config.json.
func ParseConfig(data []byte) (Config, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return Config{}, err
	}
	if raw == nil {
		return Config{}, errors.New("found null, want an object")
	}
	var head struct {
		ModelType     string   `json:"model_type"`
		Architectures []string `json:"architectures"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Config{}, err
	}
	f, err := findFamily(head.ModelType)
	if err != nil {
		return Config{}, err
	}
	c, err := DefaultConfigFor(f.modelType)
	if err != nil {
		return Config{}, err
	}
	c.Architecture = f.architecture(head.Architectures)
	if c.QuestionAnswering() && f.answerDropout != "" {
		c.ClassifierDropout = 0.1 // qa_dropout's default
	}
	j := c.json()
	j.ID2Label, j.Label2ID, j.ClassifierDropout = nil, nil, nil
	keys := f.configKeys(c.QuestionAnswering())
	if data, err = keys.toBERT(raw); err != nil {
		return Config{}, err
	}
	if err := json.Unmarshal(data, &j); err != nil {
		return Config{}, err
	}
	c.extra = raw
	for _, k := range knownKeys {
		delete(c.extra, keys.own(k))
	}
	if j.PositionEmbeddingType != "absolute" {
		return Config{}, fmt.Errorf("position_embedding_type: found %q, want \"absolute\"", j.PositionEmbeddingType)
	}
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers = j.VocabSize, j.HiddenSize, j.NumHiddenLayers
	c.NumAttentionHeads, c.IntermediateSize, c.HiddenAct = j.NumAttentionHeads, j.IntermediateSize, j.HiddenAct
	c.HiddenDropoutProb, c.AttentionProbsDropoutProb = j.HiddenDropoutProb, j.AttentionProbsDropoutProb
	switch {
	case j.ClassifierDropout != nil:
		c.ClassifierDropout = *j.ClassifierDropout
	case len(keys) == 0: // a classifier_dropout that is null or absent
		c.ClassifierDropout = j.HiddenDropoutProb
	}
	c.MaxPositionEmbeddings, c.TypeVocabSize = j.MaxPositionEmbeddings, j.TypeVocabSize
	c.InitializerRange, c.LayerNormEps, c.PadTokenID = j.InitializerRange, j.LayerNormEps, j.PadTokenID
	if j.ProblemType != nil {
		c.ProblemType = *j.ProblemType
	}
	if err := c.readLabels(&j); err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

func (c *Config) readLabels(j *configJSON) error {
	switch {
	case j.ID2Label != nil:
		c.Labels = make([]string, len(j.ID2Label))
		for id := range c.Labels {
			label, ok := j.ID2Label[strconv.Itoa(id)]
			if !ok {
				return fmt.Errorf("id2label: %d labels but none with id %d, want ids 0 to %d", len(c.Labels), id, len(c.Labels)-1)
			}
			c.Labels[id] = label
		}
	case j.NumLabels != nil:
		if *j.NumLabels < 1 || *j.NumLabels > maxWidth {
			return fmt.Errorf("num_labels: found %d, want 1 to %d", *j.NumLabels, maxWidth)
		}
		c.Labels = make([]string, *j.NumLabels)
		for i := range c.Labels {
			c.Labels[i] = fmt.Sprintf("LABEL_%d", i)
		}
	}
	return nil
}

// Validate checks every size; errors name the key of config.json, the value
// found and the one wanted.
func (c *Config) Validate() error {
	f, err := findFamily(c.ModelType)
	if err != nil {
		return err
	}
	if c.Architecture != "" && !slices.Contains([]string{f.classification, f.answering, f.unmasking}, c.Architecture) {
		return fmt.Errorf("architectures: found %q, want %q, %q or %q", c.Architecture, f.classification, f.answering, f.unmasking)
	}
	keys := f.configKeys(c.QuestionAnswering())
	sizes := []struct {
		key        string
		value, max int
	}{
		{"vocab_size", c.VocabSize, maxVocab},
		{"hidden_size", c.HiddenSize, maxWidth},
		{"num_attention_heads", c.NumAttentionHeads, maxWidth},
		{"intermediate_size", c.IntermediateSize, maxWidth},
		{"max_position_embeddings", c.MaxPositionEmbeddings, maxVocab},
		{"num_hidden_layers", c.NumHiddenLayers, maxLayers},
		{"id2label", len(c.Labels), maxWidth},
	}
	for _, s := range sizes {
		if s.value < 1 || s.value > s.max {
			return fmt.Errorf("%s: found %d, want 1 to %d", keys.own(s.key), s.value, s.max)
		}
	}
	switch types := c.TypeVocabSize; {
	case f.noTypes && types != 0:
		return fmt.Errorf("type_vocab_size: found %d, want none in a %s", types, f.modelType)
	case !f.noTypes && (types < 1 || types > maxWidth):
		return fmt.Errorf("type_vocab_size: found %d, want 1 to %d", types, maxWidth)
	}
	if n := len(c.Labels); c.QuestionAnswering() && n != 2 {
		return fmt.Errorf("id2label: found %d labels, want 2 for %s: a start and an end", n, c.Architecture)
	}
	if c.HiddenSize%c.NumAttentionHeads != 0 {
		return fmt.Errorf("hidden_size: found %d, want a multiple of num_attention_heads = %d", c.HiddenSize, c.NumAttentionHeads)
	}
	if values := c.values(); values > maxValues {
		return fmt.Errorf("config.json describes %d parameters, want at most %d", values, maxValues)
	}
	if c.HiddenAct != "gelu" {
		return fmt.Errorf("hidden_act: found %q, want \"gelu\"", c.HiddenAct)
	}
	if !slices.Contains([]string{"", "single_label_classification", "regression"}, c.ProblemType) {
		return fmt.Errorf("problem_type: found %q, want \"single_label_classification\" or \"regression\"", c.ProblemType)
	}
	for _, p := range []struct {
		key   string
		value float64
	}{{"hidden_dropout_prob", c.HiddenDropoutProb}, {"attention_probs_dropout_prob", c.AttentionProbsDropoutProb}, {"classifier_dropout", c.ClassifierDropout}} {
		if !(p.value >= 0 && p.value < 1) {
			return fmt.Errorf("%s: found %v, want at least 0 and below 1", p.key, p.value)
		}
	}
	if !(c.LayerNormEps > 0 && c.LayerNormEps < 1) {
		return fmt.Errorf("layer_norm_eps: found %v, want above 0 and below 1", c.LayerNormEps)
	}
	if !(c.InitializerRange >= 0 && c.InitializerRange < 10) {
		return fmt.Errorf("initializer_range: found %v, want 0 to 10", c.InitializerRange)
	}
	if c.PadTokenID < 0 || c.PadTokenID >= c.VocabSize {
		return fmt.Errorf("pad_token_id: found %d, want 0 to %d", c.PadTokenID, c.VocabSize-1)
	}
	if c.MaxLength() < 1 {
		return fmt.Errorf("max_position_embeddings: found %d, want more than pad_token_id + 1 = %d", c.MaxPositionEmbeddings, c.PositionOffset())
	}
	return nil
}

// values is the number of parameters, but for biases and normalisations.
func (c *Config) values() int {
	embedding := c.VocabSize + c.MaxPositionEmbeddings + c.TypeVocabSize
	block := 4*c.HiddenSize + 2*c.IntermediateSize
	head := c.HiddenSize + len(c.Labels)
	return c.HiddenSize * (embedding + c.NumHiddenLayers*block + head)
}

// json is the configuration as BERT's keys spell it.
func (c *Config) json() configJSON {
	j := configJSON{
		ModelType: c.family().modelType, VocabSize: c.VocabSize, HiddenSize: c.HiddenSize, NumHiddenLayers: c.NumHiddenLayers,
		NumAttentionHeads: c.NumAttentionHeads, IntermediateSize: c.IntermediateSize, HiddenAct: c.HiddenAct,
		HiddenDropoutProb: c.HiddenDropoutProb, AttentionProbsDropoutProb: c.AttentionProbsDropoutProb,
		MaxPositionEmbeddings: c.MaxPositionEmbeddings, TypeVocabSize: c.TypeVocabSize, InitializerRange: c.InitializerRange,
		LayerNormEps: c.LayerNormEps, PadTokenID: c.PadTokenID, PositionEmbeddingType: "absolute",
		ID2Label: map[string]string{}, Label2ID: map[string]int{},
		Architectures: []string{c.family().architecture([]string{c.Architecture})},
	}
	if c.MaskedLM() {
		j.Architectures[0] = c.Architecture
	}
	if c.ClassifierDropout != c.HiddenDropoutProb {
		j.ClassifierDropout = &c.ClassifierDropout
	}
	if c.ProblemType != "" {
		j.ProblemType = &c.ProblemType
	}
	for i, label := range c.Labels {
		j.ID2Label[strconv.Itoa(i)] = label
		j.Label2ID[label] = i
	}
	return j
}

// MarshalJSON writes the keys of config.json, those that jpqd does not know included.
func (c Config) MarshalJSON() ([]byte, error) {
	f, err := findFamily(c.ModelType)
	if err != nil {
		return nil, err
	}
	if len(c.Labels) == 0 {
		return nil, errors.New("bert: configuration without labels")
	}
	j, keys := c.json(), f.configKeys(c.QuestionAnswering())
	if len(keys) > 0 {
		j.ClassifierDropout = &c.ClassifierDropout // under a key with a default of its own
	}
	data, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal(data, &own); err != nil {
		return nil, err
	}
	all := make(map[string]json.RawMessage, len(c.extra)+len(own))
	for k, v := range c.extra {
		all[k] = v
	}
	for k, v := range own {
		if key := keys.own(k); key != "" {
			all[key] = v
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON is ParseConfig.
func (c *Config) UnmarshalJSON(data []byte) error {
	parsed, err := ParseConfig(data)
	if err == nil {
		*c = parsed
	}
	return err
}

// Extra is the value of a key of config.json that Config does not hold; nil where
// there is none.
func (c *Config) Extra(key string) json.RawMessage { return c.extra[key] }

// WithExtra is the configuration with another value of a key that Config does not
// hold; nil removes it.
func (c Config) WithExtra(key string, value any) (Config, error) {
	extra := maps.Clone(c.extra)
	if extra == nil {
		extra = map[string]json.RawMessage{}
	}
	delete(extra, key)
	if value != nil {
		data, err := json.Marshal(value)
		if err != nil {
			return c, fmt.Errorf("%s: %w", key, err)
		}
		extra[key] = data
	}
	c.extra = extra
	return c, nil
}

// Save writes dir/config.json.
func (c Config) Save(dir string) error {
	return checkpoint.WriteJSON(filepath.Join(dir, "config.json"), c)
}
