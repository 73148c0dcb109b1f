package tasks

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func TestAnswerWords(t *testing.T) {
	for text, want := range map[string][]string{
		"The  Eiffel Tower!":     {"eiffel", "tower"},
		"An apple a day, the-":   {"apple", "day"},
		"theatre than anna":      {"theatre", "than", "anna"},
		"U.S. $5 don't":          {"us", "5", "dont"},
		"x_y a-b ~^`|<=>":        {"xy", "ab"}, // no space where punctuation was
		"the—end":                {"—end"},     // not ASCII: stays, but ends a word
		"a\u0301":                {"\u0301"},   // an accent of its own is no letter to Python's \b
		"ΟΔΟΣ İ":                 {"οδος", "i\u0307"},
		"a\u00a0b\u2003c\x1cd\n": {"b", "c", "d"},
		"²a Ⅳa":                  {"²a", "ⅳa"}, // numbers are letters to \b
		"a, the.":                {},
		"":                       {},
	} {
		got := answerWords(cases.Lower(language.Und), text)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

func TestSQuADMetrics(t *testing.T) {
	gold := func(texts ...string) Question {
		q := Question{Answers: []Answer{}}
		for _, text := range texts {
			q.Answers = append(q.Answers, Answer{Text: text})
		}
		return q
	}
	// Each with its score by SQuAD 1.1 and by 2.0.
	pairs := []struct {
		name      string
		predicted string
		question  Question
		v1, v2    answerScore
	}{
		{"but for case, articles and punctuation", "the Eiffel Tower!", gold("Eiffel tower"), answerScore{1, 1}, answerScore{1, 1}},
		// Precision 1/3, recall 1: 2·(1/3)·1 / (4/3) = 1/2.
		{"too long", "in Paris France", gold("Paris"), answerScore{0, 0.5}, answerScore{0, 0.5}},
		// The second answer: precision 2/3, recall 1: (4/3) / (5/3) = 4/5.
		{"the best answer counts", "in Paris, France", gold("Paris", "in Paris", "Lyon"), answerScore{0, 0.8}, answerScore{0, 0.8}},
		// "to" twice and "be" once are common: precision 1, recall 3/6: 1 / (3/2) = 2/3.
		{"words count as often as they occur", "to be to", gold("to be or not to be"), answerScore{0, 2. / 3}, answerScore{0, 2. / 3}},
		{"other words", "Lyon", gold("Paris"), answerScore{}, answerScore{}},
		// Nothing is left of either: equal, but without a common word. 2.0 takes
		// an answer of which nothing is left for none.
		{"nothing left", "a", gold("the"), answerScore{1, 0}, answerScore{1, 1}},
		{"one with nothing left", "", gold("the", "Paris"), answerScore{1, 0}, answerScore{0, 0}},
		{"an answer where there is none", "Paris", gold(), answerScore{}, answerScore{}},
		{"none where there is none", "", gold(), answerScore{}, answerScore{1, 1}},
		{"none where there is one", "", gold("Paris"), answerScore{}, answerScore{}},
	}
	v1, v2 := SQuAD{}, SQuAD{Negatives: true}
	near := cmpopts.EquateApprox(0, 1e-9)
	var questions []Question
	var predictions []Prediction
	for _, p := range pairs {
		q, a := []Question{p.question}, []Prediction{{Text: p.predicted}}
		if d := cmp.Diff(map[string]float64{"exact_match": 100 * p.v1.exact, "f1": 100 * p.v1.f1}, v1.Metrics(q, a), near); d != "" {
			t.Errorf("%s, SQuAD 1.1 (-want +got):\n%s", p.name, d)
		}
		m := v2.Metrics(q, a)
		if d := cmp.Diff([]float64{100 * p.v2.exact, 100 * p.v2.f1, 1}, []float64{m["exact"], m["f1"], m["total"]}, near); d != "" {
			t.Errorf("%s, SQuAD 2.0 (-want +got):\n%s", p.name, d)
		}
		questions, predictions = append(questions, p.question), append(predictions, a[0])
	}
	// All ten together. 1.1: exact 3, F1 1 + 1/2 + 4/5 + 2/3 = 89/30. 2.0: of the
	// eight that have an answer exact 2, F1 1 + 1/2 + 4/5 + 2/3 + 1 = 119/30; of
	// the two that have none, one. Stopping before the first of those, the ninth,
	// is best: the two count in full, exact 2 + 2, F1 119/30 + 2 = 179/30.
	if d := cmp.Diff(map[string]float64{"exact_match": 30, "f1": 890. / 30}, v1.Metrics(questions, predictions), near); d != "" {
		t.Errorf("SQuAD 1.1 (-want +got):\n%s", d)
	}
	want := map[string]float64{
		"exact": 30, "f1": 10 * (119./30 + 1), "total": 10,
		"HasAns_exact": 25, "HasAns_f1": 100 * 119. / 30 / 8, "HasAns_total": 8,
		"NoAns_exact": 50, "NoAns_f1": 50, "NoAns_total": 2,
		"best_exact": 40, "best_exact_thresh": 0, "best_f1": 1790. / 30, "best_f1_thresh": 0,
	}
	if d := cmp.Diff(want, v2.Metrics(questions, predictions), near); d != "" {
		t.Errorf("SQuAD 2.0 (-want +got):\n%s", d)
	}
	for _, m := range []map[string]float64{v1.Metrics(nil, nil), v2.Metrics(nil, nil)} {
		for key, v := range m {
			if v != 0 || math.IsNaN(v) {
				t.Errorf("%s of no questions is %v, want 0", key, v)
			}
		}
	}
}
