package tokenizer

import "fmt"

// state numbers a node of the trie of pieces. The pieces that begin a word hang
// below startState, the others, less their "##", below insideState.
type state uint32

const (
	noState     state = iota
	startState        // at the beginning of a word
	insideState       // just behind a piece
	rootless    state = 1<<32 - 1
)

// trie is a double array: the child of s along a label is the slot
// slots[s].base ^ label if that slot names s as its parent. A step costs one
// slot; as the trie is built level by level, the slots of common pieces are close
// together.
type trie []slot

type slot struct {
	base   uint32
	parent state // noState: the slot is free; rootless: it is a root or no state
}

// next returns the state behind s along label, noState where there is no edge.
func (t trie) next(s state, label byte) state {
	child := state(t[s].base ^ uint32(label))
	if t[child].parent != s {
		return noState
	}
	return child
}

const (
	blockSize = 256
	// maxSlots bounds the memory that a contrived vocabulary can claim. A real one
	// takes about three slots a token.
	maxSlots = 1 << 24
	// maxTries is how often a free slot is tried in vain before it is given up.
	maxTries = 16
)

// packer places the children of states, all of a state's at once, into slots.
// Every slot is tried a bounded number of times, so packing takes linear time.
type packer struct {
	trie
	nextFree []uint32 // by slot: list of the free slots, with taken ones not yet cut out
	tries    []uint8  // by slot
	lastFree uint32
}

func newPacker() *packer {
	p := &packer{}
	p.grow()
	for _, s := range []state{noState, startState, insideState} {
		p.trie[s].parent = rootless
	}
	return p
}

// grow adds a block of free slots to the end of the list. Slot 0, which is never
// free, is the list's head.
func (p *packer) grow() {
	begin := uint32(len(p.trie))
	p.trie = append(p.trie, make([]slot, blockSize)...)
	p.tries = append(p.tries, make([]uint8, blockSize)...)
	for i := range uint32(blockSize) {
		p.nextFree = append(p.nextFree, begin+i+1)
	}
	p.nextFree[begin+blockSize-1] = 0
	if begin > 0 {
		p.nextFree[p.lastFree] = begin
	}
	p.lastFree = begin + blockSize - 1
}

// place gives the parent children along some labels.
func (p *packer) place(parent state, labels []byte) error {
	base, ok := p.find(labels)
	if !ok {
		if len(p.trie) >= maxSlots {
			return fmt.Errorf("tokenizer: the vocabulary's trie needs more than %d slots", maxSlots)
		}
		base = uint32(len(p.trie))
		p.grow()
	}
	p.trie[parent].base = base
	for _, label := range labels {
		p.trie[base^uint32(label)].parent = parent
	}
	return nil
}

// find returns a base with a free slot for every label.
func (p *packer) find(labels []byte) (base uint32, ok bool) {
	previous := uint32(0)
	for s := p.nextFree[0]; s != 0; s = p.nextFree[s] {
		taken := p.trie[s].parent != noState
		if !taken {
			base = s ^ uint32(labels[0])
			if p.fits(base, labels[1:]) {
				return base, true
			}
			p.tries[s]++
		}
		if taken || p.tries[s] == maxTries {
			p.nextFree[previous] = p.nextFree[s]
			if s == p.lastFree {
				p.lastFree = previous
			}
			continue
		}
		previous = s
	}
	return 0, false
}

func (p *packer) fits(base uint32, labels []byte) bool {
	for _, label := range labels {
		if p.trie[base^uint32(label)].parent != noState {
			return false
		}
	}
	return true
}
