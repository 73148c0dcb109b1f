package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// tinyConfig is a BERT of one layer with two heads of 16.
func tinyConfig(tok *tokenizer.Tokenizer) bert.Config {
	c := bert.DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads = tok.VocabSize(), 32, 1, 2
	c.IntermediateSize, c.MaxPositionEmbeddings = 64, 64
	return c
}

// tinyNNCF is the demo's configuration for tinyConfig: the threshold rises
// through the second of three epochs, and blocks are as wide as a head.
func tinyNNCF() []byte {
	return []byte(strings.NewReplacer(`"warmup_end_epoch": 3`, `"warmup_end_epoch": 2`, "[32, 32]", "[16, 16]").Replace(string(demoNNCF)))
}

// fixture is a folder with a tiny model without weights, a trained-looking
// teacher, and SST-2 files of made-up sentences.
type fixture struct {
	t   *testing.T
	dir string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	t.Setenv("HF_HUB_OFFLINE", "1")
	w := &fixture{t, t.TempDir()}
	tok, err := tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig())
	w.must(err)
	for _, name := range []string{"model", "teacher", "data"} {
		w.must(os.Mkdir(w.path(name), 0o777))
	}
	w.must(tinyConfig(tok).Save(w.path("model")))
	w.must(tok.Save(w.path("model")))
	w.must(bert.New(tinyConfig(tok), 7).Save(w.path("teacher")))
	w.must(os.WriteFile(w.path("nncf.json"), tinyNNCF(), 0o666))
	train, dev := tasks.SentimentSplit(1, 48, 20)
	w.writeTSV("train.tsv", "sentence\tlabel", train, func(_ int, r tasks.Record) string { return fmt.Sprintf("%s\t%d", r.Text1, r.Label) })
	w.writeTSV("dev.tsv", "sentence\tlabel", dev, func(_ int, r tasks.Record) string { return fmt.Sprintf("%s\t%d", r.Text1, r.Label) })
	w.writeTSV("test.tsv", "index\tsentence", dev, func(i int, r tasks.Record) string { return fmt.Sprintf("%d\t%s", i, r.Text1) })
	return w
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) path(elem ...string) string {
	return filepath.Join(append([]string{w.dir}, elem...)...)
}

func (w *fixture) writeTSV(name, header string, records []tasks.Record, line func(int, tasks.Record) string) {
	var b bytes.Buffer
	b.WriteString(header + "\n")
	for i, r := range records {
		b.WriteString(line(i, r) + "\n")
	}
	w.must(os.WriteFile(w.path("data", name), b.Bytes(), 0o666))
}

// train is a command line for three epochs of six steps.
func (w *fixture) train(out string, more ...string) []string {
	return append([]string{"glue", "--model_name_or_path", w.path("model"), "--task_name", "SST2", "--data_dir", w.path("data"),
		"--output_dir", w.path(out), "--do_train", "--per_device_train_batch_size", "8", "--learning_rate", "1e-3",
		"--num_train_epochs", "3", "--logging_steps", "2", "--save_strategy", "no"}, more...)
}

// run runs a command line that must succeed.
func (w *fixture) run(args []string) (stdout, stderr string) {
	w.t.Helper()
	status, stdout, stderr := runCommand(w.t, args...)
	if status != 0 {
		w.t.Fatalf("exit status %d\n%s", status, stderr)
	}
	return stdout, stderr
}

// wantFiles fails for each of the files that out does not hold or that is empty.
func (w *fixture) wantFiles(out string, names ...string) {
	w.t.Helper()
	for _, name := range names {
		if info, err := os.Stat(w.path(out, name)); err != nil {
			w.t.Error(err)
		} else if info.Size() == 0 {
			w.t.Errorf("%s is empty", name)
		}
	}
}

func (w *fixture) results(out, name string) map[string]float64 {
	w.t.Helper()
	var results map[string]float64
	w.must(checkpoint.ReadJSON(w.path(out, name), &results))
	return results
}

// The whole way: pruning, quantization and distillation, evaluation, prediction.
func TestGlueCompressed(t *testing.T) {
	w := newFixture(t)
	stdout, stderr := w.run(w.train("out", "--do_eval", "--do_predict", "--evaluation_strategy", "epoch", "--report_to", "tensorboard",
		"--teacher_model_name_or_path", w.path("teacher"), "--nncf_compression_config", w.path("nncf.json"), "--fp16"))
	w.wantFiles("out", "config.json", "model.safetensors", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
		"train_results.json", "eval_results.json", "all_results.json", "trainer_state.json", "training_args.json",
		"nncf_config.json", "openvino_config.json", "openvino_model.xml", "openvino_model.bin", "compressed.safetensors",
		"compression.safetensors", "compression_state.json", "structured_sparsity.csv", "nncf_output.log", "report.html", "predict_results_sst2.txt")
	for _, want := range []string{"***** train metrics *****", "***** eval metrics *****", "eval_samples = 20 ", "train_samples"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("standard output does not contain %q:\n%s", want, stdout)
		}
	}
	for _, want := range []string{"WARN --fp16: ", "training starts from random ones", "INFO train step=2/18 ", "time_left=", "INFO evaluation step=6/18 "} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error does not contain %q:\n%s", want, stderr)
		}
	}
	all := w.results("out", "all_results.json")
	for _, key := range []string{"eval_accuracy", "eval_loss", "eval_runtime", "eval_samples", "eval_samples_per_second", "epoch", "train_loss", "train_runtime", "train_samples"} {
		if _, ok := all[key]; !ok {
			t.Errorf("all_results.json has no %q: %v", key, all)
		}
	}
	if all["train_samples"] != 48 || all["eval_samples"] != 20 || all["epoch"] != 3 {
		t.Errorf("all_results.json: %v", all)
	}
	events, err := filepath.Glob(w.path("out", "runs", "*", "events.out.tfevents.*"))
	if err != nil || len(events) != 1 {
		t.Errorf("event files: got %q, want one", events)
	}
	predictions, err := os.ReadFile(w.path("out", "predict_results_sst2.txt"))
	w.must(err)
	if lines := strings.Count(string(predictions), "\n"); lines != 21 || !strings.HasPrefix(string(predictions), "index\tprediction\n0\t") {
		t.Errorf("predictions: %d lines:\n%.80s", lines, predictions)
	}
	config, err := bert.LoadConfig(w.path("out"))
	w.must(err)
	if diff := cmp.Diff([]string{"negative", "positive"}, config.Labels); diff != "" {
		t.Error(diff)
	}
	sparsity, err := os.Open(w.path("out", "structured_sparsity.csv"))
	w.must(err)
	defer sparsity.Close()
	if rows, err := csv.NewReader(sparsity).ReadAll(); err != nil || len(rows) != 7 {
		t.Errorf("structured_sparsity.csv: %d rows, error %v, want a header and six", len(rows), err)
	}
	// The folder is a model like any other: evaluated alone it gives the same numbers.
	w.run([]string{"glue", "--model_name_or_path", w.path("out"), "--task_name", "sst2", "--data_dir", w.path("data"), "--output_dir", w.path("again"), "--do_eval"})
	again := w.results("again", "eval_results.json")
	if again["eval_accuracy"] != all["eval_accuracy"] || again["eval_task_loss"] != all["eval_task_loss"] {
		t.Errorf("evaluated again: %v\nwant as before: %v", again, all)
	}
}

func TestGluePlain(t *testing.T) {
	w := newFixture(t)
	_, stderr := w.run(w.train("out", "--max_train_samples", "16", "--logging_strategy", "epoch"))
	if !strings.Contains(stderr, "nothing is compressed") {
		t.Errorf("standard error does not say that nothing is compressed:\n%s", stderr)
	}
	w.wantFiles("out", "model.safetensors", "train_results.json", "report.html")
	for _, name := range []string{"openvino_model.xml", "nncf_config.json", "eval_results.json", "runs"} {
		if _, err := os.Stat(w.path("out", name)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	var state struct {
		LogHistory []map[string]any `json:"log_history"`
	}
	w.must(checkpoint.ReadJSON(w.path("out", "trainer_state.json"), &state))
	losses := 0
	for _, entry := range state.LogHistory {
		if _, ok := entry["loss"]; ok {
			losses++
		}
	}
	if losses != 3 {
		t.Errorf("logged %d times, want once in each of 3 epochs", losses)
	}

	status, _, stderr := runCommand(t, w.train("out")...)
	if status != exitError || !strings.Contains(stderr, "already exists and is not empty") {
		t.Errorf("a second run: status %d\n%s", status, stderr)
	}
	w.must(os.WriteFile(w.path("out", jpqd.CompressedFile), []byte("of an earlier run"), 0o666))
	w.run(w.train("out", "--overwrite_output_dir", "--max_steps", "1"))
	if _, err := os.Stat(w.path("out", jpqd.CompressedFile)); err == nil {
		t.Errorf("%s of an earlier run is still there", jpqd.CompressedFile)
	}
}

// Training that ends before the masks are final is warned of, and no other.
func TestGlueWarmup(t *testing.T) {
	w := newFixture(t)
	for _, test := range []struct {
		args []string
		want bool
	}{
		{[]string{"--num_train_epochs", "2"}, true},
		{[]string{"--max_steps", "12"}, true}, // of six steps an epoch
		{[]string{"--max_steps", "13"}, false},
		{nil, false},
	} {
		args := append(w.train("out", "--nncf_compression_config", w.path("nncf.json"), "--overwrite_output_dir"), test.args...)
		_, stderr := w.run(args)
		final := strings.Contains(stderr, "masks are final")
		if got := strings.Contains(stderr, "warmup_end_epoch=2"); got != test.want || final == test.want {
			t.Errorf("%q: warned: %t, masks final: %t\n%s", test.args, got, final, stderr)
		}
	}
}

// A run that is interrupted and goes on ends as one that was not.
func TestGlueResume(t *testing.T) {
	w := newFixture(t)
	compressed := []string{"--nncf_compression_config", w.path("nncf.json"), "--teacher_model_name_or_path", w.path("teacher"), "--save_strategy", "steps", "--save_steps", "4"}
	w.run(w.train("whole", compressed...))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stderr bytes.Buffer
	watch := &cancelAt{&stderr, "step=8/", cancel}
	if status := run(ctx, w.train("halves", compressed...), &bytes.Buffer{}, watch); status != exitInterrupted {
		t.Fatalf("exit status %d, want %d\n%s", status, exitInterrupted, stderr.String())
	}
	if !strings.Contains(stderr.String(), "go on with\n  jpqd glue --") || !strings.Contains(stderr.String(), "--resume_from_checkpoint true\n") {
		t.Errorf("standard error does not say how to go on:\n%s", stderr.String())
	}
	// Without --resume_from_checkpoint it is found as well, as run_glue.py does.
	_, log := w.run(w.train("halves", compressed...))
	if !strings.Contains(log, "checkpoint detected") || !strings.Contains(log, "checkpoint-8") {
		t.Errorf("standard error does not name the checkpoint:\n%s", log)
	}
	for _, name := range []string{"model.safetensors", "openvino_model.bin", "openvino_model.xml", "compressed.safetensors", "compression.safetensors"} {
		whole, err := os.ReadFile(w.path("whole", name))
		w.must(err)
		halves, err := os.ReadFile(w.path("halves", name))
		w.must(err)
		if !bytes.Equal(whole, halves) {
			t.Errorf("%s differs between the run in one piece and the one in two", name)
		}
	}
	w.run(w.train("halves", append(compressed, "--resume_from_checkpoint", "true")...))

	// An error of the configuration costs no checkpoint.
	before, err := os.ReadFile(w.path("halves", "training_args.json"))
	w.must(err)
	wide := w.path("wide.json")
	w.must(os.WriteFile(wide, bytes.ReplaceAll(tinyNNCF(), []byte("[16, 16]"), []byte("[48, 48]")), 0o666))
	if status, _, _ := runCommand(t, w.train("halves", "--overwrite_output_dir", "--nncf_compression_config", wide)...); status != exitError {
		t.Errorf("blocks that do not fit: exit status %d, want %d", status, exitError)
	}
	w.wantFiles("halves", "checkpoint-8", "checkpoint-16")
	if after, err := os.ReadFile(w.path("halves", "training_args.json")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("training_args.json is another after a run that did not begin: %v", err)
	}

	// Overwriting begins anew: of the earlier run no checkpoint is left, none
	// that was never finished, and nothing that makes a model a compressed one.
	w.must(os.Mkdir(w.path("halves", ".tmp-checkpoint-123"), 0o777))
	w.must(os.WriteFile(w.path("halves", "eval_results.json"), []byte("{}"), 0o666))
	w.run(w.train("halves", "--overwrite_output_dir", "--max_steps", "2"))
	for _, pattern := range []string{"checkpoint-*", ".tmp-*", "*nncf*", "compression*", "openvino*", "structured*", "eval_results.json"} {
		if left, _ := filepath.Glob(w.path("halves", pattern)); left != nil {
			t.Errorf("files of an overwritten run: %q", left)
		}
	}
}

// cancelAt cancels when a line that contains text is written.
type cancelAt struct {
	*bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (c *cancelAt) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.text)) {
		c.cancel()
	}
	return c.Buffer.Write(p)
}

// Files of one's own, with labels of one's own.
func TestGlueOwnFiles(t *testing.T) {
	w := newFixture(t)
	var b bytes.Buffer
	b.WriteString("text,label\n")
	for i, r := range tasks.Sentiment(3, 12) {
		fmt.Fprintf(&b, "%q,%s\n", r.Text1, []string{"loved", "hated", "shrugged"}[i%3])
	}
	w.must(os.WriteFile(w.path("own.csv"), b.Bytes(), 0o666))
	w.run([]string{"glue", "--model_name_or_path", w.path("model"), "--train_file", w.path("own.csv"), "--validation_file", w.path("own.csv"),
		"--test_file", w.path("own.csv"), "--output_dir", w.path("out"), "--do_train", "--do_eval", "--do_predict", "--num_train_epochs", "1"})
	config, err := bert.LoadConfig(w.path("out"))
	w.must(err)
	if diff := cmp.Diff([]string{"hated", "loved", "shrugged"}, config.Labels); diff != "" {
		t.Error(diff)
	}
	w.wantFiles("out", "predict_results_None.txt", "eval_results.json")
}

// MNLI has two validation and two test splits; regression has a task of its own.
func TestGlueSplitsAndRegression(t *testing.T) {
	w := newFixture(t)
	w.must(os.MkdirAll(w.path("glue_data", "MNLI"), 0o777))
	records := tasks.Sentiment(5, 9)
	for _, name := range []string{"train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched"} {
		w.writeTSV("../glue_data/MNLI/"+name+".tsv", "sentence1\tsentence2\tgold_label", records, func(i int, r tasks.Record) string {
			return fmt.Sprintf("%s\t%s\t%s", r.Text1, records[0].Text1, []string{"entailment", "neutral", "contradiction"}[i%3])
		})
	}
	t.Chdir(w.dir) // the folder of GLUE's own download script is found there
	w.run([]string{"glue", "--model_name_or_path", "model", "--task_name", "mnli", "--output_dir", "out", "--do_train", "--do_eval", "--do_predict", "--num_train_epochs", "1"})
	results := w.results("out", "eval_results.json")
	for _, key := range []string{"eval_accuracy", "eval_accuracy_mm", "eval_samples", "eval_samples_mm"} {
		if _, ok := results[key]; !ok {
			t.Errorf("eval_results.json has no %q: %v", key, results)
		}
	}
	w.wantFiles("out", "predict_results_mnli.txt", "predict_results_mnli-mm.txt")

	var b bytes.Buffer
	for i, r := range records {
		fmt.Fprintf(&b, "{\"sentence1\": %q, \"sentence2\": %q, \"label\": %d.5}\n", r.Text1, records[0].Text1, i%5)
	}
	w.must(os.WriteFile("own.json", b.Bytes(), 0o666))
	own := []string{"glue", "--model_name_or_path", "model", "--train_file", "own.json", "--validation_file", "own.json", "--output_dir", "regression", "--do_train", "--do_eval", "--num_train_epochs", "1"}
	w.run(own)
	if _, ok := w.results("regression", "eval_results.json")["eval_mse"]; !ok {
		t.Error("regression was not scored by its mean squared error")
	}
	own[8] = "distilled" // --output_dir
	w.run(append(own, "--teacher_model_name_or_path", "regression"))
	if r := w.results("distilled", "eval_results.json"); r["eval_distillation_loss"] <= 0 {
		t.Errorf("regression with a teacher: found results %v, want a distillation loss", r)
	}
}

// What the models of a run must agree on.
func TestGlueModelErrors(t *testing.T) {
	w := newFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	save := func(name string, change func(*bert.Config)) {
		w.must(os.Mkdir(w.path(name), 0o777))
		c := tinyConfig(tok)
		change(&c)
		w.must(bert.New(c, 1).Save(w.path(name)))
	}
	save("three", func(c *bert.Config) { c.Labels = []string{"a", "b", "c"} })
	save("small", func(c *bert.Config) { c.VocabSize = 50 })
	save("short", func(c *bert.Config) { c.MaxPositionEmbeddings = 16 })
	save("foreign", func(*bert.Config) {})
	vocab := tok.Vocab()
	vocab[len(vocab)-1], vocab[len(vocab)-2] = vocab[len(vocab)-2], vocab[len(vocab)-1]
	other, err := tokenizer.New(vocab, tok.Config())
	w.must(err)
	w.must(other.Save(w.path("foreign")))
	w.must(os.Mkdir(w.path("empty"), 0o777))
	w.must(tinyConfig(tok).Save(w.path("empty")))
	wide := w.path("wide.json")
	w.must(os.WriteFile(wide, bytes.ReplaceAll(tinyNNCF(), []byte("[16, 16]"), []byte("[48, 48]")), 0o666))

	teacher := "--teacher_model_name_or_path"
	for _, test := range []struct {
		name    string
		args    []string
		message string
	}{
		{"teacher with other labels", []string{teacher, w.path("three")}, "found a model with 3 labels, want the task's 2"},
		{"teacher with a small vocabulary", []string{teacher, w.path("small")}, "found vocab_size = 50"},
		{"teacher with another vocabulary", []string{teacher, w.path("foreign")}, "is not the student's vocabulary"},
		{"teacher for shorter sequences", []string{teacher, w.path("short")}, "max_position_embeddings = 16"},
		{"output folder of the teacher", []string{teacher, w.path("teacher"), "--output_dir", w.path("teacher"), "--overwrite_output_dir"}, "the student would overwrite it"},
		{"teacher without weights", []string{teacher, w.path("empty")}, "a teacher must be trained already"},
		{"model with other labels", []string{"--model_name_or_path", w.path("three"), "--tokenizer_name", w.path("model")}, "--ignore_mismatched_sizes"},
		{"model with a small vocabulary", []string{"--model_name_or_path", w.path("small"), "--tokenizer_name", w.path("model")}, "the model only vocab_size = 50"},
		{"configuration of another model", []string{"--config_name", w.path("small")}, "--config_name: vocab_size: found 50"},
		{"blocks that do not fit", []string{"--nncf_compression_config", wide}, "48"},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, _, stderr := runCommand(t, w.train("out", test.args...)...)
			if status != exitError || !strings.Contains(stderr, test.message) {
				t.Errorf("status %d, want %d and %q in\n%s", status, exitError, test.message, stderr)
			}
			w.must(os.RemoveAll(w.path("out")))
		})
	}
	w.run(w.train("out", "--model_name_or_path", w.path("three"), "--tokenizer_name", w.path("model"), "--ignore_mismatched_sizes", "--max_steps", "1"))
}

// A model whose labels stand in another order is put into the data's.
func TestLabelOrder(t *testing.T) {
	w := newFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	evaluate := func(name string, labels []string, swap bool) map[string]float64 {
		w.must(os.Mkdir(w.path(name), 0o777))
		c := tinyConfig(tok)
		c.Labels = labels
		m := bert.New(c, 7)
		m.Classifier.Bias.Data[1] = 0.01
		if swap {
			sortOutputs(m.Classifier, []int{1, 0})
		}
		w.must(m.Save(w.path(name)))
		w.must(tok.Save(w.path(name)))
		w.run([]string{"glue", "--model_name_or_path", w.path(name), "--task_name", "sst2", "--data_dir", w.path("data"), "--output_dir", w.path(name + "-out"), "--do_eval"})
		return w.results(name+"-out", "eval_results.json")
	}
	plain := evaluate("plain", []string{"negative", "positive"}, false)
	swapped := evaluate("swapped", []string{"POSITIVE", "NEGATIVE"}, true)
	if plain["eval_loss"] != swapped["eval_loss"] || plain["eval_accuracy"] != swapped["eval_accuracy"] {
		t.Errorf("got %v\nwant %v", swapped, plain)
	}
}
