package jpqd

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// newTrainer fine-tunes a tiny model on sequences whose first token decides
// the label; edit changes it before it is used.
func newTrainer(edit func(*Trainer)) *Trainer {
	a := DefaultTrainingArguments()
	a.PerDeviceTrainBatchSize, a.LearningRate, a.LRSchedulerType = 4, 5e-3, "constant"
	a.NumTrainEpochs, a.LoggingSteps, a.SaveStrategy = 4, 1, No
	tr := &Trainer{
		Args: a, Model: bert.New(tinyConfig(), 1), TrainData: tokenExamples(24, 1), EvalData: tokenExamples(12, 2),
		Metrics: accuracy, Log: quiet,
	}
	if edit != nil {
		edit(tr)
	}
	return tr
}

func accuracy(logits []float32, examples []Example) map[string]float64 {
	right := 0
	for i, e := range examples {
		row := logits[2*i : 2*i+2]
		right += boolInt(row[e.Label] > row[1-e.Label])
	}
	return map[string]float64{"accuracy": float64(right) / float64(len(examples))}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mustTrain(t *testing.T, tr *Trainer, resume string) TrainResult {
	t.Helper()
	result, err := tr.Train(context.Background(), resume)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func mustEvaluate(t *testing.T, tr *Trainer) map[string]float64 {
	t.Helper()
	metrics, err := tr.Evaluate(context.Background(), tr.EvalData)
	if err != nil {
		t.Fatal(err)
	}
	return metrics
}

// outcome is everything that must not depend on how a run was carried out.
func outcome(t *testing.T, tr *Trainer) map[string]any {
	t.Helper()
	o := map[string]any{}
	if tr.compression != nil {
		o = snapshot(tr.compression)
	}
	for _, p := range tr.Model.Parameters() {
		o[p.Name] = p.Data
	}
	for k, v := range mustEvaluate(t, tr) {
		if !timing(k) {
			o["metric "+k] = v
		}
	}
	return o
}

// timing says whether a logged figure is a measurement of time.
func timing(key string) bool {
	return strings.Contains(key, "runtime") || strings.Contains(key, "per_second")
}

// logHistory is log_history without times.
func logHistory(t *testing.T, dir string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, trainerStateFile))
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		LogHistory []map[string]any `json:"log_history"`
	}
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatal(err)
	}
	for _, entry := range state.LogHistory {
		for key := range entry {
			if timing(key) {
				delete(entry, key)
			}
		}
	}
	return state.LogHistory
}

func TestTrainingLearns(t *testing.T) {
	tr := newTrainer(func(tr *Trainer) { tr.TrainData, tr.Args.NumTrainEpochs = tokenExamples(64, 3), 8 })
	before := mustEvaluate(t, tr)
	result := mustTrain(t, tr, "")
	after := mustEvaluate(t, tr)
	if result.GlobalStep != 128 || after["eval_accuracy"] < 0.99 || after["eval_loss"] > before["eval_loss"]/2 {
		t.Errorf("after %d steps: found accuracy %v and loss %v, before %v", result.GlobalStep, after["eval_accuracy"], after["eval_loss"], before["eval_loss"])
	}
}

func noDropout(m *bert.Model) {
	c := &m.Config
	c.HiddenDropoutProb, c.AttentionProbsDropoutProb, c.ClassifierDropout = 0, 0, 0
}

func TestAccumulationEqualsTheBigBatch(t *testing.T) {
	var models []*bert.Model
	var logged []float64
	for _, accumulate := range []int{1, 2, 4} {
		tr := newTrainer(func(tr *Trainer) {
			tr.Args.PerDeviceTrainBatchSize, tr.Args.GradientAccumulationSteps, tr.Args.MaxSteps = 8/accumulate, accumulate, 5
			tr.Args.AdamEpsilon, tr.Args.LearningRate = 1e-3, 1e-2 // no division by gradients near zero
			tr.Args.LoggingSteps = 3
			noDropout(tr.Model)
		})
		var steps, logs []float64 // losses of each step; of the log
		tr.OnStep = func(p Progress) { steps = append(steps, p.Loss) }
		tr.OnLog = func(e LogEntry) {
			if loss, ok := e["loss"].(float64); ok {
				logs = append(logs, loss)
			}
		}
		result := mustTrain(t, tr, "")
		if len(steps) != 5 || len(logs) != 1 || math.Abs(logs[0]-(steps[0]+steps[1]+steps[2])/3) > 1e-12 {
			t.Errorf("%d to a step: found losses %v in the log, want the mean of three of %v", accumulate, logs, steps)
		}
		logged = append(logged, logs[0], result.Metrics["train_loss"])
		for i, want := range logged[:2] {
			if got := logged[len(logged)-2:][i]; !near(float32(got), float32(want), 1e-4) {
				t.Errorf("%d to a step: found a loss of %v, want %v as of the big batch", accumulate, got, want)
			}
		}
		models = append(models, tr.Model)
	}
	for _, m := range models[1:] {
		for i, p := range m.Parameters() {
			for j, v := range p.Data {
				if want := models[0].Parameters()[i].Data[j]; !near(v, want, 1e-4) {
					t.Fatalf("%s[%d]: found %v, want %v", p.Name, j, v, want)
				}
			}
		}
	}
}

// pruningTrainer has the published schedule: warm-up in the second epoch.
func pruningTrainer(t *testing.T, edit func(*Trainer)) *Trainer {
	t.Helper()
	return newTrainer(func(tr *Trainer) {
		tr.NNCF = tinyNNCF(t, "")
		tr.Teacher = bert.New(tinyConfig(), 7)
		if edit != nil {
			edit(tr)
		}
	})
}

func TestJPQDGoesThroughAllStages(t *testing.T) {
	var stages []string
	tr := pruningTrainer(t, func(tr *Trainer) {
		tr.TrainData, tr.Args.OutputDir = tokenExamples(64, 3), t.TempDir()
		tr.NNCF.MovementSparsity.ImportanceRegularizationFactor = 1
		tr.OnStep = func(p Progress) {
			if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
				stages = append(stages, p.Stage)
			}
		}
	})
	mustTrain(t, tr, "")
	if want := []string{"pre-warmup", "warmup", "post-warmup"}; !slices.Equal(stages, want) {
		t.Errorf("found stages %q, want %q", stages, want)
	}
	s, ok := tr.Statistics()
	if !ok || s.LinearLayerSparsity <= 0.05 || s.LinearLayerSparsity >= 1 || s.Stage != PostWarmup {
		t.Errorf("found %+v, want a linear layer sparsity between 0.05 and 1", s)
	}
	if err := tr.SaveModel(tr.Args.OutputDir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tr.Args.OutputDir, "structured_sparsity.csv")); err != nil {
		t.Error(err)
	}
	c, err := tr.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range tr.compression.groups { // heads of both layers, then neurons
		got := c.Layers[i%2].Heads
		if i/2 == 1 {
			got = c.Layers[i%2].Neurons
		}
		if !slices.Equal(got, g.kept) {
			t.Errorf("group %d: deployed units are %v, want %v", i, got, g.kept)
		}
	}
	t.Logf("statistics %+v, metrics %v", s, mustEvaluate(t, tr))
}

func TestSeedsAndThreads(t *testing.T) {
	train := func(bf16 bool, seed uint64, threads int) map[string]any {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
		tr := pruningTrainer(t, func(tr *Trainer) {
			cfg := tinyConfig()
			cfg.HiddenSize, cfg.IntermediateSize = 64, 128 // enough work for several threads
			tr.Model, tr.Teacher = bert.New(cfg, 1), bert.New(cfg, 7)
			tr.Args.BF16 = bf16
			tr.Args.Seed, tr.Args.NumTrainEpochs, tr.Args.PerDeviceTrainBatchSize = seed, 3, 12
		})
		mustTrain(t, tr, "")
		return outcome(t, tr)
	}
	for _, bf16 := range []bool{false, true} {
		want := train(bf16, 42, 1)
		for _, threads := range []int{1, 2, 4} {
			if !cmp.Equal(want, train(bf16, 42, threads)) {
				t.Errorf("bf16 %v, %d threads: the result differs from that of one", bf16, threads)
			}
		}
		if cmp.Equal(want, train(bf16, 43, 1)) {
			t.Errorf("bf16 %v: another seed gives the same result", bf16)
		}
	}
}

// A training step allocates nothing once its memory has grown.
func TestTrainingStepAllocatesLittle(t *testing.T) {
	stepAllocatesNothing(t, pruningTrainer(t, nil))
}

// stepAllocatesNothing trains for four epochs of six steps and looks at the last
// two: the steps with the fewest allocations have none. What a step needs it needs
// every time; the runtime, other tests' goroutines and threads that meet at a list
// allocate now and then.
func stepAllocatesNothing(t *testing.T, tr *Trainer) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it empties pools
	marks := make([]uint64, 0, 24)
	tr.Args.LoggingSteps, tr.Args.MaxSteps, tr.Args.NumTrainEpochs = 1000, cap(marks), 4
	tr.OnStep = func(p Progress) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		marks = append(marks, m.Mallocs)
	}
	mustTrain(t, tr, "")
	var steps []uint64
	for i := 13; i < cap(marks); i++ {
		if i != 18 { // an epoch begins
			steps = append(steps, marks[i]-marks[i-1])
		}
	}
	if slices.Min(steps) != 0 {
		t.Errorf("found steps of %d allocations, want none", steps)
	}
}

// A step with frozen masks trains neither scores nor masked weights' gradients.
func TestFrozenScoresStay(t *testing.T) {
	tr := pruningTrainer(t, nil)
	var scores []float32
	tr.OnStep = func(p Progress) {
		if s := tr.compression.sparsifiers[0].weight.scores; p.Stage == "post-warmup" {
			if scores == nil {
				scores = slices.Clone(s.Data)
			} else if !slices.Equal(scores, s.Data) || s.Gradient() != nil {
				t.Errorf("step %d: frozen scores changed or have a gradient", p.Step)
			}
		}
	}
	mustTrain(t, tr, "")
	if scores == nil {
		t.Error("warm-up never ended")
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Inference, 0, 0)
	if tr.compression.regularisation(tape) != nil {
		t.Error("frozen scores are regularised")
	}
}

// As in Hugging Face's Trainer, neither biases nor normalisations decay,
// whatever they are named in a family; scores of biases do not either.
func TestWeightDecayGroups(t *testing.T) {
	for _, family := range []string{"bert", "roberta", "distilbert"} {
		r := &run{Trainer: newTrainer(func(tr *Trainer) {
			tr.Model, tr.Args.WeightDecay = bert.New(oneLayerConfig(t, family, ""), 1), 0.01
		})}
		r.makeOptimizer()
		seen := 0
		for _, g := range r.optimizer.Groups {
			for _, p := range g.Params {
				seen++
				want := 0.01
				if strings.HasSuffix(p.Name, ".bias") || strings.Contains(strings.ToLower(p.Name), "layernorm") || strings.Contains(p.Name, "layer_norm") {
					want = 0
				}
				if g.WeightDecay != want {
					t.Errorf("%s: found a decay of %v, want %v", p.Name, g.WeightDecay, want)
				}
			}
		}
		if all := len(r.Model.Parameters()); seen != all {
			t.Errorf("%s: found %d parameters in groups, want %d", family, seen, all)
		}
	}
}

// With an epsilon of 1, Adam's first step is lr·g/(|g|+1), nearly lr·g of small
// gradients: all parameters together move by max_grad_norm at a learning rate of 1.
func TestGradientsAreClipped(t *testing.T) {
	moved := func(maxNorm float64) float64 {
		tr := newTrainer(func(tr *Trainer) {
			tr.Args.MaxSteps, tr.Args.LearningRate, tr.Args.AdamEpsilon, tr.Args.MaxGradNorm = 1, 1, 1, maxNorm
		})
		before := map[string][]float32{}
		for _, p := range tr.Model.Parameters() {
			before[p.Name] = slices.Clone(p.Data)
		}
		mustTrain(t, tr, "")
		sum := 0.0
		for _, p := range tr.Model.Parameters() {
			for i, v := range p.Data {
				d := float64(v - before[p.Name][i])
				sum += d * d
			}
		}
		return math.Sqrt(sum)
	}
	for _, norm := range []float64{1e-3, 4e-3} {
		if got := moved(norm); math.Abs(got-norm) > 0.02*norm {
			t.Errorf("max_grad_norm %v: moved by %v", norm, got)
		}
	}
	if got := moved(0); got < 0.1 {
		t.Errorf("without clipping: moved by %v, want the gradient's norm, hundreds of times more", got)
	}
}
