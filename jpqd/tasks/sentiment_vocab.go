package tasks

import (
	"maps"
	"slices"
	"strings"
)

// grammarPhrases are the words that the grammar writes beside those of its lists.
const grammarPhrases = `a an the i it its this that is did not does never nobody in my family we really and , ; . !
	despite for all although even though while if in spite of but still yet called found only expected got one
	more less than only were with another would be what of hardly anything was`

// SentimentVocab is a WordPiece vocabulary for [Sentiment]: the special tokens
// of BERT, then letters, digits and marks, alone and as continuations, so that
// anything written in them can be spelt; then the grammar's words and, of the
// words that it splits, the pieces.
func SentimentVocab() []string {
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	const spelling = "abcdefghijklmnopqrstuvwxyz0123456789!\"#$%&'()*+,-./:;<=>?@[]_"
	for _, c := range spelling {
		vocab = append(vocab, string(c))
	}
	for _, c := range spelling[:36] {
		vocab = append(vocab, "##"+string(c))
	}
	pieces := make(map[string]bool)
	for _, word := range sentimentWords() {
		first, rest, _ := strings.Cut(word, "|")
		pieces[first] = true
		for piece := range strings.SplitSeq(rest, "|") {
			if piece != "" {
				pieces["##"+piece] = true
			}
		}
	}
	for _, token := range vocab {
		delete(pieces, token)
	}
	return append(vocab, slices.Sorted(maps.Keys(pieces))...)
}

// sentimentWords are the words of the grammar, with bars where they are split.
func sentimentWords() []string {
	var words []string
	add := func(entries ...string) {
		for _, e := range entries {
			words = append(words, strings.Fields(e)...)
		}
	}
	add(grammarPhrases)
	for _, d := range domains {
		add(d.things...)
		add(d.aspects...)
	}
	for side := range 2 {
		add(adjectives[side].mild...)
		add(adjectives[side].strong...)
		add(nouns[side]...)
		for _, v := range opinionVerbs[side] {
			add(v.past, v.base)
		}
		for _, e := range effects[side] {
			add(e.third, e.base)
		}
	}
	for _, l := range [][]string{copulas, intensifiers, adverbs, hedges, neutral, people, negations, affirmations, wishes, openings, closings} {
		add(l...)
	}
	return words
}
