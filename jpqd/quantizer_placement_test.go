package jpqd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

func smallConfig() bert.Config {
	c := tinyConfig()
	c.HiddenSize, c.IntermediateSize = 64, 64
	return c
}

// mode describes a quantizer in the words of NNCF.
func mode(q *quantizer) string {
	if !q.symmetric {
		return "asymmetric"
	}
	return "symmetric"
}

// placed lists the modes of quantizers by location in the model, weights and
// activations apart.
func placed(c *compression) (weights, activations map[string]string) {
	weights, activations = map[string]string{}, map[string]string{}
	for name, h := range c.linears {
		if h.weight != nil {
			weights[name] = mode(h.weight)
		}
		if h.input != nil {
			activations[name] = mode(h.input)
		}
	}
	for name, h := range c.tables {
		weights[name] = mode(h.weight)
	}
	for name, pair := range c.operands {
		for i, q := range pair {
			if q != nil {
				activations[fmt.Sprint(name, "|", i)] = mode(q)
			}
		}
	}
	return weights, activations
}

// The published configuration gives 8 activation quantizers a layer and 2 + 2
// outside, 6 weights a layer and 2 + 3 outside.
func TestPlacementOfPublishedConfig(t *testing.T) {
	cfg, err := LoadNNCFConfig("../configs/bert-base-jpqd-sst2.json")
	if err != nil {
		t.Fatal(err)
	}
	const layers = 2
	c := mustCompress(t, bert.New(smallConfig(), 1), cfg)
	wantWeights := map[string]string{
		"bert.embeddings.word_embeddings": "symmetric", "bert.embeddings.position_embeddings": "symmetric", "bert.embeddings.token_type_embeddings": "symmetric",
		"bert.pooler.dense": "symmetric", "classifier": "symmetric",
	}
	wantActivations := map[string]string{
		"bert.embeddings.__iadd___0|0": "asymmetric", "bert.embeddings.__iadd___0|1": "asymmetric",
		"bert.pooler.dense": "asymmetric", "classifier": "asymmetric",
	}
	for layer := range layers {
		for _, module := range []string{queryModule, keyModule, valueModule, contextModule, ffnInModule, ffnOutModule} {
			module = strings.Replace(module, "layer.0", fmt.Sprint("layer.", layer), 1)
			wantWeights[module], wantActivations[module] = "symmetric", "asymmetric"
		}
		scores := fmt.Sprintf("bert.encoder.layer.%d.attention.self.matmul_0|", layer)
		wantActivations[scores+"0"], wantActivations[scores+"1"] = "symmetric", "symmetric"
	}
	weights, activations := placed(c)
	if diff := cmp.Diff(wantWeights, weights); diff != "" {
		t.Error("weights:", diff)
	}
	if diff := cmp.Diff(wantActivations, activations); diff != "" {
		t.Error("activations:", diff)
	}
	if len(weights) != 6*layers+2+3 || len(activations) != 8*layers+2+2 {
		t.Errorf("found %d weights and %d activations, want %d and %d", len(weights), len(activations), 6*layers+5, 8*layers+4)
	}
	if got, want := len(c.quantizers), len(weights)+len(activations); got != want {
		t.Errorf("found %d quantizers in all, want %d", got, want)
	}
	names := map[string]bool{}
	for _, q := range c.quantizers {
		if names[q.name] {
			t.Errorf("two quantizers are called %s", q.name)
		}
		names[q.name] = true
		if q.weight == nil {
			continue
		}
		if _, _, levels := q.integerLevels(); levels != 128 || q.channels != q.weight.Rows || !q.signed {
			t.Errorf("%s: found %d levels, %d channels, signed %v, want 128, one a row, true", q.name, levels, q.channels, q.signed)
		}
	}
	for _, h := range c.linears {
		if h.sparse != nil && !strings.Contains(h.weight.name, "pre_ops.1.op") {
			t.Errorf("found %s, want the quantizer after the mask", h.weight.name)
		}
	}
}

// Without ignored scopes two layers have 14 inputs of Linears and the operands
// of the embeddings' last sum and of four products.
func TestPlacement(t *testing.T) {
	tests := []struct {
		name                            string
		section                         string // without algorithm
		weights, activations, symmetric int    // symmetric of the activations
		levels                          int    // of weights
	}{
		{"preset by default", ``, 17, 24, 24, 128},
		{"performance preset", `"preset": "performance"`, 17, 24, 24, 128},
		{"mixed preset", `"preset": "mixed"`, 17, 24, 0, 128},
		{"mode beats the preset", `"preset": "mixed", "activations": {"mode": "symmetric"}`, 17, 24, 24, 128},
		{"override beats the mode", `"activations": {"mode": "asymmetric"}, "scope_overrides": {"activations": {"{re}matmul_0": {"mode": "symmetric"}}}`, 17, 24, 4, 128},
		{"ignored embeddings", `"ignored_scopes": ["{re}Embedding"]`, 14, 22, 22, 128},
		{"ignored Linear", `"ignored_scopes": ["{re}query"]`, 15, 22, 22, 128},
		{"ignored by its whole name", `"ignored_scopes": ["BertForSequenceClassification/NNCFLinear[classifier]/linear_0"]`, 16, 23, 23, 128},
		{"target", `"target_scopes": ["{re}query"]`, 2, 2, 2, 128},
		{"ignored activations only", `"activations": {"ignored_scopes": ["{re}classifier"]}`, 17, 23, 23, 128},
		{"ignored weights only", `"weights": {"ignored_scopes": ["{re}classifier"]}`, 16, 24, 24, 128},
		{"overflow_fix disable", `"overflow_fix": "disable"`, 17, 24, 24, 255},
		{"first_layer_only has no effect on a BERT", `"overflow_fix": "first_layer_only"`, 17, 24, 24, 255},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			section := `{"algorithm": "quantization"}`
			if test.section != "" {
				section = `{"algorithm": "quantization", ` + test.section + `}`
			}
			cfg, err := ParseNNCFConfig([]byte(section))
			if err != nil {
				t.Fatal(err)
			}
			c := mustCompress(t, bert.New(tinyConfig(), 1), cfg)
			weights, activations := placed(c)
			symmetric := 0
			for _, m := range activations {
				if m == "symmetric" {
					symmetric++
				}
			}
			if len(weights) != test.weights || len(activations) != test.activations || symmetric != test.symmetric {
				t.Errorf("found %d weights and %d activations, %d of them symmetric, want %d, %d, %d",
					len(weights), len(activations), symmetric, test.weights, test.activations, test.symmetric)
			}
			for _, q := range c.quantizers {
				if _, _, levels := q.integerLevels(); q.weight != nil && levels != test.levels {
					t.Errorf("%s: found %d levels, want %d", q.name, levels, test.levels)
				}
			}
		})
	}
}

// The fix is for the CPU alone.
func TestOverflowFixByDevice(t *testing.T) {
	for device, want := range map[string]int{"ANY": 128, "CPU": 128, "CPU_SPR": 255, "GPU": 255, "NPU": 255, "TRIAL": 255} {
		cfg, err := ParseNNCFConfig([]byte(`{"algorithm": "quantization"}`))
		if err != nil {
			t.Fatal(err)
		}
		cfg.TargetDevice = device
		c := mustCompress(t, bert.New(tinyConfig(), 1), cfg)
		if _, _, levels := c.linears[queryModule].weight.integerLevels(); levels != want {
			t.Errorf("%s: found %d levels, want %d", device, levels, want)
		}
	}
}

// Hardware wants signed weights with a scale a row; without it NNCF's schema
// gives one scale and the sign of the values.
func TestWeightsByDevice(t *testing.T) {
	tests := []struct {
		device, section      string
		symmetric, perRow    bool
		forced               *bool
		levelLow, levelsHigh float64
	}{
		{"CPU", ``, true, true, pointerTo(true), -64, 63},
		{"GPU", ``, true, true, pointerTo(true), -127, 127},
		{"NPU", ``, true, true, pointerTo(true), -127, 127},
		{"GPU", `"weights": {"per_channel": false}`, true, false, pointerTo(true), -127, 127},
		{"CPU", `"weights": {"mode": "asymmetric"}`, false, true, pointerTo(true), 0, 127},
		{"CPU", `"weights": {"mode": "asymmetric"}, "overflow_fix": "disable"`, false, true, pointerTo(true), 0, 255},
		{"CPU", `"scope_overrides": {"weights": {"{re}query": {"mode": "asymmetric", "per_channel": false}}}`, false, false, pointerTo(true), 0, 127},
		{"GPU", `"weights": {"mode": "asymmetric"}`, false, true, pointerTo(true), 0, 255},
		{"TRIAL", ``, true, false, nil, 0, 254},
		{"TRIAL", `"weights": {"per_channel": true, "signed": true}`, true, true, pointerTo(true), -127, 127},
		{"TRIAL", `"weights": {"signed": false}`, true, false, pointerTo(false), 0, 254},
		{"TRIAL", `"preset": "mixed"`, true, false, nil, 0, 254},
	}
	for _, test := range tests {
		t.Run(test.device+test.section, func(t *testing.T) {
			section := `"algorithm": "quantization"`
			if test.section != "" {
				section += ", " + test.section
			}
			cfg, err := ParseNNCFConfig(fmt.Appendf(nil, `{"target_device": %q, "compression": {%s}}`, test.device, section))
			if err != nil {
				t.Fatal(err)
			}
			q := mustCompress(t, bert.New(tinyConfig(), 1), cfg).linears[queryModule].weight
			low, high, _ := q.integerLevels()
			if q.symmetric != test.symmetric || (q.channels > 1) != test.perRow || low != test.levelLow || high != test.levelsHigh {
				t.Errorf("found symmetric %v, %d channels, levels %v to %v, want %v, one a row: %v, %v to %v",
					q.symmetric, q.channels, low, high, test.symmetric, test.perRow, test.levelLow, test.levelsHigh)
			}
			if diff := cmp.Diff(test.forced, q.forced); diff != "" {
				t.Error("forced sign:", diff)
			}
		})
	}
}

func TestRangeInitOfQuantizer(t *testing.T) {
	activation := newQuantizer(func(q *quantizer) {
		q.node, q.name = "a/linear_0", "_nncf.external_quantizers.a/linear_0|INPUT0"
	})
	tests := []struct {
		name  string
		items []RangeInit
		want  string // type, or part of an error
	}{
		{"one for all", []RangeInit{{Type: "min_max"}}, "min_max"},
		{"by group", []RangeInit{{Type: "min_max", QuantizerGroup: "weights"}, {Type: "percentile", QuantizerGroup: "activations"}}, "percentile"},
		{"by scope", []RangeInit{{Type: "min_max", Ignored: Scopes{"{re}linear"}}, {Type: "threesigma", Target: Scopes{"a/linear_0"}}}, "threesigma"},
		{"by NNCF's name of the quantizer", []RangeInit{{Type: "min_max", Target: Scopes{"{re}WEIGHT$"}}, {Type: "threesigma", Target: Scopes{"a/linear_0|INPUT0"}}}, "threesigma"},
		{"ignored by that name", []RangeInit{{Type: "min_max", Ignored: Scopes{"{re}INPUT0"}}, {Type: "threesigma", Target: Scopes{"a/linear_0"}}}, "threesigma"},
		{"none", []RangeInit{{Type: "min_max", QuantizerGroup: "weights"}}, "quantization.initializer.range: _nncf.external_quantizers.a/linear_0|INPUT0 is matched by no entry"},
		{"none of its scope", []RangeInit{{Type: "min_max", Target: Scopes{"{re}matmul"}}}, "matched by no entry"},
		{"two", []RangeInit{{Type: "min_max"}, {Type: "percentile"}}, "matched by two entries"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := (&QuantizationConfig{Range: test.items}).rangeInit(activation)
			if err != nil && !strings.Contains(err.Error(), test.want) || err == nil && found.Type != test.want {
				t.Errorf("found %v, %v, want %s", found, err, test.want)
			}
		})
	}
}

// The last override that matches and has an initialiser of its own beats the
// section's; other overrides and those of the other group do not.
func TestRangeInitOfOverrides(t *testing.T) {
	activation := newQuantizer(func(q *quantizer) { q.node = "a/linear_0" })
	weight := newQuantizer(func(q *quantizer) { q.node, q.weight = "a/linear_0", autograd.NewParam("w", 1, 1) })
	own := func(scope string, kinds ...string) QuantizerOverride {
		o := QuantizerOverride{Target: Scopes{scope}}
		for _, kind := range kinds {
			o.Range = append(o.Range, RangeInit{Type: kind})
		}
		return o
	}
	cfg := QuantizationConfig{Range: []RangeInit{{Type: "min_max"}}}
	cfg.Activations.Overrides = []QuantizerOverride{own("{re}linear", "percentile"), own("a/linear_0", "threesigma"), own("{re}a/"), own("{re}b/", "mean_min_max")}
	cfg.Weights.Overrides = []QuantizerOverride{own("{re}b/", "percentile")}
	for _, test := range []struct {
		q    *quantizer
		want string
	}{{activation, "threesigma"}, {weight, "min_max"}} {
		found, err := cfg.rangeInit(test.q)
		if err != nil || found.Type != test.want {
			t.Errorf("found %v, %v, want %s", found, err, test.want)
		}
	}
	cfg.Weights.Overrides = []QuantizerOverride{own("{re}a/", "percentile", "min_max")}
	const want = `quantization.scope_overrides.weights["{re}a/"].initializer.range: q is matched by two entries, want one`
	if _, err := cfg.rangeInit(weight); err == nil || err.Error() != want {
		t.Errorf("found error %v, want %s", err, want)
	}
}
