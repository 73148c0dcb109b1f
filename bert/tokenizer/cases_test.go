package tokenizer

import (
	"fmt"
	"strings"
	"testing"
)

// TestTokenize shows tokens as piece[start:end], in bytes. Its vocabulary is
// testdata/vocab.txt, which has the letters but q.
func TestTokenize(t *testing.T) {
	cases := []struct{ name, config, text, want string }{
		{"empty", "uncased", "", ""},
		{"blank", "uncased", " \t\r\n", ""},
		{"punctuation", "uncased", "Hello, World!", "hello[0:5] ,[5:6] world[7:12] ![12:13]"},
		{"greedy", "uncased", "unaffable", "un[0:2] ##aff[2:5] ##able[5:9]"},
		{"greedy reading given up", "uncased", "abcdabcdabcdy", "abc[0:3] ##d[3:4] ##abcd[4:8] ##abcd[8:12] ##y[12:13]"},
		{"longest continuation", "uncased", "abcdabcdabcdx", "abc[0:3] ##d[3:4] ##abcdabcdx[4:13]"},
		{"unknown", "uncased", "the q unq", "the[0:3] [UNK][4:5] [UNK][6:9]"},

		{"accent composed", "uncased", "thé", "the[0:4]"},
		{"accent combining", "uncased", "the\u0301 a", "the[0:3] a[6:7]"},
		{"accent inside", "uncased", "the\u0301a", "the[0:3] ##a[5:6]"},
		{"accents kept", "accents", "É", "é[0:2]"},
		{"accents and case kept", "cased", "É é", "É[0:2] é[3:5]"},
		{"accents stripped, case kept", "stripped", "Théa", "The[0:4] ##a[4:5]"},
		{"mark alone", "uncased", "\u0301", ""},
		{"mark alone kept", "accents", "a \u0301", "a[0:1] \u0301[2:4]"},
		{"mark behind punctuation", "accents", "!\u0301a", "![0:1] \u0301[1:3] ##a[3:4]"},

		{"control", "uncased", "t\x01h\x7fe", "the[0:5]"},
		{"NUL", "uncased", "\x00the\x00", "the[1:4]"},
		{"vertical tab is a control", "uncased", "t\vhe", "the[0:4]"},
		{"zero width space", "uncased", "t\u200bhe", "the[0:6]"},
		{"byte-order mark", "uncased", "\ufeffthe", "the[3:6]"},
		{"private use", "uncased", "th\ue000e", "the[0:6]"},
		{"unassigned", "uncased", "th\u0378e", "[UNK][0:5]"},
		{"replacement character", "uncased", "th\ufffde", "the[0:6]"},
		{"invalid UTF-8", "uncased", "\xffth\x80e\xe4\xb8", "the[1:5]"},
		{"surrogate in UTF-8", "uncased", "t\xed\xa0\x80he", "the[0:6]"},

		{"no-break space", "uncased", "the\u00a0the", "the[0:3] the[5:8]"},
		{"ideographic space", "uncased", "the\u3000the", "the[0:3] the[6:9]"},
		{"line separator", "uncased", "the\u2028the", "the[0:3] the[6:9]"},

		{"100 characters", "uncased", strings.Repeat("the", 33) + "a", "the[0:3]" + continuations(3, 100)},
		{"101 characters", "uncased", strings.Repeat("a", 101) + " a", "[UNK][0:101] a[102:103]"},
		{"100 characters once normalised", "uncased", "the" + strings.Repeat("e\u0301", 97), "the[0:3]" + accented(3, 97)},

		{"symbol of ASCII", "uncased", "a$b", "a[0:1] $[1:2] b[2:3]"},
		{"punctuation of Unicode", "uncased", "«the»", "«[0:2] the[2:5] »[5:7]"},
		{"no punctuation", "uncased", "a€", "[UNK][0:4]"},
		{"NFD makes punctuation", "uncased", "a\u037eb≠", "a[0:1] ;[1:3] b[3:4] =[4:7]"},

		{"emoji", "uncased", "🧑the 👍👍", "[UNK][0:7] 👍[8:12] ##👍[12:16]"},
		{"emoji joined", "uncased", "👍\u200d👍", "👍[0:4] ##👍[7:11]"},
		{"CJK", "uncased", "the中文a", "the[0:3] 中[3:6] 文[6:9] a[9:10]"},
		{"CJK compatibility", "uncased", "\uf900", "豈[0:3]"},
		{"CJK joined", "joinedCJK", "中文", "中[0:3] ##文[3:6]"},
		{"kana", "uncased", "の中", "の[0:3] 中[3:6]"},
		{"Hangul", "uncased", "한구", "ᄒ[0:3] ##ᅡ[0:3] ##ᆫ[0:3] ##ᄀ[3:6] ##ᅮ[3:6]"},
		{"Hangul kept", "cased", "한", "한[0:3]"},

		{"dotted capital I", "uncased", "İi", "i[0:2] ##i[2:3]"},
		{"dotted capital I, accents kept", "accents", "İ", "i[0:2] ##\u0307[0:2]"},
		{"sharp s", "uncased", "Straße", "stra[0:4] ##ß[4:6] ##e[6:7]"},
		{"capital sharp s", "uncased", "ẞ", "ß[0:3]"},
		{"final sigma", "uncased", "ΟΔΟΣ", "ο[0:2] ##δ[2:4] ##ο[4:6] ##σ[6:8]"},
		{"final sigma as written", "uncased", "ΟΔΟς", "ο[0:2] ##δ[2:4] ##ο[4:6] ##ς[6:8]"},
		{"scripts mixed", "uncased", "Мир theи", "мир[0:6] the[7:10] ##и[10:12]"},
		{"ligature", "uncased", "ﬁ", "ﬁ[0:3]"},

		{"special tokens", "uncased", "a[SEP]the [MASK]", "a[0:1] [SEP][1:6] the[6:9] [MASK][10:16]"},
		{"special token in small letters", "uncased", "[sep]", "[[0:1] s[1:2] ##e[2:3] ##p[3:4] ][4:5]"},
		{"special token broken", "uncased", "[PA\u200bD]", "[[0:1] p[1:2] ##a[2:3] ##d[6:7] ][7:8]"},
		{"special token in brackets", "uncased", "[[CLS]]", "[[0:1] [CLS][1:6] ][6:7]"},
		{"continuation prefix", "uncased", "##able", "#[0:1] #[1:2] a[2:3] ##b[3:4] ##l[4:5] ##e[5:6]"},
	}
	configs := namedConfigs()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tokenizer := mustNew(t, smallVocab(), configs[c.config])
			tokens := tokenizer.Tokenize(nil, c.text)
			var got []string
			for _, token := range tokens {
				got = append(got, fmt.Sprintf("%s[%d:%d]", tokenizer.Token(token.ID), token.Start, token.End))
			}
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("Tokenize(%+q)\n got %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

// continuations are the pieces of "the" repeated and an a, from start on.
func continuations(start, end int) string {
	var want strings.Builder
	for at := start; at < end; at++ {
		piece := "the"[at%3]
		if at == end-1 {
			piece = 'a'
		}
		fmt.Fprintf(&want, " ##%c[%d:%d]", piece, at, at+1)
	}
	return want.String()
}

// accented are n pieces ##e with an accent each, from start on.
func accented(start, n int) string {
	var want strings.Builder
	for range n {
		fmt.Fprintf(&want, " ##e[%d:%d]", start, start+1)
		start += len("e\u0301")
	}
	return want.String()
}

func TestTokenizeAppends(t *testing.T) {
	tokenizer := mustNew(t, smallVocab(), DefaultConfig())
	first := Token{7, 1, 2}
	got := tokenizer.Tokenize([]Token{first}, "the")
	if len(got) != 2 || got[0] != first {
		t.Errorf("Tokenize(%v, the) = %v, want one token more", first, got)
	}
}

func TestTokenizeDoesNotAllocate(t *testing.T) {
	tokenizer := mustNew(t, smallVocab(), DefaultConfig())
	text := strings.Repeat("The naïve [MASK] 中文 한국 мир 👍 qqq İ\u0301, "+strings.Repeat("a", 200)+" ", 20)
	tokens := tokenizer.Tokenize(nil, text)
	if n := testing.AllocsPerRun(20, func() { tokens = tokenizer.Tokenize(tokens[:0], text) }); n != 0 {
		t.Errorf("Tokenize allocates %v times", n)
	}
}
