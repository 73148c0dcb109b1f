package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// texts draws texts in which whatever the tokenizer knows is frequent.
func texts(specials ...string) *rapid.Generator[string] {
	fragments := append([]string{
		"the", "hello", "un", "able", "ff", "abcd", "x", "q", " ", "\t", "\n", "\u00a0", "\u2028", "\u3000",
		"!", "#", "##", "[", "]", "—", "\u037e", "\u2260", "\u2000",
		"\u0301", "\u0323", "\u0344", "\u0488", "\u094d", "\u1b44", "\u302e", "\U0001d165", "\u08d4", "\U00011938",
		"\u200b", "\u00ad", "\x00", "\x01", "\ufffd", "\xff", "\xe4\xb8", "\ue000", "\u0378",
		"中", "\uf900", "\U0002b820", "\U0002b920", "한", "\u1112", "\u1161", "が", "👍", "🧑\u200d🚀",
		"É", "ǅ", "İ", "ß", "ẞ", "Σ", "ς", "Å", "K", "мир",
	}, specials...)
	return rapid.Custom(func(t *rapid.T) string {
		var text strings.Builder
		for range rapid.IntRange(0, 20).Draw(t, "fragments") {
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				text.WriteRune(rapid.Rune().Draw(t, "rune"))
			case 1:
				fragment := rapid.SampledFrom([]string{"a", "é", "e\u0301", "한"}).Draw(t, "repeated")
				text.WriteString(strings.Repeat(fragment, rapid.IntRange(30, 102).Draw(t, "times")))
			default:
				text.WriteString(rapid.SampledFrom(fragments).Draw(t, "fragment"))
			}
		}
		return text.String()
	})
}

// checkTokens compares with the reference and checks what holds for any text.
func checkTokens(t rapid.TB, tokenizer *Tokenizer, text string) {
	t.Helper()
	reference := newReference(tokenizer)
	tokens := tokenizer.Tokenize(nil, text)
	if diff := cmp.Diff(reference.tokenize(text), tokens); diff != "" {
		t.Fatalf("%+q: -reference +got\n%s", text, diff)
	}
	last := span{}
	for i, token := range tokens {
		if token.Start < last.start || token.End < last.end || token.Start >= token.End || token.End > len(text) {
			t.Fatalf("%+q: token %d is %v behind %v in %d bytes", text, i, token, last, len(text))
		}
		if token.Start < last.end && token.Start != last.start && tokens[i-1].End != token.Start {
			checkShared(t, text, span{token.Start, last.end})
		}
		last = span{token.Start, token.End}
		checkSlice(t, reference, text, tokenizer, token)
	}
}

// checkShared checks that the bytes that two tokens share are one character.
func checkShared(t rapid.TB, text string, shared span) {
	t.Helper()
	if n := utf8.RuneCountInString(text[shared.start:shared.end]); n != 1 {
		t.Fatalf("%+q: two tokens share %d characters", text, n)
	}
}

// checkSlice checks that the text of a token, normalised, is its piece, or holds
// it where characters that fall into several begin or end the piece.
func checkSlice(t rapid.TB, r *reference, text string, tokenizer *Tokenizer, token Token) {
	t.Helper()
	piece := tokenizer.Token(token.ID)
	slice := text[token.Start:token.End]
	if token.ID == tokenizer.UNK() || piece == slice {
		return
	}
	piece = strings.TrimPrefix(piece, continuation)
	normalised := strings.ReplaceAll(textOf(r.normalize(text, span{token.Start, token.End})), " ", "")
	if !strings.Contains(normalised, piece) {
		t.Fatalf("%+q: %v is %q of %+q, which is normalised to %+q", text, token, piece, slice, normalised)
	}
}

func TestTokenizeLikeReference(t *testing.T) {
	configs := namedConfigs()
	special := DefaultConfig() // special tokens that are words and begin one another
	special.SepToken, special.MaskToken = "the", "them"
	configs["words"] = special
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		config := configs[name]
		t.Run(name, func(t *testing.T) {
			tokenizer := mustNew(t, append(smallVocab(), "them"), config)
			rapid.Check(t, func(t *rapid.T) {
				checkTokens(t, tokenizer, texts("[SEP]", "[MASK]", "[CLS", "them").Draw(t, "text"))
			})
		})
	}
}

func FuzzTokenize(f *testing.F) {
	for _, text := range []string{
		"Hello, World!", "naïve the\u0301 \u0301", "[SEP]the [MASK", "中文 한국 の", "İ ß ΟΔΟΣ", "\xff\xe4\xb8 \x00\u200b",
		strings.Repeat("a", 101), "a\u302e\u1b44\u0323b", "un##able",
	} {
		f.Add(text, uint8(0))
	}
	names := slices.Sorted(maps.Keys(namedConfigs()))
	var tokenizers []*Tokenizer
	for _, name := range names {
		tokenizers = append(tokenizers, mustNew(f, smallVocab(), namedConfigs()[name]))
	}
	f.Fuzz(func(t *testing.T, text string, config uint8) {
		checkTokens(t, tokenizers[int(config)%len(tokenizers)], text)
	})
}

// TestSplitLikeReference splits words of two letters into random pieces, so that
// readings are given up often, and counts the failure links.
func TestSplitLikeReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
		pieces := rapid.SliceOfNDistinct(rapid.StringMatching(`(##)?[ab]{1,6}`), 1, 12, rapid.ID).Draw(t, "pieces")
		tokenizer, err := New(append(vocab, pieces...), DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		text := rapid.StringMatching(`[ab]{1,40}`).Draw(t, "word")
		checkTokens(t, tokenizer, text)
		checkFailures(t, tokenizer, text)
	})
}

// checkFailures checks that splitting a word follows at most one failure link a
// byte, which makes at most two steps of the trie a byte.
func checkFailures(t rapid.TB, tokenizer *Tokenizer, text string) {
	t.Helper()
	var w word
	for i := range len(text) {
		w.addByte(text[i], i)
	}
	if _, failures, _ := tokenizer.pieces.split(nil, &w); failures > len(text) {
		t.Fatalf("%q: %d failure links, more than %d bytes", text, failures, len(text))
	}
}

// TestSplitIsLinear takes vocabularies on which looking for the longest piece from
// each position reads the word over and over.
func TestSplitIsLinear(t *testing.T) {
	specials := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	long := strings.Repeat("a", 60)
	cases := []struct {
		name   string
		pieces []string
		words  []string
	}{
		{"long piece missed by its last letter", []string{"a", "##a", "##" + long + "b"}, []string{strings.Repeat("a", 100), long + "c"}},
		{"every length", everyLength(50), []string{strings.Repeat("a", 100), strings.Repeat("a", 99) + "b"}},
		{"alternating", []string{"ab", "##ab", "##a", "##ababababababababababc"}, []string{strings.Repeat("ab", 50)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tokenizer := mustNew(t, append(specials, c.pieces...), DefaultConfig())
			for _, word := range c.words {
				checkTokens(t, tokenizer, word)
				checkFailures(t, tokenizer, word)
			}
		})
	}
}

func everyLength(n int) (pieces []string) {
	for i := 1; i <= n; i++ {
		pieces = append(pieces, strings.Repeat("a", i), continuation+strings.Repeat("a", i)+"c")
	}
	return append(pieces, "##a")
}

// TestTriePacks checks that contrived branches do not blow the double array up.
func TestTriePacks(t *testing.T) {
	var vocab []string
	state := uint32(1)
	for i := range 20000 {
		state = state*1664525 + 1013904223
		a, b := rune(' '+state>>24%90), rune(' '+state>>16%90)
		vocab = append(vocab, fmt.Sprintf("%05d%c", i, a), fmt.Sprintf("%05d%c!", i, b))
	}
	automaton, err := newAutomaton(vocab)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, slot := range automaton.trie {
		if slot.parent != noState {
			taken++
		}
	}
	if got := len(automaton.trie); got > 2*taken {
		t.Errorf("the trie has %d slots for %d states, want at most twice as many", got, taken)
	}
}

func TestSST2LikeReference(t *testing.T) {
	tokenizer := bertUncased(t)
	reference := newReference(tokenizer)
	tokens := 0
	for _, sentence := range sstSentences(t) {
		got := tokenizer.Tokenize(nil, sentence)
		if want := reference.tokenize(sentence); !slices.Equal(got, want) {
			t.Fatalf("%q: -reference +got\n%s", sentence, cmp.Diff(want, got))
		}
		tokens += len(got)
	}
	t.Logf("%d tokens", tokens)
}
