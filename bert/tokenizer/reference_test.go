package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reference tokenizes pass by pass and looks pieces up from the longest down, as
// transformers' BasicTokenizer and WordpieceTokenizer do. It shares only the
// character classes with Tokenizer.
type reference struct {
	ids    map[string]int32
	config Config
}

func newReference(t *Tokenizer) *reference { return &reference{t.ids, t.config} }

// char is a normalised character and where it came from.
type char struct {
	r    rune
	from span
}

func (r *reference) tokenize(text string) (tokens []Token) {
	begin := 0
	for at := 0; at < len(text); {
		special := r.specialAt(text[at:])
		if special == "" {
			at++
			continue
		}
		tokens = r.tokenizeSegment(tokens, text, span{begin, at})
		begin = at + len(special)
		tokens = append(tokens, Token{r.ids[special], at, begin})
		at = begin
	}
	return r.tokenizeSegment(tokens, text, span{begin, len(text)})
}

// specialAt returns the longest special token that text begins with.
func (r *reference) specialAt(text string) (longest string) {
	for _, special := range r.config.specialTokens() {
		if strings.HasPrefix(text, *special.content) && len(*special.content) > len(longest) {
			longest = *special.content
		}
	}
	return longest
}

func (r *reference) tokenizeSegment(tokens []Token, text string, segment span) []Token {
	for _, word := range splitPunctuation(splitSpaces(r.normalize(text, segment))) {
		tokens = append(tokens, r.wordPieces(word)...)
	}
	return tokens
}

func (r *reference) normalize(text string, segment span) []char {
	chars := clean(text, segment)
	if r.config.TokenizeChineseChars {
		chars = spaceCJK(chars)
	}
	if r.config.stripAccents() {
		chars = strip(chars)
	}
	if r.config.DoLowerCase {
		chars = lowerCase(chars)
	}
	return chars
}

func clean(text string, segment span) (chars []char) {
	for at := segment.start; at < segment.end; {
		r, size := utf8.DecodeRuneInString(text[at:segment.end])
		switch {
		case isRemoved(r):
		case unicode.Is(unicode.White_Space, r):
			chars = append(chars, char{' ', span{at, at + size}})
		default:
			chars = append(chars, char{r, span{at, at + size}})
		}
		at += size
	}
	return chars
}

func spaceCJK(chars []char) (spaced []char) {
	for _, c := range chars {
		if isCJK(c.r) {
			spaced = append(spaced, char{' ', c.from}, c, char{' ', c.from})
		} else {
			spaced = append(spaced, c)
		}
	}
	return spaced
}

// strip decomposes, sorts each run of combining characters and drops the marks.
func strip(chars []char) (stripped []char) {
	var decomposed []char
	for _, c := range chars {
		for _, r := range decompose(c.r) {
			decomposed = append(decomposed, char{r, c.from})
		}
	}
	isCombining := func(c char) bool { return combiningClass(c.r) > 0 }
	for len(decomposed) > 0 {
		starters := slices.IndexFunc(decomposed, isCombining)
		if starters < 0 {
			starters = len(decomposed)
		}
		stripped = append(stripped, withoutMarks(decomposed[:starters])...)
		decomposed = decomposed[starters:]
		end := slices.IndexFunc(decomposed, func(c char) bool { return !isCombining(c) })
		if end < 0 {
			end = len(decomposed)
		}
		run := withoutMarks(decomposed[:end])
		sorted := slices.Clone(run)
		slices.SortStableFunc(sorted, func(a, b char) int { return int(combiningClass(a.r)) - int(combiningClass(b.r)) })
		for i := range run { // spans keep the order of the text
			stripped = append(stripped, char{sorted[i].r, run[i].from})
		}
		decomposed = decomposed[end:]
	}
	return stripped
}

func withoutMarks(chars []char) (kept []char) {
	for _, c := range chars {
		if !isMark(c.r) {
			kept = append(kept, c)
		}
	}
	return kept
}

func lowerCase(chars []char) (lowered []char) {
	for _, c := range chars {
		for _, r := range strings.ToLowerSpecial(unicode.SpecialCase{}, string(c.r)) {
			lowered = append(lowered, char{r, c.from})
		}
		if c.r == 'İ' {
			lowered[len(lowered)-1].r = 'i'
			lowered = append(lowered, char{'\u0307', c.from})
		}
	}
	return lowered
}

func splitSpaces(chars []char) (words [][]char) {
	var word []char
	for _, c := range append(chars, char{r: ' '}) {
		if !unicode.Is(unicode.White_Space, c.r) {
			word = append(word, c)
		} else if len(word) > 0 {
			words = append(words, word)
			word = nil
		}
	}
	return words
}

func splitPunctuation(words [][]char) (parts [][]char) {
	for _, word := range words {
		begin := true
		for _, c := range word {
			switch {
			case isPunctuation(c.r):
				parts = append(parts, []char{c})
			case begin:
				parts = append(parts, []char{c})
			default:
				parts[len(parts)-1] = append(parts[len(parts)-1], c)
			}
			begin = isPunctuation(c.r)
		}
	}
	return parts
}

func (r *reference) wordPieces(word []char) []Token {
	unknown := []Token{{r.ids[r.config.UnkToken], word[0].from.start, word[len(word)-1].from.end}}
	if len(word) > 100 {
		return unknown
	}
	var tokens []Token
	for start := 0; start < len(word); {
		end := len(word)
		for ; end > start; end-- {
			piece := textOf(word[start:end])
			if start > 0 {
				piece = "##" + piece
			}
			if id, ok := r.ids[piece]; ok {
				tokens = append(tokens, Token{id, word[start].from.start, word[end-1].from.end})
				break
			}
		}
		if end == start {
			return unknown
		}
		start = end
	}
	return tokens
}

func textOf(chars []char) string {
	var text strings.Builder
	for _, c := range chars {
		text.WriteRune(c.r)
	}
	return text.String()
}
