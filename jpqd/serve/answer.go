package serve

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// answerer is the head of a model that answers questions.
type answerer struct {
	tok     *tokenizer.Tokenizer
	squad   tasks.SQuAD
	windows int // most of one request
}

func (a *answerer) ofTokens() bool { return true }

// leastQuestion is [CLS], a token, [SEP], a token and [SEP].
const leastQuestion = 5

func (a *answerer) read(value json.RawMessage, field string) (input, error) {
	if kindOf(value) != "object" {
		return nil, invalid(field, `found %s, want an object {"question", "context"}`, describe(value))
	}
	members, err := readObject(value, field, "question", "context")
	if err != nil {
		return nil, err
	}
	q := tasks.Question{}
	if err := members.text("question", &q.Text); err != nil {
		return nil, err
	}
	if err := members.text("context", &q.Context); err != nil {
		return nil, err
	}
	for _, t := range []struct{ name, text string }{{"question", q.Text}, {"context", q.Context}} {
		if strings.TrimSpace(t.text) == "" {
			return nil, invalid(join(field, t.name), "found nothing but white space, want a text")
		}
	}
	w, err := a.squad.Encode(a.tok, []tasks.Question{q})
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the question's id, which it has not
		}
		return nil, tooLarge(join(field, "question"), "%v", err)
	}
	if n := len(w.Examples); n > a.windows {
		return nil, tooLarge(join(field, "context"), "it needs %d windows of %d tokens, want at most %d", n, a.squad.MaxSeqLength, a.windows)
	}
	return &questionInput{a, w}, nil
}

// questionInput is a question with its windows.
type questionInput struct {
	*answerer
	windows *tasks.Windows
}

func (q *questionInput) sequences() []sequence {
	all := make([]sequence, len(q.windows.Examples))
	for i := range all {
		all[i] = sequence{q.windows.Examples[i].IDs, q.windows.Examples[i].TypeIDs}
	}
	return all
}

// Answer is a part of a context. Start and End count characters of it, as in
// Hugging Face's pipelines. "No answer" is Answer "" at 0, 0.
type Answer struct {
	Answer string  `json:"answer"`
	Score  float32 `json:"score"` // softmax over the n_best_size best candidates
	Start  int     `json:"start"`
	End    int     `json:"end"`
}

// result is an Answer, and if the request has a top_k a []Answer, best first. A
// place that several windows show is there once.
func (q *questionInput) result(logits [][]float32, topK int) (any, error) {
	for _, row := range logits {
		if !finite(row) {
			return nil, errNotFinite
		}
	}
	p := q.squad.Predict(q.windows, slices.Concat(logits...))[0]
	context := q.windows.Questions[0].Context
	var answers []Answer
	seen := map[[2]int]bool{}
	for _, c := range p.NBest {
		if place := [2]int{c.Start, c.End}; !seen[place] {
			seen[place] = true
			answers = append(answers, answerOf(&c, context))
		}
	}
	// What the threshold of "no answer" chose comes first.
	if first := slices.IndexFunc(answers, func(a Answer) bool { return (a.Answer == "") == (p.Text == "") }); first > 0 {
		chosen := answers[first]
		copy(answers[1:], answers[:first])
		answers[0] = chosen
	}
	if topK == 0 {
		return answers[0], nil
	}
	return answers[:min(topK, len(answers))], nil
}

func answerOf(c *tasks.Candidate, context string) Answer {
	if c.Start < 0 {
		return Answer{Score: float32(c.Probability)}
	}
	start := utf8.RuneCountInString(context[:c.Start])
	return Answer{c.Text, float32(c.Probability), start, start + utf8.RuneCountInString(c.Text)}
}
