package bert

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

// tiny is a configuration for tests.
func tiny() Config {
	c := DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = 50, 16, 2, 2, 32
	c.MaxPositionEmbeddings, c.InitializerRange = 20, 0.2
	return c
}

func randomBatch(rng *rand.Rand, lengths ...int) *Batch {
	var b Batch
	for _, l := range lengths {
		ids, types := make([]int32, l), make([]int32, l)
		for i := range ids {
			ids[i], types[i] = int32(rng.IntN(50)), int32(rng.IntN(2))
		}
		b.Append(ids, types)
	}
	return &b
}

func logits(m *Model, b *Batch) []float32 {
	t := autograd.NewTape()
	t.Begin(autograd.Inference, 0, 0)
	return slices.Clone(m.Forward(t, b).Data)
}

// A sequence's logits do not depend on what else is in the batch.
func TestSequencesOfABatchAreIndependent(t *testing.T) {
	m := New(tiny(), 1)
	rng := rand.New(rand.NewPCG(1, 1))
	all := randomBatch(rng, 5, 1, 20, 7)
	together := logits(m, all)
	for s := range all.Len() {
		var one Batch
		from, to := all.Offsets[s], all.Offsets[s+1]
		one.Append(all.IDs[from:to], all.TypeIDs[from:to])
		for j, v := range logits(m, &one) {
			if d := math.Abs(float64(v - together[s*2+j])); d > 1e-5 {
				t.Errorf("sequence %d, label %d: %v alone, %v in the batch", s, j, v, together[s*2+j])
			}
		}
	}
}

// The gradient of the loss with respect to every kind of parameter, against
// central differences.
func TestGradientsOfTheWholeModel(t *testing.T) {
	m := New(tiny(), 3)
	b := randomBatch(rand.New(rand.NewPCG(2, 2)), 4, 9)
	labels := []int32{1, 0}
	autograd.NewAdamW([]autograd.Group{{Params: m.Parameters()}}, 0.9, 0.999, 1e-8)
	tape := autograd.NewTape()
	loss := func() float64 {
		tape.Begin(autograd.Gradients, 0, 0)
		return float64(tape.CrossEntropy(m.Forward(tape, b), labels).Data[0])
	}
	tape.Begin(autograd.Gradients, 0, 0)
	tape.Backward(tape.CrossEntropy(m.Forward(tape, b), labels), 1)
	for _, p := range m.Parameters() {
		at := 0 // the element with the largest gradient: differences in float32 need size
		for i, g := range p.Gradient() {
			if math.Abs(float64(g)) > math.Abs(float64(p.Gradient()[at])) {
				at = i
			}
		}
		const h = 1e-2
		was := p.Data[at]
		p.Data[at] = was + h
		up := loss()
		p.Data[at] = was - h
		down := loss()
		p.Data[at] = was
		got, want := float64(p.Gradient()[at]), (up-down)/(2*h)
		if math.Abs(got-want) > 1e-3+0.03*math.Abs(want) {
			t.Errorf("%s[%d]: gradient %g, finite difference %g", p.Name, at, got, want)
		}
	}
}

func TestCheckRefusesBatchesTheModelCannotRun(t *testing.T) {
	m := New(tiny(), 1)
	long := make([]int32, 21)
	for _, c := range []struct {
		name       string
		ids, types []int32
		want       string
	}{
		{"too long", long, nil, "max_position_embeddings = 20"},
		{"empty", nil, nil, "0 tokens"},
		{"id too large", []int32{1, 50}, nil, "vocab_size = 50"},
		{"id negative", []int32{-1}, nil, "id -1"},
		{"type too large", []int32{1}, []int32{2}, "type_vocab_size = 2"},
	} {
		var b Batch
		b.Append(c.ids, c.types)
		if err := m.Check(&b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found error %v, want one with %q", c.name, err, c.want)
		}
	}
	var b Batch
	b.Append([]int32{1, 2}, nil)
	if err := m.Check(&b); err != nil {
		t.Error(err)
	}
}

func TestSaveAndLoadAreInverse(t *testing.T) {
	dir := t.TempDir()
	m := New(tiny(), 5)
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	n, report, err := Load(dir, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Missing)+len(report.Unexpected)+len(report.Mismatched) != 0 {
		t.Errorf("report %+v, want an empty one", report)
	}
	for i, p := range m.Parameters() {
		if q := n.Parameters()[i]; p.Name != q.Name || !slices.Equal(p.Data, q.Data) {
			t.Errorf("%s differs", p.Name)
		}
	}
	b := randomBatch(rand.New(rand.NewPCG(1, 1)), 6)
	if !slices.Equal(logits(m, b), logits(n, b)) {
		t.Error("logits differ")
	}
	other := New(tiny(), 6)
	if err := other.Restore(dir); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(logits(m, b), logits(other, b)) {
		t.Error("logits differ after Restore")
	}
}

// rewrite changes the tensors of a saved model.
func rewrite(t *testing.T, dir string, change func(map[string]checkpoint.Tensor)) {
	t.Helper()
	path := filepath.Join(dir, checkpoint.WeightsFile)
	f, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	change(f.Tensors)
	if err := checkpoint.Write(path, f); err != nil {
		t.Fatal(err)
	}
}

func TestLoadOfOtherCheckpoints(t *testing.T) {
	cases := []struct {
		name    string
		change  func(map[string]checkpoint.Tensor)
		options LoadOptions
		missing []string
		extra   []string
		err     string
	}{
		{name: "bare encoder", change: func(m map[string]checkpoint.Tensor) {
			for name, x := range maps.Clone(m) {
				delete(m, name)
				if bare, ok := strings.CutPrefix(name, "bert."); ok {
					m[bare] = x
				}
			}
		}, missing: []string{"classifier.weight", "classifier.bias"}},
		{name: "names of TensorFlow", change: func(m map[string]checkpoint.Tensor) {
			for _, n := range []string{"bert.embeddings.LayerNorm.", "bert.encoder.layer.0.output.LayerNorm."} {
				m[n+"gamma"], m[n+"beta"] = m[n+"weight"], m[n+"bias"]
				delete(m, n+"weight")
				delete(m, n+"bias")
			}
		}},
		{name: "unknown tensor", change: func(m map[string]checkpoint.Tensor) {
			m["cls.predictions.bias"] = m["classifier.bias"]
		}, extra: []string{"cls.predictions.bias"}},
		{name: "one parameter twice", change: func(m map[string]checkpoint.Tensor) {
			m["pooler.dense.bias"] = m["bert.pooler.dense.bias"]
		}, err: "tensors bert.pooler.dense.bias and pooler.dense.bias: both are bert.pooler.dense.bias"},
		{name: "wrong shape", change: func(m map[string]checkpoint.Tensor) {
			m["classifier.weight"] = checkpoint.Tensor{Shape: []int{3, 16}, F32: make([]float32, 48)}
		}, err: "classifier.weight"},
		{name: "wrong shape ignored", change: func(m map[string]checkpoint.Tensor) {
			m["classifier.weight"] = checkpoint.Tensor{Shape: []int{3, 16}, F32: make([]float32, 48)}
		}, options: LoadOptions{IgnoreMismatchedSizes: true}, missing: []string{"classifier.weight"}},
		{name: "not a number", change: func(m map[string]checkpoint.Tensor) {
			m["classifier.bias"] = checkpoint.Tensor{Shape: []int{2}, F32: []float32{0, float32(math.NaN())}}
		}, err: "classifier.bias: element 1 is NaN"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := New(tiny(), 5).Save(dir); err != nil {
				t.Fatal(err)
			}
			rewrite(t, dir, c.change)
			_, report, err := Load(dir, c.options)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(report.Missing, c.missing) || !slices.Equal(report.Unexpected, c.extra) {
				t.Errorf("missing %v, unexpected %v, want %v and %v", report.Missing, report.Unexpected, c.missing, c.extra)
			}
		})
	}
}

// A configuration of a model far larger than its weights is refused before
// memory is taken for it.
func TestLoadRefusesAConfigurationOfAnotherModel(t *testing.T) {
	dir := t.TempDir()
	m := New(tiny(), 5)
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	c := m.Config
	c.VocabSize = 1 << 22
	c.HiddenSize = 128
	if err := c.Save(dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(dir, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "want those of one model") {
		t.Errorf("found error %v", err)
	}
}

func TestLoadWithoutWeightsIsRandom(t *testing.T) {
	dir := t.TempDir()
	if err := tiny().Save(dir); err != nil {
		t.Fatal(err)
	}
	a, report, err := Load(dir, LoadOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Missing) != len(a.Parameters()) {
		t.Errorf("%d missing, want all %d", len(report.Missing), len(a.Parameters()))
	}
	b, _, _ := Load(dir, LoadOptions{Seed: 1})
	c, _, _ := Load(dir, LoadOptions{Seed: 2})
	if !slices.Equal(a.Word.Weight.Data, b.Word.Weight.Data) || slices.Equal(a.Word.Weight.Data, c.Word.Weight.Data) {
		t.Error("random weights are not a function of the seed")
	}
	index := filepath.Join(dir, checkpoint.IndexFile)
	if err := checkpoint.WriteJSON(index, checkpoint.Index{WeightMap: map[string]string{"a": "gone.safetensors"}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(dir, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "gone.safetensors") {
		t.Errorf("a shard is missing: error %v", err)
	}
	if err := os.Remove(index); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pytorch_model.bin"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(dir, LoadOptions{}); err == nil || !strings.Contains(err.Error(), "want model.safetensors") {
		t.Errorf("error %v", err)
	}
}

func TestConfigErrorsNameTheKey(t *testing.T) {
	for text, want := range map[string]string{
		`{"hidden_size": 0}`:                            "hidden_size: found 0, want 1 to",
		`{"hidden_size": 10, "num_attention_heads": 3}`: "want a multiple of num_attention_heads = 3",
		`{"hidden_act": "relu"}`:                        `hidden_act: found "relu"`,
		`{"model_type": "gpt2"}`:                        `model_type: found "gpt2"`,
		`{"vocab_size": 99999999}`:                      "vocab_size",
		`{"hidden_dropout_prob": 1}`:                    "hidden_dropout_prob: found 1",
		`{"layer_norm_eps": 0}`:                         "layer_norm_eps",
		`{"id2label": {"0": "a", "2": "b"}}`:            "id2label: 2 labels but none with id 1",
		`{"num_labels": -1}`:                            "num_labels: found -1",
		`{"position_embedding_type": "relative"}`:       "position_embedding_type",
		`{"vocab_size": 4000000, "hidden_size": 65536, "num_attention_heads": 1}`: "parameters, want at most",
		`{"num_labels": 65536, "hidden_size": 12288, "num_hidden_layers": 1}`:     "parameters, want at most",
		`{"hidden_size": "x"}`: "hidden_size",
		`null`:                 "found null, want an object",
		`{`:                    "unexpected end",
	} {
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

func TestLoadConfigNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if _, err := LoadConfig(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: error %v", err)
	}
	for text, want := range map[string]string{
		"{\"hidden_size\": 0}":    path + ": hidden_size: found 0",
		"{\n\"hidden_size\": 1,}": path + ":2:",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(dir); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want one that begins with %q", text, err, want)
		}
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadConfig(dir); err == nil || !strings.Contains(err.Error(), "want a regular file") {
		t.Errorf("a folder: error %v", err)
	}
}

func TestConfigKeepsUnknownKeys(t *testing.T) {
	c, err := ParseConfig([]byte(`{"id2label": {"0": "negative", "1": "positive"}, "transformers_version": "4.30", "classifier_dropout": 0.3}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.NumLabels() != 2 || c.Labels[1] != "positive" || c.ClassifierDropout != 0.3 || c.HiddenSize != 768 {
		t.Errorf("read %+v", c)
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m["transformers_version"] != "4.30" || m["model_type"] != "bert" || m["label2id"].(map[string]any)["positive"] != 1.0 {
		t.Errorf("wrote %s", data)
	}
}
