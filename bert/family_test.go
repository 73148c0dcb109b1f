package bert

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/autograd"
)

// The published config.json of each family, shortened to what matters here.
func TestConfigOfEachFamily(t *testing.T) {
	type figures struct {
		Architecture                         string
		Hidden, Layers, Heads, Intermediate  int
		Positions, MaxLength, Types, Offset  int
		Eps, Classifier, Hiddens, Attentions float64
		Answers, ReLU, ScalesQuery           bool
	}
	for _, c := range []struct {
		name, text string
		want       figures
	}{
		{"roberta-base", `{"architectures": ["RobertaForMaskedLM"], "attention_probs_dropout_prob": 0.1, "bos_token_id": 0, "hidden_act": "gelu",
			"hidden_dropout_prob": 0.2, "hidden_size": 768, "intermediate_size": 3072, "layer_norm_eps": 1e-05, "max_position_embeddings": 514,
			"model_type": "roberta", "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 1, "type_vocab_size": 1, "vocab_size": 50265}`,
			figures{"RobertaForSequenceClassification", 768, 12, 12, 3072, 514, 512, 1, 2, 1e-5, 0.2, 0.2, 0.1, false, false, false}},
		{"distilbert-base-uncased", `{"activation": "gelu", "architectures": ["DistilBertForMaskedLM"], "attention_dropout": 0.1, "dim": 768, "dropout": 0.15,
			"hidden_dim": 3072, "initializer_range": 0.02, "max_position_embeddings": 512, "model_type": "distilbert", "n_heads": 12, "n_layers": 6,
			"pad_token_id": 0, "qa_dropout": 0.3, "seq_classif_dropout": 0.25, "sinusoidal_pos_embds": false, "tie_weights_": true, "vocab_size": 30522}`,
			figures{"DistilBertForSequenceClassification", 768, 6, 12, 3072, 512, 512, 0, 0, 1e-12, 0.25, 0.15, 0.1, false, true, true}},
		{"distilbert for answers", `{"architectures": ["DistilBertForQuestionAnswering"], "dim": 64, "hidden_dim": 128, "model_type": "distilbert",
			"n_heads": 4, "n_layers": 2, "qa_dropout": 0.3, "seq_classif_dropout": 0.25}`,
			figures{"DistilBertForQuestionAnswering", 64, 2, 4, 128, 512, 512, 0, 0, 1e-12, 0.3, 0.1, 0.1, true, true, true}},
		{"bert for answers", `{"architectures": ["BertForQuestionAnswering"], "model_type": "bert", "hidden_size": 128, "num_attention_heads": 2}`,
			figures{"BertForQuestionAnswering", 128, 12, 2, 3072, 512, 512, 2, 0, 1e-12, 0.1, 0.1, 0.1, true, false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := ParseConfig([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time what was written
				got := figures{
					cfg.Architecture, cfg.HiddenSize, cfg.NumHiddenLayers, cfg.NumAttentionHeads, cfg.IntermediateSize,
					cfg.MaxPositionEmbeddings, cfg.MaxLength(), cfg.TypeVocabSize, cfg.PositionOffset(),
					cfg.LayerNormEps, cfg.ClassifierDropout, cfg.HiddenDropoutProb, cfg.AttentionProbsDropoutProb,
					cfg.QuestionAnswering(), cfg.PoolerReLU(), cfg.ScalesQuery(),
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Fatalf("want −, found +:\n%s", diff)
				}
				data, err := json.Marshal(cfg)
				if err != nil {
					t.Fatal(err)
				}
				var were, are map[string]any
				if err := json.Unmarshal([]byte(c.text), &were); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(data, &are); err != nil {
					t.Fatal(err)
				}
				for key, v := range were {
					if key != "architectures" && !cmp.Equal(v, are[key]) {
						t.Errorf("%s: written as %v, want %v as read", key, are[key], v)
					}
				}
				if cfg.ModelType == "distilbert" {
					for key := range are {
						if strings.HasPrefix(key, "hidden_size") || strings.HasPrefix(key, "num_hidden") || key == "type_vocab_size" || key == "layer_norm_eps" {
							t.Errorf("found BERT's key %s in a DistilBERT's config.json", key)
						}
					}
				}
				if cfg, err = ParseConfig(data); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestConfigErrorsOfFamilies(t *testing.T) {
	for text, want := range map[string]string{
		`{"model_type": "wav2vec2"}`:                                       `model_type: found "wav2vec2", want one of "bert", "roberta", "distilbert"`,
		`{"model_type": "distilbert", "n_layers": 0}`:                      "n_layers: found 0",
		`{"model_type": "distilbert", "dim": 770}`:                         "want a multiple",
		`{"model_type": "roberta", "max_position_embeddings": 2}`:          "max_position_embeddings: found 2, want more than pad_token_id + 1 = 2",
		`{"architectures": ["BertForQuestionAnswering"], "num_labels": 3}`: "id2label: found 3 labels, want 2",
	} {
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found error %v, want one with %q", text, err, want)
		}
	}
}

// doubled is a hook that counts its calls and doubles what it gets.
type doubled struct{ calls *int }

func (h doubled) Transform(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	*h.calls++
	return t.Scale(x, 2)
}

// same is a hook that changes nothing.
type same struct{}

func (same) Transform(_ *autograd.Tape, x *autograd.Tensor) *autograd.Tensor { return x }

// Every operand's hook is called once a forward pass and has an effect; hooks
// that change nothing leave the logits as they are, although the attention is
// then computed in single steps.
func TestEveryOperandHasAHook(t *testing.T) {
	for _, modelType := range []string{"bert", "roberta", "distilbert"} {
		for _, answering := range []bool{false, true} {
			c, err := DefaultConfigFor(modelType)
			if err != nil {
				t.Fatal(err)
			}
			c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = 50, 16, 1, 2, 32
			c.MaxPositionEmbeddings, c.InitializerRange = 20, 0.4
			m := New(c.WithHead(answering), 1)
			b := randomBatch(rand.New(rand.NewPCG(1, 1)), 5, 9)
			plain := logits(m, b)

			hooks := map[string]*OperandHook{}
			for _, l := range m.Linears() {
				hooks[l.Name] = &l.Input
			}
			for _, n := range m.Norms() {
				hooks[n.Name] = &n.Input
			}
			for _, o := range m.Ops() {
				hooks[o.Name+" left"] = &o.Hooks[0]
				if !strings.HasSuffix(o.Name, "__truediv___0") && !strings.HasSuffix(o.Name, "attention.self.__add___0") && o != m.Logits {
					hooks[o.Name+" right"] = &o.Hooks[1]
				}
			}
			for name, h := range hooks {
				calls := 0
				*h = doubled{&calls}
				changed := logits(m, b)
				*h = same{}
				if calls != 1 {
					t.Errorf("%s %s: called %d times, want once", c.ModelType, name, calls)
				}
				// A LayerNorm does not see a factor, but for the last bits.
				if _, norm := strings.CutSuffix(strings.ToLower(name), "norm"); cmp.Equal(plain, changed) && !norm {
					t.Errorf("%s: the hook of %s has no effect", c.ModelType, name)
				}
			}
			for i, v := range logits(m, b) {
				if math.Abs(float64(v-plain[i])) > 1e-5 {
					t.Errorf("%s: hooks that change nothing give %v, want %v", c.ModelType, v, plain[i])
				}
			}
		}
	}
}
