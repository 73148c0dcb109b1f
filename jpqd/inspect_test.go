package jpqd

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// reportOf finds the node whose name ends so.
func reportOf(t *testing.T, reports []NodeReport, suffix string) NodeReport {
	t.Helper()
	i := slices.IndexFunc(reports, func(r NodeReport) bool { return strings.HasSuffix(r.Name, suffix) })
	if i < 0 {
		t.Fatalf("found no node %s", suffix)
	}
	return reports[i]
}

// What the published configuration makes of one layer, node by node.
func TestInspectScopes(t *testing.T) {
	nncf, err := LoadNNCFConfig("../configs/bert-base-jpqd-sst2.json")
	if err != nil {
		t.Fatal(err)
	}
	cfg := bert.DefaultConfig()
	cfg.NumHiddenLayers = 1
	reports, err := InspectScopes(cfg, nncf)
	if err != nil {
		t.Fatal(err)
	}
	sections := func(sparse, quantized SectionReport) []SectionReport {
		sparse.Section, quantized.Section = "movement_sparsity", "quantization"
		return []SectionReport{sparse, quantized, {Section: "quantization.weights", Considered: true}, {Section: "quantization.activations", Considered: true}}
	}
	yes := SectionReport{Considered: true}
	no := func(scope string) SectionReport { return SectionReport{List: "ignored_scopes", Scope: scope} }
	const layer = "BertForSequenceClassification/BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[0]/"
	block := nncf.MovementSparsity.Structures[0]
	for _, want := range []NodeReport{
		{
			Name: layer + "BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0", Kind: Linear, Module: queryModule,
			Sections: sections(yes, yes),
			Sparsity: &SparsityReport{Structure: &block, Item: 0, Group: 0, GroupName: "attention"},
			Weight:   &QuantizerReport{Name: queryModule + ".pre_ops.1.op", Mode: "symmetric", PerChannel: true, Input: -1},
			Activations: []QuantizerReport{{
				Name: "_nncf.external_quantizers." + layer + "BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0|INPUT0", Mode: "asymmetric",
			}},
		},
		{
			Name: layer + "BertAttention[attention]/BertSelfAttention[self]/matmul_0", Kind: MatMul, Sections: sections(yes, yes),
			Activations: []QuantizerReport{
				{Name: "_nncf.external_quantizers." + layer + "BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0|OUTPUT", Mode: "symmetric"},
				{Name: "_nncf.external_quantizers." + layer + "BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[key]/linear_0|OUTPUT", Mode: "symmetric", Input: 1},
			},
		},
		{Name: layer + "BertOutput[output]/__add___0", Kind: Add, Sections: sections(yes, no("{re}.*__add___[0-1]"))},
		{
			Name: layer + "BertOutput[output]/NNCFLayerNorm[LayerNorm]/layer_norm_0", Kind: LayerNorm, Module: layer0 + "output.LayerNorm",
			Sections: sections(no("{re}.*LayerNorm.*"), no("{re}.*layer_norm_0")),
			Sparsity: &SparsityReport{Item: -1, Group: -1, Why: "only Linear layers are sparsified"},
		},
		{
			Name: "BertForSequenceClassification/NNCFLinear[classifier]/linear_0", Kind: Linear, Module: "classifier", Sections: sections(no("{re}.*classifier.*"), yes),
			Sparsity: &SparsityReport{Item: -1, Why: `"{re}.*classifier.*" of ignored_scopes matches`, Group: 2, GroupName: "head", GroupSkipped: "bert.pooler.dense is not sparsified"},
			Weight:   &QuantizerReport{Name: "classifier.pre_ops.0.op", Mode: "symmetric", PerChannel: true, Input: -1},
			Activations: []QuantizerReport{{
				Name: "_nncf.external_quantizers.BertForSequenceClassification/BertModel[bert]/BertPooler[pooler]/Tanh[activation]/tanh_0|OUTPUT", Mode: "asymmetric",
			}},
		},
	} {
		if diff := cmp.Diff(want, reportOf(t, reports, want.Name)); diff != "" {
			t.Errorf("%s: %s", want.Name, diff)
		}
	}
}

// Targets, and a quantizer that several nodes share.
func TestInspectScopesTargetsAndSharing(t *testing.T) {
	nncf, err := ParseNNCFConfig([]byte(`[
		{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0}, "target_scopes": ["{re}BertIntermediate.*linear"]},
		{"algorithm": "quantization"}]`))
	if err != nil {
		t.Fatal(err)
	}
	reports, err := InspectScopes(tinyConfig(), nncf)
	if err != nil {
		t.Fatal(err)
	}
	in := reportOf(t, reports, "BertLayer[0]/BertIntermediate[intermediate]/NNCFLinear[dense]/linear_0")
	if diff := cmp.Diff(SectionReport{"movement_sparsity", true, "target_scopes", "{re}BertIntermediate.*linear"}, in.Sections[0]); diff != "" {
		t.Error(diff)
	}
	wantSparsity := &SparsityReport{Structure: &fineStructure, Item: -1, Group: 2, GroupName: "feed_forward", GroupSkipped: ffnOutModule + " is not sparsified"}
	if diff := cmp.Diff(wantSparsity, in.Sparsity); diff != "" {
		t.Error(diff)
	}
	if len(in.Activations) != 1 || len(in.Activations[0].SharedWith) != 1 || !strings.HasSuffix(in.Activations[0].SharedWith[0], "BertLayer[0]/BertOutput[output]/__add___0") {
		t.Errorf("found %+v, want one quantizer, shared with the residual sum", in.Activations)
	}
	if out := reportOf(t, reports, "BertLayer[0]/BertOutput[output]/NNCFLinear[dense]/linear_0"); out.Sparsity.Why != "no scope of target_scopes matches" {
		t.Errorf("found %+v", out.Sparsity)
	}
	if word := reportOf(t, reports, "NNCFEmbedding[word_embeddings]/embedding_0"); word.Weight == nil || word.Weight.PerChannel {
		t.Errorf("found %+v, want one scale: the table stands for the quantizer of an operand", word.Weight)
	}
}

// Wrong scopes are reported, and so is what the others lead to.
func TestInspectScopesErrors(t *testing.T) {
	const movement = `{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0}`
	for _, test := range []struct{ name, config, want string }{
		{"no match", `{"algorithm": "quantization", "ignored_scopes": ["{re}nothing", "{re}classifier"]}`, `"{re}nothing" of ignored_scopes`},
		{"multiple items", movement + `, "sparse_structure_by_scopes": [{"mode": "fine", "target_scopes": "{re}query"}, {"mode": "per_dim", "axis": 0, "target_scopes": "{re}query"}]}`,
			"BertLayer[1]/BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0\" is matched by multiple items"},
		{"nothing to sparsify", movement + `, "ignored_scopes": "{re}"}`, "No sparsifiable layer found"},
		{"factors", movement + `, "sparse_structure_by_scopes": [{"mode": "block", "sparse_factors": [5, 1], "target_scopes": "{re}BertIntermediate"}]}`, "r: 5 is not a factor of dim axis 0.: found a weight of (24, 16)"},
		{"labels", movement + `, "sparse_structure_by_scopes": [{"mode": "block", "sparse_factors": [4, 1], "target_scopes": "{re}classifier.*linear"}]}`, "found a weight of (2, 16)"},
		{"unified scales", `{"algorithm": "quantization", "activations": {"unified_scale_ops": [["nothing"]]}}`, `found "nothing"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			nncf, err := ParseNNCFConfig([]byte(test.config))
			if err != nil {
				t.Fatal(err)
			}
			checkInspection(t, nncf, test.want)
		})
	}
	t.Run("expressions", func(t *testing.T) {
		nncf, err := ParseNNCFConfig([]byte(`[` + movement + `}, {"algorithm": "quantization"}]`))
		if err != nil {
			t.Fatal(err)
		}
		nncf.MovementSparsity.Ignored = Scopes{"{re}(1"}
		nncf.MovementSparsity.Structures = []SparseStructure{{Mode: Fine, Factors: [2]int{1, 1}, Target: Scopes{"{re}(2"}}}
		nncf.Quantization.Activations.Overrides = []QuantizerOverride{{Target: Scopes{"{re}(3"}}}
		checkInspection(t, nncf, "movement_sparsity.ignored_scopes: found \"{re}(1\"", "sparse_structure_by_scopes[0].target_scopes: found \"{re}(2\"", "scope_overrides.activations: found \"{re}(3\"")
		if nncf.MovementSparsity.Ignored == nil {
			t.Error("the configuration was changed")
		}
	})
	if _, err := InspectScopes(bert.Config{ModelType: "wav2vec2"}, &NNCFConfig{}); err == nil || !strings.Contains(err.Error(), "no supported model is detected") {
		t.Errorf("found error %v", err)
	}
}

func checkInspection(t *testing.T, nncf *NNCFConfig, wants ...string) {
	t.Helper()
	reports, err := InspectScopes(tinyConfig(), nncf)
	if len(reports) != 9+29*2+6 {
		t.Errorf("found %d nodes, want all", len(reports))
	}
	for _, want := range wants {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q in it", err, want)
		}
	}
}

// The report names the quantizers, structures and groups that a model really gets.
func TestInspectScopesMatchesModels(t *testing.T) {
	nncf, err := ParseNNCFConfig([]byte(`[
		{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0}, "ignored_scopes": "{re}Layer.0..*query|Block.0..*q_lin"},
		{"algorithm": "quantization", "preset": "mixed", "quantize_outputs": true, "ignored_scopes": "{re}layer_norm_0"}]`))
	if err != nil {
		t.Fatal(err)
	}
	eachModel(t, func(t *testing.T, f *Family) {
		cfg := familyConfig(t, f)
		c := mustCompress(t, bert.New(cfg, 1), nncf)
		reports, err := InspectScopes(cfg, nncf)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		groups := map[int]bool{}
		sparse := 0
		for _, r := range reports {
			if r.Weight != nil {
				found[r.Weight.Name] = true
			}
			for _, q := range r.Activations {
				found[q.Name] = true
			}
			if r.Sparsity != nil && r.Sparsity.Structure != nil {
				sparse++
				if r.Sparsity.Group >= 0 && r.Sparsity.GroupSkipped == "" {
					groups[r.Sparsity.Group] = true
				}
			}
		}
		if len(found) != len(c.quantizers) || sparse != len(c.sparsifiers) || len(groups) != len(c.groups) {
			t.Errorf("found %d quantizers, %d sparsified layers, %d groups, want %d, %d, %d",
				len(found), sparse, len(groups), len(c.quantizers), len(c.sparsifiers), len(c.groups))
		}
		for _, q := range c.quantizers {
			if !found[q.name] {
				t.Errorf("%s is not in the report", q.name)
			}
		}
		for _, g := range c.groups {
			if !groups[g.id] {
				t.Errorf("group %d is not in the report", g.id)
			}
		}
	})
}
