package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Token is a word piece or special token.
type Token struct {
	ID         int32
	Start, End int // bytes of the text it stands for: text[Start:End]
}

// Tokenizer turns text into the ids of a vocabulary and back. Many goroutines
// may use one at the same time.
type Tokenizer struct {
	config Config
	vocab  []string         // by id
	ids    map[string]int32 // the inverse of vocab
	pieces *automaton
	chars  *charTable

	specials                 []string // longest first
	specialIDs               []int32  // of specials
	cls, sep, pad, unk, mask int32
}

// New returns a tokenizer for a vocabulary, in which a token's id is its index.
// Every token is there once, the special tokens of the configuration included.
func New(vocab []string, config Config) (*Tokenizer, error) {
	if len(vocab) == 0 {
		return nil, fmt.Errorf("tokenizer: the vocabulary is empty")
	}
	if len(vocab) > math.MaxInt32 {
		return nil, fmt.Errorf("tokenizer: the vocabulary has %d tokens, more than an id can number", len(vocab))
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	t := &Tokenizer{
		config: config,
		vocab:  slices.Clone(vocab),
		ids:    make(map[string]int32, len(vocab)),
	}
	for i, token := range vocab {
		if err := t.add(token, int32(i)); err != nil {
			return nil, err
		}
	}
	if err := t.findSpecials(); err != nil {
		return nil, err
	}
	var err error
	if t.pieces, err = newAutomaton(t.vocab); err != nil {
		return nil, err
	}
	t.chars = newCharTable(&t.config, t.specials)
	return t, nil
}

func (t *Tokenizer) add(token string, id int32) error {
	switch {
	case token == "":
		return &vocabError{id, "is empty"}
	case !utf8.ValidString(token):
		return &vocabError{id, fmt.Sprintf("is not UTF-8: %q", token)}
	}
	if first, twice := t.ids[token]; twice {
		return &vocabError{id, fmt.Sprintf("%q is there already, with id %d", token, first)}
	}
	t.ids[token] = id
	return nil
}

// vocabError is a token that a vocabulary cannot have.
type vocabError struct {
	id     int32
	reason string
}

func (e *vocabError) Error() string {
	return fmt.Sprintf("tokenizer: vocabulary: token %d %s", e.id, e.reason)
}

func (t *Tokenizer) findSpecials() error {
	ids := [5]*int32{&t.unk, &t.sep, &t.pad, &t.cls, &t.mask}
	for i, special := range t.config.specialTokens() {
		id, ok := t.ids[*special.content]
		if !ok {
			return fmt.Errorf("tokenizer: the vocabulary lacks %q, the %s", *special.content, special.key)
		}
		*ids[i] = id
		if !slices.Contains(t.specials, *special.content) {
			t.specials = append(t.specials, *special.content)
		}
	}
	slices.SortFunc(t.specials, func(a, b string) int { return len(b) - len(a) })
	for _, special := range t.specials {
		t.specialIDs = append(t.specialIDs, t.ids[special])
	}
	return nil
}

// special returns the id and length of the special token that text begins with.
func (t *Tokenizer) special(text string) (id int32, length int, ok bool) {
	for i, special := range t.specials {
		if strings.HasPrefix(text, special) {
			return t.specialIDs[i], len(special), true
		}
	}
	return 0, 0, false
}

// Config returns the configuration.
func (t *Tokenizer) Config() Config { return t.config }

// VocabSize returns the number of tokens of the vocabulary.
func (t *Tokenizer) VocabSize() int { return len(t.vocab) }

// Vocab returns a copy of the vocabulary, by id.
func (t *Tokenizer) Vocab() []string { return slices.Clone(t.vocab) }

// ID returns the id of a token of the vocabulary.
func (t *Tokenizer) ID(token string) (id int32, ok bool) {
	id, ok = t.ids[token]
	return id, ok
}

// Token returns the token with the given id, "" where there is none.
func (t *Tokenizer) Token(id int32) string {
	if id < 0 || int(id) >= len(t.vocab) {
		return ""
	}
	return t.vocab[id]
}

// CLS returns the id of the token that begins a sequence.
func (t *Tokenizer) CLS() int32 { return t.cls }

// SEP returns the id of the token that ends a text.
func (t *Tokenizer) SEP() int32 { return t.sep }

// PAD returns the id of the token that fills a sequence up.
func (t *Tokenizer) PAD() int32 { return t.pad }

// UNK returns the id of the token for words that the vocabulary cannot spell.
func (t *Tokenizer) UNK() int32 { return t.unk }

// MASK returns the id of the token that hides a word.
func (t *Tokenizer) MASK() int32 { return t.mask }
