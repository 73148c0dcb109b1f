package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/go-jpqd/jpqd/jpqd"
)

// bench runs `jpqd bench --json` for as short a time as it can be.
func (w *fixture) bench(args ...string) *benchReport {
	w.t.Helper()
	stdout, _ := w.run(append([]string{"bench", "--json", "--rounds", "2", "--seconds", "0", "--threads", "1"}, args...))
	var r benchReport
	w.must(json.Unmarshal([]byte(stdout), &r))
	for _, x := range r.Results {
		if !(x.SequencesPerSecond > 0 && x.LowestRound <= x.SequencesPerSecond && x.SequencesPerSecond <= x.HighestRound && x.Ratio > 0) {
			w.t.Errorf("%s: found %+v, want speeds above 0, the median between the least and the greatest", x.Engine, x)
		}
		if l := x.Latency; !(0 < l.P50 && l.P50 <= l.P90 && l.P90 <= l.P99) {
			w.t.Errorf("%s: found latencies %+v, want them to rise", x.Engine, l)
		}
		if per := float64(x.Tokens) / float64(x.Sequences); math.Abs(x.TokensPerSecond/x.SequencesPerSecond-per) > 1e-9*per {
			w.t.Errorf("%s: found %v tokens/s at %v sequences/s, want %v times as many", x.Engine, x.TokensPerSecond, x.SequencesPerSecond, per)
		}
	}
	return &r
}

// engineNames lists the engines of results in their order.
func engineNames(results []benchResult) []string {
	var names []string
	for _, r := range results {
		names = append(names, r.Engine)
	}
	return names
}

// A run's folder is measured by all engines on its own data, 20 sentences
// in batches of 8: three batches a pass and two rounds make six.
func TestBenchFolder(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--nncf_compression_config", w.path("nncf.json")))
	r := w.bench(w.path("out"), "--data_dir", w.path("data"), "--engine", "dense,float,fakequant,int8", "--profile")
	if want := []string{"dense", "float", "fakequant", "int8"}; !slices.Equal(engineNames(r.Results), want) {
		t.Fatalf("found engines %v, want %v", engineNames(r.Results), want)
	}
	for _, x := range r.Results {
		if x.Sequences != 20 || x.Length != 0 || x.Latency.Batches != 6 || x.Profile == nil {
			t.Errorf("%s: found %+v, want 20 sequences of different lengths, 6 batches and a profile", x.Engine, x)
		}
	}
	if x := r.Results[0]; x.Ratio != 1 {
		t.Errorf("found ratio %v of the first engine, want 1", x.Ratio)
	}
	file := w.path("out", jpqd.CompressedFile)
	if r = w.bench(file, "--length", "5", "--engine", "int8"); len(r.Results) != 1 || r.Results[0].Tokens != 40 {
		t.Errorf("the file alone: found %+v, want 8 sequences of 5 tokens", r.Results)
	}
	for _, engine := range []string{"dense", "float", "fakequant"} {
		if status, _, stderr := runCommand(t, "bench", file, "--engine", engine); status != 1 || !strings.Contains(stderr, "want the folder of its run") {
			t.Errorf("the file alone, %s: status %d, %s", engine, status, stderr)
		}
	}
}

// Without a model, every combination of length and batch size is measured.
func TestBenchSynthetic(t *testing.T) {
	w := &fixture{t, t.TempDir()}
	r := w.bench("--config", "minilm", "--sparsity", "published", "--engine", "int8", "--length", "3,5", "--batch_size", "1,2")
	var found [][4]int
	for _, x := range r.Results {
		found = append(found, [4]int{x.Length, x.BatchSize, x.Sequences, x.Tokens})
	}
	if want := [][4]int{{3, 1, 1, 3}, {3, 2, 2, 6}, {5, 1, 1, 5}, {5, 2, 2, 10}}; !slices.Equal(found, want) {
		t.Errorf("length, batch size, sequences, tokens: found %v, want %v", found, want)
	}
	w.must(os.WriteFile(w.path("lengths"), []byte("4 2\n7\n"), 0o666))
	stdout, _ := w.run([]string{"bench", "--config", "minilm", "--engine", "int8", "--lengths", w.path("lengths"), "--batch_size", "2", "--rounds", "1", "--seconds", "0"})
	if !strings.Contains(stdout, "ø 4.3") { // 13 tokens in 3 sequences
		t.Errorf("the table does not have the mean length:\n%s", stdout)
	}
}

func TestBenchErrors(t *testing.T) {
	w := newFixture(t)
	w.must(os.WriteFile(w.path("lengths"), []byte("3 x"), 0o666))
	w.must(os.WriteFile(w.path("empty"), nil, 0o666))
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		message string
	}{
		{"two models", []string{"a", "b"}, 2, "found 2 arguments"},
		{"model and config", []string{w.path("model"), "--config", "minilm"}, 2, "--config: found it beside MODEL"},
		{"config", []string{"--config", "bert"}, 2, `--config: found "bert", want one of bert-base, bert-large, minilm`},
		{"sparsity", []string{"--sparsity", "half"}, 2, `--sparsity: found "half", want one of none, published, unstructured`},
		{"engine", []string{"--engine", "int4"}, 2, `--engine: found "int4", want some of dense, float, fakequant, int8`},
		{"training model", []string{"--engine", "fakequant"}, 2, "--engine fakequant: found no MODEL"},
		{"threads", []string{"--threads", "0"}, 2, "--threads: found 0, want 1 to"},
		{"no number", []string{"--batch_size", "x"}, 2, `--batch_size: found "x", want whole numbers with commas`},
		{"length", []string{"--config", "minilm", "--engine", "int8", "--length", "513"}, 2, "--length: found 513, want at most 512"},
		{"sources", []string{"--length", "3", "--lengths", "x"}, 2, "want one"},
		{"no data", []string{"--task_name", "sst2"}, 2, "are for --data_dir"},
		{"no tokenizer", []string{"--data_dir", w.path("data")}, 2, "--data_dir needs --tokenizer_name"},
		{"rounds", []string{"--rounds", "0"}, 2, "--rounds: found 0"},
		{"seconds", []string{"--seconds", "NaN"}, 2, "--seconds: found NaN"},
		{"lengths", []string{"--config", "minilm", "--engine", "int8", "--lengths", w.path("lengths")}, 1, `number 2: found "x", want 1 to 512 tokens`},
		{"no lengths", []string{"--config", "minilm", "--engine", "int8", "--lengths", w.path("empty")}, 1, "found no numbers"},
		{"no folder", []string{filepath.Join(w.dir, "none")}, 1, "none"},
		{"a file", []string{w.path("lengths")}, 1, "is a file, want a model's folder"},
		{"no weights", []string{w.path("model")}, 1, "want a model that is trained already"},
		{"not quantized", []string{w.path("teacher"), "--engine", "int8"}, 1, "has no quantizers, want --engine float"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, _, stderr := runCommand(t, append([]string{"bench"}, test.args...)...)
			if status != test.status || !strings.Contains(stderr, test.message) {
				t.Errorf("status %d, %q, want %d, …%s…", status, stderr, test.status, test.message)
			}
		})
	}
}

// Of 1, 2, …, 10 five values are at most 5, nine at most 9, and 99 % are more
// than nine of them.
func TestPercentile(t *testing.T) {
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]float64{50: 5, 90: 9, 99: 10, 1: 1} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile(%v) = %v, want %v", p, got, want)
		}
	}
	if got := middle(values); got != 5.5 {
		t.Errorf("middle = %v, want 5.5", got)
	}
	if got := middle(values[:3]); got != 2 {
		t.Errorf("middle of three = %v, want 2", got)
	}
}

// An engine that fails stops the measurement.
func TestMeasureInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	runs := 0
	e := benchEngine{name: "x", run: func(context.Context, *benchBatch) error {
		if runs++; runs == 3 {
			cancel()
		}
		return nil
	}}
	l := newBenchLoad(1, 1, []jpqd.Example{{IDs: []int32{1}}, {IDs: []int32{1}}})
	if _, err := measureLoad(ctx, []benchEngine{e}, l, 5, 1e3); err != context.Canceled || runs != 3 {
		t.Errorf("found error %v after %d batches, want %v after 3", err, runs, context.Canceled)
	}
}

func TestKindOf(t *testing.T) {
	const kernels, int8 = "github.com/go-jpqd/jpqd/kernels.", "github.com/go-jpqd/jpqd/jpqd/int8."
	for _, test := range []struct {
		want  string
		stack []string // from what runs outwards
	}{
		{kindInt8Product, []string{kernels + "panelInt8VNNI12x32", kernels + "(*packedTask).panel", int8 + "multiply[go.shape.float32]", int8 + "(*layer).half"}},
		{kindInt8Product, []string{kernels + "fusedFloatsVNNI12x32", kernels + "(*packedTask).fuse", int8 + "multiply[go.shape.float32]", int8 + "(*layer).half"}},
		{kindFloatProduct, []string{kernels + "panelF32AVX512x12x32", kernels + "(*packedTask).panel", kernels + "runParts", kernels + "work"}},
		{kindTiling, []string{"runtime.memmove", kernels + "(*packedTask).rows", int8 + "(*layer).half"}},
		{kindEpilogue, []string{kernels + "epilogueAVX512", kernels + "(*packedTask).panel", int8 + "(*layer).half"}},
		{kindGELU, []string{kernels + "epilogueAVX512", kernels + "(*packedTask).panel", int8 + "into", int8 + "(*layer).expand"}},
		{kindGELU, []string{kernels + "geluAVX512", kernels + "GELU", "github.com/go-jpqd/jpqd/autograd.GELU"}},
		{kindAttentionProduct, []string{kernels + "panelInt8VNNI12x32", kernels + "GemmInt8Batch[go.shape.uint8,go.shape.float32]", int8 + "(*headTask).scores"}},
		{kindSoftmax, []string{kernels + "softmaxQ8AVX512", int8 + "(*headTask).scores", int8 + "(*headTask).Run"}},
		{kindAttention, []string{kernels + "quantizeAVX512", kernels + "Quantize[go.shape.uint8]", int8 + "(*headTask).contexts"}},
		{kindNorm, []string{kernels + "layerNormQ8AVX512", int8 + "(*sum).apply", int8 + "(*layer).half"}},
		{kindNorm, []string{kernels + "layerNormQ8AVX512", int8 + "(*sum).apply", int8 + "(*embeddings).embed"}},
		{kindQuantize, []string{kernels + "quantizeAVX512", int8 + "(*copies).fill", int8 + "(*attention).gather"}},
		{kindEmbedding, []string{"runtime.memmove", int8 + "table.lookup", int8 + "(*embeddings).embed"}},
		{kindOther, []string{"math.archFloor", int8 + "(*Engine).classify"}},
		{kindWaiting, []string{kernels + "work"}},
		{kindWaiting, []string{"sync/atomic.(*Int64).Load", kernels + "Parallel", int8 + "(*attention).forward"}},
		{kindRuntime, []string{"runtime.futex", "runtime.mcall"}},
	} {
		if got := kindOf(test.stack); got != test.want {
			t.Errorf("kindOf(%v) = %q, want %q", test.stack, got, test.want)
		}
	}
}

// Three samples of 10 ms in two sequences: 15 ms each, two thirds of it in a
// product of 10⁹ operations a sequence, which at 200 GOP/s take 5 ms.
func TestBenchProfile(t *testing.T) {
	at := func(name string) *profile.Location {
		return &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: name}}}}
	}
	product, norm := []*profile.Location{at("x/kernels.panelInt8VNNI12x32")}, []*profile.Location{at("x/kernels.layerNormAVX2")}
	p := newBenchProfile(&profile.Profile{Sample: []*profile.Sample{{Location: product, Value: []int64{2, 2e7}}, {Location: norm, Value: []int64{1, 1e7}}}}, 2)
	p.compare(operations{Int8: 2e9}, 2, 200, 100)
	if p.Samples != 3 || p.MicrosPerSeq != 15e3 || p.LimitMicros != 5e3 || math.Abs(p.ShareOfLimit-1./3) > 1e-12 || len(p.Kinds) != 2 {
		t.Fatalf("found %+v", p)
	}
	if k := p.Kinds[0]; k.Kind != kindInt8Product || k.MicrosPerSeq != 10e3 || math.Abs(k.Share-2./3) > 1e-12 || k.Rate != 100 || k.OfLimit != 0.5 {
		t.Errorf("found %+v", k)
	}
	if k := p.Kinds[1]; k.Kind != kindNorm || k.Rate != 0 || k.OfLimit != 0 {
		t.Errorf("found %+v", k)
	}
}
