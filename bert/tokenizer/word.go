package tokenizer

import "unicode/utf8"

// span is a range of the text's bytes.
type span struct{ start, end int }

// word is a word being read: its normalised text and where that came from.
type word struct {
	text   [utf8.UTFMax * maxRunes]byte
	length int            // of text
	spans  [maxRunes]span // by normalised character: the one it came from
	runes  int            // normalised characters, those of a word too long counted but not kept
	end    int            // of the last
	run    int            // in text: marks before it are not moved
}

func (w *word) reset() { w.length, w.runes, w.run = 0, 0, 0 }

func (w *word) addByte(b byte, at int) {
	if w.runes < maxRunes {
		w.text[w.length] = b
		w.length++
		w.spans[w.runes] = span{at, at + 1}
	}
	w.runes++
	w.end = at + 1
}

func (w *word) addChar(r rune, from span) {
	if w.runes < maxRunes {
		w.length += utf8.EncodeRune(w.text[w.length:][:utf8.UTFMax], r)
		w.spans[w.runes] = from
	}
	w.runes++
	w.end = from.end
}

// addMark adds a character behind those of its combining class or a lower one, as
// NFD orders them. The spans stay in the order of the text.
func (w *word) addMark(r rune, class uint8, from span) {
	at, end := w.length, w.length
	for at > w.run {
		previous, size := utf8.DecodeLastRune(w.text[w.run:at])
		if combiningClass(previous) <= class {
			break
		}
		at -= size
	}
	w.addChar(r, from)
	if size := w.length - end; size > 0 && at < end {
		copy(w.text[at+size:], w.text[at:end])
		utf8.EncodeRune(w.text[at:at+size], r)
	}
}

// split appends the pieces of a word and returns the number of failure links it
// followed, at most one a byte, or false where the word has no split.
func (a *automaton) split(dst []Token, w *word) (tokens []Token, failures int, ok bool) {
	s, settled := startState, 0
	for _, b := range w.text[:w.length] {
		next := a.trie.next(s, b)
		for next == noState {
			failures++
			fail := a.links[s].fail
			if fail == noState {
				return dst, failures, false
			}
			dst, settled = a.settle(dst, w, s, settled)
			s = fail
			next = a.trie.next(s, b)
		}
		s = next
	}
	for s != insideState {
		failures++
		fail := a.links[s].fail
		if fail == noState {
			return dst, failures, false
		}
		dst, settled = a.settle(dst, w, s, settled)
		s = fail
	}
	return dst, failures, true
}

// settle appends the pieces of a state's link to those of the settled characters.
func (a *automaton) settle(dst []Token, w *word, s state, settled int) ([]Token, int) {
	for _, piece := range a.popsOf(s) {
		first := settled
		settled += int(piece.runes)
		dst = append(dst, Token{piece.id, w.spans[first].start, w.spans[settled-1].end})
	}
	return dst, settled
}
