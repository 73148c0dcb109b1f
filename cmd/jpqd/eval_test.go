package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/internal/realdata"
	"github.com/go-jpqd/jpqd/jpqd"
)

// evaluate is what `jpqd eval --json` tells.
func (w *fixture) evaluate(model string, more ...string) (metrics map[string]any) {
	w.t.Helper()
	stdout, _ := w.run(append([]string{"eval", w.path(model), "--json"}, more...))
	w.must(json.Unmarshal([]byte(stdout), &metrics))
	return metrics
}

func TestEval(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--do_eval", "--nncf_compression_config", w.path("nncf.json")))
	want := w.results("out", "eval_results.json")
	glue := []string{"--task_name", "sst2", "--data_dir", w.path("data")}
	for _, test := range []struct {
		model, flag, engine, from string
		tolerance                 float64 // of the accuracy; 0.05 is one of 20 examples
	}{
		{"out", "", "int8", "out/compressed.safetensors", 0.05},
		{"out", "int8", "int8", "out/compressed.safetensors", 0.05},
		{"out", "fakequant", "fakequant", "out", 0},
		{"out", "float", "float", "out", 0.2},
		{"out/compressed.safetensors", "int8", "int8", "out/compressed.safetensors", 0.05},
	} {
		got := w.evaluate(test.model, append(glue, "--engine", test.flag)...)
		accuracy, _ := got["eval_accuracy"].(float64)
		if got["engine"] != test.engine || got["model"] != w.path(test.from) || got["eval_samples"] != 20.0 || got["eval_samples_per_second"].(float64) <= 0 || got["eval_tokens_per_second"].(float64) <= 0 {
			t.Errorf("%s: found %v", test.model, got)
		}
		if math.Abs(accuracy-want["eval_accuracy"]) > test.tolerance+1e-9 {
			t.Errorf("%s: found an accuracy of %v, want %v ± %v", test.engine, accuracy, want["eval_accuracy"], test.tolerance)
		}
	}
	stdout, stderr := w.run(append([]string{"eval", w.path("out"), "--max_eval_samples", "7", "--per_device_eval_batch_size", "3"}, glue...))
	if text := strings.Join(strings.Fields(stdout), " "); !strings.Contains(text, "***** eval metrics *****") || !strings.Contains(text, "eval_samples = 7 ") || !strings.Contains(stderr, "engine=int8") {
		t.Errorf("found %s\n%s", stdout, stderr)
	}

	// A file of one's own, its labels by number and by the model's names.
	own := w.evaluate("out", "--validation_file", w.path("data", "dev.tsv"), "--engine", "fakequant")
	if own["eval_accuracy"] != want["eval_accuracy"] {
		t.Errorf("a file: found %v, want %v", own["eval_accuracy"], want["eval_accuracy"])
	}
	w.must(os.WriteFile(w.path("named.jsonl"), []byte(`{"text": "good", "label": "positive"}`+"\n"+`{"text": "bad", "label": "negative"}`), 0o666))
	if named := w.evaluate("out", "--validation_file", w.path("named.jsonl")); named["eval_samples"] != 2.0 {
		t.Errorf("labels by name: found %v", named)
	}
}

// A model whose labels stand in another order than the data's.
func TestEvalLabelOrder(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--learning_rate", "1e-2"))
	glue := []string{"--task_name", "sst2", "--data_dir", w.path("data")}
	want := w.evaluate("out", glue...)
	if want["engine"] != "float" {
		t.Errorf("found engine %v for a model in float32", want["engine"])
	}
	m, _, err := bert.Load(w.path("out"), bert.LoadOptions{})
	w.must(err)
	sortOutputs(m.Classifier, []int{1, 0})
	m.Config.Labels = []string{"POSITIVE", "NEGATIVE"}
	w.must(m.Save(w.path("out")))
	if got := w.evaluate("out", glue...); got["eval_accuracy"] != want["eval_accuracy"] {
		t.Errorf("found %v, want %v as with the data's order", got["eval_accuracy"], want["eval_accuracy"])
	}
}

func TestInOrder(t *testing.T) {
	got := inOrder([]float32{1, 2, 3, 4, 5, 6}, []int{2, 0, 1}) // rows 1 2 3 and 4 5 6
	if want := []float32{3, 1, 2, 6, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestEvalQuestions(t *testing.T) {
	w := newQAFixture(t)
	w.run(w.trainQA("out", "--do_eval", "--nncf_compression_config", w.path("nncf.json")))
	want := w.results("out", "eval_results.json")
	data := []string{"--validation_file", w.path("data", "dev.json"), "--max_seq_length", "24", "--doc_stride", "8"}
	got := w.evaluate("out", append(data, "--engine", "fakequant")...)
	for _, key := range []string{"eval_f1", "eval_exact_match", "eval_samples"} {
		if got[key] != want[key] {
			t.Errorf("%s: found %v, want %v", key, got[key], want[key])
		}
	}
	if got := w.evaluate("out", data...); got["engine"] != "int8" || got["eval_samples"] != want["eval_samples"] {
		t.Errorf("int8: found %v", got)
	}
	// Without the flags a window is 384 tokens, cut down to what the model holds.
	if got := w.evaluate("out", "--validation_file", w.path("data", "dev.json"), "--doc_stride", "8"); got["eval_samples"] != 10.0 {
		t.Errorf("windows of 64 tokens: found %v", got)
	}
	status, _, stderr := runCommand(t, "eval", w.path("out"), "--task_name", "sst2")
	if status != exitUsage || !strings.Contains(stderr, "the model answers questions, want --validation_file") {
		t.Errorf("a task of GLUE: status %d, %s", status, stderr)
	}
}

func TestEvalErrors(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--nncf_compression_config", w.path("nncf.json")))
	w.run(w.train("plain"))
	data := []string{"--task_name", "sst2", "--data_dir", w.path("data")}
	for _, test := range []struct {
		name    string
		model   string
		args    []string
		status  int
		message string
	}{
		{"engine", "out", []string{"--engine", "int4"}, exitUsage, `--engine: found "int4", want one of float, fakequant, int8`},
		{"batch", "out", []string{"--per-device-eval-batch-size", "0"}, exitUsage, "--per_device_eval_batch_size: found 0"},
		{"samples", "out", []string{"--max_eval_samples", "0"}, exitUsage, "--max_eval_samples: found 0"},
		{"no data", "out", nil, exitUsage, "need either a GLUE task (--task_name) or a file (--validation_file)"},
		{"another task", "out", []string{"--task_name", "mnli", "--data_dir", w.path("data")}, exitError, "found a model with the labels negative, positive, want 3 for --task_name mnli"},
		{"short sequences", "out", append(data, "--max_seq_length", "2"), exitUsage, "--max_seq_length: found 2, want at least 3"},
		{"no bytes", "plain", append(data, "--engine", "int8"), exitError, "--engine int8: " + w.path("plain") + " has no quantizers, want --engine float"},
		{"no quantizers", "plain", append(data, "--engine", "fakequant"), exitError, "--engine fakequant: " + w.path("plain") + " has no quantizers"},
		{"training from a file", "out/compressed.safetensors", append(data, "--engine", "fakequant"), exitError, "want the folder of its run"},
		{"floats from bytes", "out/compressed.safetensors", append(data, "--engine", "float"), exitError, "has weights in 8 bits, want the folder of its run"},
	} {
		status, stdout, stderr := runCommand(t, append([]string{"eval", w.path(test.model)}, test.args...)...)
		if status != test.status || stdout != "" || !strings.Contains(stderr, test.message) {
			t.Errorf("%s: status %d, want %d; %q, want …%s…", test.name, status, test.status, stderr, test.message)
		}
	}
}

// TestEnginesAgree wants the label of bytes to be that of the fake-quantized
// model for 99.9 % of SST-2's sentences, of a small model trained on a few of
// them.
func TestEnginesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it trains a model for some seconds")
	}
	data := realdata.Dir(t)
	w := newFixture(t)
	vocab, err := os.ReadFile(filepath.Join(data, "vocab", "vocab.txt"))
	w.must(err)
	w.must(os.WriteFile(w.path("model", "vocab.txt"), vocab, 0o666))
	config, err := bert.LoadConfig(w.path("model"))
	w.must(err)
	config.VocabSize, config.HiddenSize, config.NumAttentionHeads, config.MaxPositionEmbeddings = strings.Count(string(vocab), "\n"), 64, 4, 128
	w.must(config.Save(w.path("model")))
	_, quantization, _ := bytes.Cut(tinyNNCF(), []byte("},\n    {\n"))
	w.must(os.WriteFile(w.path("nncf.json"), append([]byte("[{"), quantization...), 0o666))
	w.run(w.train("out", "--data_dir", filepath.Join(data, "sst2"), "--nncf_compression_config", w.path("nncf.json"),
		"--max_train_samples", "6000", "--num_train_epochs", "2", "--per_device_train_batch_size", "32", "--learning_rate", "2e-3"))
	var lines strings.Builder
	dev, err := os.ReadFile(filepath.Join(data, "sst2", "dev.tsv"))
	w.must(err)
	for line := range strings.Lines(string(dev)) {
		sentence, _, _ := strings.Cut(line, "\t")
		lines.WriteString(sentence + "\n")
	}
	w.must(os.WriteFile(w.path("lines"), []byte(lines.String()), 0o666))
	predictions := map[string][]string{}
	for _, engine := range []string{engineInt8, engineFakeQuant} {
		stdout, _ := w.run([]string{"predict", w.path("out"), "--input", w.path("lines"), "--engine", engine})
		for line := range strings.Lines(stdout) {
			label, _, _ := strings.Cut(line, "\t")
			predictions[engine] = append(predictions[engine], label)
		}
	}
	same, positive, all := 0, 0, len(predictions[engineFakeQuant])
	for i, label := range predictions[engineFakeQuant] {
		if predictions[engineInt8][i] == label {
			same++
		}
		if label == "positive" {
			positive++
		}
	}
	t.Logf("%d of %d labels agree, %d positive", same, all, positive)
	if all != 873 || float64(same) < 0.999*float64(all) { // the header line is among them
		t.Errorf("found %d of %d labels to agree, want 99.9 %% of 873", same, all)
	}
	if positive < all/10 || positive > all-all/10 {
		t.Errorf("found %d of %d labels to be positive: the model tells nothing apart", positive, all)
	}
	if !exists(w.path("out", jpqd.CompressedFile)) {
		t.Errorf("int8 did not read %s", jpqd.CompressedFile)
	}
}
