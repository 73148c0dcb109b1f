package bert

import (
	"encoding/json"
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

// maskedModel is a tiny model of a family with the head of masked language modelling.
func maskedModel(t *testing.T, family string) *Model {
	t.Helper()
	c, err := DefaultConfigFor(family)
	if err != nil {
		t.Fatal(err)
	}
	small := tiny()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads = small.VocabSize, small.HiddenSize, small.NumHiddenLayers, small.NumAttentionHeads
	c.IntermediateSize, c.MaxPositionEmbeddings, c.InitializerRange = small.IntermediateSize, small.MaxPositionEmbeddings, small.InitializerRange
	return New(c.WithMaskedLM(), 3)
}

// The parameters behind the encoder, as transformers 4.38 saves them: the
// decoder's weight is that of the word embeddings and not stored again.
var maskedParameters = map[string][]string{
	"bert": {"cls.predictions.bias", "cls.predictions.transform.dense.weight", "cls.predictions.transform.dense.bias",
		"cls.predictions.transform.LayerNorm.weight", "cls.predictions.transform.LayerNorm.bias"},
	"roberta":    {"lm_head.bias", "lm_head.dense.weight", "lm_head.dense.bias", "lm_head.layer_norm.weight", "lm_head.layer_norm.bias"},
	"distilbert": {"vocab_projector.bias", "vocab_transform.weight", "vocab_transform.bias", "vocab_layer_norm.weight", "vocab_layer_norm.bias"},
}

func TestMaskedFolder(t *testing.T) {
	for family, want := range maskedParameters {
		t.Run(family, func(t *testing.T) {
			m, dir := maskedModel(t, family), t.TempDir()
			for i := range m.Masked.Bias.Data {
				m.Masked.Bias.Data[i] = float32(i)
			}
			if err := m.Save(dir); err != nil {
				t.Fatal(err)
			}
			f, err := checkpoint.ReadModel(dir)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			got := slices.DeleteFunc(f.Names(), func(n string) bool { return strings.HasPrefix(n, family+".") })
			if !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
			var config struct{ Architectures []string }
			if err := checkpoint.ReadJSON(filepath.Join(dir, "config.json"), &config); err != nil {
				t.Fatal(err)
			}
			if len(config.Architectures) != 1 || !strings.HasSuffix(config.Architectures[0], "ForMaskedLM") {
				t.Errorf("architectures: found %q", config.Architectures)
			}
			again, report, err := Load(dir, LoadOptions{MaskedLM: true})
			if err != nil || len(report.Missing)+len(report.Unexpected) > 0 {
				t.Fatalf("error %v, report %+v", err, report)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			b := randomBatch(rng, 5, 9)
			if x := logits(m, b); len(x) != 14*50 || !slices.Equal(x, logits(again, b)) {
				t.Errorf("%d logits that differ behind saving and loading, want 14 × 50", len(x))
			}
			// Other heads take the encoder and say what they lack.
			for _, answering := range []bool{false, true} {
				other, report, err := Load(dir, LoadOptions{QuestionAnswering: &answering})
				if err != nil || other.Masked != nil || len(report.Missing) == 0 || !slices.Equal(report.Unexpected, want) {
					t.Fatalf("error %v, report %+v", err, report)
				}
				if !slices.Equal(other.Layers[0].Query.Weight.Data, m.Layers[0].Query.Weight.Data) {
					t.Error("the encoder was not loaded")
				}
			}
		})
	}
}

// Picked rows have the logits that all of them have.
func TestUnmaskOfSomeRows(t *testing.T) {
	m := maskedModel(t, "bert")
	b := randomBatch(rand.New(rand.NewPCG(1, 2)), 5, 9)
	all := logits(m, b)
	tape := autograd.NewTape()
	tape.Begin(autograd.Inference, 0, 0)
	some := m.Unmask(tape, tape.Gather(m.Encode(tape, m.Embed(tape, b), b), []int32{3, 11}))
	for i, row := range []int{3, 11} {
		for j, v := range some.Row(i) {
			if d := math.Abs(float64(v - all[row*50+j])); d > 1e-5 {
				t.Fatalf("row %d, word %d: differs by %g", row, j, d)
			}
		}
	}
}

// The encoder of any folder can be trained further.
func TestMaskedLMFromAClassifier(t *testing.T) {
	dir := t.TempDir()
	if err := New(tiny(), 5).Save(dir); err != nil {
		t.Fatal(err)
	}
	m, report, err := Load(dir, LoadOptions{MaskedLM: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(report.Missing)
	if want := maskedParameters["bert"]; !slices.Equal(report.Missing, slices.Sorted(slices.Values(want))) || len(report.Unexpected) != 4 {
		t.Errorf("report %+v, want the head to be missing, pooler and classifier to be left over", report)
	}
	if m.Masked.Norm.Weight.Data[3] != 1 || m.Masked.Transform.Weight.Data[3] == 0 {
		t.Error("the new head is not random")
	}
}

// Folders of other versions hold the decoder's tensors, too, or under its name.
func TestTiedDecoder(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(map[string]checkpoint.Tensor)
		err    string
	}{
		{"both names", func(m map[string]checkpoint.Tensor) {
			m["cls.predictions.decoder.weight"], m["cls.predictions.decoder.bias"] = m["bert.embeddings.word_embeddings.weight"], m["cls.predictions.bias"]
		}, ""},
		{"bias of the decoder", func(m map[string]checkpoint.Tensor) {
			m["cls.predictions.decoder.bias"] = m["cls.predictions.bias"]
			delete(m, "cls.predictions.bias")
		}, ""},
		{"own weight", func(m map[string]checkpoint.Tensor) {
			m["cls.predictions.decoder.weight"] = checkpoint.Tensor{Shape: []int{50, 16}, F32: make([]float32, 800)}
		}, "tensor cls.predictions.decoder.weight: differs from bert.embeddings.word_embeddings.weight"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			m := maskedModel(t, "bert")
			m.Masked.Bias.Data[7] = 7
			if err := m.Save(dir); err != nil {
				t.Fatal(err)
			}
			rewrite(t, dir, c.change)
			again, report, err := Load(dir, LoadOptions{MaskedLM: true})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || len(report.Missing)+len(report.Unexpected) > 0 || again.Masked.Bias.Data[7] != 7 {
				t.Errorf("error %v, report %+v", err, report)
			}
		})
	}
}

// A configuration alone gives random weights; its keys survive.
func TestMaskedLMFromAConfiguration(t *testing.T) {
	dir := t.TempDir()
	text := `{"architectures": ["BertForPreTraining"], "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 30, "our_key": 5}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	m, report, err := Load(dir, LoadOptions{MaskedLM: true})
	if err != nil || len(report.Missing) != len(m.Parameters()) {
		t.Fatalf("error %v, report %+v", err, report)
	}
	data, err := json.Marshal(m.Config)
	if err != nil || !strings.Contains(string(data), `"BertForMaskedLM"`) || !strings.Contains(string(data), `"our_key":5`) {
		t.Errorf("error %v, written %s", err, data)
	}
}

// The head in float64: a Linear, GELU and LayerNorm, the product with the word
// embeddings and a bias.
func TestUnmaskInFloat64(t *testing.T) {
	m := maskedModel(t, "bert")
	rng := rand.New(rand.NewPCG(5, 6))
	for _, p := range []*autograd.Param{m.Masked.Bias, m.Masked.Transform.Bias, m.Masked.Norm.Weight, m.Masked.Norm.Bias} {
		for i := range p.Data {
			p.Data[i] = float32(rng.NormFloat64())
		}
	}
	x := autograd.NewTensor(3, 16)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Inference, 0, 0)
	got := m.Unmask(tape, x)
	product := func(w *autograd.Param, bias *autograd.Param, in []float64) []float64 {
		out := make([]float64, w.Rows)
		for i := range out {
			out[i] = float64(bias.Data[i])
			for j, v := range in {
				out[i] += v * float64(w.Row(i)[j])
			}
		}
		return out
	}
	for r := range 3 {
		h := make([]float64, 16)
		for i, v := range x.Row(r) {
			h[i] = float64(v)
		}
		h = product(m.Masked.Transform.Weight, m.Masked.Transform.Bias, h)
		mean, variance := 0.0, 0.0
		for i, v := range h {
			h[i] = v / 2 * (1 + math.Erf(v/math.Sqrt2))
			mean += h[i] / 16
		}
		for _, v := range h {
			variance += (v - mean) * (v - mean) / 16
		}
		for i, v := range h {
			h[i] = (v-mean)/math.Sqrt(variance+m.Config.LayerNormEps)*float64(m.Masked.Norm.Weight.Data[i]) + float64(m.Masked.Norm.Bias.Data[i])
		}
		for i, want := range product(m.Word.Weight, m.Masked.Bias, h) {
			if d := math.Abs(float64(got.Row(r)[i]) - want); d > 1e-5 {
				t.Fatalf("row %d, word %d: %v, want %v", r, i, got.Row(r)[i], want)
			}
		}
	}
}

// The word embeddings have the gradients of both of their uses.
func TestTiedGradient(t *testing.T) {
	m := maskedModel(t, "bert")
	b := randomBatch(rand.New(rand.NewPCG(1, 2)), 5, 9)
	rows, labels := []int32{3, 11, 12}, []int32{7, 0, 49}
	tape := autograd.NewTape()
	loss := func() *autograd.Tensor {
		tape.Begin(autograd.Gradients, 0, 0)
		return tape.VocabularyCrossEntropy(m.Unmask(tape, tape.Gather(m.Encode(tape, m.Embed(tape, b), b), rows)), labels)
	}
	autograd.NewAdamW([]autograd.Group{{Params: m.Parameters()}}, 0.9, 0.999, 1e-8) // gives them gradients
	tape.Backward(loss(), 1)
	w := m.Word.Weight
	for _, id := range []int{int(b.IDs[0]), int(b.IDs[11]), 7, 0, 49, 33} {
		for j := range w.Cols {
			at := id*w.Cols + j
			const h = 1e-2
			was := w.Data[at]
			w.Data[at] = was + h
			up := float64(loss().Data[0])
			w.Data[at] = was - h
			down := float64(loss().Data[0])
			w.Data[at] = was
			if got, want := float64(w.Gradient()[at]), (up-down)/(2*h); math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
				t.Errorf("word %d, element %d: gradient %g, finite difference %g", id, j, got, want)
			}
		}
	}
}

// A shift of positions is one rotation: the product of two rows depends on their
// distance alone.
func TestSinusoidalPositions(t *testing.T) {
	for _, family := range []string{"bert", "roberta"} {
		m := maskedModel(t, family)
		first := m.Config.PositionOffset()
		before := slices.Clone(m.Position.Weight.Data[:first*16])
		m.SinusoidalPositions(0.5)
		if !slices.Equal(m.Position.Weight.Data[:first*16], before) {
			t.Errorf("%s: rows that belong to no token have changed", family)
		}
		product := func(i, j int) (sum float64) {
			for c, v := range m.Position.Weight.Row(first + i) {
				sum += float64(v * m.Position.Weight.Row(first + j)[c])
			}
			return sum
		}
		for i := range m.Config.MaxLength() - 3 {
			if d := math.Abs(product(i, i) - 8*0.25); d > 1e-6 {
				t.Errorf("%s, position %d: the square is off by %v", family, i, d)
			}
			if d := math.Abs(product(i, i+3) - product(0, 3)); d > 1e-6 || product(i, i+3) > 1.9 {
				t.Errorf("%s, position %d: the product with that 3 further is off by %v", family, i, d)
			}
		}
	}
}
