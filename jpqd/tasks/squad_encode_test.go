package tasks

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/internal/realdata"
	"github.com/go-jpqd/jpqd/jpqd"
)

// squadVocab: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, a 5, b 6, … j 14,
// q 15, ##s 16, and the three jamo of 각, 17 to 19.
func squadVocab() []string {
	return append(strings.Fields("[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h i j q ##s"), "\u1100", "##\u1161", "##\u11a8")
}

func TestSQuADEncode(t *testing.T) {
	tok := newTokenizer(t, squadVocab())
	// A question of two tokens leaves 9 − 3 − 2 = 4 tokens of 9 for the context.
	// With a stride of 1 the windows are 3 apart.
	squad := SQuAD{MaxSeqLength: 9, DocStride: 1, NBestSize: 20, MaxAnswerSize: 30}
	question := func(context string, answers []Answer) Question {
		return Question{ID: "1", Text: " Q q", Context: context, Answers: answers}
	}
	pair := func(context []int32, start, end int32) jpqd.Example {
		x := jpqd.Example{IDs: []int32{2, 15, 15, 3}, TypeIDs: []int32{0, 0, 0, 0}, Start: start, End: end}
		for _, id := range append(context, 3) {
			x.IDs, x.TypeIDs = append(x.IDs, id), append(x.TypeIDs, 1)
		}
		return x
	}
	const letters = "a b c d e f g h i j" // letter k is byte 2·k
	tests := []struct {
		name     string
		question Question
		want     []jpqd.Example
	}{
		// Ten tokens: windows of 0 to 3, 3 to 6, 6 to 9, where the context ends.
		// "d e" is bytes 6 to 9 and lies whole in the second alone, behind the
		// 4 tokens of [CLS] q q [SEP].
		{"three windows", question(letters, []Answer{{"d e", 6, 9}, {"a", 0, 1}}), []jpqd.Example{
			pair([]int32{5, 6, 7, 8}, 0, 0), pair([]int32{8, 9, 10, 11}, 4, 5), pair([]int32{11, 12, 13, 14}, 0, 0)}},
		// "d", the token that two windows share, is the last of one.
		{"in both windows", question(letters, []Answer{{"d", 6, 7}}), []jpqd.Example{
			pair([]int32{5, 6, 7, 8}, 7, 7), pair([]int32{8, 9, 10, 11}, 4, 4), pair([]int32{11, 12, 13, 14}, 0, 0)}},
		// Eleven: the fourth window has what is left, 9 and 10.
		{"a short last window", question(letters+" a", []Answer{{"a", 20, 21}}), []jpqd.Example{
			pair([]int32{5, 6, 7, 8}, 0, 0), pair([]int32{8, 9, 10, 11}, 0, 0), pair([]int32{11, 12, 13, 14}, 0, 0), pair([]int32{14, 5}, 5, 5)}},
		{"as long as the room", question("a b c d", []Answer{{"a b c d", 0, 7}}), []jpqd.Example{pair([]int32{5, 6, 7, 8}, 4, 7)}},
		{"none", question("a b", []Answer{}), []jpqd.Example{pair([]int32{5, 6}, 0, 0)}},
		{"unknown", question("a b", nil), []jpqd.Example{pair([]int32{5, 6}, -1, -1)}},
		{"unknown place", question("a b", []Answer{{"b", -1, 0}}), []jpqd.Example{pair([]int32{5, 6}, -1, -1)}},
		{"of no length", question("a b", []Answer{{"", 2, 2}}), []jpqd.Example{pair([]int32{5, 6}, 0, 0)}},
		{"an empty context", question(" ", []Answer{{" ", 0, 1}}), []jpqd.Example{pair(nil, 0, 0)}},
		// as is a ##s: an answer "s" is the second piece, "s b" begins there.
		{"in a word", question("as b", []Answer{{"s b", 1, 4}}), []jpqd.Example{pair([]int32{5, 16, 6}, 5, 6)}},
		{"pieces of a word", question("x ass", []Answer{{"ss", 3, 5}}), []jpqd.Example{pair([]int32{1, 5, 16, 16}, 6, 7)}},
		// "y" is a part of the unknown word, which is one token.
		{"inside a token", question("xyz b", []Answer{{"y", 1, 2}}), []jpqd.Example{pair([]int32{1, 6}, 4, 4)}},
		// Öö is an unknown word of four bytes; the answer behind it is byte 5.
		{"behind other letters", question("Öö b", []Answer{{"b", 5, 6}}), []jpqd.Example{pair([]int32{1, 6}, 5, 5)}},
		// The three pieces of 각 have the same place, bytes 2 to 5.
		{"pieces of one character", question("a 각 b", []Answer{{"각", 2, 5}}), []jpqd.Example{pair([]int32{5, 17, 18, 19}, 5, 7), pair([]int32{19, 6}, 4, 4)}},
		// White space belongs to no token: the answer takes those beside it.
		{"white space", question("a  b", []Answer{{" ", 1, 2}}), []jpqd.Example{pair([]int32{5, 6}, 4, 5)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := squad.Encode(tok, []Question{tt.question})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got.Examples); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	// A context that fits needs no room for a stride.
	full := SQuAD{MaxSeqLength: 9, DocStride: 128, NBestSize: 20, MaxAnswerSize: 30}
	if w, err := full.Encode(tok, []Question{question("a b c d", nil)}); err != nil || len(w.Examples) != 1 {
		t.Errorf("a context that fits: %v", err)
	}
	w, err := squad.Encode(tok, nil)
	if err != nil || len(w.Examples) != 0 {
		t.Errorf("no questions: %v, %v", w, err)
	}

	for _, tt := range []struct {
		squad    SQuAD
		question Question
		want     string
	}{
		{full, question(letters, nil), `question "1": 2 tokens of its own leave 4 of --max_seq_length 9 for the context, want more than --doc_stride 128`},
		{squad, Question{ID: "long", Text: strings.Repeat("q ", 20), Context: "a"}, `question "long": 20 tokens of its own leave 0 of`},
		// 40,000 tokens less the first window's 4, in steps of 3: 13,332 more.
		{squad, question(strings.Repeat("a ", 40_000), nil), "needs 13333 windows, want at most 10000"},
		{SQuAD{MaxSeqLength: 4, NBestSize: 1, MaxAnswerSize: 1}, question("a", nil), "--max_seq_length: found 4, want at least 5"},
		{SQuAD{MaxSeqLength: 9, DocStride: -1, NBestSize: 1, MaxAnswerSize: 1}, question("a", nil), "--doc_stride: found -1"},
		{SQuAD{MaxSeqLength: 9, MaxAnswerSize: 1}, question("a", nil), "--n_best_size: found 0"},
		{SQuAD{MaxSeqLength: 9, NBestSize: 1}, question("a", nil), "--max_answer_length: found 0"},
	} {
		good := question("a", nil)
		if _, err := tt.squad.Encode(tok, []Question{good, tt.question}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
}

// TestSQuADThreads encodes and answers with one thread and with many.
func TestSQuADThreads(t *testing.T) {
	tok := newTokenizer(t, SentimentVocab())
	squad := SQuAD{MaxSeqLength: 24, DocStride: 4, NBestSize: 5, MaxAnswerSize: 8, Negatives: true}
	var questions []Question
	records := Sentiment(7, 1200)
	for i, r := range records {
		context := records[i/3].Text1 + " " + records[i/3+1].Text1
		questions = append(questions, Question{ID: r.Text1, Text: "which film?", Context: context, Answers: []Answer{{context[:4], 0, 4}}})
	}
	type result struct {
		Examples    []jpqd.Example
		Predictions []Prediction
	}
	var first *result
	for _, threads := range []int{1, 2, 7} {
		old := runtime.GOMAXPROCS(threads)
		w, err := squad.Encode(tok, questions)
		if err != nil {
			t.Fatal(err)
		}
		got := &result{w.Examples, squad.Predict(w, madeUpLogits(w))}
		runtime.GOMAXPROCS(old)
		if first == nil {
			first = got
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Fatalf("%d threads (-one +many):\n%s", threads, d)
		}
	}
	if len(first.Examples) <= len(questions) {
		t.Errorf("%d windows of %d questions: no context was too long", len(first.Examples), len(questions))
	}
}

// madeUpLogits are values that repeat, so that there are equal ones.
func madeUpLogits(w *Windows) []float32 {
	var logits []float32
	for i, x := range w.Examples {
		for k := range x.IDs {
			logits = append(logits, float32((k*7+i)%11), float32((k*5+i)%13))
		}
	}
	return logits
}

// TestSQuADReal holds windows of the real data against the numbers that
// run_qa.py logs for bert-base-uncased at a length of 384 and a stride of 128:
// train_samples = 88524 and eval_samples = 10784.
func TestSQuADReal(t *testing.T) {
	dir := realdata.Dir(t)
	for _, name := range []string{"vocab", "squad"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Skipf("the data folder lacks %s: %v", name, err)
		}
	}
	tok, err := tokenizer.Load(filepath.Join(dir, "vocab"))
	if err != nil {
		t.Fatal(err)
	}
	squad := DefaultSQuAD()
	encode := func(name string, want int) *Windows {
		questions, err := ReadSQuAD(filepath.Join(dir, "squad", name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := squad.Encode(tok, questions)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Examples) != want {
			t.Errorf("%s: %d windows, want %d", name, len(w.Examples), want)
		}
		return w
	}
	encode("train-v1.1.json", 88_524)
	w := encode("dev-v1.1.json", 10_784)

	// The tokens of an answer hold it, and the scorer sees nothing else in all but
	// a few: those whose answer ends inside a word that is one token.
	lower := cases.Lower(language.Und)
	windows, same := 0, 0
	for i := range w.Questions {
		q, found := &w.Questions[i], false
		gold := q.Answers[0].Text
		for j := w.first[i]; j < w.first[i+1]; j++ {
			x, span := &w.Examples[j], &w.spans[j]
			if x.Start == 0 && x.End == 0 {
				continue
			}
			found = true
			windows++
			text := q.Context[span.tokens[int(x.Start)-span.at].Start:span.tokens[int(x.End)-span.at].End]
			if !strings.Contains(text, gold) {
				t.Errorf("question %s: the tokens are %q, want %q in them", q.ID, text, gold)
			}
			if equalWords(answerWords(lower, text), answerWords(lower, gold)) {
				same++
			}
		}
		if !found {
			t.Errorf("question %s: no window holds the answer %q", q.ID, gold)
		}
	}
	t.Logf("%d of %d windows with an answer give it as it is", same, windows)
	if float64(same) < 0.995*float64(windows) {
		t.Errorf("%d of %d windows with an answer give it as it is, want all but 5 in 1000", same, windows)
	}
}
