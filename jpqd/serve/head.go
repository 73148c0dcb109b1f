package serve

import (
	"encoding/json"
	"math"

	"github.com/go-jpqd/jpqd/bert"
)

// head is what differs between models that classify and models that answer
// questions.
type head interface {
	// read makes an input of a JSON value, which is the request's field.
	read(value json.RawMessage, field string) (input, error)
	// ofTokens says that every token has logits, not every sequence.
	ofTokens() bool
}

// input is one input of a request.
type input interface {
	sequences() []sequence
	// result makes the answer, to be written as JSON, of the sequences' logits.
	// topK is 0 where the request does not say.
	result(logits [][]float32, topK int) (any, error)
}

// Score is a label with its probability, or of a regression with its value.
type Score struct {
	Label string  `json:"label"`
	Score float32 `json:"score"`
}

// softmax of a row of logits.
func softmax(logits []float32) []float64 {
	highest := math.Inf(-1)
	for _, v := range logits {
		highest = max(highest, float64(v))
	}
	p, sum := make([]float64, len(logits)), 0.0
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - highest)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// finite says whether JSON can spell the values.
func finite(values []float32) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// regression says whether a model's one output is a value rather than a class.
func regression(c *bert.Config) bool { return c.ProblemType == "regression" || c.NumLabels() == 1 }
