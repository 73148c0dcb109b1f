package tokenizer

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

//go:embed testdata/vocab.txt
var smallVocabText string

func smallVocab() []string {
	return strings.Split(strings.TrimSuffix(smallVocabText, "\n"), "\n")
}

func mustNew(t testing.TB, vocab []string, config Config) *Tokenizer {
	t.Helper()
	tokenizer, err := New(vocab, config)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

// namedConfigs are the configurations of testdata/golden.mjs.
func namedConfigs() map[string]Config {
	yes, no := true, false
	change := func(f func(*Config)) Config {
		config := DefaultConfig()
		f(&config)
		return config
	}
	return map[string]Config{
		"uncased":   DefaultConfig(),
		"cased":     change(func(c *Config) { c.DoLowerCase = false }),
		"accents":   change(func(c *Config) { c.StripAccents = &no }),
		"stripped":  change(func(c *Config) { c.DoLowerCase = false; c.StripAccents = &yes }),
		"joinedCJK": change(func(c *Config) { c.TokenizeChineseChars = false }),
	}
}

// golden is testdata/golden.json, which testdata/golden.mjs makes with Hugging
// Face's tokenizers 0.23.2.
type golden struct {
	Texts []struct {
		Vocabulary, Config, Text string
		Tokens                   [][3]int // id, start, end in code points
	}
	Encodings []struct {
		A          string
		B          *string
		MaxLength  int
		IDs, Types []int32
	}
	Decodings []struct {
		IDs  []int32
		Text string
	}
	CharactersSHA256 string
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGoldenTexts(t *testing.T) {
	g := readGolden(t)
	for _, vocabulary := range []string{"small", "bert"} {
		t.Run(vocabulary, func(t *testing.T) {
			vocab := smallVocab()
			if vocabulary == "bert" {
				vocab = bertUncased(t).Vocab()
			}
			tokenizers := map[string]*Tokenizer{}
			for name, config := range namedConfigs() {
				tokenizers[name] = mustNew(t, vocab, config)
			}
			for _, want := range g.Texts {
				if want.Vocabulary != vocabulary {
					continue
				}
				tokenizer := tokenizers[want.Config]
				got := [][3]int{}
				for _, token := range tokenizer.Tokenize(nil, want.Text) {
					start := utf8.RuneCountInString(want.Text[:token.Start])
					end := start + utf8.RuneCountInString(want.Text[token.Start:token.End])
					got = append(got, [3]int{int(token.ID), start, end})
				}
				if diff := cmp.Diff(want.Tokens, got); diff != "" {
					t.Errorf("%s: %+q: -want +got\n%s", want.Config, want.Text, diff)
				}
			}
		})
	}
}

func TestGoldenEncodings(t *testing.T) {
	tokenizer := mustNew(t, smallVocab(), DefaultConfig())
	for _, want := range readGolden(t).Encodings {
		var got Encoding
		if want.B == nil {
			got = tokenizer.Encode(want.A, want.MaxLength)
		} else {
			got = tokenizer.EncodePair(want.A, *want.B, want.MaxLength)
		}
		name := fmt.Sprintf("%q, %d", want.A, want.MaxLength)
		if diff := cmp.Diff(want.IDs, got.IDs); diff != "" {
			t.Errorf("%s: ids: -want +got\n%s", name, diff)
		}
		if diff := cmp.Diff(want.Types, got.TypeIDs); diff != "" {
			t.Errorf("%s: type ids: -want +got\n%s", name, diff)
		}
	}
}

func TestGoldenDecodings(t *testing.T) {
	tokenizer := bertUncased(t)
	for _, want := range readGolden(t).Decodings {
		if got := tokenizer.Decode(want.IDs); got != want.Text {
			t.Errorf("Decode(%v) = %q, want %q", want.IDs, got, want.Text)
		}
	}
}

// TestGoldenCharacters compares what becomes of every code point.
func TestGoldenCharacters(t *testing.T) {
	config := namedConfigs()["stripped"]
	table := newCharTable(&config, nil)
	hash := sha256.New()
	var line strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		line.Reset()
		fmt.Fprintf(&line, "%x: 61", r)
		joint := " "
		for _, part := range table.replace(r) {
			switch part.kind {
			case letter:
				fmt.Fprintf(&line, "%s%x", joint, part.char)
				joint = " "
			case isolated:
				fmt.Fprintf(&line, "|%x", part.char)
				joint = "|"
			case space:
				joint = "|"
			}
		}
		fmt.Fprintf(&line, "%s62\n", joint)
		hash.Write([]byte(line.String()))
	}
	if got, want := hex.EncodeToString(hash.Sum(nil)), readGolden(t).CharactersSHA256; got != want {
		t.Errorf("the characters' SHA-256 is %s, want %s", got, want)
	}
}
