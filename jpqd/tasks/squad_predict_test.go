package tasks

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSQuADPredict(t *testing.T) {
	tok := newTokenizer(t, squadVocab())
	infinite := float32(math.Inf(1))
	// One window, [CLS] q [SEP] a b c [SEP], or with seven tokens two:
	// [CLS] q [SEP] a b c [SEP] and [CLS] q [SEP] c d [SEP].
	short, long := Question{ID: "1", Text: "q", Context: "a b c"}, Question{ID: "1", Text: "q", Context: "a b c d"}
	starts := []float32{1, 9, 0, 2, 3, -1, -5}
	ends := []float32{1, 0, 0, 0, 4, 5, 8}
	// Probabilities of scores that are their best less 0, 1, 1 …
	softmax := func(below ...float64) (p []float64) {
		sum := 0.0
		for _, b := range below {
			sum += math.Exp(-b)
		}
		for _, b := range below {
			p = append(p, math.Exp(-b)/sum)
		}
		return p
	}
	abb := softmax(0, 1, 1)
	withNull := softmax(0, 1, 1, 6)
	tests := []struct {
		name         string
		squad        SQuAD
		question     Question
		starts, ends []float32
		want         Prediction
	}{
		// The greatest starts are q 9, b 3, a 2, the greatest ends [SEP] 8, c 5, b 4.
		// That leaves b–c 8, b–b 7, a–b–c 7, a–b 6, of which three are kept; of equal
		// scores the one whose start is the greater comes first.
		{"n best", SQuAD{NBestSize: 3, MaxAnswerSize: 3}, short, starts, ends,
			Prediction{Text: "b c", NBest: []Candidate{{StartLogit: 3, EndLogit: 5, Text: "b c", Probability: abb[0]}, {StartLogit: 3, EndLogit: 4, Text: "b", Probability: abb[1]}, {StartLogit: 2, EndLogit: 5, Text: "a b c", Probability: abb[2]}}}},
		// a–b–c is three tokens.
		{"long answers", SQuAD{NBestSize: 3, MaxAnswerSize: 2}, short, starts, ends,
			Prediction{Text: "b c", NBest: []Candidate{{StartLogit: 3, EndLogit: 5, Text: "b c", Probability: softmax(0, 1, 2)[0]}, {StartLogit: 3, EndLogit: 4, Text: "b", Probability: softmax(0, 1, 2)[1]}, {StartLogit: 2, EndLogit: 4, Text: "a b", Probability: softmax(0, 1, 2)[2]}}}},
		// The question's token and [SEP] alone are the greatest.
		{"nothing in the context", SQuAD{NBestSize: 1, MaxAnswerSize: 3}, short, starts, ends,
			Prediction{Text: "empty", NBest: []Candidate{{StartLogit: 0, EndLogit: 0, Text: "empty", Probability: 1}}}},
		// [CLS] scores 2, the worst of all, and is kept nevertheless; 2 − 8 = −6.
		{"no answer is worse", SQuAD{NBestSize: 3, MaxAnswerSize: 3, Negatives: true}, short, starts, ends,
			Prediction{Text: "b c", NullOdds: -6, NBest: []Candidate{{StartLogit: 3, EndLogit: 5, Text: "b c", Probability: withNull[0]}, {StartLogit: 3, EndLogit: 4, Text: "b", Probability: withNull[1]}, {StartLogit: 2, EndLogit: 5, Text: "a b c", Probability: withNull[2]}, {StartLogit: 1, EndLogit: 1, Text: "", Probability: withNull[3]}}}},
		{"no answer is taken from a threshold on", SQuAD{NBestSize: 3, MaxAnswerSize: 3, Negatives: true, NullThreshold: -6.5}, short, starts, ends,
			Prediction{Text: "", NullOdds: -6, NBest: []Candidate{{StartLogit: 3, EndLogit: 5, Text: "b c", Probability: withNull[0]}, {StartLogit: 3, EndLogit: 4, Text: "b", Probability: withNull[1]}, {StartLogit: 2, EndLogit: 5, Text: "a b c", Probability: withNull[2]}, {StartLogit: 1, EndLogit: 1, Text: "", Probability: withNull[3]}}}},
		{"at the threshold there is an answer", SQuAD{NBestSize: 1, MaxAnswerSize: 3, Negatives: true, NullThreshold: 10}, short,
			[]float32{5, 0, 0, 9, 0, 0, 0}, []float32{5, 0, 0, 0, 0, 0, 0},
			Prediction{Text: "empty", NullOdds: 10, NBest: []Candidate{{StartLogit: 0, EndLogit: 0, Text: "empty", Probability: 1 / (1 + math.Exp(10))}, {StartLogit: 5, EndLogit: 5, Text: "", Probability: 1 / (1 + math.Exp(-10))}}}},
		// Of equal logits the later token is the greater: c–c, where a–a scores as much.
		{"equal logits", SQuAD{NBestSize: 1, MaxAnswerSize: 3}, short, []float32{0, 0, 0, 3, 0, 3, 0}, []float32{0, 0, 0, 3, 0, 3, 0},
			Prediction{Text: "c", NBest: []Candidate{{StartLogit: 3, EndLogit: 3, Text: "c", Probability: 1}}}},
		// Only a–b is finite throughout.
		{"not finite", SQuAD{NBestSize: 3, MaxAnswerSize: 3}, short, []float32{0, nan, 0, 1, infinite, nan, 0}, []float32{0, 0, 0, nan, 1, -infinite, 0},
			Prediction{Text: "a b", NBest: []Candidate{{StartLogit: 1, EndLogit: 1, Text: "a b", Probability: 1}}}},
		// [CLS] scores 7 in the first window and 4 in the second: 4 − (5 + 6) = −7.
		// c is in both: at 3 + 5 = 8 in the first.
		{"two windows", SQuAD{NBestSize: 1, MaxAnswerSize: 3, Negatives: true}, long,
			[]float32{3, 0, 0, 0, 0, 3, 0 /**/, 1, 0, 0, 5, 0, 0}, []float32{4, 0, 0, 0, 0, 5, 0 /**/, 3, 0, 0, 0, 6, 0},
			Prediction{Text: "c d", NullOdds: -7, NBest: []Candidate{{StartLogit: 5, EndLogit: 6, Text: "c d", Probability: softmax(0, 7)[0]}, {StartLogit: 1, EndLogit: 3, Text: "", Probability: softmax(0, 7)[1]}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.squad.MaxSeqLength, tt.squad.DocStride = 7, 1
			w, err := tt.squad.Encode(tok, []Question{tt.question})
			if err != nil {
				t.Fatal(err)
			}
			var logits []float32
			for i := range tt.starts {
				logits = append(logits, tt.starts[i], tt.ends[i])
			}
			tt.want.ID = "1"
			got, metrics := tt.squad.Evaluate(w, logits, w.Examples)
			if d := cmp.Diff([]Prediction{tt.want}, got, cmpopts.EquateApprox(1e-12, 0), cmpopts.IgnoreFields(Candidate{}, "Start", "End")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, c := range got[0].NBest {
				if c.Text == "" || c.Text == "empty" {
					if c.Start != -1 || c.End != -1 {
						t.Errorf("%q stands at %d to %d, want -1 and -1", c.Text, c.Start, c.End)
					}
				} else if text := tt.question.Context[c.Start:c.End]; text != c.Text {
					t.Errorf("%q stands at %d to %d, which is %q", c.Text, c.Start, c.End, text)
				}
			}
			if want := tt.squad.Metrics(w.Questions, got); !cmp.Equal(metrics, want) {
				t.Errorf("metrics %v, want %v", metrics, want)
			}
		})
	}
}

func TestSQuADPredictPanics(t *testing.T) {
	tok := newTokenizer(t, squadVocab())
	squad := DefaultSQuAD()
	w, err := squad.Encode(tok, []Question{{ID: "1", Text: "q", Context: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]func(){
		errWindowLogits:   func() { squad.Predict(w, make([]float32, 9)) },
		errWindowExamples: func() { squad.Evaluate(w, make([]float32, 10), nil) },
		errPredictions:    func() { squad.Metrics(w.Questions, nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

func TestSQuADWritePredictions(t *testing.T) {
	dir := t.TempDir()
	squad := SQuAD{Negatives: true}
	predictions := []Prediction{
		{ID: "b", Text: "5 < é", NullOdds: -1.5, NBest: []Candidate{{StartLogit: 2, EndLogit: 1.5, Text: "5 < é", Probability: 0.75}, {StartLogit: 0.5, EndLogit: 0, Text: "", Probability: 0.25}}},
		{ID: "a", Text: "", NullOdds: 2, NBest: []Candidate{{StartLogit: 0, EndLogit: 0, Text: "empty", Probability: 1}}},
	}
	if err := squad.WritePredictions(dir, "eval", predictions); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"eval_predictions.json": "{\n    \"b\": \"5 < é\",\n    \"a\": \"\"\n}\n",
		"eval_null_odds.json":   "{\n    \"b\": -1.5,\n    \"a\": 2\n}\n",
		"eval_nbest_predictions.json": `{
    "b": [
        {
            "start_logit": 2,
            "end_logit": 1.5,
            "text": "5 < é",
            "probability": 0.75
        },
        {
            "start_logit": 0.5,
            "end_logit": 0,
            "text": "",
            "probability": 0.25
        }
    ],
    "a": [
        {
            "start_logit": 0,
            "end_logit": 0,
            "text": "empty",
            "probability": 1
        }
    ]
}
`,
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
	predictions[1].NullOdds = math.NaN()
	if err := squad.WritePredictions(dir, "eval", predictions); err == nil || !strings.Contains(err.Error(), `eval_null_odds.json: question "a": no score`) {
		t.Errorf("NaN: %v", err)
	}
	squad.Negatives = false
	if err := squad.WritePredictions(dir, "predict", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "predict_predictions.json")); err != nil || string(got) != "{}\n" {
		t.Errorf("no predictions: %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "predict_null_odds.json")); !os.IsNotExist(err) {
		t.Errorf("null odds of SQuAD 1.1: %v", err)
	}
}

func TestUniqueIDs(t *testing.T) {
	if err := UniqueIDs([]Question{{ID: "a"}, {ID: "b"}}); err != nil {
		t.Error(err)
	}
	if err := UniqueIDs([]Question{{ID: "a"}, {ID: "b"}, {ID: "a"}}); err == nil || !strings.Contains(err.Error(), `question 2: id "a"`) {
		t.Errorf("error %v", err)
	}
}
