package jpqd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// movementWith is a section of movement sparsity with more in "params" and in
// the section. What is added begins with a comma.
func movementWith(params, section string) string {
	return fmt.Sprintf(`[{"algorithm": "movement_sparsity", "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2,
"importance_regularization_factor": 0.1%s}%s}]`, params, section)
}

// structureWith is a section with one sparse structure.
func structureWith(item string) string {
	return movementWith("", `, "sparse_structure_by_scopes": [`+"\n"+item+"]")
}

// quantizationWith is a section of quantization with more in it.
func quantizationWith(section string) string {
	return `{"compression": [{"algorithm": "quantization", ` + section + `}]}`
}

// scheduleWith is a section with these params.
func scheduleWith(params string) string {
	return `{"compression": [{"algorithm": "movement_sparsity", "params": {` + params + `}}]}`
}

const structure0 = "line 3: [0].sparse_structure_by_scopes[0]"

// nncfErrors has a configuration for every rule, and what is said about it
// after "NNCF configuration: ".
var nncfErrors = []struct{ name, data, want string }{
	// Syntax.
	{"empty", ``, "line 1, column 1: parsing value: unexpected EOF"},
	{"cut off", "{\n\"compression\": [", "line 2, column 17: parsing value: unexpected EOF"},
	{"a wrong character", "{\n  \"compression\" [", "line 2, column 17: invalid character '[' after object name"},
	{"NaN", "[{\n\"a\": NaN}]", "line 2, column 6: invalid literal: NaN"},
	{"two values", `{} {}`, "line 1, column 4: invalid character '{' after top-level value"},
	{"too deep", strings.Repeat("[", 65), "found objects and arrays nested 65 deep, want at most 64"},
	{"a huge number", "{\n\"a\": [1e999]}", "line 2: a[0]: found 1e999, want a number between -3.4e38 and 3.4e38"},
	{"a huge exponent", `{"a-b": -1e999999999}`, `line 1: ["a-b"]: found -1e999999999, want a number between -3.4e38 and 3.4e38`},

	// The root.
	{"not a configuration", `"mixed"`, `line 1: found "mixed", want an array or an object`},
	{"null", `null`, `line 1: found null, want an array or an object`},
	{"target_device", "{\"target_device\":\n\"TPU\"}", `line 2: target_device: found "TPU", want "ANY", "CPU", "GPU", "NPU", "TRIAL" or "CPU_SPR"`},
	{"log_dir", `{"log_dir": 3}`, `line 1: log_dir: found 3, want a string`},
	{"accuracy_aware_training", `{"accuracy_aware_training": []}`, `line 1: accuracy_aware_training: found [], want an object`},
	{"disable_shape_matching", `{"disable_shape_matching": 1}`, `line 1: disable_shape_matching: found 1, want true or false`},
	{"no multiplier", `{"compression_lr_multiplier": 0}`, `line 1: compression_lr_multiplier: found 0, want a number above 0`},
	{"multiplier", `{"compression_lr_multiplier": "2"}`, `line 1: compression_lr_multiplier: found "2", want a number`},
	{"compression", `{"compression": "quantization"}`, `line 1: compression: found "quantization", want an array or an object`},
	{"input_info", `{"input_info": 1}`, `line 1: input_info: found 1, want an array or an object`},
	{"an input", `{"input_info": [[1, 128]]}`, `line 1: input_info[0]: found [1,128], want an object`},
	{"sample_size", `{"input_info": {"sample_size": ["a"]}}`, `line 1: input_info.sample_size[0]: found "a", want a number`},
	{"type of an input", `{"input_info": [{"type": 1}]}`, `line 1: input_info[0].type: found 1, want a string`},
	{"a key of an input", `{"input_info": [{"keywords": "x"}]}`, `line 1: input_info[0].keywords: unknown key: found "x", want "keyword", the nearest known key`},

	// Sections.
	{"a section", `[1]`, `line 1: [0]: found 1, want an object`},
	{"no algorithm", "[\n{}]", `line 2: [0].algorithm: required key is missing: found nothing, want "movement_sparsity" or "quantization"`},
	{"no algorithm in a single section", `{"compression": {"preset": "mixed"}}`, `line 1: compression.algorithm: required key is missing: found nothing, want "movement_sparsity" or "quantization"`},
	{"an unknown algorithm", `{"compression": [{"algorithm": "quantisation"}]}`, `line 1: compression[0].algorithm: found "quantisation", want "movement_sparsity" or "quantization"`},
	{"algorithm of another type", `{"algorithm": 7}`, `line 1: algorithm: found 7, want "movement_sparsity" or "quantization"`},
	{
		"an algorithm that jpqd lacks", `{"algorithm": "magnitude_sparsity", "params": {}}`,
		`line 1: algorithm: this algorithm of NNCF is not supported by jpqd: found "magnitude_sparsity", want "movement_sparsity" or "quantization"`,
	},
	{
		"two of one", `[{"algorithm": "quantization"},` + "\n" + `{"algorithm": "quantization"}]`,
		`line 2: [1].algorithm: the algorithm has a section already in line 1: found "quantization", want one section of each algorithm`,
	},

	// Keys and types of movement sparsity.
	{"initializer", movementWith("", `, "initializer": {}`), `line 2: [0].initializer: unknown key: found {}, want "algorithm", "compression_lr_multiplier", "ignored_scopes", "params", "sparse_structure_by_scopes", "target_scopes" or "validate_scopes"`},
	{"a misspelt param", movementWith(`, "warmup_epoch": 3`, ""), `line 2: [0].params.warmup_epoch: unknown key: found 3, want "warmup_end_epoch", the nearest known key`},
	{"params", `[{"algorithm": "movement_sparsity", "params": []}]`, `line 1: [0].params: found [], want an object`},
	{"structures", movementWith("", `, "sparse_structure_by_scopes": {}`), `line 2: [0].sparse_structure_by_scopes: found {}, want an array`},
	{"power", movementWith(`, "power": "3"`, ""), `line 2: [0].params.power: found "3", want a number`},
	{"enable_structured_masking", movementWith(`, "enable_structured_masking": 1`, ""), `line 2: [0].params.enable_structured_masking: found 1, want true or false`},
	{"threshold null", movementWith(`, "init_importance_threshold": null`, ""), `line 2: [0].params.init_importance_threshold: found null, want a number`},
	{"scopes", movementWith("", `, "ignored_scopes": {}`), `line 2: [0].ignored_scopes: found {}, want a string or an array`},
	{"a scope", movementWith("", `, "target_scopes": ["a", 1]`), `line 2: [0].target_scopes[1]: found 1, want a string`},
	{"validate_scopes", movementWith("", `, "validate_scopes": "no"`), `line 2: [0].validate_scopes: found "no", want true or false`},
	{
		"several at once", movementWith(",\n\"power\": true,\n\"final\": 1", ""),
		"line 3: [0].params.power: found true, want a number\n" +
			`line 4: [0].params.final: unknown key: found 1, want "enable_structured_masking", "final_importance_threshold", "importance_regularization_factor", "init_importance_threshold", "power", "steps_per_epoch", "warmup_end_epoch" or "warmup_start_epoch"`,
	},
	{"both names of a key", movementWith(`, "init_importance_threshold": 0, "initial_importance_threshold": 0`, ""), `line 2: [0].params.initial_importance_threshold: this is NNCF's documented name of "init_importance_threshold", which is given too: found 0, want one of the two`},

	// Scopes that are no regular expressions.
	{"regular expression", movementWith("", `, "ignored_scopes": ["a(", "{re}a("]`), "line 2: [0].ignored_scopes[1]: found \"{re}a(\", want a regular expression of Go's syntax: missing closing ): `a(`"},
	{"lookahead", movementWith("", `, "target_scopes": "{re}^(?!.*pooler)"`), "line 2: [0].target_scopes: found \"{re}^(?!.*pooler)\", want a regular expression of Go's syntax: invalid or unsupported Perl syntax: `(?!`; unlike Python's, it has no lookahead and lookbehind: list what is not meant in ignored_scopes"},

	// The schedule, in NNCF's order of checks.
	{"no params", `{"algorithm": "movement_sparsity"}`, "line 1: params.warmup_start_epoch: `warmup_start_epoch` is required in config: found nothing, want a number"},
	{"no start", scheduleWith(`"warmup_end_epoch": 2`), "line 1: compression[0].params.warmup_start_epoch: `warmup_start_epoch` is required in config: found nothing, want a number"},
	{"no end", scheduleWith(`"warmup_start_epoch": 2, "importance_regularization_factor": -1`), "line 1: compression[0].params.warmup_end_epoch: `warmup_end_epoch` is required in config: found nothing, want a number"},
	{"no factor", scheduleWith(`"warmup_start_epoch": 2, "warmup_end_epoch": 1`), "line 1: compression[0].params.importance_regularization_factor: `importance_regularization_factor` is required in config: found nothing, want a number"},
	{
		"start below 1", scheduleWith(`"warmup_start_epoch": 0.5, "warmup_end_epoch": 0.1, "importance_regularization_factor": -1`),
		"line 1: compression[0].params.warmup_start_epoch: `warmup_start_epoch` must be >= 1 to enable the auto calculation of `steps_per_epoch`: found 0.5, want at least 1, or `steps_per_epoch` beside it",
	},
	{
		"start below 0", scheduleWith(`"warmup_start_epoch": -1, "warmup_end_epoch": 2, "importance_regularization_factor": -1, "steps_per_epoch": 9`),
		"line 1: compression[0].params.warmup_start_epoch: `0 <= warmup_start_epoch < warmup_end_epoch` does not hold: found -1, want at least 0",
	},
	{
		"end not after start", scheduleWith(`"warmup_start_epoch": 2, "warmup_end_epoch": 2, "importance_regularization_factor": -1`),
		"line 1: compression[0].params.warmup_end_epoch: `0 <= warmup_start_epoch < warmup_end_epoch` does not hold: found 2, want more than `warmup_start_epoch`, which is 2",
	},
	{"end without end", scheduleWith(`"warmup_start_epoch": 2, "warmup_end_epoch": 1e30, "importance_regularization_factor": 1`), "line 1: compression[0].params.warmup_end_epoch: found 1e30, want at most 1e+06 epochs"},
	{
		"negative factor", scheduleWith(`"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": -1`),
		"line 1: compression[0].params.importance_regularization_factor: `importance_regularization_factor` should not be a negative number: found -1, want at least 0",
	},
	{"negative power", movementWith(`, "power": -1`, ""), "line 2: [0].params.power: found -1, want at least 0: the threshold would leave its final value behind"},
	{"part of a step", movementWith(`, "steps_per_epoch": 10.5`, ""), "line 2: [0].params.steps_per_epoch: found 10.5, want an integer from 1 to 2147483647"},
	{"no step", movementWith(`, "steps_per_epoch": 0`, ""), "line 2: [0].params.steps_per_epoch: found 0, want an integer from 1 to 2147483647"},

	// Structures.
	{"no mode", structureWith(`{"target_scopes": "a"}`), structure0 + `.mode: required key is missing: found nothing, want "fine", "block" or "per_dim"`},
	{"mode", structureWith(`{"mode": "row", "target_scopes": "a"}`), structure0 + `.mode: found "row", want "fine", "block" or "per_dim"`},
	{"a key of a structure", structureWith(`{"mode": "block", "sparse_factor": [1, 1]}`), structure0 + `.sparse_factor: unknown key: found [1,1], want "sparse_factors", the nearest known key`},
	{"no target", structureWith(`{"mode": "fine"}`), structure0 + ".target_scopes: Invalid sparse config. Missing `target_scopes`: found nothing, want at least one scope"},
	{"empty target", structureWith(`{"mode": "fine", "target_scopes": []}`), structure0 + ".target_scopes: Invalid sparse config. Missing `target_scopes`: found [], want at least one scope"},
	{"empty target string", structureWith(`{"mode": "fine", "target_scopes": ""}`), structure0 + ".target_scopes: Invalid sparse config. Missing `target_scopes`: found \"\", want at least one scope"},
	{"fine with factors", structureWith(`{"mode": "fine", "sparse_factors": [2, 1], "target_scopes": "a"}`), structure0 + ".sparse_factors: Invalid sparse config. The mode \"fine\" expects `sparse_factors` to be [1, 1] or unspecified: found [2,1], want [1, 1] or no such key"},
	{"fine with axis", structureWith(`{"mode": "fine", "axis": 0, "target_scopes": "a"}`), structure0 + ".axis: Invalid sparse config. The mode \"fine\" does not expect specified `axis`: found 0, want no such key"},
	{"block without factors", structureWith(`{"mode": "block", "target_scopes": "a"}`), structure0 + ".sparse_factors: Invalid sparse config. Missing `sparse_factors`: found nothing, want two integers, the rows and columns of a block"},
	{"block with one factor", structureWith(`{"mode": "block", "sparse_factors": [32], "target_scopes": "a"}`), structure0 + ".sparse_factors: Invalid sparse config. The mode \"block\" expects tuple of two `sparse_factors`: found [32], want two integers"},
	{"block with axis", structureWith(`{"mode": "block", "sparse_factors": [32, 32], "axis": 1, "target_scopes": "a"}`), structure0 + ".axis: Invalid sparse config. The mode \"block\" does not expect specified `axis`: found 1, want no such key"},
	{"part of a factor", structureWith(`{"mode": "block", "sparse_factors": [32, 1.5], "target_scopes": "a"}`), structure0 + ".sparse_factors[1]: found 1.5, want an integer from 1 to 4194304"},
	{"no factor at all", structureWith(`{"mode": "block", "sparse_factors": [0, 1], "target_scopes": "a"}`), structure0 + ".sparse_factors[0]: found 0, want an integer from 1 to 4194304"},
	{"a huge factor", structureWith(`{"mode": "block", "sparse_factors": [1e30, 1], "target_scopes": "a"}`), structure0 + ".sparse_factors[0]: found 1e30, want an integer from 1 to 4194304"},
	{"per_dim without axis", structureWith(`{"mode": "per_dim", "target_scopes": "a"}`), structure0 + ".axis: Invalid sparse config. Missing `axis`: found nothing, want 0 for rows or 1 for columns"},
	{"per_dim with factors", structureWith(`{"mode": "per_dim", "axis": 0, "sparse_factors": [1, 1], "target_scopes": "a"}`), structure0 + ".sparse_factors: Invalid sparse config. The mode \"per_dim\" does not expect specified `sparse_factors`: found [1,1], want no such key"},
	{"axis", structureWith(`{"mode": "per_dim", "axis": 2, "target_scopes": "a"}`), structure0 + ".axis: Invalid axis id: found 2, want 0 for rows or 1 for columns"},
	{"part of an axis", structureWith(`{"mode": "per_dim", "axis": 0.5, "target_scopes": "a"}`), structure0 + ".axis: Invalid axis id: found 0.5, want 0 for rows or 1 for columns"},
	{"negative axis", structureWith(`{"mode": "per_dim", "axis": -1, "target_scopes": "a"}`), structure0 + ".axis: Invalid axis id: found -1, want 0 for rows or 1 for columns"},
	{"expression of a structure", structureWith(`{"mode": "fine", "target_scopes": ["{re}*"]}`), structure0 + ".target_scopes[0]: found \"{re}*\", want a regular expression of Go's syntax: missing argument to repetition operator: `*`"},

	// Keys and types of quantization.
	{"preset", quantizationWith(`"preset": "accuracy"`), `line 1: compression[0].preset: found "accuracy", want "performance" or "mixed"`},
	{"overflow_fix", quantizationWith(`"overflow_fix": true`), `line 1: compression[0].overflow_fix: found true, want "enable", "disable" or "first_layer_only"`},
	{"quantize_inputs", quantizationWith(`"quantize_inputs": 0`), `line 1: compression[0].quantize_inputs: found 0, want true or false`},
	{"a key of weights", quantizationWith(`"weights": {"unified_scale_op": []}`), `line 1: compression[0].weights.unified_scale_op: unknown key: found [], want "bits", "ignored_scopes", "logarithm_scale", "mode", "per_channel", "signed", "target_scopes" or "validate_scopes"`},
	{"mode of weights", quantizationWith(`"weights": {"mode": "sym"}`), `line 1: compression[0].weights.mode: found "sym", want "symmetric" or "asymmetric"`},
	{"signed", quantizationWith(`"activations": {"signed": "true"}`), `line 1: compression[0].activations.signed: found "true", want true or false`},
	{"unified_scale_ops", quantizationWith(`"activations": {"unified_scale_ops": ["a"]}`), `line 1: compression[0].activations.unified_scale_ops[0]: found "a", want an array`},
	{"scope_overrides", quantizationWith(`"scope_overrides": {"activation": {}}`), `line 1: compression[0].scope_overrides.activation: unknown key: found {}, want "activations", the nearest known key`},
	{"an override", quantizationWith(`"scope_overrides": {"activations": {"{re}.*matmul_0": "symmetric"}}`), `line 1: compression[0].scope_overrides.activations["{re}.*matmul_0"]: found "symmetric", want an object`},
	{"mode of an override", quantizationWith(`"scope_overrides": {"activations": {"{re}.*matmul_0": {"mode": 1}}}`), `line 1: compression[0].scope_overrides.activations["{re}.*matmul_0"].mode: found 1, want "symmetric" or "asymmetric"`},
	{"expression of an override", quantizationWith(`"scope_overrides": {"weights": {"{re}[": {}}}`), "line 1: compression[0].scope_overrides.weights[\"{re}[\"]: found \"{re}[\", want a regular expression of Go's syntax: missing closing ]: `[`"},
	{"a key of an override's initializer", quantizationWith(`"scope_overrides": {"weights": {"a": {"initializer": {"rang": {}}}}}`), `line 1: compression[0].scope_overrides.weights.a.initializer.rang: unknown key: found {}, want "range", the nearest known key`},
	{"a key of an override", quantizationWith(`"scope_overrides": {"weights": {"a": {"bit": 8}}}`), `line 1: compression[0].scope_overrides.weights.a.bit: unknown key: found 8, want "bits", the nearest known key`},
	{"a key of the initializer", quantizationWith(`"initializer": {"ranges": {}}`), `line 1: compression[0].initializer.ranges: unknown key: found {}, want "range", the nearest known key`},
	{"range", quantizationWith(`"initializer": {"range": "min_max"}`), `line 1: compression[0].initializer.range: found "min_max", want an array or an object`},
	{"scopes without a list", quantizationWith(`"initializer": {"range": {"target_scopes": "a"}}`), `line 1: compression[0].initializer.range.target_scopes: unknown key: found "a", want "num_init_samples", "params" or "type"`},
	{"type of range", quantizationWith(`"initializer": {"range": {"type": "minmax"}}`), `line 1: compression[0].initializer.range.type: found "minmax", want "mixed_min_max", "min_max", "mean_min_max", "threesigma", "percentile" or "mean_percentile"`},
	{"group of a range", quantizationWith(`"initializer": {"range": [{"target_quantizer_group": "all"}]}`), `line 1: compression[0].initializer.range[0].target_quantizer_group: found "all", want "weights" or "activations"`},
	{"a key of range params", quantizationWith(`"initializer": {"range": {"params": {"min": 1}}}`), `line 1: compression[0].initializer.range.params.min: unknown key: found 1, want "max_percentile" or "min_percentile"`},
	{"a key of batchnorm_adaptation", quantizationWith(`"initializer": {"batchnorm_adaptation": {"num_bn_forget_samples": 1}}`), `line 1: compression[0].initializer.batchnorm_adaptation.num_bn_forget_samples: unknown key: found 1, want "num_bn_adaptation_samples", the nearest known key`},

	// Values of quantization.
	{"samples", quantizationWith(`"initializer": {"range": {"num_init_samples": 2.5}}`), "line 1: compression[0].initializer.range.num_init_samples: found 2.5, want an integer from 0 to 2147483647"},
	{"negative samples", quantizationWith(`"initializer": {"range": [{"num_init_samples": -1}]}`), "line 1: compression[0].initializer.range[0].num_init_samples: found -1, want an integer from 0 to 2147483647"},
	{"percentiles", quantizationWith(`"initializer": {"range": {"params": {"max_percentile": 101}}}`), "line 1: compression[0].initializer.range.params: found {\"max_percentile\":101}, want `0 <= min_percentile < max_percentile <= 100`; 0.1 and 99.9 where absent"},
	{"samples of batchnorm_adaptation", quantizationWith(`"initializer": {"batchnorm_adaptation": {"num_bn_adaptation_samples": -5}}`), "line 1: compression[0].initializer.batchnorm_adaptation.num_bn_adaptation_samples: found -5, want an integer from 0 to 2147483647"},
	{"part of a bit", quantizationWith(`"weights": {"bits": 7.5}`), "line 1: compression[0].weights.bits: found 7.5, want an integer from 1 to 2147483647"},
	{"preset on NPU", `{"target_device": "NPU", "compression": {"algorithm": "quantization", "preset": "mixed"}}`, `line 1: compression.preset: Presets are not supported for the target device "NPU": found "mixed", want no such key`},

	{"part of an epoch", quantizationWith(`"params": {"weights_quant_start_epoch": 0.5}`), "line 1: compression[0].params.weights_quant_start_epoch: found 0.5, want an integer from 0 to 1000000"},
	{"an epoch before the first", quantizationWith(`"params": {"activations_quant_start_epoch": -1}`), "line 1: compression[0].params.activations_quant_start_epoch: found -1, want an integer from 0 to 1000000"},
	{"unified scales that overlap", quantizationWith(`"activations": {"unified_scale_ops": [["a", "b"], ["b"]]}`), `line 1: compression[0].activations.unified_scale_ops[1][0]: the groups of unified scales overlap: found "b", want every node in one group`},
	{"percentiles of an override", quantizationWith(`"scope_overrides": {"weights": {"a": {"initializer": {"range": [{"params": {"min_percentile": -1}}]}}}}`), "line 1: compression[0].scope_overrides.weights.a.initializer.range[0].params: found {\"min_percentile\":-1}, want `0 <= min_percentile < max_percentile <= 100`; 0.1 and 99.9 where absent"},
	{"scopes of an override's range", quantizationWith(`"scope_overrides": {"weights": {"a": {"initializer": {"range": [{"target_scopes": "{re}("}]}}}}`), "line 1: compression[0].scope_overrides.weights.a.initializer.range[0].target_scopes: found \"{re}(\", want a regular expression of Go's syntax: missing closing ): `(`"},

	// What NNCF knows and jpqd does not do.
	{"bits of weights", quantizationWith(`"weights": {"bits": 4}`), "line 1: compression[0].weights.bits: not supported by jpqd, whose matrix products are those of 8 bits: found 4, want 8"},
	{"bits of activations", quantizationWith(`"activations": {"bits": 16}`), "line 1: compression[0].activations.bits: not supported by jpqd, whose matrix products are those of 8 bits: found 16, want 8"},
	{"bits of an override", quantizationWith(`"scope_overrides": {"weights": {"a": {"bits": 2}}}`), "line 1: compression[0].scope_overrides.weights.a.bits: not supported by jpqd, whose matrix products are those of 8 bits: found 2, want 8"},
	{"precision", quantizationWith(`"initializer": {"precision": {"type": "hawq"}}`), `line 1: compression[0].initializer.precision: a choice of precisions is not supported by jpqd: found {"type":"hawq"}, want no such key: all quantizers have 8 bits`},
	{"unsigned weights", quantizationWith(`"scope_overrides": {"weights": {"a": {"signed": false}}}`), `line 1: compression[0].scope_overrides.weights.a.signed: target device "ANY" has no unsigned weights: found false, want true`},
	{"unsigned weights of a GPU", `{"target_device": "GPU", "compression": {"algorithm": "quantization", "weights": {"signed": false}}}`, `line 1: compression.weights.signed: target device "GPU" has no unsigned weights: found false, want true`},
	{"activations by channel", quantizationWith(`"activations": {"per_channel": true}`), "line 1: compression[0].activations.per_channel: not supported by jpqd for activations, which enter matrix products with one scale a tensor: found true, want false"},
	{"activations of an override by channel", quantizationWith(`"scope_overrides": {"activations": {"a": {"per_channel": true}}}`), "line 1: compression[0].scope_overrides.activations.a.per_channel: not supported by jpqd for activations, which enter matrix products with one scale a tensor: found true, want false"},
}

func TestParseNNCFConfigErrors(t *testing.T) {
	for _, test := range nncfErrors {
		t.Run(test.name, func(t *testing.T) {
			config, err := ParseNNCFConfig([]byte(test.data))
			if err == nil {
				t.Fatalf("found %+v, want error %q", config, test.want)
			}
			if diff := cmp.Diff("NNCF configuration: "+test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	many := strings.Repeat(`{"algorithm": 1},`, 100)
	for _, data := range []string{
		`{"target_device": "` + long + `"}`,
		`[` + many + `]`,
	} {
		_, err := ParseNNCFConfig([]byte(data))
		if err == nil || len(err.Error()) > 2000 {
			t.Errorf("found %v, want an error of at most 2000 bytes", err)
		}
	}
	if _, err := ParseNNCFConfig([]byte(`[` + many + `]`)); !strings.HasSuffix(err.Error(), "\nand 90 more") {
		t.Errorf("found %v, want 10 complaints and a count", err)
	}
}

func TestEditDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"abc", "", 3},
		{"kitten", "sitting", 3}, {"warmup_end", "warmup_end_epoch", 6}, {"axes", "axis", 1},
	} {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: found %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
