package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// predictions runs `jpqd predict` on lines.
func (w *fixture) predictions(model, lines string, more ...string) []string {
	w.t.Helper()
	w.must(os.WriteFile(w.path("lines"), []byte(lines), 0o666))
	stdout, _ := w.run(append([]string{"predict", w.path(model), "--input", w.path("lines")}, more...))
	return strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
}

func TestPredict(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--do_predict", "--nncf_compression_config", w.path("nncf.json")))
	test, err := os.ReadFile(w.path("data", "test.tsv"))
	w.must(err)
	predicted, err := os.ReadFile(w.path("out", "predict_results_sst2.txt"))
	w.must(err)
	rows, want := strings.Split(strings.TrimSpace(string(test)), "\n")[1:], strings.Split(strings.TrimSpace(string(predicted)), "\n")[1:]
	var lines strings.Builder
	for _, row := range rows {
		_, sentence, _ := strings.Cut(row, "\t")
		lines.WriteString(sentence + "\r\n") // the ends of lines are no part of them
	}

	// The labels of `jpqd glue --do_predict`, whatever the batches are.
	got := w.predictions("out", lines.String(), "--engine", "fakequant", "--batch_size", "3")
	if len(got) != len(want) {
		t.Fatalf("found %d lines, want %d", len(got), len(want))
	}
	for i := range want {
		label, probability, _ := strings.Cut(got[i], "\t")
		if _, wanted, _ := strings.Cut(want[i], "\t"); label != wanted {
			t.Errorf("line %d: found %q, want %q", i+1, label, wanted)
		}
		if p, err := strconv.ParseFloat(probability, 64); err != nil || p < 0.5 || p > 1 {
			t.Errorf("line %d: found probability %q", i+1, probability)
		}
	}
	inBytes := w.predictions("out", lines.String(), "--batch_size", "7")
	if again := w.predictions("out/compressed.safetensors", strings.TrimSuffix(lines.String(), "\r\n"), "--batch_size", "1"); !slices.Equal(inBytes, again) {
		t.Errorf("other batches, and a last line without an end: found %q, want %q", again, inBytes)
	}

	// JSON lines; an empty line is a text like others.
	got = w.predictions("out", "good film\n\nbad film\n", "--json", "--top_k", "5")
	if len(got) != 3 {
		t.Fatalf("found %q, want three lines", got)
	}
	for i, line := range got {
		var l lineLabels
		w.must(json.Unmarshal([]byte(line), &l))
		if l.Line != i+1 || len(l.Top) != 2 || l.Top[0] != l.labelled || l.Top[0].Probability < l.Top[1].Probability || math.Abs(l.Top[0].Probability+l.Top[1].Probability-1) > 1e-12 {
			t.Errorf("found %s", line)
		}
	}
	if got := w.predictions("out", "good\n", "--json")[0]; strings.Contains(got, "top") {
		t.Errorf("found %s, want no list with --top_k 1", got)
	}
	if got := w.predictions("out", "good\n", "--top_k", "2"); len(strings.Split(got[0], "\t")) != 4 {
		t.Errorf("found %q, want two labels with their probabilities", got)
	}
	// [CLS] a b [SEP]: type ids tell a pair from one text.
	pair, one := w.predictions("out", "good\tbad\n", "--text_pair", "--json"), w.predictions("out", "good\tbad\n", "--json")
	if slices.Equal(pair, one) {
		t.Errorf("a pair of texts is predicted as one text is: %q", pair)
	}
	if got := w.predictions("out", ""); !slices.Equal(got, []string{""}) {
		t.Errorf("no lines: found %q", got)
	}
}

// A length that nobody gave is no reason for a warning.
func TestPredictLength(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out"))
	w.must(os.WriteFile(w.path("lines"), []byte("good film\n"), 0o666))
	args := []string{"predict", w.path("out"), "--input", w.path("lines")}
	if _, stderr := w.run(args); stderr != "" {
		t.Errorf("without --max_seq_length: %s", stderr)
	}
	const warning = "--max_seq_length is larger than the model's maximum found=100 using=64"
	if _, stderr := w.run(append(args, "--max_seq_length", "100")); !strings.Contains(stderr, warning) {
		t.Errorf("found %q, want %q", stderr, warning)
	}
}

func TestPredictErrors(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--nncf_compression_config", w.path("nncf.json")))
	w.must(os.WriteFile(w.path("lines"), []byte("good\tbad\nbad\tgood\nno pair\ngood\tgood\n"), 0o666))
	w.must(os.WriteFile(w.path("long"), append(bytes.Repeat([]byte("a"), maxLine+1), "\nb"...), 0o666))
	for _, test := range []struct {
		name    string
		args    []string
		status  int
		lines   int // on standard output
		message string
	}{
		{"no such input", []string{"--input", w.path("none")}, exitError, 0, "--input: open"},
		{"top_k", []string{"--top_k", "0"}, exitUsage, 0, "--top_k: found 0, want at least 1"},
		{"batch_size", []string{"--batch_size", "-1"}, exitUsage, 0, "--batch_size: found -1"},
		{"engine", []string{"--engine", "fast"}, exitUsage, 0, `--engine: found "fast"`},
		{"length", []string{"--max_seq_length", "4", "--text_pair"}, exitUsage, 0, "--max_seq_length: found 4, want at least 5"},
		{"no tokenizer", []string{"--tokenizer_name", w.path("teacher")}, exitError, 0, "--tokenizer_name: "},
		{"a line that is no pair", []string{"--input", w.path("lines"), "--text_pair"}, exitError, 2, "line 3: found no tab"},
		{"a long line", []string{"--input", w.path("long")}, exitError, 0, "line 1: longer than 16 MiB"},
	} {
		status, stdout, stderr := runCommand(t, append([]string{"predict", w.path("out")}, test.args...)...)
		if status != test.status || strings.Count(stdout, "\n") != test.lines || !strings.Contains(stderr, test.message) {
			t.Errorf("%s: status %d, want %d; %q and %q, want %d lines and …%s…", test.name, status, test.status, stdout, stderr, test.lines, test.message)
		}
	}
}

func TestPredictAnswers(t *testing.T) {
	w := newQAFixture(t)
	w.run(w.trainQA("out", "--do_predict", "--test_file", w.path("data", "test.json"), "--nncf_compression_config", w.path("nncf.json")))
	var file squadFile
	data, err := os.ReadFile(w.path("data", "test.json"))
	w.must(err)
	w.must(json.Unmarshal(data, &file))
	var want map[string]string
	data, err = os.ReadFile(w.path("out", "predict_predictions.json"))
	w.must(err)
	w.must(json.Unmarshal(data, &want))
	var lines, objects strings.Builder
	for _, article := range file.Data {
		p := article.Paragraphs[0]
		fmt.Fprintf(&lines, "%s\t%s\n", p.QAs[0].Question, p.Context)
		object, err := json.Marshal(map[string]any{"id": p.QAs[0].ID, "question": p.QAs[0].Question, "context": p.Context, "answers": nil})
		w.must(err)
		objects.Write(append(object, '\n'))
	}
	windows := []string{"--max_seq_length", "24", "--doc_stride", "8", "--engine", "fakequant"}
	tabs := w.predictions("out", lines.String(), windows...)
	inJSON := w.predictions("out", objects.String(), append(windows, "--json", "--top_k", "3", "--batch_size", "4")...)
	if len(tabs) != len(want) || len(inJSON) != len(want) {
		t.Fatalf("found %d and %d answers, want %d", len(tabs), len(inJSON), len(want))
	}
	for i := range inJSON {
		var l lineAnswers
		w.must(json.Unmarshal([]byte(inJSON[i]), &l))
		id := file.Data[i].Paragraphs[0].QAs[0].ID
		if l.Line != i+1 || string(l.ID) != strconv.Quote(id) || l.Answer != want[id] || len(l.Top) != 3 || l.Top[0] != l.answered {
			t.Errorf("found %s, want the answer %q", inJSON[i], want[id])
		}
		if text := fmt.Sprintf("%s\t%.6f", l.Answer, l.Probability); tabs[i] != text {
			t.Errorf("found %q, want %q", tabs[i], text)
		}
	}

	for _, test := range []struct{ lines, message string }{
		{"what ?\tgood .\nno context\n", "line 2: found no tab, want a question, a tab and its context"},
		{"what ?\tgood .\n" + `{"question": "what ?"}`, `line 2: found no "context"`},
		{"what ?\tgood .\n" + `{"context": "what ?"}`, `line 2: found no "question"`},
		{"what ?\tgood .\n" + `{"context": 1}`, `line 2: json: cannot unmarshal number`},
		{"what ?\tgood .\n" + strings.Repeat("good ", 30) + "\t" + strings.Repeat("good ", 30), `line 2: question "2": 30 tokens of its own leave 0 of --max_seq_length 24`},
	} {
		w.must(os.WriteFile(w.path("lines"), []byte(test.lines), 0o666))
		status, stdout, stderr := runCommand(t, append([]string{"predict", w.path("out"), "--input", w.path("lines")}, windows...)...)
		if status != exitError || strings.Count(stdout, "\n") != 1 || !strings.Contains(stderr, test.message) {
			t.Errorf("status %d; %q and %q, want one line and %s", status, stdout, stderr, test.message)
		}
	}
	status, _, stderr := runCommand(t, "predict", w.path("out"), "--text_pair")
	if status != exitUsage || !strings.Contains(stderr, "--text_pair: the model answers questions") {
		t.Errorf("--text_pair: status %d, %s", status, stderr)
	}
	got := w.predictions("out", "what ?\tgood film .\n", append(windows, "--version_2_with_negative", "--null_score_diff_threshold", "-1000", "--json")...)
	if !strings.Contains(got[0], `"answer":""`) {
		t.Errorf("no answer at any score: found %s", got[0])
	}
	if got := w.predictions("out", "what ?\t\n", append(windows, "--json")...); got[0] != `{"line":1,"answer":"","probability":1}` {
		t.Errorf("an empty context: found %s, want no answer", got[0])
	}
}

// echo writes lines back.
type echo struct{ out *bufio.Writer }

func (e *echo) predict(_ context.Context, first int, lines []string) error {
	for i, line := range lines {
		if line == "fail" {
			return errors.New("failed")
		}
		fmt.Fprintf(e.out, "%d %s\n", first+i, line)
	}
	return nil
}

// A line is answered before the next one is written.
func TestPredictLinesStream(t *testing.T) {
	in, lines := io.Pipe()
	answers, answer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		out := bufio.NewWriter(answer)
		done <- predictLines(t.Context(), &echo{out}, in, out, 8)
		answer.Close()
	}()
	scanner := bufio.NewScanner(answers)
	scanner.Buffer(nil, 1<<20)
	for i, line := range []string{"a", "", strings.Repeat("long ", 50000)} {
		if _, err := io.WriteString(lines, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d %s", i+1, line); !scanner.Scan() || scanner.Text() != want {
			t.Fatalf("line %d: found %.40q", i+1, scanner.Text())
		}
	}
	lines.Close()
	if err := <-done; err != nil || scanner.Scan() {
		t.Errorf("found %v and %q behind the last line", err, scanner.Text())
	}
}

func TestPredictLinesEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, lines := io.Pipe()
	defer lines.Close()
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	cancel()
	if err := predictLines(ctx, &echo{w}, in, w, 8); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v, want it to end with its context though no line comes", err)
	}
	broken := errors.New("broken")
	err := predictLines(t.Context(), &echo{w}, io.MultiReader(strings.NewReader("a\nb\n"), readerFunc(func([]byte) (int, error) { return 0, broken })), w, 8)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 3: ") || out.String() != "1 a\n2 b\n" {
		t.Errorf("found %v and %q", err, out.String())
	}
	out.Reset()
	if err := predictLines(t.Context(), &echo{w}, strings.NewReader("a\nfail\nb\n"), w, 8); err == nil || out.String() != "1 a\n" {
		t.Errorf("found %v and %q", err, out.String())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
