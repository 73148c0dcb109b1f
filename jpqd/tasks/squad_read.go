package tasks

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Question is a question about a text that holds its answer, as SQuAD has them.
type Question struct {
	ID      string
	Text    string
	Context string   // the text; questions of one paragraph share it
	Answers []Answer // empty: the question has none (SQuAD 2.0); nil: the file does not say
}

// Answer is an answer and where it stands.
type Answer struct {
	Text       string
	Start, End int // bytes of the context: Context[Start:End]; Start is −1 where the file does not say
}

// ReadSQuAD reads questions from a .json file in one of two layouts, both an
// object with an array "data":
//
//   - SQuAD's own, 1.1 or 2.0: articles with "paragraphs" of a "context" and
//     "qas", each with "id", "question" and "answers";
//   - one object per question with "id", "question", "context" and "answers".
//
// "answers" is an array of objects with "text" and "answer_start", or an object
// with an array of either, as HF's data sets have it. "answer_start" counts
// characters; that the answer stands there is not checked, only that the
// context is long enough. Other keys are passed over.
//
// An error names file, line and the path of the key. A question longer than
// 16 MiB, context included, is refused.
func ReadSQuAD(path string) ([]Question, error) {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".json" {
		return nil, fmt.Errorf("%s: extension is %.20q, want .json", path, ext)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readSQuAD(path, f)
}

func readSQuAD(name string, r io.Reader) ([]Question, error) {
	s := &squadReader{pathReader: newPathReader(r)}
	if err := s.file(); err != nil {
		return nil, rowError(name, s.in.lineOf(s.dec, err), err)
	}
	if len(s.questions) == 0 {
		return nil, fmt.Errorf("%s: no questions", name)
	}
	return s.questions, nil
}

// squadReader gathers the questions of a file.
type squadReader struct {
	*pathReader
	questions []Question
}

// rawQuestion is a question before the places of its answers are known as bytes
// of its context.
type rawQuestion struct {
	Question
	starts  []int // of the answers, in characters; −1: not given
	columns bool  // answers is an object of arrays
	hasID   bool
	hasText bool
}

func (s *squadReader) file() error {
	begin, err := s.token()
	if err != nil {
		return err
	}
	hasData := false
	err = s.object(begin, func(key string) error {
		if key != "data" {
			return s.skip()
		}
		hasData = true
		begin, err := s.token()
		if err != nil {
			return err
		}
		return s.array(begin, s.item)
	})
	if err != nil {
		return err
	}
	if !hasData {
		return s.errorf(`found no "data", want an array of articles or questions`)
	}
	if _, err := s.dec.Token(); err != io.EOF {
		return s.errorf("found more behind the object, want the end of the file")
	}
	return nil
}

// item reads an element of "data": an article or a question.
func (s *squadReader) item(begin json.Token) error {
	s.in.start = s.dec.InputOffset()
	var q rawQuestion
	hasContext, isArticle := false, false
	err := s.object(begin, func(key string) (err error) {
		switch key {
		case "paragraphs":
			isArticle = true
			begin, err := s.token()
			if err != nil {
				return err
			}
			return s.array(begin, s.paragraph)
		case "context":
			hasContext = true
			q.Context, err = s.text()
			return err
		default:
			return s.questionKey(key, &q)
		}
	})
	switch {
	case err != nil || isArticle:
		return err
	case !hasContext:
		return s.errorf(`found neither "paragraphs" nor "context", want an article or a question`)
	}
	return s.add([]rawQuestion{q}, q.Context, s.at)
}

// paragraph reads a context and its questions, in either order.
func (s *squadReader) paragraph(begin json.Token) error {
	s.in.start = s.dec.InputOffset()
	var context string
	var questions []rawQuestion
	hasContext := false
	err := s.object(begin, func(key string) (err error) {
		switch key {
		case "context":
			hasContext = true
			context, err = s.text()
			return err
		case "qas":
			begin, err := s.token()
			if err != nil {
				return err
			}
			return s.array(begin, func(begin json.Token) error {
				s.in.start = s.dec.InputOffset()
				var q rawQuestion
				err := s.object(begin, func(key string) error { return s.questionKey(key, &q) })
				questions = append(questions, q)
				return err
			})
		default:
			return s.skip()
		}
	})
	if err != nil {
		return err
	}
	if !hasContext {
		return s.errorf(`found no "context"`)
	}
	paragraph, i := s.at(), -1
	return s.add(questions, context, func() string { i++; return fmt.Sprintf("%s.qas[%d]", paragraph, i) })
}

// questionKey reads the value of a key of a question.
func (s *squadReader) questionKey(key string, q *rawQuestion) error {
	var err error
	switch key {
	case "id":
		q.hasID = true
		token, err := s.token()
		if number, ok := token.(json.Number); ok {
			q.ID = number.String()
			return nil
		}
		if err == nil {
			q.ID, err = s.asText(token)
		}
		return err
	case "question":
		q.hasText = true
		q.Text, err = s.text()
		return err
	case "answers":
		return s.answers(q)
	default:
		return s.skip()
	}
}

// answers reads the answers of a question in either form.
func (s *squadReader) answers(q *rawQuestion) error {
	begin, err := s.token()
	if err != nil {
		return err
	}
	q.Answers, q.starts, q.columns = []Answer{}, nil, begin == json.Delim('{')
	if !q.columns {
		return s.array(begin, func(begin json.Token) error {
			text, start, hasText := "", -1, false
			err := s.object(begin, func(key string) (err error) {
				switch key {
				case "text":
					hasText = true
					text, err = s.text()
				case "answer_start":
					var token json.Token
					if token, err = s.token(); err == nil {
						start, err = s.asCount(token)
					}
				default:
					err = s.skip()
				}
				return err
			})
			if err == nil && !hasText {
				err = s.errorf(`found no "text"`)
			}
			q.Answers, q.starts = append(q.Answers, Answer{Text: text}), append(q.starts, start)
			return err
		})
	}
	hasStarts := false
	err = s.object(begin, func(key string) error {
		if key != "text" && key != "answer_start" {
			return s.skip()
		}
		begin, err := s.token()
		if err != nil {
			return err
		}
		if key == "text" {
			return s.array(begin, func(token json.Token) error {
				text, err := s.asText(token)
				q.Answers = append(q.Answers, Answer{Text: text})
				return err
			})
		}
		hasStarts = true
		return s.array(begin, func(token json.Token) error {
			start, err := s.asCount(token)
			q.starts = append(q.starts, start)
			return err
		})
	})
	if err != nil {
		return err
	}
	if !hasStarts {
		for range q.Answers {
			q.starts = append(q.starts, -1)
		}
	}
	if len(q.starts) != len(q.Answers) {
		return s.errorf("found %d values in \"answer_start\", want one for each of %d in \"text\"", len(q.starts), len(q.Answers))
	}
	return nil
}

// add appends the questions about one context. path is called for each in turn
// and gives where it stands in the file.
func (s *squadReader) add(questions []rawQuestion, context string, path func() string) error {
	chars := newCharIndex(context)
	for i := range questions {
		q, at := &questions[i], path()
		if !q.hasID {
			return fmt.Errorf(`%s: found no "id"`, at)
		}
		if !q.hasText {
			return fmt.Errorf(`%s: found no "question"`, at)
		}
		for k := range q.Answers {
			a, start := &q.Answers[k], q.starts[k]
			if start < 0 {
				a.Start = -1
				continue
			}
			end := start + utf8.RuneCountInString(a.Text)
			if end > chars.count {
				where := fmt.Sprintf("%s.answers[%d].answer_start", at, k)
				if q.columns {
					where = fmt.Sprintf("%s.answers.answer_start[%d]", at, k)
				}
				return fmt.Errorf("%s: found %d, want at most %d: an answer of %d characters in a context of %d",
					where, start, max(0, chars.count-end+start), end-start, chars.count)
			}
			a.Start, a.End = chars.byteAt(start), chars.byteAt(end)
		}
		q.Context = context
		s.questions = append(s.questions, q.Question)
	}
	return nil
}

// charIndex finds characters of a text by their number.
type charIndex struct {
	count int
	bytes []int // where each character begins, and the end; nil where each is one byte
}

func newCharIndex(text string) charIndex {
	c := charIndex{count: utf8.RuneCountInString(text)}
	if c.count == len(text) {
		return c
	}
	c.bytes = make([]int, 0, c.count+1)
	for i := range text {
		c.bytes = append(c.bytes, i)
	}
	c.bytes = append(c.bytes, len(text))
	return c
}

func (c *charIndex) byteAt(char int) int {
	if c.bytes == nil {
		return char
	}
	return c.bytes[char]
}
