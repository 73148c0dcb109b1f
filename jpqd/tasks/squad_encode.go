package tasks

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
)

// maxWindows bounds the windows of one question: a context that needs more is
// no paragraph, and would fill the memory.
const maxWindows = 10_000

// Windows are the model inputs of questions. A context too long for one has
// several, which overlap.
type Windows struct {
	Questions []Question
	Examples  []jpqd.Example // of all questions in order, each one's in the order of the context

	first []int    // by question, its first example; and the end
	spans []window // by example
}

// window is the part of a context that an example shows.
type window struct {
	at     int               // position of its first token in the example
	tokens []tokenizer.Token // offsets are bytes of the context
}

// Encode turns questions into windows, [CLS] question [SEP] context [SEP]. Where
// the context is longer than the question leaves room for, windows follow each
// other at a distance of that room less DocStride, until one reaches its end.
//
// Start and End of an example are the tokens of the question's first answer. A
// window that does not hold all of it, or of a question that has none, points
// at [CLS]: 0, 0. Where the file does not say, both are −1, which [jpqd.Trainer]
// does not train. run_qa.py does the same, but for an answer that begins with
// the last token of a window: there its start runs on into the padding.
//
// The result does not depend on GOMAXPROCS.
func (s *SQuAD) Encode(tok *tokenizer.Tokenizer, questions []Question) (*Windows, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	paragraphs := paragraphs(questions)
	encoded := make([][]encodedQuestion, len(paragraphs))
	errs := make([]error, len(paragraphs))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(paragraphs)) {
		workers.Go(func() {
			e := windowEncoder{SQuAD: s, tok: tok}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(paragraphs) {
					return
				}
				encoded[i], errs[i] = e.paragraph(paragraphs[i])
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err // the first of perhaps thousands, whichever worker met one first
		}
	}

	w := &Windows{Questions: questions, first: make([]int, 1, len(questions)+1)}
	for _, paragraph := range encoded {
		for _, q := range paragraph {
			w.Examples = append(w.Examples, q.examples...)
			w.spans = append(w.spans, q.spans...)
			w.first = append(w.first, len(w.Examples))
		}
	}
	return w, nil
}

// paragraphs are the runs of questions about the same context, which is
// tokenized once.
func paragraphs(questions []Question) [][]Question {
	var all [][]Question
	for begin := 0; begin < len(questions); {
		end := begin + 1
		for end < len(questions) && questions[end].Context == questions[begin].Context {
			end++
		}
		all = append(all, questions[begin:end])
		begin = end
	}
	return all
}

// encodedQuestion has a question's windows.
type encodedQuestion struct {
	examples []jpqd.Example
	spans    []window
}

// windowEncoder is one worker of Encode.
type windowEncoder struct {
	*SQuAD
	tok      *tokenizer.Tokenizer
	question []tokenizer.Token // kept for its memory
}

func (e *windowEncoder) paragraph(questions []Question) ([]encodedQuestion, error) {
	context := e.tok.Tokenize(nil, questions[0].Context)
	encoded := make([]encodedQuestion, len(questions))
	for i := range questions {
		if err := e.encode(&questions[i], context, &encoded[i]); err != nil {
			return nil, fmt.Errorf("question %.60q: %w", questions[i].ID, err)
		}
	}
	return encoded, nil
}

func (e *windowEncoder) encode(q *Question, context []tokenizer.Token, to *encodedQuestion) error {
	e.question = e.tok.Tokenize(e.question[:0], q.Text) // white space before it comes to nothing
	room := e.MaxSeqLength - addedTokens - len(e.question)
	count := 1
	if len(context) > room {
		if room <= e.DocStride {
			return fmt.Errorf("%d tokens of its own leave %d of --max_seq_length %d for the context, want more than --doc_stride %d",
				len(e.question), max(0, room), e.MaxSeqLength, e.DocStride)
		}
		distance := room - e.DocStride
		count += (len(context) - room + distance - 1) / distance
		if count > maxWindows {
			return fmt.Errorf("its context of %d tokens needs %d windows, want at most %d", len(context), count, maxWindows)
		}
	}
	to.examples, to.spans = make([]jpqd.Example, count), make([]window, count)
	for i := range count {
		begin := i * (room - e.DocStride)
		w := window{addedTokens - 1 + len(e.question), context[begin:min(begin+room, len(context))]}
		to.examples[i], to.spans[i] = e.example(w), w
		to.examples[i].Start, to.examples[i].End = w.locate(q)
	}
	return nil
}

// example is the model's input for a window of the current question.
func (e *windowEncoder) example(w window) jpqd.Example {
	n := w.at + len(w.tokens) + 1
	ids := make([]int32, 2*n)
	x := jpqd.Example{IDs: ids[:n:n], TypeIDs: ids[n:]}
	x.IDs[0] = e.tok.CLS()
	for i, t := range e.question {
		x.IDs[1+i] = t.ID
	}
	x.IDs[w.at-1] = e.tok.SEP()
	for i, t := range w.tokens {
		x.IDs[w.at+i] = t.ID
	}
	x.IDs[n-1] = e.tok.SEP()
	for i := w.at; i < n; i++ {
		x.TypeIDs[i] = 1
	}
	return x
}

// locate finds the tokens of the question's first answer in the window: the last
// that begins at or before it, and the first that ends at or behind its end.
func (w *window) locate(q *Question) (start, end int32) {
	if q.Answers == nil {
		return -1, -1
	}
	if len(q.Answers) == 0 {
		return 0, 0
	}
	a := &q.Answers[0]
	if a.Start < 0 {
		return -1, -1
	}
	last := len(w.tokens) - 1
	if a.Start == a.End || last < 0 || w.tokens[0].Start > a.Start || w.tokens[last].End < a.End {
		return 0, 0
	}
	first := 0
	for first < last && w.tokens[first+1].Start <= a.Start {
		first++
	}
	for last > 0 && w.tokens[last-1].End >= a.End {
		last--
	}
	if last < first { // pieces of one character, which have the same place
		first, last = last, first
	}
	return int32(w.at + first), int32(w.at + last)
}
