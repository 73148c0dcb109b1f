package jpqd

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Masking hides tokens of sequences, for masked language modelling (Devlin et
// al. 2019): 80% of the chosen ones become the mask token, 10% any token, 10%
// stay as they are, and the model has to tell all of them.
type Masking struct {
	Probability float64 // of a token to be chosen: mlm_probability
	WholeWords  bool    // words are chosen, all pieces of each (whole_word_mask)
	Mask        int32   // id of the mask token
	Vocabulary  int     // ids below are those of tokens
	Special     []bool  // by id: never chosen, for it is no part of the text
	Continues   []bool  // by id: a piece that continues a word; for WholeWords
}

// maxWholeWords is the number of pieces of whole words that are hidden in one
// sequence at most, transformers' max_predictions.
const maxWholeWords = 512

// Validate tells what is wrong with the values.
func (m *Masking) Validate() error {
	switch {
	case !(m.Probability > 0 && m.Probability <= 1):
		return fmt.Errorf("--mlm_probability: found %v, want above 0 and at most 1", m.Probability)
	case m.Vocabulary < 1 || m.Mask < 0 || int(m.Mask) >= m.Vocabulary:
		return fmt.Errorf("mask token: found id %d, want one of a vocabulary of %d tokens", m.Mask, m.Vocabulary)
	case len(m.Special) != m.Vocabulary || len(m.Continues) != m.Vocabulary:
		return fmt.Errorf("masking: found %d and %d ids in Special and Continues, want the vocabulary's %d", len(m.Special), len(m.Continues), m.Vocabulary)
	}
	return nil
}

// String is what a resumed run compares. A nil Masking gives "".
func (m *Masking) String() string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf("mlm_probability %v, whole_word_mask %t", m.Probability, m.WholeWords)
}

// hiding is the memory of hide.
type hiding struct {
	source rand.PCG
	words  []int32 // first place of each word
	places []int32 // chosen, in the whole batch
	labels []int32 // the tokens that were there
}

func (h *hiding) reset() { h.places, h.labels = h.places[:0], h.labels[:0] }

// hide chooses tokens of one sequence, changes ids, and appends to places and
// labels; at is the place of its first token in the batch. What it does is a
// function of the seed, the epoch and the sequence's number.
func (m *Masking) hide(h *hiding, seed, epoch, number uint64, at int, ids []int32) {
	h.source.Seed(mix(mix(seed)^epoch), mix(number))
	first := len(h.places)
	if m.WholeWords {
		m.chooseWords(h, at, ids)
		slices.Sort(h.places[first:])
	} else {
		for i, id := range ids {
			if m.hideable(id) && h.float() < m.Probability {
				h.places = append(h.places, int32(at+i))
			}
		}
	}
	for _, place := range h.places[first:] {
		id := &ids[int(place)-at]
		h.labels = append(h.labels, *id)
		switch u := h.float(); {
		case u < 0.8:
			*id = m.Mask
		case u < 0.9:
			*id = int32(h.below(m.Vocabulary))
		}
	}
}

// hideable says whether a token may be chosen. One outside of the vocabulary
// may not; the model refuses the batch.
func (m *Masking) hideable(id int32) bool {
	return id >= 0 && int(id) < m.Vocabulary && !m.Special[id]
}

// chooseWords is transformers' DataCollatorForWholeWordMask: words in random
// order until as many pieces are chosen as Probability wants of the sequence's
// tokens, one at least; a word that would be too many is passed over.
func (m *Masking) chooseWords(h *hiding, at int, ids []int32) {
	h.words = h.words[:0]
	for i, id := range ids {
		if m.hideable(id) && (!m.Continues[id] || i == 0 || !m.hideable(ids[i-1])) {
			h.words = append(h.words, int32(i))
		}
	}
	wanted := min(maxWholeWords, max(1, int(math.RoundToEven(float64(len(ids))*m.Probability))))
	for n := len(h.words); n > 0 && wanted > 0; n-- {
		k := h.below(n)
		from := int(h.words[k])
		h.words[k] = h.words[n-1]
		end := from + 1
		for end < len(ids) && m.hideable(ids[end]) && m.Continues[ids[end]] {
			end++
		}
		if end-from > wanted {
			continue
		}
		wanted -= end - from
		for i := from; i < end; i++ {
			h.places = append(h.places, int32(at+i))
		}
	}
}

// float is uniform in [0, 1).
func (h *hiding) float() float64 { return float64(h.source.Uint64()>>11) * 0x1p-53 }

// below is uniform in 0 … n−1, but for a bias of n/2⁶⁴.
func (h *hiding) below(n int) int {
	hi, _ := bits.Mul64(h.source.Uint64(), uint64(n))
	return int(hi)
}

// mix spreads the bits of a small number (SplitMix64, Steele et al. 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
