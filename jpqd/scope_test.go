package jpqd

import (
	"strconv"
	"strings"
	"testing"
)

func TestScopesMatch(t *testing.T) {
	const (
		self    = "BertForSequenceClassification/BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[0]/BertAttention[attention]/BertSelfAttention[self]/"
		query   = self + "NNCFLinear[query]/linear_0"
		divide  = self + "__truediv___0"
		output  = "M/BertLayer[0]/BertOutput[output]/NNCFLinear[dense]/linear_0"
		selfOut = "M/BertLayer[0]/BertAttention[attention]/BertSelfOutput[output]/NNCFLinear[dense]/linear_0"
	)
	for _, test := range []struct {
		name   string
		scopes Scopes
		node   string
		want   bool
	}{
		{"nothing", nil, query, false},
		{"equal", Scopes{query}, query, true},
		{"a part is not equal", Scopes{"linear_0"}, query, false},
		{"a pattern without its marker", Scopes{".*"}, query, false},
		{"search within", Scopes{"{re}query"}, query, true},
		{"anchors", Scopes{"{re}^NNCFLinear"}, query, false},
		{"marker alone", Scopes{"{re}"}, query, true},
		{"marker at the end", Scopes{"^Bert.*linear_0${re}"}, query, true},
		{"marker twice", Scopes{"{re}query{re}"}, query, true},
		{"second of two", Scopes{"{re}key", "{re}query"}, query, true},
		{"neither of two", Scopes{"{re}key", "{re}value"}, query, false},
		{"published: truediv", Scopes{"{re}.*__truediv__*"}, divide, true},
		{"published: add", Scopes{"{re}.*__add___[0-1]"}, self + "__add___0", true},
		{"published: add is not iadd", Scopes{"{re}.*__add___[0-1]"}, "M/__iadd___0", false},
		{"default: add is iadd", Scopes{"{re}.*add___.*"}, "M/__iadd___0", true},
		{"published: output", Scopes{"{re}.*BertOutput.*"}, output, true},
		{"published: output is not self output", Scopes{"{re}.*BertOutput.*"}, selfOut, false},
		{"published: attention has the self output", Scopes{"{re}.*BertAttention.*"}, selfOut, true},
		{"brackets must be escaped", Scopes{"{re}NNCFLinear[query]"}, query, false},
		{"escaped brackets", Scopes{`{re}NNCFLinear\[query\]/`}, query, true},
		{"repetition", Scopes{`{re}BertLayer\[\d{1,2}\]`}, query, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.scopes.Match(test.node)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("%q, %s: found %v, want %v", test.scopes, test.node, got, test.want)
			}
		})
	}
}

func TestScopesMatchErrors(t *testing.T) {
	const hint = "it has no lookahead and lookbehind"
	for _, test := range []struct{ scope, want string }{
		{"{re}(", "missing closing )"},
		{"{re}(?!a)b", hint},
		{"{re}(?=a)b", hint},
		{"{re}(?<=a)b", hint},
		{"{re}(?<!a)b", hint},
		{`{re}(a)\1`, `invalid escape sequence: `},
		{"{re}a{,3}", "{,3} has no lower bound; write {0,3}"},
		{"{re}a{1001}", "invalid repeat count"},
	} {
		_, err := Scopes{"fine", test.scope}.Match("a")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), strconv.Quote(test.scope)) {
			t.Errorf("%s: found error %v, want %q and the scope in it", test.scope, err, test.want)
		}
	}
}

func TestScopeFilterConsidered(t *testing.T) {
	for _, test := range []struct {
		name   string
		filter ScopeFilter
		want   string // those of a, b, c that are considered
	}{
		{"no lists", ScopeFilter{}, "abc"},
		{"ignored", ScopeFilter{Ignored: Scopes{"a"}}, "bc"},
		{"target", ScopeFilter{Target: Scopes{"{re}[ab]"}}, "ab"},
		{"ignored wins", ScopeFilter{Ignored: Scopes{"a"}, Target: Scopes{"a", "b"}}, "b"},
		{"empty target", ScopeFilter{Target: Scopes{}}, ""},
		{"empty ignored", ScopeFilter{Ignored: Scopes{}}, "abc"},
	} {
		m, err := test.filter.compile()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, node := range []string{"a", "b", "c"} {
			if m.considered(node) {
				got += node
			}
		}
		if got != test.want {
			t.Errorf("%s: found %q, want %q", test.name, got, test.want)
		}
	}
}

func TestScopeFilterValidate(t *testing.T) {
	nodes := []Node{{Name: "M/a"}, {Name: "M/b"}}
	const begin = "weights: found scopes that match no node of the model's graph, want each to match one unless validate_scopes is false: "
	for _, test := range []struct {
		name   string
		filter ScopeFilter
		want   string
	}{
		{"all match", ScopeFilter{Ignored: Scopes{"M/a"}, Target: Scopes{"{re}b", "{re}M"}, Validate: true}, ""},
		{"off", ScopeFilter{Ignored: Scopes{"x"}}, ""},
		{"expressions", ScopeFilter{Ignored: Scopes{"{re}x", "{re}a"}, Target: Scopes{"{re}y"}, Validate: true}, begin + `"{re}x" of ignored_scopes, "{re}y" of target_scopes`},
		{"a name", ScopeFilter{Ignored: Scopes{"a"}, Validate: true}, begin + `"a" of ignored_scopes; without {re} a scope is the whole name of a node`},
		{"no expression", ScopeFilter{Target: Scopes{"{re}("}}, "weights.target_scopes: found \"{re}(\", want a regular expression of Go's syntax: missing closing ): `(`"},
	} {
		got := ""
		if err := test.filter.validate("weights", nodes); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: found\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestValidateScopesOfAllSections(t *testing.T) {
	config, err := ParseNNCFConfig([]byte(`[
		{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0}, "ignored_scopes": "one"},
		{"algorithm": "quantization", "target_scopes": "two", "weights": {"ignored_scopes": "three"}, "activations": {"ignored_scopes": "four"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	err = config.validateScopes(bertFamily.Nodes(1))
	if err == nil {
		t.Fatal("found no error")
	}
	for i, want := range []string{`movement_sparsity: `, `quantization: `, `quantization.weights: `, `quantization.activations: `} {
		if line := strings.Split(err.Error(), "\n")[i]; !strings.HasPrefix(line, want) {
			t.Errorf("found %q, want it to begin with %q", line, want)
		}
	}
}

func TestResolveStructures(t *testing.T) {
	nodes := bertFamily.Nodes(2)
	block := SparseStructure{Mode: Block, Factors: [2]int{32, 32}, Target: Scopes{"{re}.*BertAttention.*"}}
	rows := SparseStructure{Mode: PerDim, Axis: 0, Target: Scopes{"{re}.*BertIntermediate.*"}}
	fine := SparseStructure{Mode: Fine, Factors: [2]int{1, 1}}
	got, err := resolveStructures(nodes, &MovementSparsityConfig{
		ScopeFilter: ScopeFilter{Ignored: Scopes{"{re}pooler", "{re}LayerNorm"}, Validate: true},
		Structures:  []SparseStructure{block, rows},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]SparseStructure{"classifier": fine}
	for _, layer := range []string{"bert.encoder.layer.0.", "bert.encoder.layer.1."} {
		for _, module := range []string{"self.query", "self.key", "self.value", "output.dense"} {
			want[layer+"attention."+module] = block
		}
		want[layer+"intermediate.dense"] = rows
		want[layer+"output.dense"] = fine
	}
	if len(got) != len(want) {
		t.Errorf("found %d layers, want %d", len(got), len(want))
	}
	for module, structure := range want {
		if g, ok := got[module]; !ok || g.Mode != structure.Mode || g.Factors != structure.Factors || g.Axis != structure.Axis {
			t.Errorf("%s: found %+v, want %+v", module, g, structure)
		}
	}
}

func TestResolveStructuresErrors(t *testing.T) {
	structure := SparseStructure{Mode: Fine, Factors: [2]int{1, 1}, Target: Scopes{"{re}query"}}
	for _, test := range []struct {
		name   string
		config MovementSparsityConfig
		want   string
	}{
		{
			"two items, even equal ones", MovementSparsityConfig{Structures: []SparseStructure{structure, structure}},
			`BertSelfAttention[self]/NNCFLinear[query]/linear_0" is matched by multiple items in ` + "`sparse_structure_by_scopes`" +
				": found movement_sparsity.sparse_structure_by_scopes[0] and movement_sparsity.sparse_structure_by_scopes[1], want at most one",
		},
		{"all ignored", MovementSparsityConfig{ScopeFilter: ScopeFilter{Ignored: Scopes{"{re}"}}}, "No sparsifiable layer found"},
		{"no Linear", MovementSparsityConfig{ScopeFilter: ScopeFilter{Target: Scopes{"{re}LayerNorm", "{re}Embedding"}}}, "No sparsifiable layer found"},
		{"expression", MovementSparsityConfig{ScopeFilter: ScopeFilter{Target: Scopes{"{re}("}}}, "movement_sparsity.target_scopes: found \"{re}(\""},
		{"expression of an item", MovementSparsityConfig{Structures: []SparseStructure{{Target: Scopes{"{re}["}}}}, "movement_sparsity.sparse_structure_by_scopes[0].target_scopes: found \"{re}[\""},
	} {
		_, err := resolveStructures(bertFamily.Nodes(1), &test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: found error %v, want %q in it", test.name, err, test.want)
		}
	}
}

func TestSparseStructureCheck(t *testing.T) {
	for _, test := range []struct {
		name       string
		structure  SparseStructure
		rows, cols int
		want       string
	}{
		{"fine", SparseStructure{Mode: Fine, Factors: [2]int{1, 1}}, 3, 7, ""},
		{"rows", SparseStructure{Mode: PerDim, Axis: 0}, 3, 7, ""},
		{"columns", SparseStructure{Mode: PerDim, Axis: 1}, 3, 7, ""},
		{"axis", SparseStructure{Mode: PerDim, Axis: 2}, 3, 7, "m: Invalid axis id: found 2, want 0 for rows or 1 for columns"},
		{"block", SparseStructure{Mode: Block, Factors: [2]int{32, 16}}, 64, 48, ""},
		{"block rows", SparseStructure{Mode: Block, Factors: [2]int{5, 16}}, 64, 48, "m: r: 5 is not a factor of dim axis 0.: found a weight of (64, 48), want rows that are a multiple of it"},
		{"block columns", SparseStructure{Mode: Block, Factors: [2]int{32, 32}}, 64, 48, "m: c: 32 is not a factor of dim axis 1.: found a weight of (64, 48), want columns that are a multiple of it"},
		{"block larger than the weight", SparseStructure{Mode: Block, Factors: [2]int{128, 1}}, 64, 48, "m: r: 128 is not a factor of dim axis 0.: found a weight of (64, 48), want rows that are a multiple of it"},
		{"no block", SparseStructure{Mode: Block}, 64, 48, "m: Invalid sparse config. found sparse_factors [0, 0], want two positive integers"},
	} {
		got := ""
		if err := test.structure.check("m", test.rows, test.cols); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: found %q, want %q", test.name, got, test.want)
		}
	}
}
