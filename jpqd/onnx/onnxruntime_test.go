package onnx

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/internal/realdata"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// onnxRuntime is a process of testdata/run.mjs.
type onnxRuntime struct {
	in      io.Writer
	answers *json.Decoder
}

func startONNXRuntime(t *testing.T) *onnxRuntime {
	t.Helper()
	dir := os.Getenv("JPQD_ONNXRUNTIME")
	if dir == "" {
		t.Skip("JPQD_ONNXRUNTIME is not set, want a folder whose node_modules have onnxruntime-node, as .ci/onnx makes it")
	}
	command := exec.Command("node", filepath.Join("testdata", "run.mjs"), dir)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &stderr)
		}
	})
	return &onnxRuntime{in, json.NewDecoder(out)}
}

// logits are those of each sequence, of which the runtime gets one padded batch
// of sequences of length tokens; of question answering, start and end of each token.
func (r *onnxRuntime) logits(t *testing.T, c *jpqd.Compressed, dir string, length int, sequences []jpqd.Example) [][]float32 {
	t.Helper()
	var ids, types, mask []int64
	for _, s := range sequences {
		for p := range length {
			id, typ, real := int64(7+p)%int64(c.Config.VocabSize), int64(0), int64(0) // padding that would matter if it were seen
			if p < len(s.IDs) {
				id, real = int64(s.IDs[p]), 1
				if s.TypeIDs != nil {
					typ = int64(s.TypeIDs[p])
				}
			}
			ids, types, mask = append(ids, id), append(types, typ), append(mask, real)
		}
	}
	line, err := json.Marshal(map[string]any{
		"model": filepath.Join(dir, Name), "optimized": filepath.Join(dir, "optimized.onnx"), "shape": []int{len(sequences), length},
		"inputs": map[string][]int64{"input_ids": ids, "attention_mask": mask, "token_type_ids": types},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	var answer map[string][]float32
	if err := r.answers.Decode(&answer); err != nil {
		t.Fatal("ONNX Runtime has no answer: ", err)
	}
	logits := make([][]float32, len(sequences))
	for i, s := range sequences {
		if !c.Config.QuestionAnswering() {
			n := c.Config.NumLabels()
			logits[i] = answer["logits"][i*n:][:n]
			continue
		}
		for p := range s.IDs {
			logits[i] = append(logits[i], answer["start_logits"][i*length+p], answer["end_logits"][i*length+p])
		}
	}
	return logits
}

// engineLogits are the same of package int8.
func engineLogits(t *testing.T, c *jpqd.Compressed, sequences []jpqd.Example) [][]float32 {
	t.Helper()
	engine, err := int8.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var b bert.Batch
	for _, s := range sequences {
		b.Append(s.IDs, s.TypeIDs)
	}
	all := make([]float32, engine.NumLogits(&b))
	if err := engine.Logits(engine.NewWorkspace(), &b, all); err != nil {
		t.Fatal(err)
	}
	logits := make([][]float32, len(sequences))
	for i, s := range sequences {
		n := c.Config.NumLabels()
		if c.Config.QuestionAnswering() {
			n = 2 * len(s.IDs)
		}
		logits[i], all = all[:n], all[n:]
	}
	return logits
}

// differences are the largest ones of each sequence, ascending.
func differences(a, b [][]float32) []float64 {
	largest := make([]float64, len(a))
	for i := range a {
		for j := range a[i] {
			largest[i] = math.Max(largest[i], math.Abs(float64(a[i][j])-float64(b[i][j])))
		}
	}
	slices.Sort(largest)
	return largest
}

// TestONNXRuntime compares random models of every kind with package int8. The
// logits are equal up to float32's rounding, but for sequences with a value so
// near a rounding boundary of its quantizer that this error decides: it takes
// the neighbouring level, which in a model so small moves the logits.
func TestONNXRuntime(t *testing.T) {
	const models, rounding, flipped = 8, 1e-5, 0.2
	runtime := startONNXRuntime(t)
	for _, name := range slices.Sorted(maps.Keys(testmodel.Variants)) {
		v := testmodel.Variants[name]
		t.Run(name, func(t *testing.T) {
			var all []float64
			for seed := range uint64(models) {
				c := testmodel.New(v, seed)
				r := rand.New(rand.NewPCG(seed, 2))
				sequences := []jpqd.Example{randomSequence(r, c, 4), randomSequence(r, c, 1), randomSequence(r, c, 2), randomSequence(r, c, 12)}
				dir, options := t.TempDir(), Options{}
				if seed%2 == 1 {
					options = Options{Batch: len(sequences), Sequence: 12}
				}
				if err := Write(dir, c, options); err != nil {
					t.Fatal(err)
				}
				got := runtime.logits(t, c, dir, 12, sequences)
				all = append(all, differences(got, engineLogits(t, c, sequences))...)
				if v.Levels == 0 { // a Clip in front of a quantizer may keep a product in floats
					checkProducts(t, c, operations(readModel(t, filepath.Join(dir, "optimized.onnx")).Graph))
				}
			}
			slices.Sort(all)
			flips := 0
			for _, d := range all {
				if d > rounding {
					flips++
				}
			}
			t.Logf("%s: %d of %d sequences with a value rounded otherwise, largest difference %.1e, of the others %.1e", name, flips, len(all), all[len(all)-1], all[len(all)-1-flips])
			if flips > len(all)/4 || all[len(all)-1] > flipped {
				t.Errorf("found %d of %d sequences to differ by more than %v, up to %v; want a quarter of them at most and %v", flips, len(all), rounding, all[len(all)-1], flipped)
			}
		})
	}
}

func randomSequence(r *rand.Rand, c *jpqd.Compressed, length int) jpqd.Example {
	var s jpqd.Example
	for range length {
		s.IDs = append(s.IDs, r.Int32N(int32(c.Config.VocabSize)))
		s.TypeIDs = append(s.TypeIDs, r.Int32N(int32(max(1, c.Config.TypeVocabSize))))
	}
	return s
}

// checkProducts wants the products of two quantized operands, and no others, to
// be executed in integers.
func checkProducts(t *testing.T, c *jpqd.Compressed, executed map[string]int) {
	t.Helper()
	integers, floats := 0, 0
	count := func(left, right bool) {
		if left && right {
			integers++
		} else {
			floats++
		}
	}
	linear := func(l *jpqd.CompressedLinear) {
		if l.Weight.Rows > 0 && l.Weight.Cols > 0 {
			count(l.Input != nil, l.Weight.I8 != nil)
		}
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		for _, projection := range []*jpqd.CompressedLinear{&l.Query, &l.Key, &l.Value, &l.Output, &l.FFNIn, &l.FFNOut} {
			linear(projection)
		}
		if len(l.Heads) > 0 {
			count(l.QueryOut != nil, l.KeyOut != nil)
			count(l.ProbsOut != nil, l.ValueOut != nil)
		}
	}
	linear(&c.Pooler)
	linear(&c.Classifier)
	if found := executed["MatMulIntegerToFloat"] + executed["QLinearMatMul"]; found != integers {
		t.Errorf("found %d products in integers, want %d: %v", found, integers, executed)
	}
	if found := executed["MatMul"] + executed["MatMulNBits"]; found != floats {
		t.Errorf("found %d products in floats, want %d: %v", found, floats, executed)
	}
}

// sst2NNCF has the published quantizer section and blocks that fit the model.
const sst2NNCF = `[
  {
    "algorithm": "movement_sparsity",
    "params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.01, "enable_structured_masking": true},
    "sparse_structure_by_scopes": [
      {"mode": "block", "sparse_factors": [16, 16], "target_scopes": "{re}.*BertAttention.*"},
      {"mode": "per_dim", "axis": 0, "target_scopes": "{re}.*BertIntermediate.*"},
      {"mode": "per_dim", "axis": 1, "target_scopes": "{re}.*BertOutput.*"}
    ],
    "ignored_scopes": ["{re}.*NNCFEmbedding.*", "{re}.*LayerNorm.*", "{re}.*pooler.*", "{re}.*classifier.*"]
  },
  {
    "algorithm": "quantization",
    "preset": "mixed",
    "overflow_fix": "enable",
    "initializer": {"range": {"num_init_samples": 32, "type": "percentile", "params": {"min_percentile": 0.01, "max_percentile": 99.99}}},
    "scope_overrides": {"activations": {"{re}.*matmul_0": {"mode": "symmetric"}}},
    "ignored_scopes": ["{re}.*__add___[0-1]", "{re}.*layer_norm_0", "{re}.*matmul_1", "{re}.*__truediv__*"]
  }
]`

// sst2Model is a model of two blocks of width 64 trained on SST-2 for some
// seconds, and the task's sentences for validation.
func sst2Model(t *testing.T, data string) (*jpqd.Compressed, []jpqd.Example) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(data, "vocab", "vocab.txt"))
	must(err)
	tok, err := tokenizer.New(strings.Fields(string(text)), tokenizer.DefaultConfig())
	must(err)
	task, err := tasks.LookupGLUE("sst2")
	must(err)
	var examples [2][]jpqd.Example
	for i, split := range []tasks.Split{tasks.Train, tasks.Validation} {
		records, err := task.ReadSplit(filepath.Join(data, "sst2"), split)
		must(err)
		if split == tasks.Train {
			records = records[:6000]
		}
		examples[i], err = tasks.Encode(tok, records, task, 128)
		must(err)
	}
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads = tok.VocabSize(), 64, 2, 4
	config.IntermediateSize, config.MaxPositionEmbeddings = 128, 128
	nncf, err := jpqd.ParseNNCFConfig([]byte(sst2NNCF))
	must(err)
	trainer := &jpqd.Trainer{
		Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 7), NNCF: nncf,
		TrainData: examples[0], Log: slog.New(slog.DiscardHandler),
	}
	trainer.Args.SaveStrategy, trainer.Args.NumTrainEpochs, trainer.Args.LearningRate, trainer.Args.PerDeviceTrainBatchSize = jpqd.No, 3, 2e-3, 32
	_, err = trainer.Train(t.Context(), "")
	must(err)
	c, err := trainer.Compressed()
	must(err)
	return c, examples[1]
}

// TestONNXRuntimeOfSST2 compares a trained model on every sentence of SST-2's
// validation set.
func TestONNXRuntimeOfSST2(t *testing.T) {
	const tolerance, agreement, batch = 1e-2, 0.995, 32
	runtime := startONNXRuntime(t)
	c, examples := sst2Model(t, realdata.Dir(t))
	dir := t.TempDir()
	if err := Write(dir, c, Options{}); err != nil {
		t.Fatal(err)
	}
	var got [][]float32
	for sequences := range slices.Chunk(examples, batch) {
		length := 0
		for _, s := range sequences {
			length = max(length, len(s.IDs))
		}
		got = append(got, runtime.logits(t, c, dir, length, sequences)...)
	}
	checkProducts(t, c, operations(readModel(t, filepath.Join(dir, "optimized.onnx")).Graph))
	want := engineLogits(t, c, examples)
	same, right := 0, 0
	for i, x := range examples {
		label := got[i][1] > got[i][0]
		if label == (want[i][1] > want[i][0]) {
			same++
		}
		if label == (x.Label == 1) {
			right++
		}
	}
	all, n := differences(got, want), len(examples)
	within := n
	for within > 0 && all[within-1] > tolerance {
		within--
	}
	heads, neurons := 0, 0
	for _, l := range c.Layers {
		heads, neurons = heads+len(l.Heads), neurons+len(l.Neurons)
	}
	t.Logf("SST-2, %d of 8 heads and %d of 256 neurons: %d of %d labels agree, %d are right; logits differ by %.1e in the median, %.1e at 90 %%, %.1e at 99 %%, %.1e at most, by %v or less for %d",
		heads, neurons, same, n, right, all[n/2], all[n*90/100], all[n*99/100], all[n-1], tolerance, within)
	if float64(same) < agreement*float64(n) {
		t.Errorf("found %d of %d labels to agree, want %v of them", same, n, agreement)
	}
	if right < n*6/10 {
		t.Errorf("found %d of %d labels to be right: the model tells nothing apart", right, n)
	}
}
