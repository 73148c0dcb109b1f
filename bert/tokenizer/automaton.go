package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	continuation = "##" // begins the pieces that do not begin a word
	maxRunes     = 100  // max_input_chars_per_word
)

// automaton is a trie with failure links that finds the greedy longest-match
// split of a word in one pass over its bytes (Song et al., Fast WordPiece
// Tokenization, 2021, "LinMaxMatch").
//
// A state is the text read since the last piece that is settled. If no edge leads
// on from it, then the split of that text begins with certain pieces whatever
// follows, and what remains is the text of another state.
type automaton struct {
	trie  trie
	links []link // by state
	pops  []pop  // what the links settle
}

// pop is a piece that is settled.
type pop struct {
	id    int32
	runes int32 // its characters, less "##"
}

// link is what happens where no edge leads on from a state.
type link struct {
	fail state // the state of what remains; noState: the word cannot be split
	pops uint32
}

// A link's pops are the position of its pieces in automaton.pops and, in the low
// popsBits, their number: at most one a character.
const popsBits = 7

// maxPops bounds automaton.pops, which has fewer entries than states for a real
// vocabulary but can grow with the square of the length of contrived pieces.
const maxPops = 1 << (32 - popsBits)

func (a *automaton) popsOf(s state) []pop {
	pops := a.links[s].pops
	return a.pops[pops>>popsBits:][:pops&(1<<popsBits-1)]
}

// piece is an entry of the vocabulary as the trie holds it.
type piece struct {
	text string // less "##"
	pop
}

func newAutomaton(vocab []string) (*automaton, error) {
	var starting, inside []piece
	for id, token := range vocab {
		text, isInside := strings.CutPrefix(token, continuation)
		n := utf8.RuneCountInString(text)
		if n == 0 || n > maxRunes {
			continue // no word has such a part
		}
		p := piece{text, pop{int32(id), int32(n)}}
		if isInside {
			inside = append(inside, p)
		} else {
			starting = append(starting, p)
		}
	}
	b := builder{packer: newPacker()}
	if err := b.build(starting, inside); err != nil {
		return nil, err
	}
	b.automaton.trie = slices.Clip(b.packer.trie)
	return &b.automaton, nil
}

// builder makes the states level by level, so that the failure link of a new
// state, which has read less text since its last piece, leads to a finished one.
type builder struct {
	*packer
	automaton
	labels []byte // scratch
}

// prefix is a state and the pieces, sorted, that begin with its text.
type prefix struct {
	state  state
	pieces []piece
}

func (b *builder) build(starting, inside []piece) error {
	for _, pieces := range [][]piece{starting, inside} {
		slices.SortFunc(pieces, func(a, b piece) int { return strings.Compare(a.text, b.text) })
	}
	level := []prefix{{startState, starting}, {insideState, inside}}
	for depth := 0; len(level) > 0; depth++ {
		var next []prefix
		for _, parent := range level {
			var err error
			if next, err = b.addChildren(next, parent, depth); err != nil {
				return err
			}
		}
		level = next
	}
	b.growLinks()
	return nil
}

// addChildren adds the states one byte, at the given depth, beyond a prefix to the
// automaton and, where pieces go further still, to next.
func (b *builder) addChildren(next []prefix, parent prefix, depth int) ([]prefix, error) {
	pieces := parent.pieces
	if len(pieces) > 0 && len(pieces[0].text) == depth {
		pieces = pieces[1:] // the piece that ends here
	}
	if len(pieces) == 0 {
		return next, nil
	}
	b.labels = b.labels[:0]
	for i, p := range pieces {
		if label := p.text[depth]; i == 0 || label != pieces[i-1].text[depth] {
			b.labels = append(b.labels, label)
		}
	}
	if err := b.place(parent.state, b.labels); err != nil {
		return nil, err
	}
	b.growLinks()
	for _, label := range b.labels {
		end := 1
		for end < len(pieces) && pieces[end].text[depth] == label {
			end++
		}
		child := b.packer.next(parent.state, label)
		b.link(child, parent.state, label, pieces[0], depth+1)
		if len(b.automaton.pops) >= maxPops {
			return nil, fmt.Errorf("tokenizer: the vocabulary's failure links settle more than %d pieces", maxPops)
		}
		next = append(next, prefix{child, pieces[:end]})
		pieces = pieces[end:]
	}
	return next, nil
}

func (b *builder) growLinks() {
	b.links = append(b.links, make([]link, len(b.packer.trie)-len(b.links))...)
}

// link sets what happens where no edge leads on from a child of parent along a
// label. first is the first piece that begins with the child's text, of the given
// length.
func (b *builder) link(child, parent state, label byte, first piece, length int) {
	begin := len(b.pops)
	if len(first.text) == length {
		b.pops = append(b.pops, first.pop)
		b.setLink(child, insideState, begin)
		return
	}
	b.pops = append(b.pops, b.popsOf(parent)...)
	for z := b.links[parent].fail; z != noState; z = b.links[z].fail {
		if next := b.packer.next(z, label); next != noState {
			b.setLink(child, next, begin)
			return
		}
		b.pops = append(b.pops, b.popsOf(z)...)
	}
	b.pops = b.pops[:begin] // the word cannot be split
}

func (b *builder) setLink(s, fail state, begin int) {
	b.links[s] = link{fail, uint32(begin)<<popsBits | uint32(len(b.pops)-begin)}
}
