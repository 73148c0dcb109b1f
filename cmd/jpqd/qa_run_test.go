package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
)

// The whole way: pruning, quantization and distillation, evaluation, prediction.
func TestQACompressed(t *testing.T) {
	w := newQAFixture(t)
	stdout, stderr := w.run(w.trainQA("out", "--do_predict", "--test_file", w.path("data", "test.json"),
		"--evaluation_strategy", "epoch", "--metric_for_best_model", "f1", "--teacher_model_name_or_path", w.path("teacher"),
		"--nncf_compression_config", w.path("nncf.json"), "--distillation_weight", "0.9", "--fp16"))
	w.wantFiles("out", "config.json", "model.safetensors", "vocab.txt", "train_results.json", "eval_results.json",
		"predict_results.json", "all_results.json", "trainer_state.json", "training_args.json", "nncf_config.json",
		"openvino_config.json", "openvino_model.xml", "openvino_model.bin", "compressed.safetensors", "compression.safetensors", "structured_sparsity.csv",
		"report.html", "eval_predictions.json", "eval_nbest_predictions.json", "predict_predictions.json", "predict_nbest_predictions.json")
	for _, want := range []string{"***** train metrics *****", "***** eval metrics *****", "***** predict metrics *****", "eval_exact_match", "eval_f1"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("standard output does not contain %q:\n%s", want, stdout)
		}
	}
	if n := strings.Count(stderr, "INFO evaluation step="); n != 3 {
		t.Errorf("evaluated %d times while training, want once in each of 3 epochs:\n%s", n, stderr)
	}
	all := w.results("out", "all_results.json")
	if all["train_samples"] <= 32 || all["eval_samples"] <= 10 || all["eval_samples"] != all["predict_samples"] {
		t.Errorf("all_results.json: %v, want more windows than the 32 and 10 questions", all)
	}
	if _, scored := all["test_f1"]; scored {
		t.Errorf("predictions without answers were scored: %v", all)
	}
	config, err := bert.LoadConfig(w.path("out"))
	w.must(err)
	if !config.QuestionAnswering() {
		t.Errorf("architectures: %q", config.Architecture)
	}
	var predictions, again map[string]string
	w.must(checkpoint.ReadJSON(w.path("out", "eval_predictions.json"), &predictions))
	if len(predictions) != 10 {
		t.Errorf("%d predictions, want 10", len(predictions))
	}
	w.must(checkpoint.ReadJSON(w.path("out", "predict_predictions.json"), &again))
	if d := cmp.Diff(predictions, again); d != "" { // the test questions are the dev ones
		t.Errorf("predictions (-eval +predict):\n%s", d)
	}
	// The folder is a model like any other: evaluated alone it gives the same numbers.
	w.run([]string{"qa", "--model_name_or_path", w.path("out"), "--validation_file", w.path("data", "dev.json"), "--test_file", w.path("data", "dev.json"),
		"--output_dir", w.path("again"), "--max_seq_length", "24", "--doc_stride", "8", "--do_eval", "--do_predict"})
	alone := w.results("again", "all_results.json")
	for _, key := range []string{"eval_exact_match", "eval_f1", "eval_task_loss"} {
		if alone[key] != all[key] {
			t.Errorf("%s evaluated again is %v, want %v as before", key, alone[key], all[key])
		}
	}
	if alone["test_f1"] != alone["eval_f1"] {
		t.Errorf("test_f1 %v, eval_f1 %v of the same questions", alone["test_f1"], alone["eval_f1"])
	}
}

// A model learns where the answers are.
func TestQALearns(t *testing.T) {
	w := newQAFixture(t)
	w.run(w.trainQA("out", "--validation_file", w.path("data", "train.json"), "--do_eval", "--num_train_epochs", "60", "--learning_rate", "3e-3"))
	if f1 := w.results("out", "eval_results.json")["eval_f1"]; f1 < 60 {
		t.Errorf("F1 on the training questions is %v, want 60 or more", f1)
	}
}

// A run that is interrupted and goes on ends as one that was not.
func TestQAResume(t *testing.T) {
	w := newQAFixture(t)
	more := []string{"--nncf_compression_config", w.path("nncf.json"), "--teacher_model_name_or_path", w.path("teacher"),
		"--evaluation_strategy", "steps", "--eval_steps", "5", "--save_strategy", "steps", "--save_steps", "5"}
	w.run(w.trainQA("whole", more...))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stderr bytes.Buffer
	if status := run(ctx, w.trainQA("halves", more...), &bytes.Buffer{}, &cancelAt{&stderr, "step=8/", cancel}); status != exitInterrupted {
		t.Fatalf("exit status %d, want %d\n%s", status, exitInterrupted, stderr.String())
	}
	if !strings.Contains(stderr.String(), "go on with\n  jpqd qa --") {
		t.Errorf("standard error does not say how to go on:\n%s", stderr.String())
	}
	w.run(w.trainQA("halves", append(more, "--resume_from_checkpoint", "true")...))
	for _, name := range []string{"model.safetensors", "openvino_model.bin", "compression.safetensors", "eval_nbest_predictions.json"} {
		whole, err := os.ReadFile(w.path("whole", name))
		w.must(err)
		halves, err := os.ReadFile(w.path("halves", name))
		w.must(err)
		if !bytes.Equal(whole, halves) {
			t.Errorf("%s differs between the run in one piece and the one in two", name)
		}
	}
}

// A model with another head lends its encoder; a file of arguments does as well as flags.
func TestQAFromClassifier(t *testing.T) {
	w := newQAFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	w.must(os.Mkdir(w.path("classifier"), 0o777))
	w.must(bert.New(tinyConfig(tok), 3).Save(w.path("classifier")))
	w.must(tok.Save(w.path("classifier")))
	args := map[string]any{
		"model_name_or_path": w.path("classifier"), "train_file": w.path("data", "train.json"), "output_dir": w.path("out"),
		"do_train": true, "max_seq_length": 24, "doc_stride": 8, "max_steps": 1, "max_train_samples": 4,
	}
	w.must(checkpoint.WriteJSON(w.path("args.json"), args))
	_, stderr := w.run([]string{"qa", w.path("args.json")})
	for _, want := range []string{"qa_outputs.weight", "weights of the model's folder that are not used", "classifier.weight"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error does not contain %q:\n%s", want, stderr)
		}
	}
	if n := w.results("out", "train_results.json")["train_samples"]; n != 4 {
		t.Errorf("%v windows, want --max_train_samples 4", n)
	}

	status, _, stderr := runCommand(t, w.trainQA("out2", "--teacher_model_name_or_path", w.path("classifier"))...)
	if status != exitError || !strings.Contains(stderr, "has no qa_outputs.weight: a teacher must be trained already, for this kind of task") {
		t.Errorf("a teacher with another head: status %d\n%s", status, stderr)
	}
	status, _, stderr = runCommand(t, w.train("out3", "--teacher_model_name_or_path", w.path("teacher"))...)
	if status != exitError || !strings.Contains(stderr, "has no bert.pooler.dense.weight: a teacher must be trained already, for this kind of task") {
		t.Errorf("a teacher that answers questions for one that classifies: status %d\n%s", status, stderr)
	}
}

// SQuAD 2.0: questions without an answer.
func TestQANegatives(t *testing.T) {
	w := newQAFixture(t)
	w.must(os.WriteFile(w.path("data", "v2.json"), []byte(`{"data": [
		{"id": "1", "context": "the lens was sharp .", "question": "what ?", "answers": {"text": ["sharp"], "answer_start": [13]}},
		{"id": "2", "context": "the lens was sharp .", "question": "what ?", "answers": {"text": [], "answer_start": []}}]}`), 0o666))
	args := w.trainQA("out", "--train_file", w.path("data", "v2.json"), "--validation_file", w.path("data", "v2.json"), "--do_eval", "--max_steps", "1")
	status, _, stderr := runCommand(t, args...)
	if status != exitError || !strings.Contains(stderr, `--validation_file: question "2" has no answer: that wants --version_2_with_negative`) {
		t.Errorf("without the flag: status %d\n%s", status, stderr)
	}
	w.run(append(args, "--version_2_with_negative", "--null_score_diff_threshold", "-1000"))
	w.wantFiles("out", "eval_null_odds.json")
	results := w.results("out", "eval_results.json")
	// The threshold takes "no answer" everywhere: right for one of the two.
	want := map[string]float64{"eval_exact": 50, "eval_total": 2, "eval_HasAns_exact": 0, "eval_NoAns_exact": 100, "eval_best_f1": 50}
	for key, v := range want {
		if got, ok := results[key]; !ok || got != v {
			t.Errorf("%s is %v, want %v", key, got, v)
		}
	}
}
