package jpqd

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
// activations apart, as the model's hooks have them.
func placed(c *compression) (weights, activations map[string]string) {
	weights, activations = map[string]string{}, map[string]string{}
	add := func(name string, h bert.OperandHook) {
		if h != nil {
			activations[name] = mode(h.(operandHook).q)
		}
	}
	for _, l := range c.model.Linears() {
		if h, ok := l.Hook.(*linearHook); ok && h.weight != nil {
			weights[l.Name] = mode(h.weight)
		}
		add(l.Name, l.Input)
	}
	for _, e := range c.model.Embeddings() {
		if h, ok := e.Hook.(*embeddingHook); ok {
			weights[e.Name] = mode(h.weight)
		}
	}
	for _, n := range c.model.Norms() {
		add(n.Name, n.Input)
	}
	for _, o := range c.model.Ops() {
		for i, h := range o.Hooks {
			add(fmt.Sprint(o.Name, "|", i), h)
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

// Without ignored scopes two layers have 13 quantizers each in front of 17
// operands (one serves query, key, value and a residual sum, one the first
// feed-forward matrix and a residual sum), and four outside.
func TestPlacement(t *testing.T) {
	tests := []struct {
		name        string
		section     string // without algorithm
		weights     int
		operands    int // with a quantizer in front
		symmetric   int // of the operands
		activations int // quantizers of these
		levels      int // of weights
	}{
		{"preset by default", ``, 17, 38, 38, 30, 128},
		{"performance preset", `"preset": "performance"`, 17, 38, 38, 30, 128},
		// The tables' quantizers are symmetric; asymmetric operands have their own.
		{"mixed preset", `"preset": "mixed"`, 17, 41, 0, 33, 128},
		{"mode beats the preset", `"preset": "mixed", "activations": {"mode": "symmetric"}`, 17, 38, 38, 30, 128},
		{"override beats the mode", `"activations": {"mode": "asymmetric"}, "scope_overrides": {"activations": {"{re}matmul_0": {"mode": "symmetric"}}}`, 17, 41, 4, 33, 128},
		// Outside remain the first layer's input, pooler (the last layer's output) and classifier.
		{"ignored embeddings", `"ignored_scopes": ["{re}Embedding"]`, 14, 36, 36, 28, 128},
		// Key, value and residual sum have their own.
		{"ignored Linear", `"ignored_scopes": ["{re}query"]`, 15, 36, 36, 34, 128},
		{"ignored by its whole name", `"ignored_scopes": ["BertForSequenceClassification/NNCFLinear[classifier]/linear_0"]`, 16, 37, 37, 29, 128},
		{"target", `"target_scopes": ["{re}query"]`, 2, 2, 2, 2, 128},
		{"ignored activations only", `"activations": {"ignored_scopes": ["{re}classifier"]}`, 17, 37, 37, 29, 128},
		{"ignored weights only", `"weights": {"ignored_scopes": ["{re}classifier"]}`, 16, 38, 38, 30, 128},
		{"outputs", `"quantize_outputs": true`, 17, 39, 39, 31, 128},
		{"overflow_fix disable", `"overflow_fix": "disable"`, 17, 38, 38, 30, 255},
		{"first_layer_only has no effect on a BERT", `"overflow_fix": "first_layer_only"`, 17, 38, 38, 30, 255},
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
			if len(weights) != test.weights || len(activations) != test.operands || symmetric != test.symmetric {
				t.Errorf("found %d weights and %d operands, %d of them symmetric, want %d, %d, %d",
					len(weights), len(activations), symmetric, test.weights, test.operands, test.symmetric)
			}
			if found := len(c.quantizers) - len(weights); found != test.activations {
				t.Errorf("found %d activation quantizers, want %d", found, test.activations)
			}
			for _, q := range c.quantizers {
				if _, _, levels := q.integerLevels(); q.weight != nil && levels != test.levels {
					t.Errorf("%s: found %d levels, want %d", q.name, levels, test.levels)
				}
			}
		})
	}
}

// Every family runs forward and backward with every quantizer that there can
// be, and each of its parameters gets a gradient.
func TestPlacementOfAllFamilies(t *testing.T) {
	cfg, err := ParseNNCFConfig([]byte(`{"algorithm": "quantization", "preset": "mixed", "quantize_outputs": true, "initializer": {"range": {"num_init_samples": 4}}}`))
	if err != nil {
		t.Fatal(err)
	}
	eachModel(t, func(t *testing.T, f *Family) {
		m := bert.New(familyConfig(t, f), 1)
		c := mustCompress(t, m, cfg)
		examples := tokenExamples(4, 1)
		if err := c.initRanges(context.Background(), examples, 4); err != nil {
			t.Fatal(err)
		}
		autograd.NewAdamW(append(c.paramGroups(0), autograd.Group{Params: m.Parameters()}), 0.9, 0.999, 1e-8) // makes room for gradients
		var batch bert.Batch
		fillBatch(&batch, examples)
		tape := autograd.NewTape()
		tape.Begin(autograd.Gradients, 0, 0)
		logits := m.Forward(tape, &batch)
		labels := make([]int32, logits.Rows)
		for i := range labels {
			labels[i] = int32(i % logits.Cols)
		}
		tape.Backward(tape.CrossEntropy(logits, labels), 1)
		for _, q := range c.quantizers {
			if strings.HasSuffix(q.name, "__truediv___0|OUTPUT") && m.Config.ScalesQuery() {
				continue // half of values that are quantized with twice the range: nothing is rounded
			}
			if g := q.magnitudeParam().Gradient(); !slices.ContainsFunc(g, func(v float32) bool { return v != 0 }) {
				t.Errorf("%s: %s has no gradient", q.name, q.magnitudeName())
			}
		}
		_, activations := placed(c)
		nodes := f.Nodes(len(m.Layers))
		served := 0
		for _, q := range mustSolution(t, c, f, nodes).quantizers {
			served += len(q.operands)
		}
		if f.heads[f.Architecture].groups == nil {
			served-- // the two outputs of question answering are one tensor
		}
		if len(activations) != served {
			t.Errorf("found %d operands with hooks, want %d, those that the solver serves", len(activations), served)
		}
	})
}

// mustSolution is what the solver makes of a compression's configuration.
func mustSolution(t *testing.T, c *compression, f *Family, nodes []Node) *placementSolution {
	t.Helper()
	place, err := newPlacement(c.cfg.Quantization, c.cfg.TargetDevice)
	if err != nil {
		t.Fatal(err)
	}
	solution, err := place.solve(f, nodes)
	if err != nil {
		t.Fatal(err)
	}
	return solution
}

// One of the two outputs of question answering cannot be left alone.
func TestOneOutputIgnored(t *testing.T) {
	model, err := bertFamily.WithHead("BertForQuestionAnswering")
	if err != nil {
		t.Fatal(err)
	}
	for ignored, want := range map[string]string{
		`"/nncf_model_output_1"`:   "quantize_outputs",
		`"{re}nncf_model_output_"`: "",
	} {
		cfg, err := ParseNNCFConfig([]byte(`{"algorithm": "quantization", "quantize_outputs": true, "ignored_scopes": [` + ignored + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = newCompression(bert.New(familyConfig(t, model), 1), cfg, slog.New(slog.DiscardHandler))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: found error %v, want %q in it", ignored, err, want)
		}
	}
}

// A quantizer that stands for that of a table makes the table's one per tensor.
func TestTablesInPlaceOfOperands(t *testing.T) {
	for section, want := range map[string][3]int{ // channels of word, position, type
		`{"algorithm": "quantization"}`:                                                   {1, 1, 1},
		`{"algorithm": "quantization", "preset": "mixed"}`:                                {24, 8, 2},
		`{"algorithm": "quantization", "ignored_scopes": ["{re}embeddings.*__add___0"]}`:  {24, 1, 2},
		`{"algorithm": "quantization", "ignored_scopes": ["{re}embeddings.*__iadd___0"]}`: {1, 8, 1},
	} {
		cfg, err := ParseNNCFConfig([]byte(section))
		if err != nil {
			t.Fatal(err)
		}
		m := bert.New(tinyConfig(), 1)
		c := mustCompress(t, m, cfg)
		var found [3]int
		for i, e := range []*bert.Embedding{m.Word, m.Position, m.TokenType} {
			found[i] = c.tables[e.Name].weight.channels
		}
		if found != want {
			t.Errorf("%s: found %v scales, want %v", section, found, want)
		}
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
