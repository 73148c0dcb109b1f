package jpqd

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// testMasking is of a vocabulary of n tokens: 0 to 3 are special, those of the
// upper half continue words.
func testMasking(n int) *Masking {
	m := &Masking{Probability: 0.15, Mask: 3, Vocabulary: n, Special: make([]bool, n), Continues: make([]bool, n)}
	for i := range n {
		m.Special[i], m.Continues[i] = i < 4, i >= n/2
	}
	return m
}

// testText is [CLS] (1), l tokens that are not special, and [SEP] (2).
func testText(l int) []int32 {
	ids := []int32{1}
	for i := range l {
		ids = append(ids, int32(4+i*7%996))
	}
	return append(ids, 2)
}

// Of the chosen tokens 80% are masked, 10% replaced and 10% left; special ones
// are never chosen.
func TestMaskingShares(t *testing.T) {
	m := testMasking(1000)
	var h hiding
	tokens, chosen, masked, kept, other := 0, 0, 0, 0, 0
	drawn := map[int32]int{}
	for n := range uint64(2000) {
		was := testText(126)
		ids := slices.Clone(was)
		h.reset()
		m.hide(&h, 42, 1, n, 0, ids)
		tokens += 126
		chosen += len(h.places)
		hidden := map[int]bool{}
		for i, at := range h.places {
			hidden[int(at)] = true
			if h.labels[i] != was[at] || m.Special[was[at]] {
				t.Fatalf("place %d: label %d, want the token %d, and no special one", at, h.labels[i], was[at])
			}
			switch ids[at] {
			case m.Mask:
				masked++
			case was[at]:
				kept++
			default:
				other++
				drawn[ids[at]]++
			}
		}
		for i := range ids {
			if !hidden[i] && ids[i] != was[i] {
				t.Fatalf("place %d changed and was not chosen", i)
			}
		}
	}
	for name, c := range map[string]struct{ share, want float64 }{
		"chosen": {float64(chosen) / float64(tokens), 0.15},
		"masked": {float64(masked) / float64(chosen), 0.8},
		"other":  {float64(other) / float64(chosen), 0.1},
		"kept":   {float64(kept) / float64(chosen), 0.1},
	} {
		if math.Abs(c.share-c.want) > 0.01 {
			t.Errorf("%s: %.4f, want %.2f", name, c.share, c.want)
		}
	}
	if len(drawn) < 950 {
		t.Errorf("only %d of 1000 tokens replace others", len(drawn))
	}
}

// Masks are a function of the seed, the epoch and the sequence's number alone.
func TestMaskingIsAFunction(t *testing.T) {
	for _, whole := range []bool{false, true} {
		m := testMasking(1000)
		m.WholeWords = whole
		draw := func(seed, epoch, number uint64, at int) []int32 {
			var h hiding
			ids := testText(126)
			m.hide(&h, seed, epoch, number, at, ids)
			for i := range h.places {
				h.places[i] -= int32(at)
			}
			return append(ids, h.places...)
		}
		first := draw(1, 1, 1, 0)
		if !slices.Equal(first, draw(1, 1, 1, 500)) {
			t.Error("the place in the batch changes the mask")
		}
		for _, other := range [][]int32{draw(2, 1, 1, 0), draw(1, 2, 1, 0), draw(1, 1, 2, 0), draw(1, 0, 1, 0)} {
			if slices.Equal(first, other) {
				t.Error("another seed, epoch or number gives the same mask")
			}
		}
	}
}

// Whole words are chosen with all of their pieces, and as many pieces as the
// probability wants, or fewer by a word that does not fit in.
func TestWholeWordMasking(t *testing.T) {
	m := testMasking(1000)
	m.WholeWords = true
	var h hiding
	total := 0
	for n := range uint64(500) {
		ids := testText(126)
		was := slices.Clone(ids)
		h.reset()
		m.hide(&h, 42, 1, n, 0, ids)
		hidden := make([]bool, len(ids))
		for _, at := range h.places {
			if hidden[at] {
				t.Fatal("a place was chosen twice")
			}
			hidden[at] = true
		}
		for i := 2; i < len(ids)-1; i++ {
			if m.Continues[was[i]] && hidden[i] != hidden[i-1] {
				t.Fatalf("sequence %d: places %d and %d are of one word, and one of them is hidden", n, i-1, i)
			}
		}
		total += len(h.places)
		if len(h.places) > 19 || len(h.places) == 0 { // 0.15 · 128 = 19.2
			t.Fatalf("%d places are hidden, want 1 to 19", len(h.places))
		}
	}
	// Words of up to three pieces may be too long for the last places, so 18 is little.
	if mean := float64(total) / 500; mean < 17 {
		t.Errorf("%.2f places are hidden on average, want nearly 19", mean)
	}
	// One word is hidden of the shortest text, if there is one.
	h.reset()
	if m.hide(&h, 42, 1, 0, 0, []int32{1, 20, 2}); len(h.places) != 1 {
		t.Errorf("%d places of a text of one word are hidden, want 1", len(h.places))
	}
	h.reset()
	if m.hide(&h, 42, 1, 0, 0, []int32{1, 2}); len(h.places) != 0 {
		t.Errorf("%d places of an empty text are hidden, want none", len(h.places))
	}
}

func TestMaskingErrors(t *testing.T) {
	for want, change := range map[string]func(*Masking){
		"--mlm_probability: found 0, want above 0":    func(m *Masking) { m.Probability = 0 },
		"--mlm_probability: found 1.5, want above 0":  func(m *Masking) { m.Probability = 1.5 },
		"--mlm_probability: found NaN, want above 0":  func(m *Masking) { m.Probability = math.NaN() },
		"mask token: found id 9, want one of":         func(m *Masking) { m.Mask = 9 },
		"masking: found 1 and 9 ids":                  func(m *Masking) { m.Special = m.Special[:1] },
		"masking: found 9 and 2 ids in Special and C": func(m *Masking) { m.Continues = m.Continues[:2] },
	} {
		m := testMasking(9)
		change(m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
