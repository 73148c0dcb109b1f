package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// newMLMFixture adds files of text: made-up sentences, with a blank line now and then.
func newMLMFixture(t *testing.T) *fixture {
	w := newFixture(t)
	train, dev := tasks.SentimentSplit(1, 200, 40)
	for name, records := range map[string][]tasks.Record{"train.txt": train, "dev.txt": dev} {
		var b bytes.Buffer
		for i, r := range records {
			b.WriteString(r.Text1 + "\n")
			if i%9 == 8 {
				b.WriteString("\n")
			}
		}
		w.must(os.WriteFile(w.path("data", name), b.Bytes(), 0o666))
	}
	return w
}

// trainMLM is a command line for ten steps.
func (w *fixture) trainMLM(out string, more ...string) []string {
	return append([]string{"mlm", "--model_name_or_path", w.path("model"), "--train_file", w.path("data", "train.txt"),
		"--output_dir", w.path(out), "--do_train", "--max_seq_length", "16", "--per_device_train_batch_size", "8", "--max_steps", "10",
		"--learning_rate", "3e-3", "--logging_steps", "2", "--save_strategy", "no"}, more...)
}

// The whole way: from a configuration to a model that jpqd glue starts from.
func TestMLM(t *testing.T) {
	w := newMLMFixture(t)
	stdout, stderr := w.run(w.trainMLM("out", "--do_eval", "--max_steps", "300", "--evaluation_strategy", "steps", "--eval_steps", "100",
		"--save_strategy", "steps", "--save_steps", "100", "--load_best_model_at_end", "--metric_for_best_model", "accuracy", "--report_to", "tensorboard"))
	w.wantFiles("out", "config.json", "model.safetensors", "vocab.txt", "train_results.json", "eval_results.json", "all_results.json",
		"trainer_state.json", "training_args.json", "report.html")
	for _, want := range []string{"***** train metrics *****", "***** eval metrics *****", "perplexity", "train_tokens_per_second"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("standard output does not contain %q:\n%s", want, stdout)
		}
	}
	for _, want := range []string{"the folder holds no weights: training starts from random ones", "INFO tokenized file=", "lines=222", "data split=train examples=", " tokens_per_second="} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error does not contain %q:\n%s", want, stderr)
		}
	}
	all := w.results("out", "all_results.json")
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	if loss := all["eval_loss"]; loss > math.Log(float64(tok.VocabSize()))-1 || all["perplexity"] != math.Exp(loss) || all["eval_accuracy"] < 0.15 {
		t.Errorf("all_results.json: %v, want a loss well below that of guessing among %d words", all, tok.VocabSize())
	}
	if all["train_samples"] < 50 || all["eval_samples"] < 2 || all["eval_samples"] > all["train_samples"]/10 {
		t.Errorf("all_results.json: %v, want 5%% of the text in the validation data", all)
	}
	var config struct{ Architectures []string }
	w.must(checkpoint.ReadJSON(w.path("out", "config.json"), &config))
	if len(config.Architectures) != 1 || config.Architectures[0] != "BertForMaskedLM" {
		t.Errorf("architectures: %q", config.Architectures)
	}
	// Evaluated alone, the folder gives the same numbers.
	w.run([]string{"mlm", "--model_name_or_path", w.path("out"), "--train_file", w.path("data", "train.txt"), "--output_dir", w.path("again"),
		"--do_eval", "--max_seq_length", "16"})
	alone := w.results("again", "all_results.json")
	for _, key := range []string{"eval_loss", "eval_accuracy", "perplexity", "eval_samples"} {
		if alone[key] != all[key] {
			t.Errorf("%s evaluated again is %v, want %v as before", key, alone[key], all[key])
		}
	}
	// Other tasks take the encoder and say that the rest is random.
	args := w.train("glue", "--max_steps", "1")
	args[2] = w.path("out")
	_, stderr = w.run(args)
	for _, want := range []string{"bert.pooler.dense.weight classifier.bias classifier.weight", "that are not used weights=\"[cls.predictions.bias", "start random"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("jpqd glue does not say %q:\n%s", want, stderr)
		}
	}
	// So does the report, and what wants a trained model says what it lacks.
	if status, _, stderr := runCommand(t, "size", w.path("out")); status != 1 || !strings.Contains(stderr, "has no bert.pooler.dense.weight") {
		t.Errorf("jpqd size: status %d, %s", status, stderr)
	}
	w.run([]string{"report", w.path("out")})
	page, err := os.ReadFile(w.path("out", "report.html"))
	w.must(err)
	if !strings.Contains(string(page), "jpqd mlm") {
		t.Error("the report has another title")
	}
}

// A run that is interrupted and goes on ends as one that was not; so does one
// with whole words, and the files of a checkpoint are a model, too.
func TestMLMResume(t *testing.T) {
	w := newMLMFixture(t)
	more := []string{"--whole_word_mask", "--do_eval", "--validation_file", w.path("data", "dev.txt"), "--gradient_accumulation_steps", "2",
		"--save_strategy", "steps", "--save_steps", "5", "--max_train_samples", "40"}
	w.run(w.trainMLM("whole", more...))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stderr bytes.Buffer
	if status := run(ctx, w.trainMLM("halves", more...), &bytes.Buffer{}, &cancelAt{&stderr, "step=6/", cancel}); status != exitInterrupted {
		t.Fatalf("exit status %d, want %d\n%s", status, exitInterrupted, stderr.String())
	}
	if !strings.Contains(stderr.String(), "go on with\n  jpqd mlm --") {
		t.Errorf("standard error does not say how to go on:\n%s", stderr.String())
	}
	status, _, message := runCommand(t, w.trainMLM("halves", append(more, "--resume_from_checkpoint", "true", "--mlm_probability", "0.3")...)...)
	if status != 1 || !strings.Contains(message, "mlm_probability 0.15") {
		t.Errorf("with another probability: status %d, %s", status, message)
	}
	w.run(w.trainMLM("halves", append(more, "--resume_from_checkpoint", "true")...))
	for _, name := range []string{"model.safetensors", "config.json", "vocab.txt"} {
		whole, err := os.ReadFile(w.path("whole", name))
		w.must(err)
		halves, err := os.ReadFile(w.path("halves", name))
		w.must(err)
		if !bytes.Equal(whole, halves) {
			t.Errorf("%s differs between the run in one piece and the one in two", name)
		}
	}
	if a, b := w.results("whole", "eval_results.json"), w.results("halves", "eval_results.json"); a["eval_loss"] != b["eval_loss"] {
		t.Errorf("eval_loss %v in one piece, %v in two", a["eval_loss"], b["eval_loss"])
	}
}

// Training goes on from an encoder, a classifier, its own checkpoints, and from
// a configuration alone, even if weights lie beside that.
func TestMLMStarts(t *testing.T) {
	w := newMLMFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	w.must(tok.Save(w.path("teacher")))
	w.must(os.Mkdir(w.path("encoder"), 0o777))
	w.must(tok.Save(w.path("encoder")))
	m := bert.New(tinyConfig(tok), 9)
	w.must(m.Config.Save(w.path("encoder")))
	f := &checkpoint.File{Tensors: map[string]checkpoint.Tensor{}}
	for _, p := range m.Parameters() {
		if name, ok := strings.CutPrefix(p.Name, "bert."); ok && !strings.HasPrefix(name, "pooler") {
			f.Tensors[name] = checkpoint.Tensor{Shape: p.Shape, F32: p.Data}
		}
	}
	w.must(checkpoint.Write(w.path("encoder", checkpoint.WeightsFile), f))
	head := "[cls.predictions.bias cls.predictions.transform.LayerNorm.bias cls.predictions.transform.LayerNorm.weight cls.predictions.transform.dense.bias cls.predictions.transform.dense.weight]"
	for _, c := range []struct {
		out, model string
		want, not  string
	}{
		{"from-encoder", "encoder", head, "that are not used"},
		{"from-classifier", "teacher", "that are not used weights=\"[bert.pooler.dense.bias", "holds no weights"},
		{"from-mlm", "from-encoder", "INFO model folder=", "start random"},
	} {
		args := w.trainMLM(c.out, "--max_steps", "2", "--learning_rate", "0")
		args[2] = w.path(c.model)
		_, stderr := w.run(args)
		if !strings.Contains(stderr, c.want) || strings.Contains(stderr, c.not) {
			t.Errorf("%s: want %q and not %q:\n%s", c.out, c.want, c.not, stderr)
		}
	}
	query := func(dir string) float32 {
		m, _, err := bert.Load(w.path(dir), bert.LoadOptions{MaskedLM: true})
		w.must(err)
		return m.Layers[0].Query.Weight.Data[5]
	}
	if got, want := query("from-mlm"), m.Layers[0].Query.Weight.Data[5]; got != want {
		t.Errorf("a weight of the encoder is %v after two runs without learning, want %v", got, want)
	}
	args := w.trainMLM("from-config", "--max_steps", "2", "--learning_rate", "0", "--tokenizer_name", w.path("model"))
	args[1], args[2] = "--config_name", w.path("encoder")
	if _, stderr := w.run(args); !strings.Contains(stderr, "--config_name alone: training starts from random weights") {
		t.Errorf("standard error:\n%s", stderr)
	}
	if got := query("from-config"); got == m.Layers[0].Query.Weight.Data[5] {
		t.Error("--config_name alone took the weights of the folder")
	}
}

// Lines as sequences, from a compressed file, by a file of arguments.
func TestMLMLineByLine(t *testing.T) {
	w := newMLMFixture(t)
	text, err := os.ReadFile(w.path("data", "train.txt"))
	w.must(err)
	var z bytes.Buffer
	gz := gzip.NewWriter(&z)
	gz.Write(text)
	gz.Close()
	w.must(os.WriteFile(w.path("data", "train.txt.gz"), z.Bytes(), 0o666))
	w.must(checkpoint.WriteJSON(w.path("args.json"), map[string]any{
		"model_name_or_path": w.path("model"), "train_file": w.path("data", "train.txt.gz"), "output_dir": w.path("out"), "line_by_line": true,
		"do_train": true, "do_eval": true, "validation_split_percentage": 10, "max_steps": 2, "max_seq_length": 8, "save_strategy": "no",
	}))
	w.run([]string{"mlm", w.path("args.json")})
	if all := w.results("out", "all_results.json"); all["train_samples"] != 180 || all["eval_samples"] != 20 {
		t.Errorf("all_results.json: %v, want 180 and 20 samples of 222 lines, 22 of them blank", all)
	}
}

// Errors name the flag.
func TestMLMErrors(t *testing.T) {
	w := newMLMFixture(t)
	w.must(os.WriteFile(w.path("short.txt"), []byte("a good film\n"), 0o666))
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, "required: --model_name_or_path, --output_dir", []string{"mlm"}},
		{2, "nothing to do: give --do_train or --do_eval\n", []string{"mlm", "--model_name_or_path", "m", "--output_dir", "o"}},
		{2, "no train data: give a file with --train_file", w.trainMLM("out", "--train_file", "")},
		{2, "no validation data: give a file with --validation_file", []string{"mlm", "--model_name_or_path", "m", "--output_dir", "o", "--do_eval"}},
		{2, `--train_file: found "x.csv", want a .txt or .txt.gz file`, w.trainMLM("out", "--train_file", "x.csv")},
		{2, `--validation_file: found "x.json", want a .txt`, w.trainMLM("out", "--do_eval", "--validation_file", "x.json")},
		{1, "--train_file: open", w.trainMLM("out", "--train_file", "none.txt")},
		{1, "--train_file: 1 lines of", w.trainMLM("out", "--train_file", w.path("short.txt"))},
		{2, "--sinusoidal_positions: found -1, want an amplitude of 0 to 10", w.trainMLM("out", "--sinusoidal_positions", "-1")},
		{2, "--mlm_probability: found 0, want above 0", w.trainMLM("out", "--mlm_probability", "0")},
		{2, "--validation_split_percentage: found 100, want 0 to 99", w.trainMLM("out", "--validation_split_percentage", "100")},
		{2, "--validation_split_percentage: found 0, want at least 1", w.trainMLM("out", "--do_eval", "--validation_split_percentage", "0")},
		{2, "--max_seq_length: found 2", w.trainMLM("out", "--max_seq_length", "2")},
		{2, "--dataset_name wikitext: data sets are not downloaded", w.trainMLM("out", "--dataset_name", "wikitext")},
		{2, `--metric_for_best_model: found "f1", want one of accuracy, loss, task_loss`, w.trainMLM("out", "--metric_for_best_model", "f1")},
		{2, "unknown flag --do_predict", w.trainMLM("out", "--do_predict")},
		{2, "unknown flag --nncf_compression_config", w.trainMLM("out", "--nncf_compression_config", "x")},
		{2, "unknown flag --mlm_probabilty, did you mean --mlm_probability?", w.trainMLM("out", "--mlm_probabilty", "0.2")},
	} {
		status, _, stderr := runCommand(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, want %d and %q:\n%s", strings.Join(c.args, " "), status, c.status, c.want, stderr)
		}
	}
}

// What is hidden of the tokenizer's vocabulary: no special token, and ## goes on.
func TestNewMasking(t *testing.T) {
	tok, err := tokenizer.New([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "#"}, tokenizer.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	m := (&mlmTask{o: &mlmOptions{MLMProbability: 0.2, WholeWordMask: true}}).newMasking(tok)
	if err := m.Validate(); err != nil || m.Mask != 4 || m.Probability != 0.2 || !m.WholeWords {
		t.Errorf("error %v, %+v", err, m)
	}
	if got, want := fmt.Sprint(m.Special, m.Continues), "[true true true true true false false false] [false false false false false false true false]"; got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// Infinity is no number of JSON; run_mlm.py writes the float's name.
func TestInfinitePerplexity(t *testing.T) {
	dir := t.TempDir()
	metrics := map[string]float64{"eval_loss": 800, perplexity: math.Exp(800)}
	for range 2 { // the second time beside what the first has written
		if err := saveMetrics(dir, "eval", metrics); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "all_results.json"))
	if err != nil || !strings.Contains(string(text), `"perplexity": "inf"`) {
		t.Errorf("error %v, found %s", err, text)
	}
	var out bytes.Buffer
	if err := printMetrics(&out, "eval", metrics); err != nil || !strings.Contains(out.String(), "perplexity =   inf") {
		t.Errorf("error %v, found %s", err, out.String())
	}
	if err := saveMetrics(dir, "eval", map[string]float64{"eval_loss": math.Inf(1)}); err == nil {
		t.Error("an infinite loss was saved")
	}
}

func TestProgressInTokens(t *testing.T) {
	var stderr bytes.Buffer
	p := newProgress(newConsole(nil, &stderr), "train")
	p.tokens = true
	now := p.now()
	p.now = func() time.Time { return now }
	p.step(jpqd.Progress{Step: 1, MaxSteps: 10, Tokens: 1000})
	now = now.Add(2e9)
	p.step(jpqd.Progress{Step: 3, MaxSteps: 10, Tokens: 21000, Loss: 0.5})
	p.log(jpqd.LogEntry{"step": 3, "loss": 0.5})
	if got := p.describe(); !strings.Contains(got, " 10000 tok/s ") {
		t.Errorf("found %q, want 10000 tok/s", got)
	}
	if !strings.Contains(stderr.String(), "tokens_per_second=10000 ") {
		t.Errorf("found %q", stderr.String())
	}
}

// Positions begin as sinusoids, and are trained.
func TestMLMSinusoidalPositions(t *testing.T) {
	w := newMLMFixture(t)
	w.run(w.trainMLM("out", "--sinusoidal_positions", "0.2", "--learning_rate", "1e-4"))
	m, _, err := bert.Load(w.path("out"), bert.LoadOptions{MaskedLM: true})
	w.must(err)
	for j, v := range m.Position.Weight.Row(0) {
		if want := 0.2 * float64(j%2); math.Abs(float64(v)-want) > 2e-3 || float64(v) == want {
			t.Errorf("column %d of the first position is %v, want about %v", j, v, want)
		}
	}
}
