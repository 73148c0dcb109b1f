package tasks

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
)

func newTokenizer(t testing.TB, vocab []string) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.New(vocab, tokenizer.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncode(t *testing.T) {
	// [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, a 5, good 6, film 7, ##s 8
	tok := newTokenizer(t, []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "film", "##s"})
	one := GLUETask{Text1: "sentence", Labels: []string{"no", "yes"}}
	two := GLUETask{Text1: "sentence1", Text2: "sentence2", Regression: true}
	tests := []struct {
		name      string
		task      GLUETask
		records   []Record
		maxLength int
		want      []jpqd.Example
	}{
		{"single", one, []Record{{Text1: "A good films", Label: 1}, {Text1: "bad", Label: -1}}, 128,
			[]jpqd.Example{{IDs: []int32{2, 5, 6, 7, 8, 3}, Label: 1}, {IDs: []int32{2, 1, 3}, Label: -1}}},
		{"spaces at the end", one, []Record{{Text1: "a  good film  "}}, 128, []jpqd.Example{{IDs: []int32{2, 5, 6, 7, 3}}}},
		{"empty", one, []Record{{}}, 128, []jpqd.Example{{IDs: []int32{2, 3}}}},
		{"cut", one, []Record{{Text1: "a good film"}}, 4, []jpqd.Example{{IDs: []int32{2, 5, 6, 3}}}},
		{"pair", two, []Record{{Text1: "a good film", Text2: "film", Target: 2.5}}, 128,
			[]jpqd.Example{{IDs: []int32{2, 5, 6, 7, 3, 7, 3}, TypeIDs: []int32{0, 0, 0, 0, 0, 1, 1}, Target: 2.5}}},
		{"pair, cut", two, []Record{{Text1: "a good film", Text2: "film"}}, 5,
			[]jpqd.Example{{IDs: []int32{2, 5, 3, 7, 3}, TypeIDs: []int32{0, 0, 0, 1, 1}}}},
		{"nothing", one, nil, 128, []jpqd.Example{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Encode(tok, tt.records, tt.task, tt.maxLength)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}

	for _, tt := range []struct {
		task      GLUETask
		record    Record
		maxLength int
		want      string
	}{
		{one, Record{}, 2, "max_seq_length is 2, want at least 3"},
		{two, Record{}, 4, "max_seq_length is 4, want at least 5"},
		{one, Record{Label: 2}, 128, "record 0: label is 2, want −1 (unknown) to 1"},
		{one, Record{Label: -2}, 128, "record 0: label is -2, want −1 (unknown) to 1"},
	} {
		if _, err := Encode(tok, []Record{tt.record}, tt.task, tt.maxLength); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
}

// TestEncodeThreads encodes with one thread and with many.
func TestEncodeThreads(t *testing.T) {
	tok := newTokenizer(t, SentimentVocab())
	task, _ := LookupGLUE("sst2")
	records := Sentiment(5, 3001)
	var first []jpqd.Example
	for _, threads := range []int{1, 2, 7} {
		old := runtime.GOMAXPROCS(threads)
		got, err := Encode(tok, records, task, 128)
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Errorf("%d threads (-one +many):\n%s", threads, d)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	tok := newTokenizer(b, SentimentVocab())
	task, _ := LookupGLUE("sst2")
	records := Sentiment(5, 10_000)
	for b.Loop() {
		if _, err := Encode(tok, records, task, 128); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(records))/b.Elapsed().Seconds(), "sequences/s")
}
