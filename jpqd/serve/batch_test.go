package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// newGated is an engine whose batches wait for the test.
func newGated(labels int) *fakeEngine {
	e := newFake(labels)
	e.entered, e.leave = make(chan struct{}, 1000), make(chan struct{})
	return e
}

// answers collects what requests get that run at the same time.
type answers struct {
	sync.WaitGroup
	mu  sync.Mutex
	got map[string]*httptest.ResponseRecorder // by body
}

func (a *answers) predict(s *Server, ctx context.Context, body string) {
	a.Go(func() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/predict", strings.NewReader(body)).WithContext(ctx))
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.got == nil {
			a.got = map[string]*httptest.ResponseRecorder{}
		}
		a.got[body] = w
	})
}

// queued is the condition that n sequences wait.
func queued(s *Server, n int) func() bool {
	return func() bool {
		sequences, _ := s.queue.waiting()
		return sequences == n
	}
}

// While a batch is computed others come together, up to MaxBatchTokens, in the
// order of arrival.
func TestBatches(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.MaxBatchTokens = 16
	s := startServer(t, e, o)
	var all answers
	// Lengths with [CLS] and [SEP]; an array is split where the batch is full.
	for i, body := range []string{`{"inputs": "a"}`, `{"inputs": ["a a a", "b b b b"]}`, `{"inputs": ["b", "c", "a b c a b c a"]}`, `{"inputs": "c c"}`} {
		all.predict(s, t.Context(), body)
		if i == 0 {
			<-e.entered // alone: nobody else was there
		} else {
			wait(t, "queue", queued(s, []int{0, 2, 5, 6}[i]))
		}
	}
	e.open()
	all.Wait()
	want := [][]int{{3}, {5, 6, 3}, {3, 9, 4}}
	if fmt.Sprint(e.seen()) != fmt.Sprint(want) {
		t.Errorf("batches %v, want %v", e.seen(), want)
	}
	for body, sums := range map[string][]int{ // 5 for [CLS] and [SEP]
		`{"inputs": "a"}`:                         {10},
		`{"inputs": ["a a a", "b b b b"]}`:        {20, 29},
		`{"inputs": ["b", "c", "a b c a b c a"]}`: {11, 12, 46},
		`{"inputs": "c c"}`:                       {19},
	} {
		var texts []string
		for _, v := range sums {
			texts = append(texts, fmt.Sprintf(`[{"label":"LABEL_0","score":%d}]`, v))
		}
		want := strings.Join(texts, ",")
		if strings.Contains(body, "[") {
			want = "[" + want + "]"
		}
		if got := strings.TrimSpace(all.got[body].Body.String()); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// A batch that is not full waits for MaxBatchDelay, a full one does not.
func TestBatchDelay(t *testing.T) {
	e := newFake(1)
	o := testOptions()
	o.MaxBatchTokens, o.MaxBatchDelay, o.Timeout = 16, time.Hour, 2*time.Hour
	s := startServer(t, e, o)
	var all answers
	for i := range 5 { // 3 tokens each, and 6 sequences are 18
		all.predict(s, t.Context(), fmt.Sprintf(`{"inputs": "a"}%*s`, i, ""))
	}
	wait(t, "queue", queued(s, 5))
	if b := e.seen(); len(b) != 0 {
		t.Fatalf("batches %v before they were full", b)
	}
	all.predict(s, t.Context(), `{"inputs": "b"}`)
	all.predict(s, t.Context(), `{"inputs": "c"}`)
	wait(t, "batch", func() bool { return len(e.seen()) == 1 })
	wait(t, "queue", queued(s, 2)) // 6 tokens wait again
	s.Close()                      // what waits is answered
	all.Wait()
	if fmt.Sprint(e.seen()) != "[[3 3 3 3 3] [3 3]]" {
		t.Errorf("batches %v", e.seen())
	}
	for body, w := range all.got {
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", body, w.Code)
		}
	}

	o.MaxBatchDelay = 20 * time.Millisecond
	s = startServer(t, e, o)
	begun := time.Now()
	if w := predict(s, `{"inputs": "a"}`); w.Code != http.StatusOK || time.Since(begun) < o.MaxBatchDelay {
		t.Errorf("status %d after %v, want 200 after %v", w.Code, time.Since(begun), o.MaxBatchDelay)
	}
}

// Many clients at once get what the engine says of their texts alone.
func TestConcurrent(t *testing.T) {
	for _, answering := range []bool{false, true} {
		t.Run(fmt.Sprintf("answering=%v", answering), func(t *testing.T) { compareWithAlone(t, answering) })
	}
}

func compareWithAlone(t *testing.T, answering bool) {
	tok, err := tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	c := bert.DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize, c.MaxPositionEmbeddings = tok.VocabSize(), 32, 2, 2, 64, 48
	if answering {
		c.Architecture = "BertForQuestionAnswering"
	}
	trainer := &jpqd.Trainer{Args: jpqd.DefaultTrainingArguments(), Model: bert.New(c, 1)}
	compressed, err := trainer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := int8.New(compressed)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.MaxBatchTokens, o.Workers, o.MaxBatchDelay, o.Questions.DocStride = 256, 3, time.Millisecond, 8
	s, err := New(Model{"test", engine, tok}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records := tasks.Sentiment(1, 64)
	body := func(i int) string {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		var inputs []any
		for range 1 + r.IntN(4) {
			text, other := records[r.IntN(64)].Text1, records[r.IntN(64)].Text1
			switch {
			case answering:
				inputs = append(inputs, map[string]string{"question": "what ?", "context": text + other + text})
			case r.IntN(2) == 0:
				inputs = append(inputs, map[string]string{"text": text, "text_pair": other})
			default:
				inputs = append(inputs, text)
			}
		}
		text, err := json.Marshal(map[string]any{"inputs": inputs})
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	const clients, each = 16, 8
	var want [clients * each]string
	for i := range want { // one after the other: each a batch of its own
		w := predict(s, body(i))
		if w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		want[i] = w.Body.String()
	}
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := client * each; i < (client+1)*each; i++ {
				if w := predict(s, body(i)); w.Code != http.StatusOK || w.Body.String() != want[i] {
					t.Errorf("request %d: status %d, got %s\nwant %s", i, w.Code, w.Body, want[i])
				}
			}
		})
	}
	all.Wait()
}

// What does not fit into the queue is refused at once, and taken when there is room.
func TestOverload(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.MaxQueue, o.MaxInputs = 4, 4
	s := startServer(t, e, o)
	var all answers
	all.predict(s, t.Context(), `{"inputs": "a"}`)
	<-e.entered
	all.predict(s, t.Context(), `{"inputs": ["a", "b", "c"]}`)
	wait(t, "queue", queued(s, 3))
	refused := func(body, message string) {
		t.Helper()
		w := predict(s, body)
		after, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != http.StatusTooManyRequests || err != nil || after < 1 || !strings.Contains(w.Body.String(), message) {
			t.Errorf("%s: status %d, Retry-After %q, body %s", body, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
	refused(`{"inputs": ["a", "b"]}`, "the queue has no room for 2 more sequences; try again later")
	all.predict(s, t.Context(), `{"inputs": "b"}`)
	wait(t, "queue", queued(s, 4))
	refused(`{"inputs": "c"}`, "the queue is full")
	if w := send(s, "GET", "/healthz", ""); w.Code != http.StatusOK {
		t.Errorf("/healthz under load: %d", w.Code)
	}
	e.open()
	all.Wait()
	for body, w := range all.got {
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", body, w.Code)
		}
	}
	if w := predict(s, `{"inputs": ["a", "b"]}`); w.Code != http.StatusOK {
		t.Errorf("when there is room again: status %d", w.Code)
	}
}

func TestMaxRequests(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.MaxRequests = 1
	s := startServer(t, e, o)
	var all answers
	all.predict(s, t.Context(), `{"inputs": "a"}`)
	<-e.entered
	if w := predict(s, `{"inputs": "b"}`); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	e.open()
	all.Wait()
	if w := predict(s, `{"inputs": "b"}`); w.Code != http.StatusOK {
		t.Errorf("afterwards: status %d", w.Code)
	}
}

// A client that goes away takes what it has in the queue with it, also what is
// left of an array of which a batch has the rest.
func TestCancel(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.MaxBatchTokens = 16
	s := startServer(t, e, o)
	var all answers
	ctx, cancel := context.WithCancel(t.Context())
	all.predict(s, ctx, `{"inputs": ["a a a a a a a a", "b b b b b b b b", "c"]}`) // 10, 10 and 3 tokens
	<-e.entered
	all.predict(s, ctx, `{"inputs": "b"}`)
	all.predict(s, t.Context(), `{"inputs": "c"}`)
	wait(t, "queue", queued(s, 4))
	cancel()
	wait(t, "queue after the client is gone", queued(s, 1))
	if _, tokens := s.queue.waiting(); tokens != 3 {
		t.Errorf("%d tokens wait, want the 3 of the last request", tokens)
	}
	e.open()
	all.Wait()
	if w := all.got[`{"inputs": "c"}`]; w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"score":12`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if fmt.Sprint(e.seen()) != "[[10] [3]]" {
		t.Errorf("batches %v, want none of what was given up", e.seen())
	}
	if text := send(s, "GET", "/metrics", "").Body.String(); !strings.Contains(text, `jpqd_requests_total{path="/predict",code="499"} 2`) {
		t.Errorf("two clients were gone:\n%s", text)
	}
}

// Every request has its own deadline, whatever the others do.
func TestTimeout(t *testing.T) {
	e := newGated(1)
	o := testOptions()
	o.Timeout = 50 * time.Millisecond
	s := startServer(t, e, o)
	var all answers
	all.predict(s, t.Context(), `{"inputs": "a"}`) // in a batch
	<-e.entered
	all.predict(s, t.Context(), `{"inputs": "b"}`) // in the queue
	all.Wait()
	for body, w := range all.got {
		if w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "no answer within 50ms") || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: status %d: %s", body, w.Code, w.Body)
		}
	}
	if !queued(s, 0)() {
		t.Error("a request that was given up is in the queue")
	}
	e.open()
	if w := predict(s, `{"inputs": "c"}`); w.Code != http.StatusOK {
		t.Errorf("afterwards: status %d", w.Code)
	}
}

// A panic in a batch fails the request that causes it, and no other.
func TestPanicInBatch(t *testing.T) {
	e := newGated(1)
	s := startServer(t, e, testOptions())
	var all answers
	all.predict(s, t.Context(), `{"inputs": "a"}`)
	<-e.entered
	for i, body := range []string{`{"inputs": ["a", "bad"]}`, `{"inputs": "b"}`, `{"inputs": "c"}`} {
		all.predict(s, t.Context(), body)
		wait(t, "queue", queued(s, 2+i))
	}
	e.open()
	all.Wait()
	for body, w := range all.got {
		want := http.StatusOK
		if strings.Contains(body, "bad") {
			want = http.StatusInternalServerError
		}
		if w.Code != want {
			t.Errorf("%s: status %d, want %d: %s", body, w.Code, want, w.Body)
		}
	}
	if strings.Contains(all.got[`{"inputs": ["a", "bad"]}`].Body.String(), "token") {
		t.Error("the client is told what panicked")
	}
	if text := send(s, "GET", "/metrics", "").Body.String(); !strings.Contains(text, "jpqd_panics_total 2\n") { // together and alone
		t.Errorf("panics:\n%s", text)
	}
}

// panicking is a head that cannot read.
type panicking struct{ head }

func (panicking) read(json.RawMessage, string) (input, error) { panic("unreadable") }

func TestPanicInHandler(t *testing.T) {
	s := startServer(t, newFake(1), testOptions())
	good := s.head
	s.head = panicking{good}
	if w := predict(s, `{"inputs": "a"}`); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"internal error"`) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	s.head = good
	if w := predict(s, `{"inputs": "a"}`); w.Code != http.StatusOK {
		t.Errorf("afterwards: status %d", w.Code)
	}
	if n := s.inFlight.Load(); n != 0 {
		t.Errorf("%d requests in flight, want 0", n)
	}
}
