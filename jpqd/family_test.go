package jpqd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// oneLayerBERT is the graph of a classifier with one layer: kind, name below
// BertForSequenceClassification, and the name for parameters or hooks.
const oneLayerBERT = `
mask BertModel[bert]/__rsub___0 bert.__rsub___0
mask BertModel[bert]/__mul___0 bert.__mul___0
embedding BertModel[bert]/BertEmbeddings[embeddings]/NNCFEmbedding[word_embeddings]/embedding_0 bert.embeddings.word_embeddings
embedding BertModel[bert]/BertEmbeddings[embeddings]/NNCFEmbedding[token_type_embeddings]/embedding_0 bert.embeddings.token_type_embeddings
add BertModel[bert]/BertEmbeddings[embeddings]/__add___0 bert.embeddings.__add___0
embedding BertModel[bert]/BertEmbeddings[embeddings]/NNCFEmbedding[position_embeddings]/embedding_0 bert.embeddings.position_embeddings
add BertModel[bert]/BertEmbeddings[embeddings]/__iadd___0 bert.embeddings.__iadd___0
layer_norm BertModel[bert]/BertEmbeddings[embeddings]/NNCFLayerNorm[LayerNorm]/layer_norm_0 bert.embeddings.LayerNorm
dropout BertModel[bert]/BertEmbeddings[embeddings]/Dropout[dropout]/dropout_0 bert.embeddings.dropout.dropout_0
linear LAYER/BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0 bert.encoder.layer.0.attention.self.query
linear LAYER/BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[key]/linear_0 bert.encoder.layer.0.attention.self.key
reshape LAYER/BertAttention[attention]/BertSelfAttention[self]/view_0 bert.encoder.layer.0.attention.self.view_0
transpose LAYER/BertAttention[attention]/BertSelfAttention[self]/permute_0 bert.encoder.layer.0.attention.self.permute_0
linear LAYER/BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[value]/linear_0 bert.encoder.layer.0.attention.self.value
reshape LAYER/BertAttention[attention]/BertSelfAttention[self]/view_1 bert.encoder.layer.0.attention.self.view_1
transpose LAYER/BertAttention[attention]/BertSelfAttention[self]/permute_1 bert.encoder.layer.0.attention.self.permute_1
reshape LAYER/BertAttention[attention]/BertSelfAttention[self]/view_2 bert.encoder.layer.0.attention.self.view_2
transpose LAYER/BertAttention[attention]/BertSelfAttention[self]/permute_2 bert.encoder.layer.0.attention.self.permute_2
transpose LAYER/BertAttention[attention]/BertSelfAttention[self]/transpose_0 bert.encoder.layer.0.attention.self.transpose_0
matmul LAYER/BertAttention[attention]/BertSelfAttention[self]/matmul_0 bert.encoder.layer.0.attention.self.matmul_0
div LAYER/BertAttention[attention]/BertSelfAttention[self]/__truediv___0 bert.encoder.layer.0.attention.self.__truediv___0
add LAYER/BertAttention[attention]/BertSelfAttention[self]/__add___0 bert.encoder.layer.0.attention.self.__add___0
softmax LAYER/BertAttention[attention]/BertSelfAttention[self]/softmax_0 bert.encoder.layer.0.attention.self.softmax_0
dropout LAYER/BertAttention[attention]/BertSelfAttention[self]/Dropout[dropout]/dropout_0 bert.encoder.layer.0.attention.self.dropout.dropout_0
matmul LAYER/BertAttention[attention]/BertSelfAttention[self]/matmul_1 bert.encoder.layer.0.attention.self.matmul_1
transpose LAYER/BertAttention[attention]/BertSelfAttention[self]/permute_3 bert.encoder.layer.0.attention.self.permute_3
reshape LAYER/BertAttention[attention]/BertSelfAttention[self]/contiguous_0 bert.encoder.layer.0.attention.self.contiguous_0
reshape LAYER/BertAttention[attention]/BertSelfAttention[self]/view_3 bert.encoder.layer.0.attention.self.view_3
linear LAYER/BertAttention[attention]/BertSelfOutput[output]/NNCFLinear[dense]/linear_0 bert.encoder.layer.0.attention.output.dense
dropout LAYER/BertAttention[attention]/BertSelfOutput[output]/Dropout[dropout]/dropout_0 bert.encoder.layer.0.attention.output.dropout.dropout_0
add LAYER/BertAttention[attention]/BertSelfOutput[output]/__add___0 bert.encoder.layer.0.attention.output.__add___0
layer_norm LAYER/BertAttention[attention]/BertSelfOutput[output]/NNCFLayerNorm[LayerNorm]/layer_norm_0 bert.encoder.layer.0.attention.output.LayerNorm
linear LAYER/BertIntermediate[intermediate]/NNCFLinear[dense]/linear_0 bert.encoder.layer.0.intermediate.dense
gelu LAYER/BertIntermediate[intermediate]/gelu_0 bert.encoder.layer.0.intermediate.gelu_0
linear LAYER/BertOutput[output]/NNCFLinear[dense]/linear_0 bert.encoder.layer.0.output.dense
dropout LAYER/BertOutput[output]/Dropout[dropout]/dropout_0 bert.encoder.layer.0.output.dropout.dropout_0
add LAYER/BertOutput[output]/__add___0 bert.encoder.layer.0.output.__add___0
layer_norm LAYER/BertOutput[output]/NNCFLayerNorm[LayerNorm]/layer_norm_0 bert.encoder.layer.0.output.LayerNorm
gather BertModel[bert]/BertPooler[pooler]/__getitem___0 bert.pooler.__getitem___0
linear BertModel[bert]/BertPooler[pooler]/NNCFLinear[dense]/linear_0 bert.pooler.dense
tanh BertModel[bert]/BertPooler[pooler]/Tanh[activation]/tanh_0 bert.pooler.activation.tanh_0
dropout Dropout[dropout]/dropout_0 dropout.dropout_0
linear NNCFLinear[classifier]/linear_0 classifier
output /nncf_model_output_0 logits
`

func TestBERTNodes(t *testing.T) {
	var got strings.Builder
	got.WriteString("\n")
	for _, n := range bertFamily.Nodes(1) {
		name := strings.TrimPrefix(n.Name, "BertForSequenceClassification/")
		shown := strings.Replace(name, "BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[0]", "LAYER", 1)
		if n.Module != "" && n.Op != "" {
			t.Errorf("%s: found module %q and op %q, want one of them", n.Name, n.Module, n.Op)
		}
		if inLayer := strings.HasPrefix(shown, "LAYER"); inLayer != (n.Layer == 0) {
			t.Errorf("%s: found layer %d", n.Name, n.Layer)
		}
		fmt.Fprintln(&got, n.Kind, shown, n.Module+n.Op)
	}
	if diff := cmp.Diff(oneLayerBERT, got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBERTNodesOfManyLayers(t *testing.T) {
	for _, layers := range []int{0, 1, 2, 12} {
		nodes := bertFamily.Nodes(layers)
		if want := 9 + 29*layers + 6; len(nodes) != want {
			t.Errorf("%d layers: found %d nodes, want %d", layers, len(nodes), want)
		}
		seen := map[string]bool{}
		linears, embeddings := 0, 0
		for _, n := range nodes {
			for _, name := range []string{n.Name, n.Module + n.Op} {
				if seen[name] {
					t.Errorf("%d layers: %s is there twice", layers, name)
				}
				seen[name] = true
			}
			if n.Layer >= layers || (n.Layer >= 0) != strings.Contains(n.Name, fmt.Sprintf("/BertLayer[%d]/", n.Layer)) {
				t.Errorf("%s: found layer %d", n.Name, n.Layer)
			}
			switch n.Kind {
			case Linear:
				linears++
			case Embedding:
				embeddings++
			}
		}
		if linears != 6*layers+2 || embeddings != 3 {
			t.Errorf("%d layers: found %d Linears and %d embeddings, want %d and 3", layers, linears, embeddings, 6*layers+2)
		}
	}
}

func TestWithHead(t *testing.T) {
	qa, err := bertFamily.WithHead("BertForQuestionAnswering")
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, n := range qa.Nodes(1) {
		if n.Kind != Output && !strings.HasPrefix(n.Name, "BertForQuestionAnswering/") {
			t.Errorf("found %q", n.Name)
		}
		if n.Kind == Linear {
			modules = append(modules, n.Module)
		}
	}
	if !slices.Contains(modules, "qa_outputs") || slices.Contains(modules, "bert.pooler.dense") || len(modules) != 7 {
		t.Errorf("found %q, want qa_outputs and no pooler", modules)
	}
	if bertFamily.Architecture != "BertForSequenceClassification" {
		t.Error("the table was changed")
	}
	const want = `architectures: found "BertForMaskedLM", want "BertForQuestionAnswering" or "BertForSequenceClassification"`
	if _, err := bertFamily.WithHead("BertForMaskedLM"); err == nil || err.Error() != want {
		t.Errorf("found error %v, want %s", err, want)
	}
}

func TestFindFamily(t *testing.T) {
	for _, name := range []string{"bert", "roberta", "distilbert"} {
		if f, err := FindFamily(name); err != nil || f.Name != name {
			t.Errorf("found %v, %v", f, err)
		}
	}
	const want = `model_type: no supported model is detected: found "wav2vec2", want "bert", "roberta" or "distilbert"`
	if _, err := FindFamily("wav2vec2"); err == nil || err.Error() != want {
		t.Errorf("found error %v, want %s", err, want)
	}
	if _, err := familyOf(&bert.Config{ModelType: "wav2vec2"}); err == nil || err.Error() != want {
		t.Errorf("found error %v, want %s", err, want)
	}
	if f, err := familyOf(&bert.Config{}); err != nil || f.Architecture != "BertForSequenceClassification" {
		t.Errorf("found %v, %v", f, err)
	}
}

// eachModel runs a test for every head of every family.
func eachModel(t *testing.T, test func(t *testing.T, f *Family)) {
	for _, f := range families {
		for architecture := range f.heads {
			t.Run(architecture, func(t *testing.T) {
				model, err := f.WithHead(architecture)
				if err != nil {
					t.Fatal(err)
				}
				test(t, model)
			})
		}
	}
}

// NNCF numbers nodes in the order of execution, the inputs of the model first.
// The numbers are from its reference graphs of structured groups of one layer,
// tests/torch/data/reference_graphs/pruning_groups/{1_layer_BERT,RoBERTa,DistilBERT}.dot:
// producers and consumers of the groups, and the Linear of question answering.
// Only the distance from the query is compared: how many inputs there are and
// which arithmetic on the mask is traced differs.
func TestNodeNumbers(t *testing.T) {
	for _, test := range []struct {
		architecture, query string
		want                map[string]int // module or op, below the layer or the model: number after the query's
	}{
		{"BertForQuestionAnswering", "bert.encoder.layer.0.attention.self.query", map[string]int{
			"attention.self.key": 12 - 11, "attention.self.value": 15 - 11, "attention.self.matmul_0": 21 - 11, "attention.output.dense": 30 - 11,
			"intermediate.dense": 34 - 11, "output.dense": 36 - 11, "qa_outputs": 40 - 11,
		}},
		{"RobertaForQuestionAnswering", "roberta.encoder.layer.0.attention.self.query", map[string]int{
			"attention.self.key": 20 - 19, "attention.self.value": 23 - 19, "attention.self.matmul_0": 29 - 19, "attention.output.dense": 38 - 19,
			"intermediate.dense": 42 - 19, "output.dense": 44 - 19, "qa_outputs": 48 - 19,
		}},
		{"DistilBertForQuestionAnswering", "distilbert.transformer.layer.0.attention.q_lin", map[string]int{
			"attention.k_lin": 10 - 7, "attention.v_lin": 13 - 7, "attention.out_lin": 29 - 7, "ffn.lin1": 32 - 7, "ffn.lin2": 34 - 7, "qa_outputs": 39 - 7,
		}},
	} {
		for _, f := range families {
			model, err := f.WithHead(test.architecture)
			if err != nil {
				continue
			}
			query, found := 0, map[string]int{}
			for i, n := range model.Nodes(1) {
				if n.Module == test.query {
					query = i
				}
				found[n.Module+n.Op] = i
			}
			layer := strings.TrimSuffix(strings.TrimSuffix(test.query, "attention.self.query"), "attention.q_lin")
			for name, want := range test.want {
				at, ok := found[layer+name]
				if !ok {
					at, ok = found[name]
				}
				if !ok || at-query != want {
					t.Errorf("%s: %s is %d nodes behind the query (%v), want %d", test.architecture, name, at-query, ok, want)
				}
			}
		}
	}
}

// Every operation has the operands that its kind has, and every result is used.
func TestGraphs(t *testing.T) {
	operands := map[NodeKind]int{
		Linear: 1, LayerNorm: 1, MatMul: 2, Add: 2, Div: 1, Softmax: 1, GELU: 1, ReLU: 1, Tanh: 1,
		Dropout: 1, Reshape: 1, Transpose: 1, Gather: 1, Split: 1, MaskedFill: 2, Output: 1,
	}
	eachModel(t, func(t *testing.T, f *Family) {
		nodes := f.Nodes(3)
		used := make([]bool, len(nodes))
		for i, n := range nodes {
			if want, ok := operands[n.Kind]; ok && len(n.Inputs) != want {
				t.Errorf("%s: found %d operands, want %d", n.Name, len(n.Inputs), want)
			}
			for _, from := range n.Inputs {
				if from < 0 || from >= i {
					t.Errorf("%s: found operand %d, want one before %d", n.Name, from, i)
					continue
				}
				used[from] = true
			}
			if _, ok := f.Traits[n.Kind]; !ok {
				t.Errorf("%s: kind %s has no trait", n.Name, n.Kind)
			}
		}
		for i, n := range nodes {
			if !used[i] && n.Kind != Output {
				t.Errorf("%s: nothing uses its result", n.Name)
			}
		}
	})
}

// TestFamilies checks what every family's table must fulfil.
func TestFamilies(t *testing.T) {
	eachModel(t, func(t *testing.T, f *Family) {
		linears := map[string]bool{}
		for _, n := range f.Nodes(3) {
			if n.Kind == Linear {
				linears[n.Module] = true
			}
		}
		for _, group := range f.groupInstances(3) {
			for _, m := range group.members {
				if !linears[m.Module] {
					t.Errorf("group %s: %s is no Linear of the graph", group.Name, m.Module)
				}
			}
		}
	})
}

// The table and the model name the same things: every parameter's module and
// every operation with a hook of the model is a node of the graph, with the same
// number of operands, and the graph has no other modules.
func TestTablesMatchModels(t *testing.T) {
	eachModel(t, func(t *testing.T, f *Family) {
		m := bert.New(familyConfig(t, f), 1)
		graph := map[string]int{}
		modules := map[string]NodeKind{}
		for _, n := range f.Nodes(len(m.Layers)) {
			if n.Module != "" {
				modules[n.Module] = n.Kind
			} else {
				graph[n.Op] = len(n.Inputs)
			}
		}
		check := func(name string, kind NodeKind) {
			if modules[name] != kind {
				t.Errorf("%s of the model: found kind %q in the graph, want %q", name, modules[name], kind)
			}
			delete(modules, name)
		}
		for _, l := range m.Linears() {
			check(l.Name, Linear)
		}
		for _, e := range m.Embeddings() {
			check(e.Name, Embedding)
		}
		for _, n := range m.Norms() {
			check(n.Name, LayerNorm)
		}
		for name, kind := range modules {
			t.Errorf("%s (%s) of the graph is no module of the model", name, kind)
		}
		ops := map[string]bool{}
		for _, o := range m.Ops() {
			ops[o.Name] = true
			if _, ok := graph[o.Name]; !ok {
				t.Errorf("%s of the model is no operation of the graph", o.Name)
			}
		}
		for _, n := range f.Nodes(len(m.Layers)) {
			switch n.Kind {
			case Add, Div, MatMul, Output: // what may have quantizers in front
				if !ops[n.Op] {
					t.Errorf("%s of the graph has no hooks in the model", n.Op)
				}
			}
		}
	})
}

// familyConfig is a small model of a family, with its head.
func familyConfig(t *testing.T, f *Family) bert.Config {
	t.Helper()
	cfg, err := bert.DefaultConfigFor(f.Name)
	if err != nil {
		t.Fatal(err)
	}
	tiny := tinyConfig()
	cfg.VocabSize, cfg.MaxPositionEmbeddings, cfg.HiddenSize, cfg.IntermediateSize = tiny.VocabSize, tiny.MaxPositionEmbeddings, tiny.HiddenSize, tiny.IntermediateSize
	cfg.NumHiddenLayers, cfg.NumAttentionHeads, cfg.Architecture = tiny.NumHiddenLayers, tiny.NumAttentionHeads, f.Architecture
	cfg.Labels = tiny.Labels
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestPublishedConfigs reads the configurations in configs and checks that every
// scope in them finds a node, and what they make of BERT-base.
func TestPublishedConfigs(t *testing.T) {
	schedule := func(end, factor float64) *MovementSparsityConfig {
		return &MovementSparsityConfig{
			LRMultiplier: 1, WarmupStartEpoch: 1, WarmupEndEpoch: end, ImportanceRegularizationFactor: factor,
			EnableStructuredMasking: true, Power: 3,
			Structures: []SparseStructure{
				{Mode: Block, Factors: [2]int{32, 32}, Target: Scopes{"{re}.*BertAttention.*"}},
				{Mode: PerDim, Axis: 0, Target: Scopes{"{re}.*BertIntermediate.*"}},
				{Mode: PerDim, Axis: 1, Target: Scopes{"{re}.*BertOutput.*"}},
			},
		}
	}
	classification := schedule(2, 0.05)
	classification.ScopeFilter = ScopeFilter{Validate: true, Ignored: Scopes{"{re}.*NNCFEmbedding.*", "{re}.*LayerNorm.*", "{re}.*pooler.*", "{re}.*classifier.*"}}
	answers, pruning := schedule(4, 0.02), schedule(4, 0.01)
	answers.ScopeFilter = ScopeFilter{Validate: true, Ignored: Scopes{"{re}.*NNCFEmbedding.*", "{re}.*qa_outputs.*", "{re}.*LayerNorm.*"}}
	pruning.ScopeFilter = answers.ScopeFilter
	quantization := minimalQuantizationConfig().Quantization
	quantization.Preset = "mixed"
	quantization.Ignored = Scopes{"{re}.*__add___[0-1]", "{re}.*layer_norm_0", "{re}.*matmul_1", "{re}.*__truediv__*"}
	quantization.Range = []RangeInit{{Type: "percentile", NumInitSamples: 32, MinPercentile: 0.01, MaxPercentile: 99.99}}
	quantization.Activations.Overrides = []QuantizerOverride{{Target: Scopes{"{re}.*matmul_0"}, QuantizerMode: QuantizerMode{Mode: "symmetric", Bits: 8}}}

	for _, test := range []struct {
		file         string
		architecture string
		want         *NNCFConfig
	}{
		{"bert-base-jpqd-sst2.json", "BertForSequenceClassification", &NNCFConfig{TargetDevice: "ANY", LogDir: ".", MovementSparsity: classification, Quantization: quantization}},
		{"bert-base-jpqd-squad.json", "BertForQuestionAnswering", &NNCFConfig{TargetDevice: "ANY", LogDir: ".", MovementSparsity: answers, Quantization: quantization}},
		{"bert-base-movement-sparsity-squad.json", "BertForQuestionAnswering", &NNCFConfig{TargetDevice: "ANY", LogDir: ".", MovementSparsity: pruning}},
		{"bert-base-qat.json", "BertForSequenceClassification", DefaultNNCFConfig()},
	} {
		t.Run(test.file, func(t *testing.T) {
			got, err := LoadNNCFConfig(filepath.Join("..", "configs", test.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, ignoreText); diff != "" {
				t.Error(diff)
			}
			model, err := bertFamily.WithHead(test.architecture)
			if err != nil {
				t.Fatal(err)
			}
			nodes := model.Nodes(12)
			if err := got.validateScopes(nodes); err != nil {
				t.Error(err)
			}
			if q := got.Quantization; q != nil {
				for _, o := range q.Activations.Overrides {
					if err := (ScopeFilter{Target: o.Target, Validate: true}).validate("scope_overrides", nodes); err != nil {
						t.Error(err)
					}
				}
			}
			if got.MovementSparsity == nil {
				return
			}
			structures, err := resolveStructures(nodes, got.MovementSparsity)
			if err != nil {
				t.Fatal(err)
			}
			count := map[SparseMode]int{}
			for module, s := range structures {
				rows, cols := 768, 768
				switch {
				case strings.HasSuffix(module, "intermediate.dense"):
					rows = 3072
				case s.Mode == PerDim:
					cols = 3072
				}
				if err := s.check(module, rows, cols); err != nil {
					t.Error(err)
				}
				count[s.Mode]++
			}
			if diff := cmp.Diff(map[SparseMode]int{Block: 48, PerDim: 24}, count); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaultNNCFConfig(t *testing.T) {
	got := DefaultNNCFConfig()
	want := minimalQuantizationConfig()
	q := want.Quantization
	q.Preset, q.OverflowFix = "mixed", "disable"
	q.Ignored = Scopes{"{re}.*Embedding.*", "{re}.*add___.*", "{re}.*layer_norm_.*", "{re}.*matmul_1", "{re}.*__truediv__.*"}
	q.Range = []RangeInit{{Type: "mean_min_max", NumInitSamples: 300, MinPercentile: 0.1, MaxPercentile: 99.9}}
	q.Activations.Overrides = []QuantizerOverride{{Target: Scopes{"{re}.*matmul_0"}, QuantizerMode: QuantizerMode{Mode: "symmetric", Bits: 8}}}
	if diff := cmp.Diff(want, got, ignoreText); diff != "" {
		t.Error(diff)
	}
	if len(got.Warnings) != 0 || len(got.Source) == 0 {
		t.Errorf("found warnings %q and a source of %d bytes, want none and some", got.Warnings, len(got.Source))
	}
}
