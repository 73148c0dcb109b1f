package tokenizer

import (
	"unicode"

	"golang.org/x/text/unicode/rangetable"
)

// The characters that BertTokenizerFast knows: to classify and to decompose.
var (
	classifiedSet = rangetable.Assigned("8.0.0")
	decomposedSet = rangetable.Assigned("12.0.0")
)

// recategorised holds the characters of Unicode 8.0 whose category is another in
// the tables of package unicode.
var recategorised = map[rune]struct{ mark, punctuation bool }{
	'\u166d':     {punctuation: true}, // CANADIAN SYLLABICS CHI SIGN, now So
	'\u1734':     {mark: true},        // HANUNOO SIGN PAMUDPOD, now Mc
	'\u1885':     {},                  // MONGOLIAN LETTER ALI GALI BALUDA, now Mn
	'\u1886':     {},                  // MONGOLIAN LETTER ALI GALI THREE BALUDA, now Mn
	'\ua9bd':     {},                  // JAVANESE CONSONANT SIGN KERET, now Mn
	'\U000111c9': {punctuation: true}, // SHARADA SANDHI MARK, now Mn
}

// isRemoved reports whether text is cleaned of a character: controls other than
// tab and line ends, formats, private use, and what stands for a broken byte.
func isRemoved(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case 0, unicode.ReplacementChar:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Co) || unicode.Is(unicode.Cf, r) && unicode.Is(classifiedSet, r)
}

// isMark reports whether a character is a nonspacing mark (Mn).
func isMark(r rune) bool {
	if category, ok := recategorised[r]; ok {
		return category.mark
	}
	return unicode.Is(unicode.Mn, r) && unicode.Is(classifiedSet, r)
}

// isPunctuation reports whether a character is punctuation (P) or one of ASCII
// that is neither letter nor digit, space nor control.
func isPunctuation(r rune) bool {
	if category, ok := recategorised[r]; ok {
		return category.punctuation
	}
	switch {
	case r >= '!' && r <= '/', r >= ':' && r <= '@', r >= '[' && r <= '`', r >= '{' && r <= '~':
		return true
	}
	return unicode.Is(unicode.P, r) && unicode.Is(classifiedSet, r)
}

// isCJK reports whether a character is an ideograph of one of the blocks that
// BertTokenizerFast isolates. It begins extension E at U+2B920, where Unicode and
// the tokenizers in Python begin it at U+2B820.
func isCJK(r rune) bool {
	switch {
	case r >= 0x4E00 && r <= 0x9FFF,
		r >= 0x3400 && r <= 0x4DBF,
		r >= 0x20000 && r <= 0x2A6DF,
		r >= 0x2A700 && r <= 0x2B81F,
		r >= 0x2B920 && r <= 0x2CEAF,
		r >= 0xF900 && r <= 0xFAFF,
		r >= 0x2F800 && r <= 0x2FA1F:
		return true
	}
	return false
}
