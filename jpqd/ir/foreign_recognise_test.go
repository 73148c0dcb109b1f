package ir

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	engine "github.com/go-jpqd/jpqd/jpqd/int8"
)

// engineTolerance is of the integer engine's logits, whose exponentials and
// error functions are approximations of 1e-6, and whose sums are float32's.
// Models are such that no value lies near a rounding boundary.
const engineTolerance = 1e-4

// engineLogits are those of the sequences in one batch without padding.
func engineLogits(t testing.TB, c *jpqd.Compressed, sequences ...sequence) [][]float32 {
	t.Helper()
	e, err := engine.New(c)
	if err != nil {
		t.Fatal(err)
	}
	b := new(bert.Batch)
	for _, s := range sequences {
		b.Append(narrow(s.ids), narrow(s.types))
	}
	all := make([]float32, e.NumLogits(b))
	if err := e.Logits(e.NewWorkspace(), b, all); err != nil {
		t.Fatal(err)
	}
	var logits [][]float32
	for _, s := range sequences {
		n := c.Config.NumLabels()
		if c.Config.QuestionAnswering() {
			n = 2 * len(s.ids)
		}
		logits, all = append(logits, all[:n]), all[n:]
	}
	return logits
}

func narrow(v []int64) []int32 {
	n := make([]int32, len(v))
	for i := range v {
		n[i] = int32(v[i])
	}
	return n
}

func within(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: found %d logits, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance) {
			t.Errorf("%s: found logits %v, want %v", what, got, want)
			return
		}
	}
}

// TestRecogniseForeign wants the model back that went into a file, and of the
// integer engine the logits that the file's graph gives.
func TestRecogniseForeign(t *testing.T) {
	for _, name := range fixtureNames() {
		f := fixtures[name]
		t.Run(name, func(t *testing.T) {
			want, sequences, _, seed := clearModel(t, &f, 0)
			m, err := parse(f.export(want, seed))
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Compressed(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Validate(); err != nil {
				t.Fatal(err)
			}
			sameConfig(t, &got.Config, &want.Config)
			sameModel(t, got, want)
			if t.Failed() {
				return
			}
			padded := fixtureLogits(t, m, want, sequences...)
			batch := engineLogits(t, got, sequences...)
			for i, s := range sequences {
				within(t, "engine, batch of all, against the padded graph", batch[i], padded[i], engineTolerance)
				within(t, "engine, alone, against the graph", engineLogits(t, got, s)[0], fixtureLogits(t, m, want, s)[0], engineTolerance)
			}

			given := want.Config
			if got, err = m.Compressed(&given); err != nil {
				t.Fatalf("with its configuration: %v", err)
			}
			sameModel(t, got, want)
		})
	}
}

// sameConfig compares what a graph can tell.
func sameConfig(t *testing.T, got, want *bert.Config) {
	t.Helper()
	type figures struct {
		family                                 string
		vocab, hidden, layers, headDim, length int
		types, offset, labels                  int
		answering                              bool
	}
	of := func(c *bert.Config) figures {
		family := c.ModelType
		if family == "" {
			family = "bert"
		}
		return figures{
			family, c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.HeadDim(), c.MaxLength(),
			c.TypeVocabSize, c.PositionOffset(), c.NumLabels(), c.QuestionAnswering(),
		}
	}
	if g, w := of(got), of(want); g != w {
		t.Errorf("configuration: found %+v, want %+v", g, w)
	}
	if math.Abs(got.LayerNormEps-want.LayerNormEps) > 1e-6*want.LayerNormEps {
		t.Errorf("layer_norm_eps: found %v, want %v", got.LayerNormEps, want.LayerNormEps)
	}
}

// sameModel compares all but the configurations and the ids of heads and
// neurons, of which a graph tells only how many there are.
func sameModel(t *testing.T, got, want *jpqd.Compressed) {
	t.Helper()
	if len(got.Layers) != len(want.Layers) {
		t.Fatalf("found %d layers, want %d", len(got.Layers), len(want.Layers))
	}
	compareParts(t, "Embeddings", reflect.ValueOf(got.Embeddings), reflect.ValueOf(want.Embeddings))
	compareParts(t, "Layers", reflect.ValueOf(got.Layers), reflect.ValueOf(want.Layers))
	compareParts(t, "Pooler", reflect.ValueOf(got.Pooler), reflect.ValueOf(want.Pooler))
	compareParts(t, "Classifier", reflect.ValueOf(got.Classifier), reflect.ValueOf(want.Classifier))
	compareParts(t, "Logits", reflect.ValueOf(got.Logits), reflect.ValueOf(want.Logits))
}

// compareParts walks through two values of one type. Floats may differ by
// rounding, integers not at all.
func compareParts(t *testing.T, path string, got, want reflect.Value) {
	t.Helper()
	switch g := got.Interface().(type) {
	case []float32:
		w := want.Interface().([]float32)
		if len(g) != len(w) {
			t.Errorf("%s: found %d values, want %d", path, len(g), len(w))
			return
		}
		for i := range g {
			if !close32(g[i], w[i]) {
				t.Errorf("%s[%d]: found %v, want %v", path, i, g[i], w[i])
				return
			}
		}
		return
	case []int8:
		w := want.Interface().([]int8)
		if strings.HasSuffix(path, ".Zero") && (g == nil || w == nil) { // none are zeros
			g, w = append(g, make([]int8, max(0, len(w)-len(g)))...), append(w, make([]int8, max(0, len(g)-len(w)))...)
		}
		for i := range w {
			if len(g) != len(w) || g[i] != w[i] {
				t.Errorf("%s: found %d values, want %d; the first difference is at %d", path, len(g), len(w), i)
				return
			}
		}
		return
	case []int: // heads and neurons
		if want.Len() != len(g) {
			t.Errorf("%s: found %d, want %d", path, len(g), want.Len())
		}
		return
	case *jpqd.ActivationRange:
		w := want.Interface().(*jpqd.ActivationRange)
		if (g == nil) != (w == nil) || g != nil && (!close32(g.Low, w.Low) || !close32(g.High, w.High) || g.Levels != w.Levels) {
			t.Errorf("%s: found range %+v, want %+v", path, g, w)
		}
		return
	case int:
		if g != want.Interface() {
			t.Errorf("%s: found %d, want %v", path, g, want)
		}
		return
	}
	switch got.Kind() {
	case reflect.Struct:
		for i := range got.NumField() {
			compareParts(t, path+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range want.Len() {
			compareParts(t, fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i))
		}
	default:
		panic("ir: cannot compare " + got.Type().String())
	}
}

// close32 allows for the rounding of a few float32 operations.
func close32(a, b float32) bool {
	return math.Abs(float64(a-b)) <= 1e-6*max(1e-3, math.Abs(float64(b)))
}

// TestRecogniseRefuses wants an error that names a layer for graphs that
// jpqd.Compressed cannot express. Those that another value of it could stand
// for may be accepted instead, but then the logits must be the graph's.
func TestRecogniseRefuses(t *testing.T) {
	for _, test := range mutants {
		t.Run(test.name, func(t *testing.T) {
			f := fixtures[test.of]
			c, sequences, _, seed := clearModel(t, &f, 0)
			text, bin := test.export(c, seed)
			m, err := parse(text, bin)
			if err != nil {
				t.Fatal(err)
			}
			want := fixtureLogits(t, m, c, sequences[:1]...)
			got, err := m.Compressed(nil)
			if err == nil && test.expressible {
				within(t, "accepted", engineLogits(t, got, sequences[0])[0], want[0], engineTolerance)
				return
			}
			if err == nil {
				t.Fatal("found no error")
			}
			if !namesLayer(m, err) {
				t.Errorf("found error %q, want one that names a layer", err)
			}
		})
	}
}

// TestRecogniseRefusesOtherParts wants errors for graphs that run for sizes of
// some kinds alone, such as as many tokens as sequences.
func TestRecogniseRefusesOtherParts(t *testing.T) {
	const answering = "PyTorch of 2024 answering"
	for _, test := range []mutant{
		{name: "tokens and sequences exchanged", of: torchBERT, graph: func(e *exporter) {
			e.instead(e.find("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu"), func(x foreignTensor) foreignTensor {
				return e.op("turned", "Transpose-1", nil, x, e.ints(1, 0, 2))
			})
		}},
		{name: "first sequence", of: torchBERT, graph: func(e *exporter) { e.reads("aten::select/Gather", 2, e.int(0)) }},
		{name: "first two tokens", of: torchBERT, graph: func(e *exporter) {
			e.instead(e.find("aten::select/Gather"), func(x foreignTensor) foreignTensor {
				return e.op("", "Slice-8", nil, x.inputs[0], e.ints(0), e.ints(2), e.ints(1), e.ints(1))
			})
		}},
		{name: "answers of halves of the tokens", of: answering, graph: func(e *exporter) { e.reads("prim::ListUnpack/Split", 1, e.int(1)) }},
	} {
		f := fixtures[test.of]
		m, err := parse(test.export(f.model(1), 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Compressed(nil); err == nil || !namesLayer(m, err) {
			t.Errorf("%s: found error %v, want one that names a layer", test.name, err)
		}
	}
}

// TestRecogniseBypassed leaves out every layer of some graphs in turn: those that
// read it read one of its inputs instead. Nearly all of it is nonsense, which
// has to be refused; what is accepted must give the graph's logits. Sizes that a
// graph computes are not looked at: where they are wrong it does not run itself.
func TestRecogniseBypassed(t *testing.T) {
	names := []string{"ONNX of 2022", "PyTorch of 2023 RoBERTa", "PyTorch of 2024 answering", "PyTorch of 2024 DistilBERT"}
	if testing.Short() {
		names = names[:1]
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			f := fixtures[name]
			c, sequences, _, seed := clearModel(t, &f, 0)
			complete := f.exporter(c, seed)
			complete.encoder()
			refused, compared := 0, 0
			for i, l := range complete.layers {
				for j, in := range l.inputs {
					if l.kind == "Result" || in.kind == "Const" {
						continue
					}
					e := f.exporter(c, seed)
					e.encoder()
					bypassed := foreignTensor{e.layers[i], 0}
					e.instead(bypassed, func(foreignTensor) foreignTensor { return bypassed.inputs[j] })
					m, err := parse(e.file(nil))
					if err != nil {
						t.Fatal(err)
					}
					got, err := m.Compressed(nil)
					if err != nil {
						refused++
						continue
					}
					want, err := m.Logits(tokens(sequences[0]))
					if err != nil {
						continue
					}
					compared++
					within(t, fmt.Sprintf("%s without input %d", l.name, j), engineLogits(t, got, sequences[0])[0], want, engineTolerance)
				}
			}
			if refused == 0 || compared == 0 {
				t.Errorf("found %d graphs refused and %d compared, want some of both", refused, compared)
			}
		})
	}
}

// tokens is a batch of one sequence.
func tokens(s sequence) *bert.Batch {
	b := &bert.Batch{}
	b.Append(narrow(s.ids), narrow(s.types))
	return b
}

func namesLayer(m *Model, err error) bool {
	for _, l := range m.order {
		if l.kind != "Const" && strings.Contains(err.Error(), l.name) {
			return true
		}
	}
	return false
}

// TestRecogniseRefusesSmallGraphs wants errors for what is no encoder at all.
func TestRecogniseRefusesSmallGraphs(t *testing.T) {
	small := newForeignNet(true)
	small.result(small.parameter("input_ids").called("input_ids,logits"))
	text, bin := small.file(nil)
	constant := newForeignNet(true)
	constant.result(constant.float(1).called("logits"))
	constantText, constantBin := constant.file(nil)
	for name, file := range map[string][2][]byte{
		"product": {[]byte(foreign), foreignBin}, "input": {text, bin}, "constant": {constantText, constantBin},
	} {
		m, err := parse(file[0], file[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Compressed(nil); err == nil {
			t.Errorf("%s: found no error", name)
		}
	}
	for _, test := range operationCases() {
		text, bin, ok := test.file()
		if !ok {
			continue
		}
		if m, err := parse(text, bin); err == nil {
			if _, err := m.Compressed(nil); err == nil {
				t.Errorf("%s: found no error", test.name)
			}
		}
	}
}

// TestRecogniseOtherConfig wants an error where the given configuration is not
// the graph's.
func TestRecogniseOtherConfig(t *testing.T) {
	f := fixtures["PyTorch of 2023"]
	c := f.model(1)
	m, err := parse(f.export(c, 1))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*bert.Config){
		"vocab_size":              func(c *bert.Config) { c.VocabSize++ },
		"hidden_size":             func(c *bert.Config) { c.HiddenSize *= 2 },
		"num_hidden_layers":       func(c *bert.Config) { c.NumHiddenLayers++ },
		"num_attention_heads":     func(c *bert.Config) { c.NumAttentionHeads /= 2 },
		"intermediate_size":       func(c *bert.Config) { c.IntermediateSize /= 2 },
		"max_position_embeddings": func(c *bert.Config) { c.MaxPositionEmbeddings-- },
		"id2label":                func(c *bert.Config) { c.Labels = c.Labels[:1] },
		"model_type":              func(c *bert.Config) { c.ModelType, c.Architecture, c.TypeVocabSize = "distilbert", "", 0 },
	} {
		config := c.Config
		change(&config)
		if _, err := m.Compressed(&config); err == nil {
			t.Errorf("%s: found no error", name)
		}
	}
	larger := c.Config // of a model that was pruned
	larger.IntermediateSize *= 2
	got, err := m.Compressed(&larger)
	if err != nil {
		t.Fatal(err)
	}
	if got.Config.IntermediateSize != larger.IntermediateSize {
		t.Errorf("found intermediate_size %d, want %d as given", got.Config.IntermediateSize, larger.IntermediateSize)
	}
}
