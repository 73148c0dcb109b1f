package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/jpqd"
)

// scopesFolder is a folder with the config.json of a BERT of three layers, width
// 64 and 2 heads, and files of configurations by name.
func scopesFolder(t *testing.T, configs map[string]string) string {
	t.Helper()
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	dir := t.TempDir()
	configs["config.json"] = `{"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 128}`
	for name, text := range configs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const published = "../../configs/bert-base-jpqd-sst2.json"

// line finds the only line of the table whose node ends so, in words.
func line(t *testing.T, table, node string) string {
	t.Helper()
	found := ""
	for l := range strings.Lines(table) {
		if strings.HasSuffix(strings.TrimSpace(l), node) {
			if found != "" {
				t.Errorf("more than one line for %s:\n%s", node, table)
			}
			found = strings.Join(strings.Fields(l), " ")
		}
	}
	return found
}

func TestScopes(t *testing.T) {
	dir := scopesFolder(t, map[string]string{})
	args := []string{"scopes", dir, "--nncf_compression_config", published}
	status, stdout, stderr := runCommand(t, args...)
	if status != 0 || strings.Contains(stderr, "matches no node") {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	const layers = "BertForSequenceClassification/BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[0–2]/"
	for node, want := range map[string]string{
		layers + "BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0": "linear block 32×32 (0) attention symmetric per channel 0 asymmetric - ",
		layers + "BertOutput[output]/NNCFLinear[dense]/linear_0":                               "linear per_dim axis 1 (2) feed_forward symmetric per channel 0 asymmetric - ",
		layers + "BertAttention[attention]/BertSelfAttention[self]/matmul_0":                   "matmul - - - 0 symmetric, 1 symmetric - ",
		layers + "BertOutput[output]/__add___0":                                                "add - - - - quantization: ignores it by {re}.*__add___[0-1] ",
		"/NNCFLinear[classifier]/linear_0":                                                     "linear - - symmetric per channel 0 asymmetric movement_sparsity: ignores it by {re}.*classifier.* BertForSequenceClassification",
	} {
		if got := line(t, stdout, node); got != want+node && got != strings.TrimSuffix(want, "BertForSequenceClassification")+"BertForSequenceClassification"+node {
			t.Errorf("%s: found %q, want %q", node, got, want)
		}
	}
	if !strings.Contains(stdout, "\n(2) per_dim axis 1: {re}.*BertOutput.*\n") {
		t.Errorf("the structures are not explained:\n%s", stdout)
	}

	// Every line but the last three ends in a name, and all names begin in one column.
	rows := strings.Split(strings.TrimSpace(stdout), "\n")
	column := strings.Index(rows[0], "NODE")
	for _, row := range rows[1 : len(rows)-3] {
		runes := []rune(row) // the multiplication sign is one column, and two bytes
		if len(runes) < column || runes[column-1] != ' ' || runes[column] == ' ' {
			t.Errorf("the name does not begin in column %d: %s", column, row)
		}
	}

	_, everything, _ := runCommand(t, append(args, "--all")...)
	if n := strings.Count(everything, "NNCFLinear[query]/linear_0"); n != 3 || strings.Contains(everything, "–") {
		t.Errorf("--all prints %d of 3 queries:\n%s", n, everything)
	}
	if !strings.Contains(everything, "attention 2 ") || !strings.Contains(everything, "feed_forward 5 ") { // of three layers, those of attention first
		t.Errorf("--all does not tell the groups' ids:\n%s", everything)
	}
	_, some, _ := runCommand(t, append(args, "--filter", `BertLayer\[[12]\].*\[query\]`)...)
	if line(t, some, "BertLayer[1–2]/BertAttention[attention]/BertSelfAttention[self]/NNCFLinear[query]/linear_0") == "" || strings.Count(some, "linear_0") != 1 {
		t.Errorf("--filter prints\n%s", some)
	}
	_, answering, _ := runCommand(t, "scopes", dir, "--nncf_compression_config", "../../configs/bert-base-jpqd-squad.json", "--question_answering")
	if line(t, answering, "BertForQuestionAnswering/NNCFLinear[qa_outputs]/linear_0") == "" {
		t.Errorf("--question_answering prints\n%s", answering)
	}
}

func TestScopesJSON(t *testing.T) {
	// The folder of a run has its configuration with it.
	config, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	dir := scopesFolder(t, map[string]string{jpqd.NNCFConfigFile: string(config)})
	status, stdout, stderr := runCommand(t, "scopes", dir, "--json", "--filter", `BertLayer\[1\].*(\[query\]|softmax)`)
	var got scopesReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 0 {
		t.Fatalf("status %d, %v\n%s%s", status, err, stdout, stderr)
	}
	const self = "BertForSequenceClassification/BertModel[bert]/BertEncoder[encoder]/ModuleList[layer]/BertLayer[1]/BertAttention[attention]/BertSelfAttention[self]/"
	yes := func(name string) scopeSection { return scopeSection{Section: name, Considered: true} }
	sections := []scopeSection{yes("movement_sparsity"), yes("quantization"), yes("quantization.weights"), yes("quantization.activations")}
	item, group, input := 0, 1, 0
	want := []scopeNode{{
		Name: self + "NNCFLinear[query]/linear_0", Kind: jpqd.Linear, Module: "bert.encoder.layer.1.attention.self.query", Sections: sections,
		Sparsity: &scopeSparsity{Structure: "block 32×32", Item: &item, Group: "attention", GroupID: &group},
		Weight:   &scopeQuantizer{Name: "bert.encoder.layer.1.attention.self.query.pre_ops.1.op", Mode: "symmetric", PerChannel: true},
	}, {Name: self + "softmax_0", Kind: jpqd.Softmax, Sections: sections}}
	if len(got.Nodes) == 2 && len(got.Nodes[0].Inputs) == 1 {
		if q := got.Nodes[0].Inputs[0]; q.Mode != "asymmetric" || *q.Input != input || q.Name == "" {
			t.Errorf("found the quantizer %+v of the query's input", q)
		}
		got.Nodes[0].Inputs = nil
	}
	if diff := cmp.Diff(want, got.Nodes); diff != "" {
		t.Error(diff)
	}
	if got.Architecture != "BertForSequenceClassification" || len(got.Unmatched)+len(got.Errors) > 0 {
		t.Errorf("found %+v", got)
	}
}

// What matches nothing is listed with what may have been meant.
func TestScopesUnmatched(t *testing.T) {
	dir := scopesFolder(t, map[string]string{"wrong.json": `{"compression": [
		{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1, "enable_structured_masking": true},
		 "sparse_structure_by_scopes": [{"mode": "per_dim", "axis": 0, "target_scopes": "{re}.*BertIntermediat3.*"}],
		 "ignored_scopes": ["{re}.*poolr.*", "classifier", "{re}zzzzzz"]},
		{"algorithm": "quantization", "scope_overrides": {"activations": {"{re}.*matmull_0": {"mode": "symmetric"}}}}]}`})
	status, stdout, stderr := runCommand(t, "scopes", dir, "--nncf_compression_config", filepath.Join(dir, "wrong.json"))
	if status != exitError || !strings.Contains(stdout, "NNCFLinear[query]/linear_0") {
		t.Errorf("status %d, want %d, and the table\n%s", status, exitError, stdout)
	}
	lines := strings.Split(stderr, "\n")
	for scope, want := range map[string]string{
		`movement_sparsity.ignored_scopes: "{re}.*poolr.*" matches no node; did you mean`:                                                 "/BertPooler[pooler]/",
		`movement_sparsity.ignored_scopes: "classifier" matches no node; did you mean`:                                                    "    BertForSequenceClassification/NNCFLinear[classifier]/linear_0",
		`movement_sparsity.ignored_scopes: "{re}zzzzzz" matches no node`:                                                                  "",
		`movement_sparsity.sparse_structure_by_scopes[0].target_scopes: "{re}.*BertIntermediat3.*" matches no node; did you mean`:         "BertIntermediate[intermediate]/",
		`quantization.scope_overrides.activations: "{re}.*matmull_0" matches no node; did you mean`:                                       "/matmul_0",
		`jpqd: movement_sparsity: found scopes that match no node of the model's graph, want each to match one unless validate_scopes is`: "",
	} {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, scope) })
		if i < 0 || i+1 >= len(lines) || !strings.Contains(lines[i+1], want) {
			t.Errorf("standard error does not say %s … %s:\n%s", scope, want, stderr)
		}
	}
	_, stdout, _ = runCommand(t, "scopes", dir, "--nncf_compression_config", filepath.Join(dir, "wrong.json"), "--json")
	var got scopesReport
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Unmatched) != 5 || len(got.Errors) == 0 {
		t.Errorf("%v: found %d scopes without a node and errors %q, want 5 and one", err, len(got.Unmatched), got.Errors)
	}
}

func TestScopesErrors(t *testing.T) {
	dir := scopesFolder(t, map[string]string{"bad.json": "{"})
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		message string
	}{
		{"no model", nil, exitUsage, "found 0 arguments, want one: a model's folder or name"},
		{"no configuration", []string{dir}, exitUsage, "--nncf_compression_config: found none, want a file"},
		{"no such configuration", []string{dir, "--nncf_compression_config", filepath.Join(dir, "none")}, exitError, "none: no such file"},
		{"broken configuration", []string{dir, "--nncf_compression_config", filepath.Join(dir, "bad.json")}, exitError, "bad.json"},
		{"filter", []string{dir, "--filter", "("}, exitUsage, "--filter: error parsing regexp"},
		{"a file", []string{filepath.Join(dir, "bad.json")}, exitError, "is a file, want the folder"},
		{"an empty folder", []string{filepath.Join(dir, "empty")}, exitError, "config.json"},
		{"a name", []string{"org/none"}, exitError, `and there is no folder "org/none"`},
	} {
		status, stdout, stderr := runCommand(t, append([]string{"scopes"}, test.args...)...)
		if status != test.status || stdout != "" || !strings.Contains(stderr, test.message) {
			t.Errorf("%s: status %d, want %d; %q, want …%s…", test.name, status, test.status, stderr, test.message)
		}
	}
}
