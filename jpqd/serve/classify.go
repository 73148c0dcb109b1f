package serve

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
)

// classifier is the head of a model that classifies.
type classifier struct {
	tok        *tokenizer.Tokenizer
	labels     []string
	regression bool
	longest    int // tokens
	truncation Truncation
}

func (c *classifier) ofTokens() bool { return false }

// leastText is [CLS], a token and [SEP].
const leastText = 3

func (c *classifier) read(value json.RawMessage, field string) (input, error) {
	var text, pair string
	paired := false
	switch kindOf(value) {
	case "string":
		if err := readString(value, field, &text); err != nil {
			return nil, err
		}
	case "object":
		members, err := readObject(value, field, "text", "text_pair")
		if err != nil {
			return nil, err
		}
		if err := members.text("text", &text); err != nil {
			return nil, err
		}
		if paired = members.has("text_pair"); paired {
			if err := members.text("text_pair", &pair); err != nil {
				return nil, err
			}
		}
	default:
		return nil, invalid(field, `found %s, want a string or an object {"text", "text_pair"}`, describe(value))
	}
	limit := c.longest
	if c.truncation == Refuse {
		limit = math.MaxInt
	}
	var e tokenizer.Encoding
	if paired {
		e = c.tok.EncodePair(text, pair, limit)
	} else {
		e = c.tok.Encode(text, limit)
	}
	if len(e.IDs) > c.longest {
		return nil, tooLarge(field, "found %d tokens, want at most %d", len(e.IDs), c.longest)
	}
	return &textInput{c, sequence{e.IDs, e.TypeIDs}}, nil
}

// textInput is a text, or a pair, to be classified.
type textInput struct {
	*classifier
	sequence sequence
}

func (t *textInput) sequences() []sequence { return []sequence{t.sequence} }

var errNotFinite = errors.New("the model computed a value that is not finite")

// result is a []Score, the most probable label first.
func (t *textInput) result(logits [][]float32, topK int) (any, error) {
	row := logits[0]
	if !finite(row) {
		return nil, errNotFinite
	}
	scores := make([]Score, len(row))
	if t.regression {
		for i, v := range row {
			scores[i] = Score{t.labels[i], v}
		}
	} else {
		for i, p := range softmax(row) {
			scores[i] = Score{t.labels[i], float32(p)}
		}
		slices.SortStableFunc(scores, func(a, b Score) int { return cmp.Compare(b.Score, a.Score) })
	}
	if topK > 0 {
		scores = scores[:min(topK, len(scores))]
	}
	return scores, nil
}
