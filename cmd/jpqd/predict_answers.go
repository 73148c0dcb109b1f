package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// answerer answers questions.
type answerer struct {
	o     *predictOptions
	model *inference
	run   *trainingRun // has the tokenizer
	squad tasks.SQuAD
	out   *bufio.Writer
}

func newAnswerer(o *predictOptions, model *inference, r *trainingRun, out *bufio.Writer) (linePredictor, error) {
	if o.TextPair {
		return nil, usageErrorf("--text_pair: the model answers questions, whose lines are a question, a tab and its context anyway")
	}
	a := &answerer{o, model, r, o.SQuAD, out}
	a.squad.MaxSeqLength = r.maxSeqLength
	a.squad.NBestSize = max(a.squad.NBestSize, o.TopK)
	if err := a.squad.Validate(); err != nil {
		return nil, &usageError{err}
	}
	return a, nil
}

// questionLine is a line of input in JSON; other keys are ignored.
type questionLine struct {
	ID       json.RawMessage `json:"id"`
	Question *string         `json:"question"`
	Context  *string         `json:"context"`
}

// answered is an answer with its probability among those that were considered.
type answered struct {
	Answer      string  `json:"answer"`
	Probability float64 `json:"probability"`
}

// lineAnswers is a JSON line of answers.
type lineAnswers struct {
	Line int             `json:"line"`
	ID   json.RawMessage `json:"id,omitempty"`
	answered
	Top []answered `json:"top,omitempty"` // with --top_k above 1
}

func (a *answerer) predict(ctx context.Context, first int, lines []string) error {
	var questions []tasks.Question
	var ids []json.RawMessage
	var badLine error
	for i, line := range lines {
		q, id, err := parseQuestion(line)
		if err != nil {
			badLine = fmt.Errorf("line %d: %w", first+i, err)
			break
		}
		q.ID = strconv.Itoa(first + i)
		questions, ids = append(questions, q), append(ids, id)
	}
	w, tooLong := a.encode(first, questions)
	if tooLong != nil {
		badLine = tooLong
	}
	logits, err := a.model.logits(ctx, w.Examples)
	if err != nil {
		return err
	}
	for i, p := range a.squad.Predict(w, logits) {
		if err := a.write(first+i, ids[i], &p); err != nil {
			return err
		}
	}
	return badLine
}

// encode cuts questions into windows. An error is that of the first question too
// long for one; then the windows are those of the questions before it.
func (a *answerer) encode(first int, questions []tasks.Question) (*tasks.Windows, error) {
	w, err := a.squad.Encode(a.run.tok, questions)
	if err == nil {
		return w, nil
	}
	good := 0
	for {
		if _, err := a.squad.Encode(a.run.tok, questions[good:good+1]); err != nil {
			w, _ = a.squad.Encode(a.run.tok, questions[:good])
			return w, fmt.Errorf("line %d: %w", first+good, err)
		}
		good++ // there is one that cannot be encoded
	}
}

// parseQuestion reads a line of either form.
func parseQuestion(line string) (q tasks.Question, id json.RawMessage, err error) {
	line = strings.ToValidUTF8(line, "\uFFFD")
	if !strings.HasPrefix(line, "{") {
		question, context, found := strings.Cut(line, "\t")
		if !found {
			return q, nil, errors.New("found no tab, want a question, a tab and its context, or a JSON object")
		}
		return tasks.Question{Text: question, Context: context}, nil, nil
	}
	var l questionLine
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		return q, nil, err
	}
	switch {
	case l.Question == nil:
		return q, nil, errors.New(`found no "question"`)
	case l.Context == nil:
		return q, nil, errors.New(`found no "context"`)
	}
	return tasks.Question{Text: *l.Question, Context: *l.Context}, l.ID, nil
}

// answerOf is "" for a candidate that is no part of the context, whatever
// run_qa.py's files say in its place.
func answerOf(c *tasks.Candidate) answered {
	if c.Start < 0 {
		return answered{"", c.Probability}
	}
	return answered{c.Text, c.Probability}
}

func (a *answerer) write(line int, id json.RawMessage, p *tasks.Prediction) error {
	// What was chosen comes first: with --version_2_with_negative that may be no
	// answer although one is more probable.
	chosen := slices.IndexFunc(p.NBest, func(c tasks.Candidate) bool { return c.Text == p.Text })
	all := []answered{answerOf(&p.NBest[chosen])}
	for i := range p.NBest {
		if i != chosen {
			all = append(all, answerOf(&p.NBest[i]))
		}
	}
	all = all[:min(a.o.TopK, len(all))]
	if a.o.JSON {
		l := lineAnswers{Line: line, ID: id, answered: all[0]}
		if a.o.TopK > 1 {
			l.Top = all
		}
		return writeJSONLine(a.out, l)
	}
	for i, answer := range all {
		if i > 0 {
			a.out.WriteByte('\t') // its error comes again with Flush
		}
		fmt.Fprintf(a.out, "%s\t%.6f", oneField(answer.Answer), answer.Probability)
	}
	return a.out.WriteByte('\n')
}
