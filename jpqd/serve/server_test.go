package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPredict(t *testing.T) {
	const positive, even = `[{"label":"positive","score":0.75},{"label":"negative","score":0.25}]`, `[{"label":"negative","score":0.5},{"label":"positive","score":0.5}]`
	for _, test := range []struct {
		name, body, want string
		labels           int
	}{
		{"text", `{"inputs": "a"}`, positive, 2},
		{"array of one", `{"inputs": ["a"]}`, "[" + positive + "]", 2},
		{"order", `{"inputs": ["a", "b", {"text": "b", "text_pair": "a"}]}`, "[" + positive + "," + even + "," + positive + "]", 2},
		{"top_k", `{"inputs": "a", "parameters": {"top_k": 1}}`, `[{"label":"positive","score":0.75}]`, 2},
		{"top_k beyond the labels", `{"inputs": "a", "parameters": {"top_k": 9}}`, positive, 2},
		{"null parameters", `{"inputs": "a", "parameters": null}`, positive, 2},
		{"null top_k", `{"inputs": "a", "parameters": {"top_k": null}}`, positive, 2},
		{"empty text", `{"inputs": ""}`, even, 2},
		// [CLS] a b [SEP] is 2 + 5 + 6 + 3; a pair has a [SEP] more.
		{"regression", `{"inputs": ["a b", "", {"text": "a", "text_pair": "b"}]}`,
			`[[{"label":"LABEL_0","score":16}],[{"label":"LABEL_0","score":5}],[{"label":"LABEL_0","score":19}]]`, 1},
		// 14 of 20 tokens have room between [CLS] and [SEP]: 5 + 14·5.
		{"truncated", `{"inputs": "` + strings.Repeat("a ", 20) + `"}`, `[{"label":"LABEL_0","score":75}]`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := predict(startServer(t, newFake(test.labels), testOptions()), test.body)
			if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != test.want {
				t.Errorf("status %d, got %s\nwant %s", w.Code, got, test.want)
			}
			if h := w.Header().Get("Content-Type"); h != "application/json" {
				t.Errorf("Content-Type: %q", h)
			}
		})
	}
}

func TestAnswerQuestions(t *testing.T) {
	// Candidates of "é a b" are b–b, 20, and those that begin or end with e or a
	// or both: e–b 10, a–b 10, e–e, e–a, a–a 0.
	sum := 1 + 2*math.Exp(-10) + 3*math.Exp(-20)
	for _, test := range []struct {
		name, body string
		want       any
	}{
		{"one", `{"inputs": {"question": "a ?", "context": "é a b"}}`, Answer{"b", float32(1 / sum), 4, 5}},
		{"array", `{"inputs": [{"question": "a ?", "context": "é a b"}, {"question": "a", "context": "b"}]}`,
			[]Answer{{"b", float32(1 / sum), 4, 5}, {"b", 1, 0, 1}}},
		// Of equal scores the later start comes first.
		{"top_k", `{"inputs": {"question": "a ?", "context": "é a b"}, "parameters": {"top_k": 3}}`,
			[]Answer{{"b", float32(1 / sum), 4, 5}, {"a b", float32(math.Exp(-10) / sum), 2, 5}, {"é a b", float32(math.Exp(-10) / sum), 0, 5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := predict(startServer(t, newFake(0), testOptions()), test.body)
			want, err := json.Marshal(test.want)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != string(want) {
				t.Errorf("status %d, got %s\nwant %s", w.Code, got, want)
			}
		})
	}
}

// A context of several windows: [CLS] a [SEP], 12 tokens of the context, [SEP].
func TestLongContext(t *testing.T) {
	e := newFake(0)
	s := startServer(t, e, testOptions())
	context := strings.Repeat("a ", 25) + "b"
	w := predict(s, `{"inputs": {"question": "a", "context": "`+context+`"}, "parameters": {"top_k": 20}}`)
	var got []Answer
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, error %v, body %s", w.Code, err, w.Body)
	}
	if got[0].Answer != "b" || got[0].Start != 50 || got[0].End != 51 {
		t.Errorf("got %+v, want b at 50 to 51", got[0])
	}
	seen := map[[2]int]bool{}
	for _, a := range got {
		if seen[[2]int{a.Start, a.End}] {
			t.Errorf("%+v is there twice", a)
		}
		seen[[2]int{a.Start, a.End}] = true
	}
	// Windows begin every 12 − 2 tokens: 0–11, 10–21, 20–25.
	windows := 0
	for _, b := range e.seen() {
		windows += len(b)
	}
	if windows != 3 {
		t.Errorf("%d windows, want 3: %v", windows, e.seen())
	}
}

// Where the threshold says that there is no answer, that comes first.
func TestNoAnswer(t *testing.T) {
	o := testOptions()
	o.Questions.Negatives, o.Questions.NullThreshold = true, -1000
	w := predict(startServer(t, newFake(0), o), `{"inputs": {"question": "a", "context": "b"}, "parameters": {"top_k": 5}}`)
	// The only answer scores 20, no answer 0.
	want := []Answer{{Score: float32(math.Exp(-20) / (1 + math.Exp(-20)))}, {"b", float32(1 / (1 + math.Exp(-20))), 0, 1}}
	text, _ := json.Marshal(want)
	if got := strings.TrimSpace(w.Body.String()); got != string(text) {
		t.Errorf("got %s\nwant %s", got, text)
	}
}

func TestErrors(t *testing.T) {
	long := `"` + strings.Repeat("a ", 20) + `"`
	refuse := testOptions()
	refuse.Truncation = Refuse
	small := testOptions()
	small.MaxBody, small.MaxInputs = 40, 2
	for _, test := range []struct {
		name, body     string
		labels         int
		options        Options
		status         int
		field, message string
	}{
		{"empty", ``, 2, testOptions(), 400, "", "the body is empty"},
		{"no JSON", `{"inputs": "a"`, 2, testOptions(), 400, "", "the body is not JSON: byte 14: unexpected end"},
		{"more behind the JSON", `{"inputs": "a"} x`, 2, testOptions(), 400, "", "the body is not JSON: byte 17"},
		{"no object", `["a"]`, 2, testOptions(), 400, "", "found an array, want an object"},
		{"no inputs", `{}`, 2, testOptions(), 400, "inputs", "inputs: it is missing"},
		{"unknown field", `{"input": "a"}`, 2, testOptions(), 400, "input", "input: unknown field, want inputs or parameters"},
		{"number", `{"inputs": 1.5}`, 2, testOptions(), 400, "inputs", `inputs: found 1.5, want a string or an object {"text", "text_pair"}`},
		{"null", `{"inputs": null}`, 2, testOptions(), 400, "inputs", "found null"},
		{"no input", `{"inputs": []}`, 2, testOptions(), 400, "inputs", "found an empty array"},
		{"array in an array", `{"inputs": ["a", ["b"]]}`, 2, testOptions(), 400, "inputs[1]", "inputs[1]: found an array"},
		{"no text", `{"inputs": [{"text_pair": "a"}]}`, 2, testOptions(), 400, "inputs[0].text", "inputs[0].text: it is missing"},
		{"text of another kind", `{"inputs": {"text": true}}`, 2, testOptions(), 400, "inputs.text", "inputs.text: found true, want a string"},
		{"pair of another kind", `{"inputs": {"text": "a", "text_pair": {}}}`, 2, testOptions(), 400, "inputs.text_pair", "found an object, want a string"},
		{"unknown field of an input", `{"inputs": {"text": "a", "pair": "b"}}`, 2, testOptions(), 400, "inputs.pair", "want text or text_pair"},
		{"question to a classifier", `{"inputs": {"question": "a", "context": "b"}}`, 2, testOptions(), 400, "inputs.context", "unknown field"},
		{"parameters", `{"inputs": "a", "parameters": []}`, 2, testOptions(), 400, "parameters", "found an array"},
		{"unknown parameter", `{"inputs": "a", "parameters": {"topk": 1}}`, 2, testOptions(), 400, "parameters.topk", "unknown field, want top_k"},
		{"top_k of 0", `{"inputs": "a", "parameters": {"top_k": 0}}`, 2, testOptions(), 400, "parameters.top_k", "found 0, want a whole number from 1"},
		{"top_k with a fraction", `{"inputs": "a", "parameters": {"top_k": 1.5}}`, 2, testOptions(), 400, "parameters.top_k", "found 1.5"},
		{"top_k of another kind", `{"inputs": "a", "parameters": {"top_k": "1"}}`, 2, testOptions(), 400, "parameters.top_k", `found "1"`},
		{"too many tokens", `{"inputs": ["a", ` + long + `]}`, 2, refuse, 413, "inputs[1]", "inputs[1]: found 22 tokens, want at most 16"},
		{"pair with too many tokens", `{"inputs": {"text": "a", "text_pair": ` + long + `}}`, 2, refuse, 413, "inputs", "found 24 tokens"},
		{"too many inputs", `{"inputs": ["a", "a", "a"]}`, 2, small, 413, "inputs", "inputs: found 3, want at most 2"},
		{"too many bytes", `{"inputs": ` + long + `}`, 2, small, 413, "", "the body has more than 40 bytes"},
		{"text to a model for questions", `{"inputs": "a"}`, 0, testOptions(), 400, "inputs", `found "a", want an object {"question", "context"}`},
		{"no context", `{"inputs": {"question": "a"}}`, 0, testOptions(), 400, "inputs.context", "it is missing"},
		{"empty question", `{"inputs": [{"question": " ", "context": "a"}]}`, 0, testOptions(), 400, "inputs[0].question", "nothing but white space"},
		{"long question", `{"inputs": {"question": ` + long + `, "context": "a"}}`, 0, testOptions(), 413, "inputs.question", "20 tokens of its own leave 0 of --max_seq_length 16"},
		// 13,000 tokens in windows of 12 that share 2, where the queue holds 1024.
		{"long context", `{"inputs": {"question": "a", "context": "` + strings.Repeat("a ", 13_000) + `"}}`, 0, testOptions(), 413, "inputs.context", "it needs 1300 windows of 16 tokens, want at most 1024"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := predict(startServer(t, newFake(test.labels), test.options), test.body)
			var got errorBody
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			if w.Code != test.status || got.Field != test.field || !strings.Contains(got.Error, test.message) {
				t.Errorf("status %d, field %q, error %q\nwant   %d, field %q, error …%s…", w.Code, got.Field, got.Error, test.status, test.field, test.message)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	s := startServer(t, newFake(2), testOptions())
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 200, ""}, {"GET", "/openapi.json", 200, ""}, {"GET", "/healthz", 200, ""}, {"GET", "/readyz", 200, ""},
		{"GET", "/metrics", 200, ""}, {"HEAD", "/", 200, ""}, {"HEAD", "/metrics", 200, ""},
		{"GET", "/predict", 405, "POST"}, {"POST", "/", 405, "GET"}, {"HEAD", "/predict", 405, "POST"}, {"DELETE", "/metrics", 405, "GET"},
		{"GET", "/predict/", 404, ""}, {"GET", "/favicon.ico", 404, ""},
	} {
		w := send(s, test.method, test.path, "")
		if w.Code != test.status || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: status %d, Allow %q, want %d, %q", test.method, test.path, w.Code, w.Header().Get("Allow"), test.status, test.allow)
		}
		if (w.Body.Len() == 0) != (test.method == "HEAD") {
			t.Errorf("%s %s: %d bytes", test.method, test.path, w.Body.Len())
		}
		if w.Code >= 400 && test.method != "HEAD" {
			var e errorBody
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == "" {
				t.Errorf("%s %s: %v: %s", test.method, test.path, err, w.Body)
			}
		}
	}
	r := httptest.NewRequest("POST", "/predict", strings.NewReader(`{"inputs": "a"}`))
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a compressed body: status %d, want 415", w.Code)
	}
}

// What a model computes may be no number; JSON has no word for that.
func TestNotFinite(t *testing.T) {
	e := newFake(1)
	e.nan = true
	w := predict(startServer(t, e, testOptions()), `{"inputs": "a"}`)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "internal error") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		change  func(*Options)
		labels  int
		message string
	}{
		{func(o *Options) { o.Truncation = "cut" }, 2, `--truncation: found "cut", want truncate or refuse`},
		{func(o *Options) { o.MaxSeqLength = 17 }, 2, "--max_seq_length: found 17, want 3 to 16"},
		{func(o *Options) { o.MaxSeqLength = 2 }, 2, "--max_seq_length: found 2, want 3 to 16"},
		{func(o *Options) { o.MaxSeqLength = 4 }, 0, "--max_seq_length: found 4, want 5 to 16"},
		{func(o *Options) { o.MaxSeqLength = -1 }, 2, "--max_seq_length: found -1"},
		{func(o *Options) { o.MaxSeqLength, o.MaxBatchTokens = 16, 15 }, 2, "--max_batch_tokens: found 15, want at least 16"},
		{func(o *Options) { o.MaxBatchTokens = 2 }, 2, "--max_batch_tokens: found 2, want at least 3"},
		{func(o *Options) { o.Workers = 0 }, 2, "--workers: found 0, want at least 1"},
		{func(o *Options) { o.MaxBatchDelay = -1 }, 2, "--max_batch_delay: found -1ns"},
		{func(o *Options) { o.MaxBatchDelay = o.Timeout }, 2, "--max_batch_delay: found 10s, want less than the --timeout of 10s"},
		{func(o *Options) { o.MaxQueue = 255 }, 2, "--max_queue: found 255, want at least the --max_inputs of 256"},
		{func(o *Options) { o.MaxQueue = 255 }, 0, "--max_queue: found 255, want at least the --max_inputs of 256"},
		{func(o *Options) { o.Questions.DocStride = -1 }, 0, "--doc_stride: found -1"},
	} {
		o := testOptions()
		test.change(&o)
		e := newFake(test.labels)
		if _, err := newServer("", e.config, newTokenizer(t), e, o); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("got %v, want …%s…", err, test.message)
		}
	}
	s := startServer(t, newFake(0), testOptions())
	if got := s.Options().MaxSeqLength; got != 16 {
		t.Errorf("sequences of %d tokens, want the model's 16", got)
	}
	if _, err := New(Model{}, DefaultOptions()); err == nil {
		t.Error("a model without engine was taken")
	}
}

func TestAccessLog(t *testing.T) {
	var text bytes.Buffer
	o := testOptions()
	o.Log = slog.New(slog.NewJSONHandler(&text, nil))
	s := startServer(t, newFake(2), o)
	predict(s, `{"inputs": ["a", "b"]}`)
	predict(s, `{"inputs": 1}`)
	send(s, "GET", "/healthz", "")
	type line struct {
		Level, Msg, Method, Path, Error string
		Status, Inputs, Tokens          int
	}
	var got []line
	for dec := json.NewDecoder(&text); ; {
		var l line
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	want := []line{
		{"INFO", "request", "POST", "/predict", "", 200, 2, 6},
		{"INFO", "request", "POST", "/predict", `inputs: found 1, want a string or an object {"text", "text_pair"}`, 400, 0, 0},
		{"INFO", "request", "GET", "/healthz", "", 200, 0, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

// Whatever a client sends, it is told what is wrong with it.
func FuzzPredict(f *testing.F) {
	for _, body := range []string{`{"inputs": "a"}`, `{"inputs": [{"text": "a", "text_pair": "b"}], "parameters": {"top_k": 1}}`, `{"inputs": {"question": "a", "context": "b"}}`, `[`, "{\"\xff\": 1}", `null`} {
		f.Add(body)
	}
	var servers []*Server
	for _, labels := range []int{0, 1, 2} {
		servers = append(servers, startServer(f, newFake(labels), testOptions()))
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, s := range servers {
			w := predict(s, body)
			if w.Code >= 500 && !strings.Contains(body, "bad") || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%q: status %d: %s", body, w.Code, w.Body)
			}
		}
	})
}
