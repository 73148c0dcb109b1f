package jpqd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// ignoreText leaves out what depends on how a configuration is written.
var ignoreText = cmpopts.IgnoreFields(NNCFConfig{}, "Source", "Warnings")

func pointerTo[T any](value T) *T { return &value }

const minimalMovement = `{"algorithm": "movement_sparsity", "params": {
	"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1}}`

// minimalMovementConfig is what NNCF's defaults make of minimalMovement.
func minimalMovementConfig() *NNCFConfig {
	return &NNCFConfig{
		TargetDevice: "ANY", LogDir: ".",
		MovementSparsity: &MovementSparsityConfig{
			ScopeFilter: ScopeFilter{Validate: true}, LRMultiplier: 1,
			WarmupStartEpoch: 1, WarmupEndEpoch: 2, ImportanceRegularizationFactor: 0.1,
			EnableStructuredMasking: true, Power: 3,
		},
	}
}

// minimalQuantizationConfig is what NNCF's defaults make of {"algorithm": "quantization"}.
func minimalQuantizationConfig() *NNCFConfig {
	group := QuantizerGroup{ScopeFilter: ScopeFilter{Validate: true}, QuantizerMode: QuantizerMode{Bits: 8}}
	return &NNCFConfig{
		TargetDevice: "ANY", LogDir: ".",
		Quantization: &QuantizationConfig{
			ScopeFilter: ScopeFilter{Validate: true}, LRMultiplier: 1,
			Preset: "performance", OverflowFix: "enable", Weights: group, Activations: group, QuantizeInputs: true,
			Range: []RangeInit{{Type: "mixed_min_max", NumInitSamples: 256, MinPercentile: 0.1, MaxPercentile: 99.9}},
		},
	}
}

// edited applies an edit to a configuration.
func edited(c *NNCFConfig, edit func(*NNCFConfig)) *NNCFConfig {
	edit(c)
	return c
}

func TestParseNNCFConfig(t *testing.T) {
	const quantization = `{"algorithm": "quantization"`
	for _, test := range []struct {
		name string
		data string
		want *NNCFConfig
	}{
		{"one section alone", minimalMovement, minimalMovementConfig()},
		{"the list alone", "[" + minimalMovement + "]", minimalMovementConfig()},
		{"a root with one section", `{"compression": ` + minimalMovement + `}`, minimalMovementConfig()},
		{"a root with a list", `{"compression": [` + minimalMovement + `]}`, minimalMovementConfig()},
		{"nothing to compress", `{"model": "bert"}`, &NNCFConfig{TargetDevice: "ANY", LogDir: "."}},
		{"an empty list", `[]`, &NNCFConfig{TargetDevice: "ANY", LogDir: "."}},
		{"an empty log_dir", `{"log_dir": ""}`, &NNCFConfig{TargetDevice: "ANY", LogDir: "."}},
		{
			"comments and trailing commas",
			"// a comment\n{ /* [[[ */ \"compression\": [" + minimalMovement + ",],\n}\n",
			minimalMovementConfig(),
		},
		{
			"keys of the root, foreign ones among them",
			`{"model": {"name": [1, 2]}, "optimizer": null, "target_device": "CPU", "log_dir": "/logs",
			  "input_info": [{"sample_size": [1, 128], "type": "long", "keyword": "input_ids"}, {"filler": "ones"}],
			  "compression_lr_multiplier": 10, "compression": ` + minimalMovement + `}`,
			edited(minimalMovementConfig(), func(c *NNCFConfig) {
				c.TargetDevice, c.LogDir, c.MovementSparsity.LRMultiplier = "CPU", "/logs", 10
			}),
		},
		{
			"a section's own multiplier wins",
			`{"compression_lr_multiplier": 10, "input_info": {"sample_size": [1]}, "compression": ` + quantization + `, "compression_lr_multiplier": 2}}`,
			edited(minimalQuantizationConfig(), func(c *NNCFConfig) { c.Quantization.LRMultiplier = 2 }),
		},
		{
			"every key of movement sparsity",
			`{"algorithm": "movement_sparsity", "params": {
				"warmup_start_epoch": 0, "warmup_end_epoch": 2.5, "importance_regularization_factor": 0, "enable_structured_masking": false,
				"init_importance_threshold": -1, "final_importance_threshold": -0.5, "power": 1, "steps_per_epoch": 7.0},
			  "sparse_structure_by_scopes": [
				{"mode": "block", "sparse_factors": [32, 16.0], "target_scopes": "{re}a"},
				{"mode": "per_dim", "axis": 0, "target_scopes": ["b", "{re}c"]},
				{"mode": "per_dim", "axis": 1, "target_scopes": "d"},
				{"mode": "fine", "sparse_factors": [1, 1], "target_scopes": "e"},
				{"mode": "fine", "target_scopes": "f"}],
			  "ignored_scopes": "g", "target_scopes": ["h", "i"], "validate_scopes": false, "compression_lr_multiplier": 0.5}`,
			edited(minimalMovementConfig(), func(c *NNCFConfig) {
				c.MovementSparsity = &MovementSparsityConfig{
					ScopeFilter:  ScopeFilter{Ignored: Scopes{"g"}, Target: Scopes{"h", "i"}},
					LRMultiplier: 0.5, WarmupEndEpoch: 2.5, InitImportanceThreshold: pointerTo(-1.0),
					FinalImportanceThreshold: -0.5, Power: 1, StepsPerEpoch: 7,
					Structures: []SparseStructure{
						{Mode: Block, Factors: [2]int{32, 16}, Target: Scopes{"{re}a"}},
						{Mode: PerDim, Axis: 0, Target: Scopes{"b", "{re}c"}},
						{Mode: PerDim, Axis: 1, Target: Scopes{"d"}},
						{Mode: Fine, Factors: [2]int{1, 1}, Target: Scopes{"e"}},
						{Mode: Fine, Factors: [2]int{1, 1}, Target: Scopes{"f"}},
					},
				}
			}),
		},
		{"defaults of quantization", quantization + "}", minimalQuantizationConfig()},
		{"empty groups are defaults", quantization + `, "weights": {}, "activations": {}, "scope_overrides": {}, "initializer": {}}`, minimalQuantizationConfig()},
		{"an empty range is the default", quantization + `, "initializer": {"range": {}}}`, minimalQuantizationConfig()},
		{"an empty list of ranges is the default", quantization + `, "initializer": {"range": []}}`, minimalQuantizationConfig()},
		{
			"harmless values that jpqd has nothing to do for",
			quantization + `, "quantize_inputs": true, "quantize_outputs": false, "export_to_onnx_standard_ops": false,
				"weights": {"logarithm_scale": false}, "activations": {"logarithm_scale": false, "unified_scale_ops": []}}`,
			minimalQuantizationConfig(),
		},
		{
			"staged quantization, logarithms, unified scales, outputs, ranges of overrides",
			quantization + `, "quantize_inputs": false, "quantize_outputs": true,
			  "params": {"activations_quant_start_epoch": 2, "base_lr": 0.1},
			  "weights": {"logarithm_scale": true, "mode": "asymmetric"},
			  "activations": {"logarithm_scale": true, "unified_scale_ops": [["a", "b"], [], ["c"]]},
			  "scope_overrides": {
				"weights": {"z": {"mode": "asymmetric", "initializer": {"range": {"type": "min_max"}}}},
				"activations": {"y": {"initializer": {"range": [
					{"type": "percentile", "params": {"max_percentile": 98}, "target_scopes": "{re}INPUT0"},
					{"num_init_samples": 7, "ignored_scopes": "{re}INPUT0", "target_quantizer_group": "activations"}]}},
				  "x": {"initializer": {}}}}}`,
			edited(minimalQuantizationConfig(), func(c *NNCFConfig) {
				q := c.Quantization
				q.QuantizeInputs, q.QuantizeOutputs = false, true
				q.Staged = &StagedQuantization{ActivationsStartEpoch: 2, WeightsStartEpoch: 1}
				q.Weights.LogarithmScale, q.Weights.Mode = true, "asymmetric"
				q.Activations.LogarithmScale, q.Activations.UnifiedScaleOps = true, [][]string{{"a", "b"}, {"c"}}
				q.Weights.Overrides = []QuantizerOverride{{
					Target: Scopes{"z"}, QuantizerMode: QuantizerMode{Mode: "asymmetric", Bits: 8},
					Range: []RangeInit{{Type: "min_max", NumInitSamples: 256, MinPercentile: 0.1, MaxPercentile: 99.9}},
				}}
				q.Activations.Overrides = []QuantizerOverride{
					{Target: Scopes{"y"}, QuantizerMode: QuantizerMode{Bits: 8}, Range: []RangeInit{
						{Type: "percentile", NumInitSamples: 256, MinPercentile: 0.1, MaxPercentile: 98, Target: Scopes{"{re}INPUT0"}},
						{Type: "mixed_min_max", NumInitSamples: 7, MinPercentile: 0.1, MaxPercentile: 99.9, Ignored: Scopes{"{re}INPUT0"}, QuantizerGroup: "activations"},
					}},
					{Target: Scopes{"x"}, QuantizerMode: QuantizerMode{Bits: 8}},
				}
			}),
		},
		{"params without keys are none", quantization + `, "params": {}}`, minimalQuantizationConfig()},
		{
			"an empty target list stays different from none",
			quantization + `, "ignored_scopes": [], "target_scopes": []}`,
			edited(minimalQuantizationConfig(), func(c *NNCFConfig) {
				c.Quantization.ScopeFilter = ScopeFilter{Ignored: Scopes{}, Target: Scopes{}, Validate: true}
			}),
		},
		{
			"every key of quantization",
			quantization + `, "preset": "mixed", "overflow_fix": "first_layer_only",
			  "weights": {"mode": "symmetric", "bits": 8, "signed": true, "per_channel": false, "ignored_scopes": "a"},
			  "activations": {"mode": "asymmetric", "signed": false, "per_channel": false, "target_scopes": ["b"], "validate_scopes": false},
			  "scope_overrides": {
				"weights": {"z": {"per_channel": true}},
				"activations": {"{re}z": {"mode": "symmetric"}, "{re}y": {}, "x": {"bits": 8, "signed": true}}},
			  "initializer": {"range": [
				{"num_init_samples": 0, "type": "min_max", "target_scopes": "c", "target_quantizer_group": "weights"},
				{"type": "percentile", "params": {"min_percentile": 0, "max_percentile": 100}, "ignored_scopes": ["d"], "target_quantizer_group": "activations"}]}}`,
			edited(minimalQuantizationConfig(), func(c *NNCFConfig) {
				q := c.Quantization
				q.Preset, q.OverflowFix = "mixed", "first_layer_only"
				q.Weights = QuantizerGroup{
					ScopeFilter:   ScopeFilter{Ignored: Scopes{"a"}, Validate: true},
					QuantizerMode: QuantizerMode{Mode: "symmetric", Bits: 8, Signed: pointerTo(true), PerChannel: pointerTo(false)},
					Overrides:     []QuantizerOverride{{Target: Scopes{"z"}, QuantizerMode: QuantizerMode{Bits: 8, PerChannel: pointerTo(true)}}},
				}
				q.Activations = QuantizerGroup{
					ScopeFilter:   ScopeFilter{Target: Scopes{"b"}},
					QuantizerMode: QuantizerMode{Mode: "asymmetric", Bits: 8, Signed: pointerTo(false), PerChannel: pointerTo(false)},
					Overrides: []QuantizerOverride{
						{Target: Scopes{"{re}z"}, QuantizerMode: QuantizerMode{Mode: "symmetric", Bits: 8}},
						{Target: Scopes{"{re}y"}, QuantizerMode: QuantizerMode{Bits: 8}},
						{Target: Scopes{"x"}, QuantizerMode: QuantizerMode{Bits: 8, Signed: pointerTo(true)}},
					},
				}
				q.Range = []RangeInit{
					{Type: "min_max", MinPercentile: 0.1, MaxPercentile: 99.9, Target: Scopes{"c"}, QuantizerGroup: "weights"},
					{Type: "percentile", NumInitSamples: 256, MaxPercentile: 100, Ignored: Scopes{"d"}, QuantizerGroup: "activations"},
				}
			}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseNNCFConfig([]byte(test.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, ignoreText); diff != "" {
				t.Error(diff)
			}
			again, err := ParseNNCFConfig(got.Source)
			if err != nil {
				t.Fatalf("Source cannot be read back: %v\n%s", err, got.Source)
			}
			if diff := cmp.Diff(got, again, cmpopts.IgnoreFields(NNCFConfig{}, "Warnings")); diff != "" {
				t.Errorf("Source gives another configuration: %s", diff)
			}
		})
	}
}

func TestParseNNCFConfigWarnings(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       []string
	}{
		{"none", minimalMovement, nil},
		{
			"the documented name of a key",
			`{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2,
			  "importance_regularization_factor": 0.1, "initial_importance_threshold": -1}}`,
			[]string{`line 2: params.initial_importance_threshold: read as "init_importance_threshold", the name that NNCF itself accepts`},
		},
		{
			"an initial threshold that is not below the final one",
			`[{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2,
			  "importance_regularization_factor": 0.1, "init_importance_threshold": 0}}]`,
			[]string{"line 2: [0].params.init_importance_threshold: `init_importance_threshold` 0 is not below `final_importance_threshold` 0: sparsity will not grow during warm-up"},
		},
		{"no section", `{"compression": []}`, []string{`line 1: there is no section in "compression": the model is not compressed`}},
		{
			"keys of the root",
			`{"compresion": [], "accuracy_aware_training": {}, "disable_shape_matching": true, "batch_size": 3}`,
			[]string{
				`line 1: compresion: unknown key, ignored; did you mean "compression"?`,
				"line 1: accuracy_aware_training: ignored: jpqd trains with the arguments given to it",
				"line 1: disable_shape_matching: ignored: NNCF has deprecated it",
				`line 1: there is no section in "compression": the model is not compressed`,
			},
		},
		{
			"a key given twice",
			"{\"algorithm\": \"quantization\",\n\"preset\": \"mixed\",\n\"preset\": \"performance\"}",
			[]string{"line 3: preset: the key is given twice; this value counts"},
		},
		{
			"harmless parts of quantization",
			`{"algorithm": "quantization", "export_to_onnx_standard_ops": true,
			  "initializer": {"batchnorm_adaptation": {"num_bn_adaptation_samples": 200}}}`,
			[]string{
				"line 1: export_to_onnx_standard_ops: ignored: NNCF has deprecated it, and the model is written as OpenVINO IR",
				"line 2: initializer.batchnorm_adaptation: without effect: the models that jpqd compresses have no batch normalisation",
			},
		},
		{
			"parts of staged quantization that are not the scheduler's",
			`{"algorithm": "quantization", "params": {"weights_quant_start_epoch": 2,
			  "base_lr": 0.1, "disable_wd_start_epoch": 3}}`,
			[]string{
				"line 2: params.base_lr: without effect: learning rate, weight decay and accumulation are those of the training arguments",
				"line 2: params.disable_wd_start_epoch: without effect: learning rate, weight decay and accumulation are those of the training arguments",
			},
		},
		{"no adaptation asked for", `{"algorithm": "quantization", "initializer": {"batchnorm_adaptation": {"num_bn_adaptation_samples": 0}}}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseNNCFConfig([]byte(test.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Warnings); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAliasSetsThreshold(t *testing.T) {
	data := strings.Replace(minimalMovement, `"warmup_end_epoch"`, `"initial_importance_threshold": -0.25, "warmup_end_epoch"`, 1)
	got, err := ParseNNCFConfig([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if got.MovementSparsity.InitImportanceThreshold == nil || *got.MovementSparsity.InitImportanceThreshold != -0.25 {
		t.Errorf("found threshold %v, want -0.25", got.MovementSparsity.InitImportanceThreshold)
	}
}

func TestLoadNNCFConfig(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := LoadNNCFConfig(write("good.json", []byte(minimalMovement)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(minimalMovementConfig(), got, ignoreText); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "absent.json"), "no such file"},
		{dir, "directory"},
		{write("bad.json", []byte("{\n\n]")), "bad.json: NNCF configuration: line 3, column 1: "},
		{write("large.json", bytes.Repeat([]byte(" "), maxConfigBytes+1)), "found an NNCF configuration of more than 1048576 bytes"},
	} {
		if _, err := LoadNNCFConfig(test.path); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: found error %v, want %q in it", test.path, err, test.want)
		}
	}
}

func TestSourceIsStandardJSON(t *testing.T) {
	got, err := ParseNNCFConfig([]byte("// comment\n[" + minimalMovement + ", ] // comment"))
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(got.Source, &list); err != nil || len(list) != 1 || list[0]["algorithm"] != "movement_sparsity" {
		t.Errorf("found %v and error %v in\n%s", list, err, got.Source)
	}
}

func FuzzParseNNCFConfig(f *testing.F) {
	paths, err := filepath.Glob("../configs/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, test := range nncfErrors {
		f.Add([]byte(test.data))
	}
	f.Add([]byte(strings.Repeat("[", maxConfigBytes)))
	f.Add([]byte(`{"a": 1e999999999}`))
	f.Add([]byte(`[{"algorithm": "movement_sparsity", "params": {"initial_importance_threshold": [NaN]}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := ParseNNCFConfig(data)
		if err != nil {
			if config != nil || err.Error() == "" {
				t.Fatalf("found %v with error %v", config, err)
			}
			return
		}
		again, err := ParseNNCFConfig(config.Source)
		if err != nil {
			t.Fatalf("Source cannot be read back: %v\n%s", err, config.Source)
		}
		if diff := cmp.Diff(config, again, cmpopts.IgnoreFields(NNCFConfig{}, "Warnings")); diff != "" {
			t.Fatal(diff)
		}
		if config.Quantization != nil && len(config.Quantization.Range) == 0 {
			t.Fatal("no range initialisation")
		}
	})
}
