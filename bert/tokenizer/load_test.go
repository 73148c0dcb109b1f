package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const specialLines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"

// writeFiles makes a model's folder of name, text pairs.
func writeFiles(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	yes := true
	cases := []struct {
		name, json string
		want       Config
	}{
		{"no keys", `{}`, Config{true, nil, true, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", 0}},
		{"every key", `{"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false,
			"unk_token": "a", "sep_token": {"content": "b", "lstrip": false}, "pad_token": "c", "cls_token": "d",
			"mask_token": {"__type": "AddedToken", "content": "e"}, "model_max_length": 128,
			"tokenizer_class": "DistilBertTokenizerFast", "never_split": null}`,
			Config{false, &yes, false, "a", "b", "c", "d", "e", 128}},
		{"null", `{"strip_accents": null, "unk_token": null, "model_max_length": null, "tokenizer_class": null}`,
			Config{true, nil, true, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", 0}},
		{"no limit", `{"model_max_length": 1000000000000000019884624838656}`,
			Config{true, nil, true, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFiles(t, vocabFile, specialLines+"a\nb\nc\nd\ne\n", configFile, c.json)
			tokenizer, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, tokenizer.Config()); diff != "" {
				t.Errorf("configuration: -want +got\n%s", diff)
			}
		})
	}
}

func TestLoadLines(t *testing.T) {
	for _, text := range []string{specialLines + "a\n##a\n", specialLines + "a\n##a", strings.ReplaceAll(specialLines+"a\n##a\n", "\n", "\r\n")} {
		tokenizer, err := Load(writeFiles(t, vocabFile, text))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"}
		if diff := cmp.Diff(want, tokenizer.Vocab()); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	cases := []struct {
		name  string
		files []string
		want  string // in the error
	}{
		{"no vocabulary", nil, "vocab.txt: no such file"},
		{"empty", []string{vocabFile, ""}, "vocab.txt is empty"},
		{"empty line", []string{vocabFile, specialLines + "\na\n"}, "vocab.txt:6: token is empty"},
		{"duplicate", []string{vocabFile, specialLines + "a\nb\na\n"}, `vocab.txt:8: token "a" is there already, with id 5`},
		{"not UTF-8", []string{vocabFile, specialLines + "\xff\n"}, `vocab.txt:6: token is not UTF-8: "\xff"`},
		{"special token missing", []string{vocabFile, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"}, `the vocabulary lacks "[MASK]", the mask_token`},
		{"configured token missing", []string{vocabFile, specialLines, configFile, `{"sep_token": "</s>"}`}, `the vocabulary lacks "</s>", the sep_token`},
		{"broken JSON", []string{vocabFile, specialLines, configFile, "{\n\"do_lower_case\": tru\n}"}, "tokenizer_config.json:2: "},
		{"wrong type", []string{vocabFile, specialLines, configFile, "{\n\n\"do_lower_case\": 1}"}, "tokenizer_config.json:3: "},
		{"wrong token", []string{vocabFile, specialLines, configFile, `{"unk_token": 3}`}, "tokenizer_config.json: unk_token is 3, want a string"},
		{"token without content", []string{vocabFile, specialLines, configFile, `{"pad_token": {"lstrip": true}}`}, `pad_token is {"lstrip": true}, want`},
		{"another tokenizer", []string{vocabFile, specialLines, configFile, `{"tokenizer_class": "RobertaTokenizer"}`}, `tokenizer_class is "RobertaTokenizer", want one of BertTokenizer`},
		{"negative length", []string{vocabFile, specialLines, configFile, `{"model_max_length": -1}`}, `model_max_length is "-1", want`},
		{"half a token", []string{vocabFile, specialLines, configFile, `{"model_max_length": 1.5}`}, `model_max_length is "1.5", want`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(writeFiles(t, c.files...))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestLoadLimits(t *testing.T) {
	for name, limit := range map[string]int64{vocabFile: maxVocabBytes, fastFile: maxFastBytes, configFile: maxConfigBytes} {
		dir := t.TempDir()
		if name == configFile {
			dir = writeFiles(t, vocabFile, specialLines)
		}
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Truncate(limit + 1); err != nil {
			t.Fatal(err)
		}
		file.Close()
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "want at most") {
			t.Errorf("%s of %d bytes: error is %v", name, limit+1, err)
		}
		os.Remove(file.Name())
		if err := os.Mkdir(file.Name(), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s is a folder: error is %v", name, err)
		}
	}
}

func TestSave(t *testing.T) {
	for name, config := range namedConfigs() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			saved := mustNew(t, smallVocab(), config)
			if err := saved.Save(dir); err != nil {
				t.Fatal(err)
			}
			if err := saved.Save(dir); err != nil { // over itself
				t.Fatal(err)
			}
			loaded, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(saved.Config(), loaded.Config()); diff != "" {
				t.Errorf("configuration: -saved +loaded\n%s", diff)
			}
			if diff := cmp.Diff(saved.Vocab(), loaded.Vocab()); diff != "" {
				t.Errorf("vocabulary: -saved +loaded\n%s", diff)
			}
		})
	}
}

// TestSaveKeys compares with the keys that transformers writes.
func TestSaveKeys(t *testing.T) {
	dir := t.TempDir()
	if err := mustNew(t, smallVocab(), DefaultConfig()).Save(dir); err != nil {
		t.Fatal(err)
	}
	specials := map[string]any{
		"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
	}
	config := map[string]any{
		"do_lower_case": true, "strip_accents": nil, "tokenize_chinese_chars": true, "model_max_length": 512.0,
		"tokenizer_class": "BertTokenizer", "clean_up_tokenization_spaces": true,
	}
	for key, token := range specials {
		config[key] = token
	}
	added := map[string]any{}
	for id, token := range []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"} {
		added[strconv.Itoa(id)] = map[string]any{
			"content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		}
	}
	config["added_tokens_decoder"] = added
	for name, want := range map[string]map[string]any{specialsMapFile: specials, configFile: config} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, vocabFile))
	if err != nil || string(text) != smallVocabText {
		t.Errorf("vocab.txt differs from the vocabulary (error %v)", err)
	}
}

func TestSaveRefusesLineEnds(t *testing.T) {
	tokenizer := mustNew(t, append(smallVocab(), "a\nb"), DefaultConfig())
	if err := tokenizer.Save(t.TempDir()); err == nil || !strings.Contains(err.Error(), "does not fit on a line") {
		t.Errorf("error is %v", err)
	}
}
