package serve

import (
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

// Ids of the tokens of newTokenizer.
const (
	idA, idB, idC = 5, 6, 7
	idBad         = 8 // makes the engine panic
)

func newTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.New([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "bad", "e", "?"}, tokenizer.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// fakeEngine computes logits by hand:
//
//	one label    the sum of the ids, so that every text has its own value
//	two labels   0 and ln 3 where there is an "a", so that they are ¼ and ¾; else 0 and 0
//	questions    start and end are 10 at every "b", 5 at every "c", 0 elsewhere
type fakeEngine struct {
	config  bert.Config
	entered chan struct{} // if not nil: told of every batch
	leave   chan struct{} // if not nil: a batch takes until it can be read
	once    sync.Once     // closes it
	nan     bool

	mu      sync.Mutex
	batches [][]int // lengths of the sequences of every batch
}

func (e *fakeEngine) NumLogits(b *bert.Batch) int {
	if e.config.QuestionAnswering() {
		return 2 * b.Rows()
	}
	return b.Len() * e.config.NumLabels()
}

func (e *fakeEngine) Logits(_ *int8.Workspace, b *bert.Batch, logits []float32) error {
	var lengths []int
	for s := range b.Len() {
		lengths = append(lengths, b.Offsets[s+1]-b.Offsets[s])
	}
	e.mu.Lock()
	e.batches = append(e.batches, lengths)
	e.mu.Unlock()
	if e.entered != nil {
		e.entered <- struct{}{}
	}
	if e.leave != nil {
		<-e.leave
	}
	for s := range b.Len() {
		sum, hasA := float32(0), false
		for row := b.Offsets[s]; row < b.Offsets[s+1]; row++ {
			sum += float32(b.IDs[row])
			switch b.IDs[row] {
			case idA:
				hasA = true
			case idBad:
				panic("a bad token")
			case idB:
				e.mark(logits, row, 10)
			case idC:
				e.mark(logits, row, 5)
			}
		}
		switch {
		case e.nan:
			logits[s] = float32(math.NaN())
		case e.config.QuestionAnswering():
		case e.config.NumLabels() == 1:
			logits[s] = sum
		case hasA:
			logits[2*s+1] = float32(math.Log(3))
		}
	}
	return nil
}

// mark sets the start and the end of a token.
func (e *fakeEngine) mark(logits []float32, row int, v float32) {
	if e.config.QuestionAnswering() {
		logits[2*row], logits[2*row+1] = v, v
	}
}

// open lets all batches go.
func (e *fakeEngine) open() {
	if e.leave != nil {
		e.once.Do(func() { close(e.leave) })
	}
}

// seen are the batches so far.
func (e *fakeEngine) seen() [][]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.batches)
}

// newFake is an engine with so many labels; 0 for questions.
func newFake(labels int) *fakeEngine {
	c := bert.DefaultConfig()
	c.VocabSize, c.MaxPositionEmbeddings = 11, 16
	switch labels {
	case 0:
		c.Architecture = "BertForQuestionAnswering"
	case 1:
		c.ProblemType, c.Labels = "regression", []string{"LABEL_0"}
	default:
		c.Labels = []string{"negative", "positive"}
	}
	return &fakeEngine{config: c}
}

// testOptions make batches without delay.
func testOptions() Options {
	o := DefaultOptions()
	o.MaxBatchTokens, o.MaxBatchDelay, o.StopDelay = 64, 0, 0
	o.Questions.DocStride = 2
	return o
}

func startServer(t testing.TB, e *fakeEngine, o Options) *Server {
	t.Helper()
	s, err := newServer("test", e.config, newTokenizer(t), e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.open() // a test that failed must end, too
		s.Close()
	})
	return s
}

// send sends a request and returns the answer.
func send(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func predict(h http.Handler, body string) *httptest.ResponseRecorder {
	return send(h, http.MethodPost, "/predict", body)
}

// wait waits until a condition holds.
func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}
