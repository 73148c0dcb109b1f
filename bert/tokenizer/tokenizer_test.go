package tokenizer

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewErrors(t *testing.T) {
	unnamed, negative := DefaultConfig(), DefaultConfig()
	unnamed.ClsToken = ""
	negative.ModelMaxLength = -1
	cases := []struct {
		name   string
		vocab  []string
		config Config
		want   string
	}{
		{"empty", nil, DefaultConfig(), "tokenizer: the vocabulary is empty"},
		{"empty token", []string{"a", ""}, DefaultConfig(), "tokenizer: vocabulary: token 1 is empty"},
		{"duplicate", []string{"a", "b", "a"}, DefaultConfig(), `tokenizer: vocabulary: token 2 "a" is there already, with id 0`},
		{"special token missing", []string{"[UNK]"}, DefaultConfig(), `tokenizer: the vocabulary lacks "[SEP]", the sep_token`},
		{"special token unnamed", smallVocab(), unnamed, "tokenizer: cls_token is empty"},
		{"negative length", smallVocab(), negative, "tokenizer: model_max_length is -1, want 0 (no limit) or more"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.vocab, c.config); err == nil || err.Error() != c.want {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
}

func TestVocabulary(t *testing.T) {
	vocab := smallVocab()
	tokenizer := mustNew(t, vocab, DefaultConfig())
	if got := tokenizer.VocabSize(); got != len(vocab) {
		t.Errorf("VocabSize() = %d, want %d", got, len(vocab))
	}
	for id, token := range vocab {
		if got, ok := tokenizer.ID(token); !ok || int(got) != id {
			t.Errorf("ID(%q) = %d, %v, want %d", token, got, ok, id)
		}
		if got := tokenizer.Token(int32(id)); got != token {
			t.Errorf("Token(%d) = %q, want %q", id, got, token)
		}
	}
	if id, ok := tokenizer.ID("no token"); ok {
		t.Errorf("ID of no token is %d", id)
	}
	for _, id := range []int32{-1, int32(len(vocab))} {
		if got := tokenizer.Token(id); got != "" {
			t.Errorf("Token(%d) = %q, want none", id, got)
		}
	}
	tokenizer.Vocab()[0] = "changed"
	if got := tokenizer.Token(0); got != vocab[0] {
		t.Errorf("a change of Vocab() makes token 0 %q", got)
	}
	got := []int32{tokenizer.PAD(), tokenizer.UNK(), tokenizer.CLS(), tokenizer.SEP(), tokenizer.MASK()}
	if want := []int32{0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("special tokens are %v, want %v", got, want)
	}
}

// TestConcurrentUse lets goroutines fill the same pages of characters.
func TestConcurrentUse(t *testing.T) {
	text := strings.Repeat("the naïve мир 中文 한국 👍 [SEP] ", 10)
	want := mustNew(t, smallVocab(), DefaultConfig()).Tokenize(nil, text)
	tokenizer := mustNew(t, smallVocab(), DefaultConfig())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got := tokenizer.Tokenize(nil, text); !slices.Equal(got, want) {
				t.Errorf("tokens differ: -want +got\n%s", cmp.Diff(want, got))
			}
		})
	}
	group.Wait()
}

func TestEncode(t *testing.T) {
	config := DefaultConfig()
	config.ModelMaxLength = 5
	limited := mustNew(t, smallVocab(), config)
	config.ModelMaxLength = 0
	unlimited := mustNew(t, smallVocab(), config)
	cases := []struct {
		name      string
		tokenizer *Tokenizer
		maxLength int
		want      string
	}{
		{"fits", unlimited, 6, "[CLS] the world hello world [SEP]"},
		{"cut", unlimited, 4, "[CLS] the world [SEP]"},
		{"special tokens only", unlimited, 2, "[CLS] [SEP]"},
		{"less than the special tokens", unlimited, 1, "[CLS] [SEP]"},
		{"no limit", unlimited, 0, "[CLS] the world hello world [SEP]"},
		{"the model's limit", limited, 0, "[CLS] the world hello [SEP]"},
		{"beyond the model's limit", limited, 6, "[CLS] the world hello world [SEP]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := c.tokenizer.Encode("the world hello world", c.maxLength)
			if got := c.tokenizer.Decode(e.IDs); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if len(e.IDs) != len(e.TypeIDs) || len(e.IDs) != len(e.Tokens) {
				t.Errorf("%d ids, %d type ids, %d tokens", len(e.IDs), len(e.TypeIDs), len(e.Tokens))
			}
		})
	}
}

func TestEncodePairOffsets(t *testing.T) {
	tokenizer := mustNew(t, smallVocab(), DefaultConfig())
	got := tokenizer.EncodePair("the world", "the [SEP]", 0)
	want := Encoding{
		IDs:     []int32{2, 96, 98, 3, 96, 3, 3},
		TypeIDs: []int32{0, 0, 0, 0, 1, 1, 1},
		Tokens:  []Token{{2, 0, 0}, {96, 0, 3}, {98, 4, 9}, {3, 0, 0}, {96, 0, 3}, {3, 4, 9}, {3, 0, 0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLongestFirst(t *testing.T) {
	cases := []struct{ a, b, room, keptA, keptB int }{
		{0, 0, 0, 0, 0}, {3, 4, 7, 3, 4}, {3, 4, 8, 3, 4},
		{2, 6, 7, 2, 5}, {6, 2, 7, 5, 2}, {6, 2, 4, 2, 2},
		{4, 6, 7, 3, 4}, {6, 4, 7, 4, 3}, {8, 8, 7, 3, 4}, {8, 8, 6, 3, 3},
		{5, 4, 1, 1, 0}, {4, 5, 1, 0, 1}, {5, 4, 0, 0, 0}, {0, 9, 4, 0, 4},
	}
	for _, c := range cases {
		if a, b := longestFirst(c.a, c.b, c.room); a != c.keptA || b != c.keptB {
			t.Errorf("longestFirst(%d, %d, %d) = %d, %d, want %d, %d", c.a, c.b, c.room, a, b, c.keptA, c.keptB)
		}
	}
}

func TestDecode(t *testing.T) {
	tokenizer := mustNew(t, smallVocab(), DefaultConfig())
	cases := []struct{ tokens, want string }{
		{"", ""},
		{"un ##aff ##able !", "unaffable!"},
		{"##able the", "##able the"},
		{"hello , world .", "hello, world."},
		{"the ' s", "the's"},
		{"[CLS] a [PAD] [SEP]", "[CLS] a [PAD] [SEP]"},
	}
	for _, c := range cases {
		ids := []int32{-1, 1 << 20} // not of the vocabulary
		for token := range strings.FieldsSeq(c.tokens) {
			id, ok := tokenizer.ID(token)
			if !ok {
				t.Fatalf("no token %q", token)
			}
			ids = append(ids, id)
		}
		if got := tokenizer.Decode(ids); got != c.want {
			t.Errorf("Decode of %s = %q, want %q", c.tokens, got, c.want)
		}
	}
}
