package jpqd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// configObject is an object of the configuration with the keys it may have.
type configObject struct {
	name   string
	format string // a configuration with the object's members in place of %s
	keys   []configKey
	// foreign says that keys of other programs are allowed, with a warning where
	// they look misspelt.
	foreign bool
}

// configKey is a key with values of its type, the default among them in its
// place, and what is asked for where a value has another type.
type configKey struct {
	name    string
	absent  string   // the default as JSON; "" where an absent key is something else
	valid   []string // other values
	wrong   []string // of another type or outside of the enumeration
	message string
}

const (
	boolean  = "true or false"
	number   = "a number"
	str      = "a string"
	scopes   = "a string or an array"
	sections = "an array or an object"
)

// filterKeys are the keys of every object that chooses nodes.
var filterKeys = []configKey{
	{"ignored_scopes", "", []string{`"a"`, `["a", "{re}b"]`, `[]`}, []string{"1", "{}", "null"}, scopes},
	{"target_scopes", "", []string{`"a"`, `["a", "{re}b"]`, `[]`}, []string{"true", "{}"}, scopes},
	{"validate_scopes", "true", []string{"false"}, []string{"1", `"true"`}, boolean},
}

// quantizerKeys are those of a group of quantizers and of an override.
var quantizerKeys = []configKey{
	{"mode", "", []string{`"symmetric"`, `"asymmetric"`}, []string{"1", `"sym"`}, `"symmetric" or "asymmetric"`},
	{"bits", "8", nil, []string{`"8"`, "true"}, number},
	{"signed", "", []string{"true"}, []string{"1", `"true"`}, boolean},
	{"per_channel", "", []string{"false"}, []string{"0", "null"}, boolean},
}

// rangeKeys are those of a range initialiser.
var rangeKeys = []configKey{
	{"num_init_samples", "256", []string{"0", "32", "7.0"}, []string{`"256"`, "[]"}, number},
	{
		"type", `"mixed_min_max"`, []string{`"min_max"`, `"mean_min_max"`, `"threesigma"`, `"percentile"`, `"mean_percentile"`},
		[]string{`"max"`, "3"}, `"mixed_min_max", "min_max", "mean_min_max", "threesigma", "percentile" or "mean_percentile"`,
	},
	{"params", "{}", []string{`{"min_percentile": 0.1, "max_percentile": 99.9}`}, []string{"1", "[]"}, "an object"},
}

const (
	movementFormat  = `{"compression": {"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1}, %s}}`
	structureFormat = `{"compression": {"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1},
"sparse_structure_by_scopes": [{%s}]}}`
	quantizationFormat = `{"compression": {"algorithm": "quantization", %s}}`
)

// configObjects are NNCF's objects, by the sections of its schema.
var configObjects = []configObject{
	{
		name: "root", format: "{%s}", foreign: true, keys: []configKey{
			{"input_info", "", []string{"{}", "[]", `[{"sample_size": [1]}]`}, []string{"1", `"a"`}, sections},
			{"target_device", `"ANY"`, []string{`"CPU"`, `"GPU"`, `"NPU"`, `"TRIAL"`, `"CPU_SPR"`}, []string{`"cpu"`, "1"}, `"ANY", "CPU", "GPU", "NPU", "TRIAL" or "CPU_SPR"`},
			{"compression", "", []string{"[]"}, []string{"1", `"quantization"`}, sections},
			{"accuracy_aware_training", "", []string{"{}"}, []string{"[]", "true"}, "an object"},
			{"compression_lr_multiplier", "1", []string{"0.5"}, []string{`"1"`, "null"}, number},
			{"log_dir", `"."`, []string{`"/logs"`}, []string{"1", "[]"}, str},
			{"disable_shape_matching", "", []string{"true", "false"}, []string{"0"}, boolean},
		},
	},
	{
		name: "input_info", format: `{"input_info": [{%s}]}`, keys: []configKey{
			{"sample_size", "", []string{"[1, 128]", "[]"}, []string{"1", `"1"`}, "an array"},
			{"type", "", []string{`"long"`, `"float"`}, []string{"1"}, str},
			{"filler", "", []string{`"random"`, `"ones"`, `"zeros"`}, []string{"[]"}, str},
			{"keyword", "", []string{`"input_ids"`}, []string{"null"}, str},
		},
	},
	{
		name: "movement_sparsity", format: movementFormat, keys: append([]configKey{
			{"sparse_structure_by_scopes", "[]", []string{`[{"mode": "fine", "target_scopes": "a"}]`}, []string{"{}", `"a"`}, "an array"},
			{"compression_lr_multiplier", "1", []string{"2"}, []string{"true"}, number},
		}, filterKeys...),
	},
	{
		name:   "movement_sparsity params",
		format: `{"compression": {"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1, %s}}}`,
		keys: []configKey{
			{"warmup_start_epoch", "", []string{"1", "1.5"}, []string{`"1"`}, number},
			{"warmup_end_epoch", "", []string{"2", "2.5"}, []string{"[2]"}, number},
			{"importance_regularization_factor", "", []string{"0", "0.05"}, []string{"null"}, number},
			{"enable_structured_masking", "true", []string{"false"}, []string{"1"}, boolean},
			{"init_importance_threshold", "", []string{"-1", "0.5"}, []string{`"auto"`}, number},
			{"final_importance_threshold", "0", []string{"-0.5", "1"}, []string{"{}"}, number},
			{"power", "3", []string{"0", "1", "2.5"}, []string{`"3"`}, number},
			{"steps_per_epoch", "", []string{"10", "10.0"}, []string{`"10"`}, number},
		},
	},
	{
		name: "block structure", format: strings.Replace(structureFormat, "%s", `"mode": "block", "sparse_factors": [2, 2], "target_scopes": "a", %s`, 1), keys: []configKey{
			{"mode", "", []string{`"block"`}, []string{`"row"`, "1"}, `"fine", "block" or "per_dim"`},
			{"sparse_factors", "", []string{"[32, 16]", "[4.0, 1]"}, []string{"32", `"2x2"`}, "an array"},
			{"target_scopes", "", []string{`"a"`, `["a", "{re}b"]`}, []string{"1", "null"}, scopes},
		},
	},
	{
		name: "per_dim structure", format: strings.Replace(structureFormat, "%s", `"mode": "per_dim", "axis": 0, "target_scopes": "a", %s`, 1), keys: []configKey{
			{"axis", "", []string{"0", "1", "1.0"}, []string{`"0"`, "[0]"}, number},
		},
	},
	{
		name: "quantization", format: quantizationFormat, keys: append([]configKey{
			{"preset", `"performance"`, []string{`"mixed"`}, []string{`"accuracy"`, "1"}, `"performance" or "mixed"`},
			{"quantize_inputs", "true", []string{"false"}, []string{"1"}, boolean},
			{"quantize_outputs", "false", []string{"true"}, []string{`"yes"`}, boolean},
			{"overflow_fix", `"enable"`, []string{`"disable"`, `"first_layer_only"`}, []string{"true", `"on"`}, `"enable", "disable" or "first_layer_only"`},
			{"weights", "{}", nil, []string{"[]", "1"}, "an object"},
			{"activations", "{}", nil, []string{"[]", "null"}, "an object"},
			{"scope_overrides", "{}", nil, []string{"[]"}, "an object"},
			{"initializer", "{}", nil, []string{"[]", "true"}, "an object"},
			{"export_to_onnx_standard_ops", "false", []string{"true"}, []string{"0"}, boolean},
			{"params", "{}", []string{`{"base_lr": 1}`}, []string{"[]", "1"}, "an object"},
			{"compression_lr_multiplier", "1", []string{"3"}, []string{`"3"`}, number},
		}, filterKeys...),
	},
	{
		name: "staged quantization", format: strings.Replace(quantizationFormat, "%s", `"params": {"base_lr": 1, %s}`, 1), keys: []configKey{
			{"batch_multiplier", "", []string{"2"}, []string{`"2"`}, number},
			{"activations_quant_start_epoch", "1", []string{"0", "3.0"}, []string{`"1"`}, number},
			{"weights_quant_start_epoch", "1", []string{"0", "7"}, []string{"null"}, number},
			{"lr_poly_drop_start_epoch", "", []string{"1"}, []string{"[]"}, number},
			{"lr_poly_drop_duration_epochs", "", []string{"30"}, []string{"{}"}, number},
			{"disable_wd_start_epoch", "", []string{"1"}, []string{"true"}, number},
			{"base_lr", "", []string{"0.001"}, []string{`"a"`}, number},
			{"base_wd", "", []string{"1e-5"}, []string{`"a"`}, number},
		},
	},
	{
		name: "weights", format: strings.Replace(quantizationFormat, "%s", `"weights": {%s}`, 1), keys: append(append([]configKey{
			{"logarithm_scale", "false", []string{"true"}, []string{"1"}, boolean},
		}, quantizerKeys...), filterKeys...),
	},
	{
		name: "activations", format: strings.Replace(quantizationFormat, "%s", `"activations": {%s}`, 1), keys: append(append([]configKey{
			{"logarithm_scale", "false", []string{"true"}, []string{`"log"`}, boolean},
			{"unified_scale_ops", "", []string{"[]", `[["a", "b"], ["c"]]`}, []string{"{}", `"a"`}, "an array"},
		}, quantizerKeys...), filterKeys...),
	},
	{
		name: "override of weights", format: strings.Replace(quantizationFormat, "%s", `"scope_overrides": {"weights": {"{re}a": {%s}}}`, 1), keys: append([]configKey{
			{"initializer", "", []string{"{}", `{"range": {}}`, `{"range": [{}]}`}, []string{"[]"}, "an object"},
		}, quantizerKeys...),
	},
	{
		name: "override of activations", format: strings.Replace(quantizationFormat, "%s", `"scope_overrides": {"activations": {"a": {%s}}}`, 1), keys: quantizerKeys,
	},
	{
		name: "scope_overrides", format: strings.Replace(quantizationFormat, "%s", `"scope_overrides": {%s}`, 1), keys: []configKey{
			{"weights", "{}", []string{`{"a": {}}`}, []string{"[]"}, "an object"},
			{"activations", "{}", []string{`{"a": {}, "{re}b": {}}`}, []string{"1"}, "an object"},
		},
	},
	{
		name: "initializer", format: strings.Replace(quantizationFormat, "%s", `"initializer": {%s}`, 1), keys: []configKey{
			{"range", "{}", []string{"[]", "[{}]"}, []string{"1", `"min_max"`}, sections},
			{"batchnorm_adaptation", "", []string{"{}", `{"num_bn_adaptation_samples": 0}`}, []string{"[]"}, "an object"},
			{"precision", "", nil, []string{"[]"}, "an object"},
		},
	},
	{
		name: "batchnorm_adaptation", format: strings.Replace(quantizationFormat, "%s", `"initializer": {"batchnorm_adaptation": {%s}}`, 1), keys: []configKey{
			{"num_bn_adaptation_samples", "2000", []string{"0", "200"}, []string{`"200"`}, number},
		},
	},
	{name: "range", format: strings.Replace(quantizationFormat, "%s", `"initializer": {"range": {%s}}`, 1), keys: rangeKeys},
	{
		name: "range of a list", format: strings.Replace(quantizationFormat, "%s", `"initializer": {"range": [{%s}]}`, 1), keys: append([]configKey{
			{"target_quantizer_group", "", []string{`"weights"`, `"activations"`}, []string{`"all"`, "1"}, `"weights" or "activations"`},
			{"ignored_scopes", "", []string{`"a"`, `["a"]`}, []string{"1"}, scopes},
			{"target_scopes", "", []string{`"a"`, `["a"]`}, []string{"{}"}, scopes},
		}, rangeKeys...),
	},
	{
		name: "range of an override", format: strings.Replace(quantizationFormat, "%s", `"scope_overrides": {"weights": {"a": {"initializer": {"range": {%s}}}}}`, 1), keys: rangeKeys,
	},
	{
		name: "range params", format: strings.Replace(quantizationFormat, "%s", `"initializer": {"range": {"params": {%s}}}`, 1), keys: []configKey{
			{"min_percentile", "0.1", []string{"0", "50"}, []string{`"0.1"`}, number},
			{"max_percentile", "99.9", []string{"100", "1"}, []string{"[]"}, number},
		},
	},
}

// with is the object's configuration with these members and nothing else.
func (o configObject) with(members string) string {
	text := fmt.Sprintf(o.format, members)
	return strings.ReplaceAll(strings.ReplaceAll(text, ", }", "}"), ", ]", "]")
}

func TestEveryKeyOfTheConfiguration(t *testing.T) {
	for _, o := range configObjects {
		t.Run(o.name, func(t *testing.T) {
			absent, err := ParseNNCFConfig([]byte(o.with("")))
			if err != nil {
				t.Fatalf("without a key: %v", err)
			}
			for _, k := range o.keys {
				if k.absent != "" {
					given, err := ParseNNCFConfig([]byte(o.with(fmt.Sprintf("%q: %s", k.name, k.absent))))
					if err != nil {
						t.Errorf("%s: %s: %v", k.name, k.absent, err)
					} else if diff := cmp.Diff(absent, given, ignoreText); diff != "" {
						t.Errorf("%s: its default %s is not what an absent key gives: %s", k.name, k.absent, diff)
					}
				}
				for _, value := range k.valid {
					if _, err := ParseNNCFConfig([]byte(o.with(fmt.Sprintf("%q: %s", k.name, value)))); err != nil {
						t.Errorf("%s: %s: %v", k.name, value, err)
					}
				}
				for _, value := range k.wrong {
					_, err := ParseNNCFConfig([]byte(o.with(fmt.Sprintf("%q: %s", k.name, value))))
					want := fmt.Sprintf("%s: found %s, want %s", k.name, value, k.message)
					if err == nil || !strings.HasSuffix(err.Error(), want) {
						t.Errorf("%s: %s: found error %v, want … %s", k.name, value, err, want)
					}
				}
				o.checkMisspelt(t, k.name)
			}
		})
	}
}

// checkMisspelt adds a letter to a key, which must be named as the one meant.
func (o configObject) checkMisspelt(t *testing.T, key string) {
	t.Helper()
	misspelt := key[:2] + "x" + key[2:]
	config, err := ParseNNCFConfig([]byte(o.with(fmt.Sprintf("%q: 1", misspelt))))
	want := fmt.Sprintf("%s: unknown key: found 1, want %q, the nearest known key", misspelt, key)
	if o.foreign {
		want = fmt.Sprintf("%s: unknown key, ignored; did you mean %q?", misspelt, key)
		if err == nil && strings.Contains(strings.Join(config.Warnings, "\n"), want) {
			return
		}
		t.Errorf("%s: found warnings %v and error %v, want %s", misspelt, config.Warnings, err, want)
		return
	}
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%s: found error %v, want … %s", misspelt, err, want)
	}
}

// Every key of the schema is in the table above, and no other.
func TestKeysAreThoseOfTheSchema(t *testing.T) {
	definitions := map[string]string{
		"root": "root", "input_info": "input", "movement_sparsity": "movement_sparsity", "movement_sparsity params": "movement_sparsity_params",
		"quantization": "quantization", "staged quantization": "staged", "weights": "weights", "activations": "activations",
		"override of weights": "scope_override", "scope_overrides": "scope_overrides", "initializer": "initializer",
		"range": "range", "range of a list": "range_by_scopes", "range params": "range_params",
	}
	for _, o := range configObjects {
		name, ok := definitions[o.name]
		if !ok {
			continue
		}
		found := map[string]bool{}
		for _, k := range o.keys {
			found[k.name] = true
		}
		for key := range loadNNCFSchema().lookup("#/definitions/" + name)["properties"].(map[string]any) {
			if !found[key] && key != "algorithm" && !(key == "params" && o.name == "movement_sparsity") {
				t.Errorf("%s: key %s is not in the table", o.name, key)
			}
			delete(found, key)
		}
		for key := range found {
			t.Errorf("%s: key %s is not in the schema", o.name, key)
		}
	}
}

// Where several of NNCF's checks of the schedule fail at once, the first one of
// its order speaks. Each row mends what the row before complained about.
func TestOrderOfChecks(t *testing.T) {
	for _, test := range []struct{ params, want string }{
		{`"enable_structured_masking": true`, "`warmup_start_epoch` is required in config"},
		{`"warmup_start_epoch": -3`, "`warmup_end_epoch` is required in config"},
		{`"warmup_start_epoch": -3, "warmup_end_epoch": -4`, "`importance_regularization_factor` is required in config"},
		{`"warmup_start_epoch": -3, "warmup_end_epoch": -4, "importance_regularization_factor": -1, "init_importance_threshold": 2`, "`warmup_start_epoch` must be >= 1 to enable the auto calculation of `steps_per_epoch`"},
		{`"warmup_start_epoch": -3, "warmup_end_epoch": -4, "importance_regularization_factor": -1, "init_importance_threshold": 2, "steps_per_epoch": 5`, "`0 <= warmup_start_epoch < warmup_end_epoch` does not hold: found -3"},
		{`"warmup_start_epoch": 3, "warmup_end_epoch": -4, "importance_regularization_factor": -1, "init_importance_threshold": 2, "steps_per_epoch": 5`, "`0 <= warmup_start_epoch < warmup_end_epoch` does not hold: found -4"},
		{`"warmup_start_epoch": 3, "warmup_end_epoch": 4, "importance_regularization_factor": -1, "init_importance_threshold": 2, "steps_per_epoch": 5`, "`importance_regularization_factor` should not be a negative number"},
	} {
		_, err := ParseNNCFConfig([]byte(scheduleWith(test.params)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: found error %v, want %s", test.params, err, test.want)
		}
	}
	const mended = `"warmup_start_epoch": 3, "warmup_end_epoch": 4, "importance_regularization_factor": 1, "init_importance_threshold": 2, "steps_per_epoch": 5`
	config, err := ParseNNCFConfig([]byte(scheduleWith(mended)))
	if err != nil || len(config.Warnings) != 1 || !strings.Contains(config.Warnings[0], "sparsity will not grow during warm-up") {
		t.Errorf("found %v, %v, want the warning of the threshold alone", config, err)
	}
}

// The root's multiplier is that of both sections, unless a section has its own.
func TestMultiplierOfSections(t *testing.T) {
	const format = `{%s "compression": [{"algorithm": "movement_sparsity"%s, "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1}}, {"algorithm": "quantization"%s}]}`
	const own = `, "compression_lr_multiplier": `
	for _, test := range []struct {
		root, movement, quantization string
		want                         [2]float64
	}{
		{"", "", "", [2]float64{1, 1}},
		{`"compression_lr_multiplier": 5,`, "", "", [2]float64{5, 5}},
		{`"compression_lr_multiplier": 5,`, own + "2", "", [2]float64{2, 5}},
		{`"compression_lr_multiplier": 5,`, "", own + "3", [2]float64{5, 3}},
		{"", own + "2", own + "3", [2]float64{2, 3}},
	} {
		config, err := ParseNNCFConfig(fmt.Appendf(nil, format, test.root, test.movement, test.quantization))
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]float64{config.MovementSparsity.LRMultiplier, config.Quantization.LRMultiplier}; got != test.want {
			t.Errorf("%s%s%s: found %v, want %v", test.root, test.movement, test.quantization, got, test.want)
		}
	}
}
