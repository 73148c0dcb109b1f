package tasks

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSentimentDeterminism(t *testing.T) {
	a, b := Sentiment(1, 2000), Sentiment(1, 3000)
	if d := cmp.Diff(a, b[:2000]); d != "" {
		t.Errorf("a larger n changes the beginning:\n%s", d)
	}
	if cmp.Equal(a[:20], Sentiment(2, 20)) {
		t.Error("seeds 1 and 2 give the same sentences")
	}
	h := fnv.New64a()
	for _, r := range a {
		fmt.Fprintf(h, "%s\t%d\n", r.Text1, r.Label)
	}
	// Changes with every change of the grammar, and with nothing else.
	if got, want := h.Sum64(), uint64(0x2c6075ff58b6e2e3); got != want {
		t.Errorf("hash of 2,000 sentences is %#x, want %#x", got, want)
	}
}

func TestSentimentShape(t *testing.T) {
	records := Sentiment(3, 20_000)
	words := map[string]bool{}
	var positive, shortest, longest = 0, math.MaxInt, 0
	for _, r := range records {
		fields := strings.Fields(r.Text1)
		shortest, longest = min(shortest, len(fields)), max(longest, len(fields))
		positive += int(r.Label)
		for i, w := range fields {
			words[w] = true
			if w == "a" && strings.ContainsAny(fields[i+1][:1], "aeiou") {
				t.Errorf("%q: a before a vowel", r.Text1)
			}
		}
		if strings.Contains(r.Text1, "|") || strings.Join(fields, " ") != r.Text1 || r.Text2 != "" {
			t.Errorf("%+v: not one space between words", r)
		}
	}
	if share := float64(positive) / float64(len(records)); share < 0.45 || share > 0.55 {
		t.Errorf("%.3f are positive, want 0.45 to 0.55", share)
	}
	if len(words) <= 250 {
		t.Errorf("%d different words, want more than 250", len(words))
	}
	if shortest < 4 || longest > 25 {
		t.Errorf("sentences have %d to %d words, want 4 to 25", shortest, longest)
	}
}

func TestSentimentSplit(t *testing.T) {
	train, dev := SentimentSplit(4, 20_000, 2_000)
	if len(train) != 20_000 || len(dev) != 2_000 {
		t.Fatalf("%d and %d records, want 20000 and 2000", len(train), len(dev))
	}
	seen := map[string]bool{}
	for _, r := range slices.Concat(train, dev) {
		if seen[r.Text1] {
			t.Fatalf("%q occurs twice", r.Text1)
		}
		seen[r.Text1] = true
	}
	for name, part := range map[string][]Record{"train": train, "dev": dev} {
		positive := 0
		for _, r := range part {
			positive += int(r.Label)
		}
		if share := float64(positive) / float64(len(part)); share < 0.45 || share > 0.55 {
			t.Errorf("%s: %.3f are positive, want 0.45 to 0.55", name, share)
		}
	}
}

func TestSentimentVocab(t *testing.T) {
	vocab := SentimentVocab()
	tok := newTokenizer(t, vocab) // which refuses duplicates
	if d := cmp.Diff([]string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, vocab[:5]); d != "" {
		t.Errorf("special tokens (-want +got):\n%s", d)
	}
	task, _ := LookupGLUE("sst2")
	records := Sentiment(6, 20_000)
	examples, err := Encode(tok, records, task, 128)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	words, pieces := 0, 0
	for i, e := range examples {
		for _, id := range e.IDs[1 : len(e.IDs)-1] {
			if count[vocab[id]]++; vocab[id] == "[UNK]" {
				t.Fatalf("%q has an unknown word", records[i].Text1)
			}
			pieces++
		}
		words += len(strings.Fields(records[i].Text1))
	}
	if share := float64(pieces-words) / float64(words); share < 0.02 || share > 0.2 {
		t.Errorf("%.3f pieces more than words, want 0.02 to 0.2 per word", share)
	}
	// Every word and piece of the grammar is used, and no word needs the letters.
	for _, token := range vocab[5:] {
		letter := len(strings.TrimPrefix(token, "##")) == 1
		if continued := strings.HasPrefix(token, "##"); !letter && count[token] == 0 || letter && continued && count[token] > 0 {
			t.Errorf("token %q occurs %d times", token, count[token])
		}
	}
	for _, text := range []string{"Jpqd-0.1: a \"zebra\"? (yes & no)", "x_y [z] @ 50%"} {
		if ids := tok.Encode(text, 64).IDs; slices.Contains(ids, tok.UNK()) {
			t.Errorf("%q has an unknown word", text)
		}
	}
}

// TestSentimentNeedsOrder trains a naive Bayes classifier on the words of a
// sentence, their order left out: it must be better than chance and far from
// what the labels allow.
func TestSentimentNeedsOrder(t *testing.T) {
	train, dev := SentimentSplit(7, 20_000, 3_000)
	var counts [2]map[string]float64
	var totals [2]float64
	for side := range counts {
		counts[side] = map[string]float64{}
	}
	for _, r := range train {
		for w := range strings.FieldsSeq(r.Text1) {
			counts[r.Label][w]++
			totals[r.Label]++
		}
	}
	right := 0
	for _, r := range dev {
		var odds float64 // log of P(sentence | positive) / P(sentence | negative), one added to each count
		for w := range strings.FieldsSeq(r.Text1) {
			odds += math.Log((counts[1][w] + 1) / totals[1] * totals[0] / (counts[0][w] + 1))
		}
		if (odds > 0) == (r.Label == 1) {
			right++
		}
	}
	accuracy := float64(right) / float64(len(dev))
	t.Logf("naive Bayes: accuracy %.3f", accuracy)
	if accuracy < 0.6 || accuracy > 0.8 {
		t.Errorf("naive Bayes is right in %.3f, want 0.6 to 0.8", accuracy)
	}
}
