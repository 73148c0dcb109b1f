package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd/serve"
)

// urlWriter keeps what is written and tells the first address in it.
type urlWriter struct {
	mu   sync.Mutex
	text bytes.Buffer
	url  chan string
}

var servedURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)

func (w *urlWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if url := servedURL.Find(p); url != nil {
		select {
		case w.url <- string(url):
		default:
		}
	}
	return w.text.Write(p)
}

// startServe runs jpqd serve until stop, which returns the exit status and
// what stands on standard error.
func startServe(t *testing.T, args ...string) (url string, stop func() (int, string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stderr := &urlWriter{url: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--addr", "127.0.0.1:0", "--stop_delay", "0s"}, args...), io.Discard, stderr)
	}()
	select {
	case url = <-stderr.url:
	case status := <-ended:
		t.Fatalf("exit status %d\n%s", status, stderr.text.String())
	}
	return url, func() (int, string) {
		cancel()
		status := <-ended
		return status, stderr.text.String()
	}
}

// ask posts a prediction and reads the answer, which must be 200.
func ask(t *testing.T, url, body string, answer any) {
	t.Helper()
	r, err := http.Post(url+"predict", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("status %d, error %v: %s", r.StatusCode, err, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// A model that was pruned and quantized is served as it was trained.
func TestServe(t *testing.T) {
	w := newFixture(t)
	w.run(w.train("out", "--nncf_compression_config", w.path("nncf.json"), "--teacher_model_name_or_path", w.path("teacher")))
	url, stop := startServe(t, w.path("out"))
	var one []serve.Score
	ask(t, url, `{"inputs": "the lens was sharp ."}`, &one)
	var many [][]serve.Score
	ask(t, url, `{"inputs": ["the lens was sharp .", {"text": "the lens was sharp ."}], "parameters": {"top_k": 1}}`, &many)
	if len(one) != 2 || len(many) != 2 || len(many[0]) != 1 || many[0][0] != one[0] || many[1][0] != one[0] {
		t.Errorf("got %+v alone and %+v", one, many)
	}
	if sum := one[0].Score + one[1].Score; sum < 0.9999 || sum > 1.0001 {
		t.Errorf("scores %v, want a sum of 1", one)
	}
	status, stderr := stop()
	if status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	for _, want := range []string{"INFO serving model=", "max_seq_length=64", "INFO request method=POST path=/predict status=200", "inputs=2 sequences=2 tokens=", "INFO stopped"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("standard error has no %q:\n%s", want, stderr)
		}
	}
}

func TestServeQuestions(t *testing.T) {
	w := newQAFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	w.must(tok.Save(w.path("teacher")))
	url, stop := startServe(t, w.path("teacher"), "--max_seq_length", "16", "--doc_stride", "4", "--log_format", "json")
	context := "the lens was sharp . " + strings.Repeat("the film was dull . ", 5)
	body, err := json.Marshal(map[string]any{"inputs": map[string]string{"question": "what ?", "context": context}, "parameters": map[string]int{"top_k": 3}})
	w.must(err)
	var answers []serve.Answer
	ask(t, url, string(body), &answers)
	for _, a := range answers {
		if a.Answer == "" || context[a.Start:a.End] != a.Answer { // the context is ASCII
			t.Errorf("%+v is not in the context", a)
		}
	}
	if len(answers) != 3 {
		t.Errorf("%d answers, want 3", len(answers))
	}
	status, stderr := stop()
	if status != 0 || !strings.Contains(stderr, `"msg":"request","method":"POST","path":"/predict","status":200`) {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
}

func TestServeErrors(t *testing.T) {
	w := newFixture(t)
	tok, err := tokenizer.Load(w.path("model"))
	w.must(err)
	w.must(tok.Save(w.path("teacher")))
	w.must(bert.New(tinyConfig(tok), 1).Save(w.path("data"))) // no tokenizer
	good := w.path("teacher")
	for _, test := range []struct {
		args    []string
		status  int
		message string
	}{
		{nil, exitUsage, "found 0 arguments, want one"},
		{[]string{good, good}, exitUsage, "found 2 arguments, want one"},
		{[]string{good, "--max_batch_token", "1"}, exitUsage, "did you mean --max_batch_tokens?"},
		{[]string{good, "--log_format", "xml"}, exitUsage, `--log_format: found "xml", want text or json`},
		{[]string{good, "--truncation", "cut"}, exitUsage, `--truncation: found "cut", want truncate or refuse`},
		{[]string{good, "--workers", "0"}, exitUsage, "--workers: found 0, want at least 1"},
		{[]string{good, "--timeout", "fast"}, exitUsage, "--timeout"},
		{[]string{good, "--max_seq_length", "100"}, exitError, "--max_seq_length: found 100, want 3 to 64"},
		{[]string{good, "--addr", "nowhere"}, exitError, "--addr: "},
		{[]string{w.path("model")}, exitError, "want a model that is trained already"},
		{[]string{w.path("data")}, exitError, "vocab.txt"},
		{[]string{w.path("none")}, exitError, "there is no folder"},
	} {
		status, _, stderr := runCommand(t, append([]string{"serve"}, test.args...)...)
		if status != test.status || !strings.Contains(stderr, test.message) {
			t.Errorf("%q: status %d, want %d and %q in\n%s", test.args, status, test.status, test.message, stderr)
		}
	}
}
