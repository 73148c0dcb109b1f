package tokenizer

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/tokenizer.json, which testdata/fast.mjs checks, anew")

const goldenFast = "testdata/tokenizer.json"

// savedFastFile is tokenizer.json of the small vocabulary.
func savedFastFile(t *testing.T, config Config) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := mustNew(t, smallVocab(), config).Save(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, fastFile))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSaveFast(t *testing.T) {
	got := savedFastFile(t, DefaultConfig())
	if *update {
		if err := os.WriteFile(goldenFast, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFast)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("tokenizer.json: -want +got\n%s", diff)
	}
}

// TestSaveFastConfig looks at what depends on the configuration: "the" ends texts
// here, "[UNK]" also hides words.
func TestSaveFastConfig(t *testing.T) {
	no := false
	config := Config{false, &no, false, "[UNK]", "the", "[PAD]", "[CLS]", "[UNK]", 0}
	tokenizer := mustNew(t, smallVocab(), config)
	got := tokenizer.fast()
	the := tokenizer.sep
	var added []string
	for _, token := range got.AddedTokens {
		added = append(added, token.Content)
		if tokenizer.Token(token.ID) != token.Content || !token.Special || token.Normalized {
			t.Errorf("added token %+v", token)
		}
	}
	if diff := cmp.Diff([]string{"[PAD]", "[UNK]", "[CLS]", "the"}, added); diff != "" {
		t.Errorf("added tokens: -want +got\n%s", diff)
	}
	want := savedNormalizer{savedComponent{"BertNormalizer"}, true, false, &no, false}
	if diff := cmp.Diff(want, got.Normalizer, cmp.AllowUnexported(savedNormalizer{})); diff != "" {
		t.Errorf("normalizer: -want +got\n%s", diff)
	}
	specials := map[string]savedSpecialToken{
		"[CLS]": {"[CLS]", []int32{2}, []string{"[CLS]"}}, "the": {"the", []int32{the}, []string{"the"}},
	}
	if diff := cmp.Diff(specials, got.PostProcessor.SpecialTokens); diff != "" {
		t.Errorf("special tokens of the template: -want +got\n%s", diff)
	}
}

// TestLoadFast takes vocab.txt away, then tokenizer_config.json too, of which only
// the length and three special tokens are nowhere else.
func TestLoadFast(t *testing.T) {
	for name, config := range namedConfigs() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			saved := mustNew(t, smallVocab(), config)
			if err := saved.Save(dir); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{vocabFile, configFile} {
				if err := os.Remove(filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
				if file == configFile {
					config.ModelMaxLength = 0
				}
				loaded, err := Load(dir)
				if err != nil {
					t.Fatalf("without %s: %v", file, err)
				}
				if diff := cmp.Diff(config, loaded.Config()); diff != "" {
					t.Errorf("without %s: configuration: -want +got\n%s", file, diff)
				}
				if diff := cmp.Diff(saved.Vocab(), loaded.Vocab()); diff != "" {
					t.Errorf("without %s: vocabulary: -saved +loaded\n%s", file, diff)
				}
			}
		})
	}
}

func TestLoadFastErrors(t *testing.T) {
	fast := string(savedFastFile(t, DefaultConfig()))
	for _, test := range []struct{ old, new, want string }{
		{`"[MASK]": 4,`, ``, `tokenizer.json: added_tokens: "[MASK]" with id 4 is not of model.vocab`},
		{`"!": 5,`, `"!": 6,`, "want ids from 0 to "},
		{`"!": 5,`, `"!": -1,`, `the id of "!" is -1, want ids from 0 to `},
		{`"!": 5,`, `"": 5,`, "token 5 is empty"},
		{`"!": 5,`, `"!": "5",`, "tokenizer.json:"},
		{`"type": "WordPiece",` + "\n    \"unk", `"type": "BPE",` + "\n    \"unk", `tokenizer.json: model.type is "BPE", want "WordPiece"`},
		{`"type": "WordPiece",` + "\n    \"unk", `"type": "Unigram", "vocab": [["a", 0]], "unk`, `model.type is "Unigram", want "WordPiece"`},
		{`BertNormalizer`, `Sequence`, `normalizer.type is "Sequence", want "BertNormalizer"`},
		{`BertPreTokenizer`, `ByteLevel`, `pre_tokenizer.type is "ByteLevel", want "BertPreTokenizer"`},
		{`"clean_text": true`, `"clean_text": false`, `normalizer.clean_text is false, want true`},
		{`"continuing_subword_prefix": "##"`, `"continuing_subword_prefix": "@@"`, `model.continuing_subword_prefix is "@@", want "##"`},
		{`"max_input_chars_per_word": 100`, `"max_input_chars_per_word": 200`, `model.max_input_chars_per_word is 200, want 100`},
		{`"unk_token": "[UNK]"`, `"unk_token": "<unk>"`, `added_tokens: found "[UNK]", want special tokens`},
		{`"id": 4,` + "\n" + `      "content": "[MASK]"`, `"id": 5, "content": "!"`, `added_tokens: found "!", want special tokens of the configuration alone`},
		{`"padding": null,`, `"padding": nul,`, "tokenizer.json:4: "},
	} {
		if !strings.Contains(fast, test.old) {
			t.Fatalf("%q is not in the file", test.old)
		}
		_, err := Load(writeFiles(t, fastFile, strings.Replace(fast, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q for %q: error is %v, want one with %q", test.new, test.old, err, test.want)
		}
	}
	// Files of old do not say the type of the model.
	untyped := strings.Replace(fast, `"type": "WordPiece",`+"\n    \"unk", `"unk`, 1)
	if _, err := Load(writeFiles(t, fastFile, untyped)); err != nil {
		t.Errorf("without model.type: %v", err)
	}
}
