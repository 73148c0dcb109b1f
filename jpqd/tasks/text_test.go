package tasks

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
)

// letters is a tokenizer whose words are the letters: [PAD], [UNK], [CLS], [SEP]
// and [MASK] are 0 to 4, a is 5.
func letters(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	for c := 'a'; c <= 'z'; c++ {
		vocab = append(vocab, string(c))
	}
	config := tokenizer.DefaultConfig()
	config.ModelMaxLength = 0
	tok, err := tokenizer.New(vocab, config)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func readText(t *testing.T, content []byte) *Text {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	text, err := ReadText(context.Background(), path, letters(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// words are the examples' tokens: ( begins a line, ) ends it.
func words(t *testing.T, text *Text, length int, packed bool) []string {
	tok := letters(t)
	examples := text.LineByLine
	if packed {
		examples = text.Packed
	}
	var all []string
	for i, e := range examples(length) {
		if e.Number != int32(i) {
			t.Errorf("example %d has number %d", i, e.Number)
		}
		var s strings.Builder
		for _, id := range e.IDs {
			s.WriteString(strings.NewReplacer("[CLS]", "(", "[SEP]", ")").Replace(tok.Token(id)))
		}
		all = append(all, s.String())
	}
	return all
}

const textOfLines = "a b c\n\nd e\r\n \t\nf g h i j k l m\nn o"

func TestText(t *testing.T) {
	for _, c := range []struct {
		length int
		packed bool
		want   []string
	}{
		{5, true, []string{"(abc)", "()(de", ")()(f", "ghijk", "lm)(n"}}, // o and [SEP] are left out
		{40, true, nil},
		{5, false, []string{"(abc)", "(de)", "(fgh)", "(no)"}},
		{40, false, []string{"(abc)", "(de)", "(fghijklm)", "(no)"}},
	} {
		text := readText(t, []byte(textOfLines))
		if text.Lines() != 6 {
			t.Errorf("%d lines, want 6", text.Lines())
		}
		if diff := cmp.Diff(c.want, words(t, text, c.length, c.packed)); diff != "" {
			t.Errorf("length %d, packed %t: want −, found +:\n%s", c.length, c.packed, diff)
		}
	}
}

func TestTextCut(t *testing.T) {
	for n, want := range [][2]string{
		{"", "(abc)|(de)|(fghijklm)|(no)"}, {"(abc)", "(de)|(fghijklm)|(no)"}, {"(abc)", "(de)|(fghijklm)|(no)"},
		{"(abc)|(de)", "(fghijklm)|(no)"}, {"(abc)|(de)", "(fghijklm)|(no)"}, {"(abc)|(de)|(fghijklm)", "(no)"}, {"(abc)|(de)|(fghijklm)|(no)", ""},
	} {
		before, after := readText(t, []byte(textOfLines)).Cut(n)
		got := [2]string{strings.Join(words(t, before, 20, false), "|"), strings.Join(words(t, after, 20, false), "|")}
		if got != want || before.Lines() != n || after.Lines() != 6-n {
			t.Errorf("cut at %d: found %q, want %q", n, got, want)
		}
	}
}

// bigText has lines of all lengths, one of them longer than a chunk.
func bigText() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 5*textChunk/2; i++ {
		n := i * i % 301
		if i == 4000 {
			n = textChunk
		}
		for j := range n {
			fmt.Fprintf(&b, "%c ", 'a'+(i+j)%26)
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// Chunks, compression and threads change nothing.
func TestTextInChunks(t *testing.T) {
	content, tok := bigText(), letters(t)
	var want []int32
	for line := range strings.Lines(string(content)) {
		want = append(want, tok.Encode(line, 0).IDs...)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(content)
	z.Close()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for i, c := range [][]byte{content, packed.Bytes(), content} {
		runtime.GOMAXPROCS(1 + 3*i)
		text := readText(t, c)
		if len(text.parts) < 3 || text.Lines() != bytes.Count(content, []byte("\n")) {
			t.Fatalf("%d parts, %d lines", len(text.parts), text.Lines())
		}
		for _, cut := range []int{0, 3999, 4001, text.Lines() - 1} { // line 4000 is the long one
			before, after := text.Cut(cut)
			var got []int32
			for _, half := range []*Text{before, after} {
				for _, p := range half.parts {
					got = append(got, p.ids...)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("cut at line %d: the tokens are others", cut)
			}
		}
		examples := text.Packed(128)
		var got []int32
		for _, e := range examples {
			got = append(got, e.IDs...)
		}
		if len(examples) != len(want)/128 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("%d examples, want %d with the text's tokens", len(examples), len(want)/128)
		}
	}
}

func TestTextErrorsAndProgress(t *testing.T) {
	dir := t.TempDir()
	tok := letters(t)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(bigText())
	w.Close()
	path := filepath.Join(dir, "half.gz")
	if err := os.WriteFile(path, z.Bytes()[:z.Len()/2], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadText(context.Background(), path, tok, nil); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("half of a compressed file: error %v", err)
	}
	if _, err := ReadText(context.Background(), dir, tok, nil); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: error %v", err)
	}
	if err := os.WriteFile(path, z.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	var last TextProgress
	if _, err := ReadText(context.Background(), path, tok, func(p TextProgress) { last = p }); err != nil || last.Read != last.Size || last.Size != int64(z.Len()) {
		t.Errorf("error %v, progress %+v, want all %d bytes", err, last, z.Len())
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := ReadText(ctx, path, tok, func(TextProgress) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: error %v", err)
	}
}
