package tokenizer

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// kind says what a character does to the word that is being read.
type kind uint8

const (
	letter   kind = iota // it goes on
	dropped              // nothing
	space                // it ends
	isolated             // it ends, and the character is a word of its own
	several              // what the characters do that it is replaced by
	special              // of a byte: a special token may begin here
)

// entry is a kind and, above its 8 bits, the character that a letter or an
// isolated one becomes, or where the page has what "several" stands for.
type entry uint32

func charEntry(k kind, r rune) entry           { return entry(r)<<8 | entry(k) }
func severalEntry(start, n int) entry          { return entry(start)<<16 | entry(n)<<8 | entry(several) }
func (e entry) kind() kind                     { return kind(e & 0xff) }
func (e entry) char() rune                     { return rune(e >> 8) }
func (e entry) sequence(p *page) []replacement { return p.replacements[e>>16:][:e>>8&0xff] }

// replacement is one of the characters that replace one of the text.
type replacement struct {
	char  rune
	class uint8 // canonical combining class
	kind  kind
}

const pageSize = 256

type page struct {
	entries      [pageSize]entry
	replacements []replacement
}

// charTable holds what a configuration makes of each character. Pages are filled
// when a text first needs them.
type charTable struct {
	// bytes holds the letter that a byte of text stands for, or 0x80 with a
	// kind: several for those that do not stand for themselves.
	bytes [256]byte
	pages [(unicode.MaxRune + 1) / pageSize]atomic.Pointer[page]

	lower, strip, isolateCJK bool
}

func newCharTable(config *Config, specials []string) *charTable {
	t := &charTable{
		lower:      config.DoLowerCase,
		strip:      config.stripAccents(),
		isolateCJK: config.TokenizeChineseChars,
	}
	ascii := t.page(0)
	for b := range t.bytes {
		switch e := ascii.entries[b]; {
		case b >= utf8.RuneSelf:
			t.bytes[b] = 0x80 | byte(several)
		case e.kind() == letter:
			t.bytes[b] = byte(e.char())
		default:
			t.bytes[b] = 0x80 | byte(e.kind())
		}
	}
	for _, token := range specials {
		t.bytes[token[0]] = 0x80 | byte(special)
	}
	return t
}

// page returns the page that holds a character.
func (t *charTable) page(r rune) *page {
	slot := &t.pages[r/pageSize]
	p := slot.Load()
	if p == nil {
		p = t.newPage(r / pageSize * pageSize)
		slot.Store(p) // one of equal pages, where goroutines race
	}
	return p
}

func (t *charTable) newPage(first rune) *page {
	p := new(page)
	for i := range p.entries {
		sequence := t.replace(first + rune(i))
		switch {
		case len(sequence) == 0:
			p.entries[i] = charEntry(dropped, 0)
		case len(sequence) == 1 && sequence[0].class == 0 && sequence[0].kind != dropped:
			p.entries[i] = charEntry(sequence[0].kind, sequence[0].char)
		default:
			p.entries[i] = severalEntry(len(p.replacements), len(sequence))
			p.replacements = append(p.replacements, sequence...)
		}
	}
	return p
}

// replace returns what a character becomes: cleaned, isolated if it is a CJK
// ideograph, decomposed and stripped, lower-cased, and only then told apart.
func (t *charTable) replace(r rune) []replacement {
	switch {
	case isRemoved(r):
		return nil
	case unicode.Is(unicode.White_Space, r):
		return []replacement{{r, 0, space}}
	}
	parts := []rune{r}
	if t.strip {
		parts = decompose(r)
	}
	var sequence []replacement
	for _, part := range parts {
		class := uint8(0)
		if t.strip {
			class = combiningClass(part)
			if isMark(part) {
				if class == 0 { // it still parts the marks before it from those behind
					sequence = append(sequence, replacement{part, 0, dropped})
				}
				continue
			}
		}
		for _, char := range t.lowerCase(part) {
			sequence = append(sequence, replacement{char, class, t.wordKind(char, r)})
		}
	}
	return sequence
}

// wordKind returns the kind of a character that came from another.
func (t *charTable) wordKind(char, from rune) kind {
	switch {
	case unicode.Is(unicode.White_Space, char):
		return space
	case isPunctuation(char) || t.isolateCJK && isCJK(from):
		return isolated
	}
	return letter
}

func (t *charTable) lowerCase(r rune) []rune {
	switch {
	case !t.lower:
		return []rune{r}
	case r == 'İ': // the one character whose lower case is two
		return []rune{'i', '\u0307'}
	}
	return []rune{unicode.ToLower(r)}
}

// decompose returns the canonical decomposition of a character.
func decompose(r rune) []rune {
	if !unicode.Is(decomposedSet, r) {
		return []rune{r}
	}
	return []rune(norm.NFD.String(string(r)))
}

// combiningClass returns the key by which NFD sorts the marks behind a character.
func combiningClass(r rune) uint8 {
	if !unicode.Is(decomposedSet, r) {
		return 0
	}
	return norm.NFD.PropertiesString(string(r)).CCC()
}
