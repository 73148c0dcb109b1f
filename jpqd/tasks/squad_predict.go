package tasks

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/jpqd"
)

const (
	errWindowLogits   = "tasks: logits are not one row of start and end per token of the windows"
	errWindowExamples = "tasks: examples are not those of the windows"
)

// Prediction is the answer that a model gives to a question.
type Prediction struct {
	ID    string
	Text  string      // "": no answer, with SQuAD.Negatives only
	NBest []Candidate // best first

	// NullOdds is the score of "no answer" less that of the best answer, with
	// SQuAD.Negatives only.
	NullOdds float64
}

// Candidate is one answer that was considered; its score is StartLogit + EndLogit.
type Candidate struct {
	StartLogit  float32 `json:"start_logit"`
	EndLogit    float32 `json:"end_logit"`
	Text        string  `json:"text"`
	Probability float64 `json:"probability"` // softmax of the scores of those that were kept

	// Bytes of the context: Context[Start:End] is Text. Both are −1 for "no
	// answer" and "empty".
	Start int `json:"-"`
	End   int `json:"-"`
}

func (c *Candidate) score() float32 { return c.StartLogit + c.EndLogit }

// noCandidate stands first where there is nothing else but "no answer".
var noCandidate = Candidate{Text: "empty", Start: -1, End: -1}

// Predict answers the questions from logits (tokens, 2), the start and end of
// every token of every window, as run_qa.py's postprocess_qa_predictions does:
//
//   - Of each window, the NBestSize tokens with the greatest start logits and as
//     many with the greatest end logits make candidates, if both lie in the
//     context, the end not before the start and no more than MaxAnswerSize
//     tokens in all. Of equal logits the later token counts as the greater.
//   - "No answer" scores the least of what the windows' [CLS] do.
//   - The NBestSize candidates of greatest score are kept, and "no answer".
//   - Where none is left, the answer is "empty".
//
// There the padding of a batch takes part in the choice of the greatest logits,
// which windows here do not have. Logits that are not finite make no candidate.
// The result does not depend on GOMAXPROCS.
func (s *SQuAD) Predict(w *Windows, logits []float32) []Prediction {
	rows := make([]int, len(w.Examples)+1) // where the windows begin
	for i := range w.Examples {
		rows[i+1] = rows[i] + len(w.Examples[i].IDs)
	}
	if len(logits) != 2*rows[len(w.Examples)] {
		panic(errWindowLogits)
	}
	predictions := make([]Prediction, len(w.Questions))
	const share = 64 // questions that a worker takes at a time
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (len(predictions)+share-1)/share) {
		workers.Go(func() {
			p := predictor{SQuAD: s, windows: w, logits: logits, rows: rows}
			for {
				end := int(next.Add(share))
				begin := end - share
				if begin >= len(predictions) {
					return
				}
				for i := begin; i < min(end, len(predictions)); i++ {
					predictions[i] = p.predict(i)
				}
			}
		})
	}
	workers.Wait()
	return predictions
}

// predictor is one worker of Predict, with memory that it keeps.
type predictor struct {
	*SQuAD
	windows *Windows
	logits  []float32
	rows    []int

	starts, ends []int // positions of the greatest logits of a window
	candidates   []Candidate
}

func (p *predictor) predict(question int) Prediction {
	q := &p.windows.Questions[question]
	null, hasNull := Candidate{}, false
	p.candidates = p.candidates[:0]
	for i := p.windows.first[question]; i < p.windows.first[question+1]; i++ {
		logits := p.logits[2*p.rows[i] : 2*p.rows[i+1]]
		p.addCandidates(q, &p.windows.spans[i], logits)
		cls := Candidate{StartLogit: logits[0], EndLogit: logits[1], Start: -1, End: -1}
		if finite(cls.score()) && (!hasNull || cls.score() < null.score()) {
			null, hasNull = cls, true
		}
	}
	hasNull = hasNull && p.Negatives
	if hasNull {
		p.candidates = append(p.candidates, null)
	}
	slices.SortStableFunc(p.candidates, func(a, b Candidate) int { return cmp.Compare(b.score(), a.score()) })
	best := slices.Clone(p.candidates[:min(p.NBestSize, len(p.candidates))])
	if hasNull && !slices.ContainsFunc(best, isNull) {
		best = append(best, null)
	}
	if !slices.ContainsFunc(best, isAnswer) {
		best = slices.Insert(best, 0, noCandidate)
	}
	setProbabilities(best)

	answer := best[slices.IndexFunc(best, isAnswer)]
	prediction := Prediction{ID: q.ID, Text: answer.Text, NBest: best}
	if p.Negatives {
		odds := float32(math.NaN())
		if hasNull {
			odds = null.score() - answer.StartLogit - answer.EndLogit
		}
		prediction.NullOdds = float64(odds)
		if prediction.NullOdds > p.NullThreshold {
			prediction.Text = ""
		}
	}
	return prediction
}

// isAnswer and isNull tell the candidates that are an answer from "no answer".
func isAnswer(c Candidate) bool { return c.Text != "" }
func isNull(c Candidate) bool   { return c.Text == "" }

// addCandidates adds the candidates of a window; logits are its own.
func (p *predictor) addCandidates(q *Question, w *window, logits []float32) {
	p.starts = greatest(p.starts, logits, 0, p.NBestSize)
	p.ends = greatest(p.ends, logits, 1, p.NBestSize)
	for _, start := range p.starts {
		if start < w.at || start >= w.at+len(w.tokens) {
			continue
		}
		for _, end := range p.ends {
			if end < start || end-start+1 > p.MaxAnswerSize || end >= w.at+len(w.tokens) {
				continue
			}
			c := Candidate{
				StartLogit: logits[2*start], EndLogit: logits[2*end+1],
				Start: w.tokens[start-w.at].Start, End: w.tokens[end-w.at].End,
			}
			c.Text = q.Context[c.Start:c.End]
			if finite(c.score()) {
				p.candidates = append(p.candidates, c)
			}
		}
	}
}

// greatest fills dst with the positions of the n greatest finite values of a
// column of logits (rows, 2), the greatest first.
func greatest(dst []int, logits []float32, column, n int) []int {
	dst = dst[:0]
	for i := range len(logits) / 2 {
		if finite(logits[2*i+column]) {
			dst = append(dst, i)
		}
	}
	slices.SortFunc(dst, func(a, b int) int {
		if c := cmp.Compare(logits[2*b+column], logits[2*a+column]); c != 0 {
			return c
		}
		return b - a
	})
	return dst[:min(n, len(dst))]
}

// setProbabilities is the softmax of the scores.
func setProbabilities(candidates []Candidate) {
	highest := candidates[0].score()
	for i := range candidates {
		highest = max(highest, candidates[i].score())
	}
	var sum float64
	for i := range candidates {
		c := &candidates[i]
		c.Probability = math.Exp(float64(c.score()) - float64(highest))
		sum += c.Probability
	}
	for i := range candidates {
		candidates[i].Probability /= sum
	}
}

func finite(v float32) bool { return v-v == 0 }

// Evaluate answers the windows' questions from a model's logits and scores the
// answers. The examples must be the windows', as [jpqd.Trainer.Metrics] gets them.
func (s *SQuAD) Evaluate(w *Windows, logits []float32, examples []jpqd.Example) ([]Prediction, map[string]float64) {
	if len(examples) != len(w.Examples) {
		panic(errWindowExamples)
	}
	predictions := s.Predict(w, logits)
	return predictions, s.Metrics(w.Questions, predictions)
}
