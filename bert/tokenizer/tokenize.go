package tokenizer

import "unicode/utf8"

// Tokenize appends the tokens of a text to dst and returns it. It adds no special
// tokens, but recognises those that the text holds. Offsets count bytes of text.
// Characters that come to nothing belong to a token only if they stand between
// two that it is made of; pieces of one character have the same offsets. (These
// are Hugging Face's offsets unless a spacing mark moves in canonical order: then
// theirs name a character beside it.)
func (t *Tokenizer) Tokenize(dst []Token, text string) []Token {
	var w word
	for i := 0; i < len(text); {
		b := t.chars.bytes[text[i]]
		if b < utf8.RuneSelf {
			w.addByte(b, i)
			i++
			continue
		}
		switch kind(b &^ 0x80) {
		case space:
			dst = t.endWord(dst, &w)
			i++
		case isolated:
			dst = t.endWord(dst, &w)
			w.addByte(text[i], i)
			dst = t.endWord(dst, &w)
			i++
		case special:
			if id, n, ok := t.special(text[i:]); ok {
				dst = t.endWord(dst, &w)
				dst = append(dst, Token{id, i, i + n})
				i += n
				continue
			}
			fallthrough
		default:
			var size int
			dst, size = t.readChar(dst, &w, text, i)
			i += size
		}
	}
	return t.endWord(dst, &w)
}

// readChar reads the character of the text that begins at byte i.
func (t *Tokenizer) readChar(dst []Token, w *word, text string, i int) ([]Token, int) {
	r, size := utf8.DecodeRuneInString(text[i:])
	from := span{i, i + size}
	p := t.chars.page(r)
	switch e := p.entries[r%pageSize]; e.kind() {
	case letter:
		w.addChar(e.char(), from)
	case several:
		for _, part := range e.sequence(p) {
			dst = t.readPart(dst, w, part, from)
		}
	case dropped:
	default:
		dst = t.readPart(dst, w, replacement{char: e.char(), kind: e.kind()}, from)
	}
	return dst, size
}

func (t *Tokenizer) readPart(dst []Token, w *word, part replacement, from span) []Token {
	switch part.kind {
	case letter:
		if part.class == 0 {
			w.addChar(part.char, from)
		} else {
			w.addMark(part.char, part.class, from)
		}
	case dropped:
		w.run = w.length
	case space:
		dst = t.endWord(dst, w)
	case isolated:
		dst = t.endWord(dst, w)
		w.addChar(part.char, from)
		dst = t.endWord(dst, w)
	}
	return dst
}

// endWord appends the pieces of the word read, if there is one, and empties it.
func (t *Tokenizer) endWord(dst []Token, w *word) []Token {
	if w.runes > 0 {
		dst = t.appendPieces(dst, w)
	}
	w.reset()
	return dst
}

func (t *Tokenizer) appendPieces(dst []Token, w *word) []Token {
	if w.runes <= maxRunes {
		tokens, _, ok := t.pieces.split(dst, w)
		if ok {
			return tokens
		}
		dst = tokens[:len(dst)] // keeps what it may have grown
	}
	return append(dst, Token{t.unk, w.spans[0].start, w.end})
}
