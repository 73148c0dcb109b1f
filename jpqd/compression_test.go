package jpqd

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
)

var quiet = slog.New(slog.DiscardHandler)

// tinyConfig is a BERT of 2 layers with 4 heads of 4.
func tinyConfig() bert.Config {
	c := bert.DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = 24, 16, 2, 4, 24
	c.MaxPositionEmbeddings, c.InitializerRange = 8, 0.2
	return c
}

// tinyNNCF is the published configuration in the size of tinyConfig, with ranges
// from one batch of four: several would be counted in tables made for millions
// of values. params are added to the movement section.
func tinyNNCF(t testing.TB, params string) *NNCFConfig {
	t.Helper()
	data, err := os.ReadFile("../configs/bert-base-jpqd-sst2.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "[32, 32]", "[4, 4]", 1)
	text = strings.Replace(text, `"num_init_samples": 32`, `"num_init_samples": 4`, 1)
	text = strings.Replace(text, `"enable_structured_masking": true`, `"enable_structured_masking": true`+params, 1)
	cfg, err := ParseNNCFConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func mustCompress(t *testing.T, m *bert.Model, cfg *NNCFConfig) *compression {
	t.Helper()
	c, err := newCompression(m, cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// randomCompression has random scores, masks and ranges.
func randomCompression(t *testing.T, seed uint64) *compression {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 9))
	c := mustCompress(t, bert.New(tinyConfig(), seed), tinyNNCF(t, ""))
	for _, p := range c.sparsifiers {
		randomFill(rng, p.linear.Bias.Data)
		for _, o := range []*maskedOperand{&p.weight, &p.bias} {
			randomFill(rng, o.scores.Data)
			o.remask(0.5)
		}
	}
	for _, q := range c.quantizers {
		randomRanges(q, rng)
		q.signed = q.symmetric && (rng.IntN(2) == 0 || q.weight != nil)
	}
	return c
}

// snapshot is everything of a compression that a checkpoint must keep.
func snapshot(c *compression) map[string]any {
	s := map[string]any{
		"threshold": c.threshold, "factor": c.loss.factor, "frozen": c.frozen,
		"schedule": c.schedule.movementScheduleState, "stage": c.schedule.stage(),
	}
	for _, p := range c.sparsifiers {
		s[p.weight.scores.Name], s[p.bias.scores.Name] = p.weight.scores.Data, p.bias.scores.Data
		s[p.linear.Name+" mask"], s[p.linear.Name+" bias mask"] = p.weight.mask, p.bias.mask
		s[p.linear.Name+" frozen"] = []bool{p.weight.frozen, p.bias.frozen, p.weight.scores.Frozen, p.bias.scores.Frozen}
	}
	for _, q := range c.quantizers {
		s[q.name+" signed"] = q.signed
		for _, p := range q.params() {
			s[p.Name] = p.Data
		}
	}
	for _, g := range c.groups {
		s["kept "+string(rune('0'+g.id))] = slices.Clone(g.kept)
	}
	return s
}

func TestCompressionStateRoundTrip(t *testing.T) {
	tests := []struct {
		name   string
		epochs int // of 3 steps
		steps  int // of one more
		target float64
	}{
		{"before the first step", 0, 0, 0},
		{"before warm-up", 0, 2, 0},
		{"in warm-up", 1, 2, 0},
		{"after warm-up", 2, 1, 0},
		{"before the first step towards a target", 0, 0, 0.4},
		{"before warm-up towards a target", 0, 2, 0.4},
		{"in warm-up towards a target", 1, 2, 0.4},
		{"after warm-up towards a target", 2, 1, 0.4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := randomCompression(t, 1)
			if test.target > 0 {
				c.aimAt(test.target)
			}
			for epoch := range test.epochs + 1 {
				if err := c.schedule.epochStep(); err != nil {
					t.Fatal(err)
				}
				for step := range 3 {
					if epoch < test.epochs || step < test.steps {
						c.beginStep()
					}
				}
			}
			dir := t.TempDir()
			if err := c.save(dir); err != nil {
				t.Fatal(err)
			}
			fresh := mustCompress(t, bert.New(tinyConfig(), 2), tinyNNCF(t, ""))
			if err := fresh.load(dir); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(snapshot(c), snapshot(fresh)); diff != "" {
				t.Error(diff)
			}
			source, err := LoadNNCFConfig(filepath.Join(dir, NNCFConfigFile))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.cfg.MovementSparsity, source.MovementSparsity); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompressionLoadErrors(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   []string
	}{
		{"no tensors", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, compressionFile)) }, []string{compressionFile}},
		{"no state", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, compressionStateFile)) }, []string{compressionStateFile}},
		{"truncated tensors", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, compressionFile)) }, []string{compressionFile}},
		{"truncated state", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, compressionStateFile)) }, []string{compressionStateFile}},
		{"of another model", func(t *testing.T, dir string) {
			cfg := tinyConfig()
			cfg.IntermediateSize = 28
			saveCompression(t, cfg, dir)
		}, []string{compressionFile, "intermediate.dense", "shape"}},
		{"of fewer layers", func(t *testing.T, dir string) {
			cfg := tinyConfig()
			cfg.NumHiddenLayers = 1
			saveCompression(t, cfg, dir)
		}, []string{compressionFile, "BertLayer[0]/BertOutput[output]/NNCFLayerNorm[LayerNorm]/layer_norm_0|OUTPUT", "want only those of"}}, // the pooler's input
		{"a unit that is not there", func(t *testing.T, dir string) {
			data := `{"current_epoch": 2, "current_step": 7, "_steps_per_epoch": 3, "frozen": true, "kept_units": {"0": [9]}}`
			os.WriteFile(filepath.Join(dir, compressionStateFile), []byte(data), 0o644)
		}, []string{compressionStateFile, "kept_units.0", "found 9"}},
		{"no word of a group's units", final("{}", `{"1": [0, 1, 2, 3], "2": [], "3": []}`), []string{compressionStateFile, "kept_units.0", "found none"}},
		{"units in disorder", final("{}", `{"0": [1, 0, 2, 3]}`), []string{"kept_units.0", "found 0", "ascending"}},
		{"a unit twice", final("{}", `{"0": [0, 1, 1, 3]}`), []string{"kept_units.0", "found 1", "ascending"}},
		{"units that the masks keep are missing", final("{}", `{"0": [0, 1, 2]}`), []string{"kept_units.0", "layer.0.attention.self.query", compressionFile}},
		{"a bias of a kept unit is masked", func(t *testing.T, dir string) {
			damageTensors(func(f *checkpoint.File) { f.Tensors[firstQuery+"bias_ctx._binary_mask"].F32[7] = 0 })(t, dir)
			final("{}", `{"0": [0, 1, 2, 3]}`)(t, dir)
		}, []string{"kept_units.0", "layer.0.attention.self.query", compressionFile}},
		{"epoch", final(`"current_epoch": 2`, `"current_epoch": -2`), []string{compressionStateFile, "current_epoch", "found -2"}},
		{"step", final(`"current_step": 7`, `"current_step": -5`), []string{compressionStateFile, "current_step", "found -5"}},
		{"steps per epoch", final(`"_steps_per_epoch": 3`, `"_steps_per_epoch": -3`), []string{compressionStateFile, "_steps_per_epoch", "found -3"}},
		{"scores that are no numbers", damageTensors(func(f *checkpoint.File) {
			f.Tensors[firstQuery+"weight_importance"].F32[3] = float32(math.NaN())
		}), []string{compressionFile, "query.pre_ops.0.op.weight_importance", "element 3 is NaN"}},
		{"infinite scores", damageTensors(func(f *checkpoint.File) {
			f.Tensors[firstQuery+"bias_importance"].F32[1] = float32(math.Inf(-1))
		}), []string{compressionFile, "bias_importance", "element 1 is -Inf"}},
		{"half a mask", damageTensors(func(f *checkpoint.File) {
			f.Tensors[firstQuery+"weight_ctx._binary_mask"].F32[5] = 0.5
		}), []string{compressionFile, "query", "element 5 is 0.5", "0 or 1"}},
		{"scores of another shape", damageTensors(func(f *checkpoint.File) {
			s := f.Tensors[firstQuery+"weight_importance"]
			s.Shape = []int{2, 8}
			f.Tensors[firstQuery+"weight_importance"] = s
		}), []string{compressionFile, "weight_importance", "[2 8]", "[4 4]"}},
		{"two signs", damageTensors(func(f *checkpoint.File) {
			const name = "bert.encoder.layer.0.attention.self.query.pre_ops.1.op.signed_tensor"
			f.Tensors[name] = checkpoint.Tensor{Shape: []int{2}, I64: []int64{1, 0}}
		}), []string{compressionFile, "signed_tensor", "found 2 values"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			saveCompression(t, tinyConfig(), dir)
			test.damage(t, dir)
			err := mustCompress(t, bert.New(tinyConfig(), 2), tinyNNCF(t, "")).load(dir)
			if err == nil {
				t.Fatal("found no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("found %q, want it to name %q", err, want)
				}
			}
		})
	}
}

const firstQuery = "bert.encoder.layer.0.attention.self.query.pre_ops.0.op."

// final writes a state of final masks with a replacement; that of "{}" are the
// units kept of each group.
func final(old, new string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		const text = `{"current_epoch": 2, "current_step": 7, "_steps_per_epoch": 3, "frozen": true, "kept_units": {}}`
		if err := os.WriteFile(filepath.Join(dir, compressionStateFile), []byte(strings.Replace(text, old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func damageTensors(damage func(f *checkpoint.File)) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, compressionFile)
		f, err := checkpoint.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		damage(f)
		if err := checkpoint.Write(path, f); err != nil {
			t.Fatal(err)
		}
	}
}

func saveCompression(t *testing.T, cfg bert.Config, dir string) {
	t.Helper()
	if err := mustCompress(t, bert.New(cfg, 1), tinyNNCF(t, "")).save(dir); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// The state has NNCF's keys.
func TestCompressionStateKeys(t *testing.T) {
	dir := t.TempDir()
	saveCompression(t, tinyConfig(), dir)
	data, err := os.ReadFile(filepath.Join(dir, compressionStateFile))
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"current_epoch", "current_step", "_init_importance_threshold", "_steps_per_epoch"} {
		if _, ok := state[key]; !ok {
			t.Errorf("found no %q in %s", key, data)
		}
	}
}

// The initial threshold is chosen once, at the first step of warm-up.
func TestInitialThresholdIsChosenOnce(t *testing.T) {
	c := randomCompression(t, 3)
	want := initialThreshold(c.sparsifiers)
	for range 2 {
		if err := c.schedule.epochStep(); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			c.beginStep()
			for _, p := range c.sparsifiers {
				if c.schedule.InitThreshold != nil {
					fill(p.weight.scores.Data, -100)
				}
			}
		}
	}
	if got := c.schedule.InitThreshold; got == nil || *got != want {
		t.Errorf("found %v, want %v", got, want)
	}
}

// Weight decay applies to the scores of weights and to ranges, not to the
// scores of biases; compression_lr_multiplier multiplies all.
func TestParameterGroups(t *testing.T) {
	cfg := tinyNNCF(t, "")
	cfg.MovementSparsity.LRMultiplier, cfg.Quantization.LRMultiplier = 3, 5
	c := mustCompress(t, bert.New(tinyConfig(), 1), cfg)
	for _, g := range c.paramGroups(0.01) {
		for _, p := range g.Params {
			decay, multiplier := 0.01, 5.0
			if strings.Contains(p.Name, "importance") {
				multiplier = 3
			}
			if strings.Contains(p.Name, "bias_importance") {
				decay = 0
			}
			if g.WeightDecay != decay || g.GradMultiplier != multiplier {
				t.Errorf("%s: found decay %v, multiplier %v, want %v, %v", p.Name, g.WeightDecay, g.GradMultiplier, decay, multiplier)
			}
		}
	}
}

// Ranges are taken from the uncompressed model's activations on the first
// num_init_samples examples, whole batches.
func TestInitRanges(t *testing.T) {
	tests := []struct {
		name    string
		samples int
		seen    int // examples
	}{{"none", 0, 0}, {"less than a batch", 1, 4}, {"two batches", 5, 8}, {"more than there are", 100, 10}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := tinyNNCF(t, "")
			cfg.Quantization.Range = []RangeInit{{Type: "min_max", NumInitSamples: test.samples}}
			m := bert.New(tinyConfig(), 1)
			c := mustCompress(t, m, cfg)
			examples := tokenExamples(10, 1)
			if err := c.initRanges(context.Background(), examples, 4); err != nil {
				t.Fatal(err)
			}
			q := c.linears[m.Layers[0].Query.Name].input
			if test.seen == 0 {
				if q.inputLow.Data[0] != 0 || q.inputSpan.Data[0] != 1 {
					t.Errorf("found low %v, range %v, want 0 and 1", q.inputLow.Data[0], q.inputSpan.Data[0])
				}
				return
			}
			plain := bert.New(tinyConfig(), 1)
			var batch bert.Batch
			fillBatch(&batch, examples[:test.seen])
			tape := autograd.NewTape()
			tape.Begin(autograd.Inference, 0, 0)
			x := plain.Embed(tape, &batch).Data
			if low, span := slices.Min(x), slices.Max(x)-slices.Min(x); !near(q.inputLow.Data[0], low, 1e-6) || !near(q.inputSpan.Data[0], span, 1e-6) {
				t.Errorf("found low %v, range %v, want %v, %v", q.inputLow.Data[0], q.inputSpan.Data[0], low, span)
			}
			w := m.Layers[0].Query.Weight
			if got, want := c.linears[m.Layers[0].Query.Name].weight.scale.Data[2], max(0.1, slices.Max(w.Row(2)), -slices.Min(w.Row(2))); got != want {
				t.Errorf("scale of a weight: found %v, want %v", got, want)
			}
		})
	}
}

// tokenExamples are sequences [1, token, …, 2] where the first token decides the label.
func tokenExamples(n int, seed uint64) []Example {
	rng := rand.New(rand.NewPCG(seed, 10))
	examples := make([]Example, n)
	for i := range examples {
		label := int32(rng.IntN(2))
		ids := []int32{1, 3 + label}
		for range 1 + rng.IntN(4) {
			ids = append(ids, 5+int32(rng.IntN(19)))
		}
		examples[i] = Example{IDs: append(ids, 2), Label: label}
	}
	return examples
}
