package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/internal/realdata"
)

// sstSentences returns the sentences of SST-2's training file, as GLUE ships them.
func sstSentences(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(realdata.Dir(t), "sst2", "train.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")[1:]
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, "\t")
	}
	return lines
}

// bertUncased returns the tokenizer of bert-base-uncased.
func bertUncased(t testing.TB) *Tokenizer {
	t.Helper()
	tokenizer, err := Load(filepath.Join(realdata.Dir(t), "vocab"))
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

func BenchmarkTokenize(b *testing.B) {
	tokenizer := bertUncased(b)
	sentences := sstSentences(b)[:10000]
	text := strings.Join(sentences, "")
	inputs := []struct {
		name  string
		texts []string
	}{
		{"sst2", sentences},
		{"long", []string{text}},
		{"cyrillic", []string{strings.Repeat("быстрая коричневая лиса ", 2000)}},
		{"accents", []string{strings.Repeat("Élève naïf à côté du théâtre ", 2000)}},
		{"cjk", []string{strings.Repeat("自然言語処理", 2000)}},
		{"hangul", []string{strings.Repeat("자연어 처리 ", 2000)}},
	}
	for _, input := range inputs {
		b.Run(input.name, func(b *testing.B) {
			size := 0
			for _, text := range input.texts {
				size += len(text)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var tokens []Token
			for b.Loop() {
				for _, text := range input.texts {
					tokens = tokenizer.Tokenize(tokens[:0], text)
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	vocab := bertUncased(b).Vocab()
	for b.Loop() {
		if _, err := New(vocab, DefaultConfig()); err != nil {
			b.Fatal(err)
		}
	}
}
