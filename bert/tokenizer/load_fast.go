package tokenizer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// maxFastBytes is the size beyond which tokenizer.json is not read: it holds the
// vocabulary with some 20 bytes a token beside, and with "\u1234" for characters.
const maxFastBytes = 4 * maxVocabBytes

// fastJSON is tokenizer.json as far as it is read.
type fastJSON struct {
	AddedTokens []struct {
		ID      int32  `json:"id"`
		Content string `json:"content"`
	} `json:"added_tokens"`
	Normalizer struct {
		Type               string `json:"type"`
		CleanText          *bool  `json:"clean_text"`
		HandleChineseChars *bool  `json:"handle_chinese_chars"`
		StripAccents       *bool  `json:"strip_accents"`
		Lowercase          *bool  `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	Model struct {
		Type                    string           `json:"type"`
		UnkToken                string           `json:"unk_token"`
		ContinuingSubwordPrefix string           `json:"continuing_subword_prefix"`
		MaxInputCharsPerWord    int              `json:"max_input_chars_per_word"`
		Vocab                   map[string]int32 `json:"vocab"`
	} `json:"model"`
}

// loadFast reads the tokenizer of a folder that has tokenizer.json alone to say
// what the vocabulary is. tokenizer_config.json goes before it in what both say.
func loadFast(dir string) (*Tokenizer, error) {
	path := filepath.Join(dir, fastFile)
	file, err := readFast(path)
	if err != nil {
		return nil, err
	}
	vocab, err := file.vocab()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	config := file.config()
	if err := readConfig(filepath.Join(dir, configFile), &config); err != nil {
		return nil, err
	}
	if err := file.checkAdded(&config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t, err := New(vocab, config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func readFast(path string) (*fastJSON, error) {
	text, err := readLimited(path, maxFastBytes)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	var file fastJSON
	err = json.Unmarshal(text, &file)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); err == nil || ok {
		// Other models have vocabularies of other types: theirs is the first error.
		if kind := file.checkTypes(); kind != nil {
			return nil, fmt.Errorf("%s: %w", path, kind)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, errorLine(text, err), err)
	}
	if err := file.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &file, nil
}

// checkTypes refuses the components of other tokenizers. Old files do not say
// the model's.
func (f *fastJSON) checkTypes() error {
	for _, component := range []struct{ key, found, want string }{
		{"model", cmp.Or(f.Model.Type, fastModel), fastModel},
		{"normalizer", f.Normalizer.Type, fastNormalizer},
		{"pre_tokenizer", f.PreTokenizer.Type, fastPreTokenizer},
	} {
		if component.found != component.want {
			return fmt.Errorf("%s.type is %q, want %q", component.key, component.found, component.want)
		}
	}
	return nil
}

// check refuses what would make other tokens than this package does.
func (f *fastJSON) check() error {
	switch {
	case f.Normalizer.CleanText != nil && !*f.Normalizer.CleanText:
		return errors.New("normalizer.clean_text is false, want true")
	case f.Model.ContinuingSubwordPrefix != continuation:
		return fmt.Errorf("model.continuing_subword_prefix is %q, want %q", f.Model.ContinuingSubwordPrefix, continuation)
	case f.Model.MaxInputCharsPerWord != maxRunes:
		return fmt.Errorf("model.max_input_chars_per_word is %d, want %d", f.Model.MaxInputCharsPerWord, maxRunes)
	}
	return nil
}

// vocab is the tokens by id, which number them without a gap.
func (f *fastJSON) vocab() ([]string, error) {
	ids := f.Model.Vocab
	for _, added := range f.AddedTokens {
		if id, ok := ids[added.Content]; !ok || id != added.ID {
			return nil, fmt.Errorf("added_tokens: %q with id %d is not of model.vocab", added.Content, added.ID)
		}
	}
	vocab := make([]string, len(ids))
	for token, id := range ids {
		if id < 0 || int(id) >= len(vocab) || vocab[id] != "" {
			return nil, fmt.Errorf("model.vocab: the id of %q is %d, want ids from 0 to %d, each once", token, id, len(vocab)-1)
		}
		vocab[id] = token
	}
	return vocab, nil
}

// config is DefaultConfig as far as the file does not say, without a limit of the
// length.
func (f *fastJSON) config() Config {
	config := DefaultConfig()
	config.ModelMaxLength = 0
	config.StripAccents = f.Normalizer.StripAccents
	if lower := f.Normalizer.Lowercase; lower != nil {
		config.DoLowerCase = *lower
	}
	if chinese := f.Normalizer.HandleChineseChars; chinese != nil {
		config.TokenizeChineseChars = *chinese
	}
	if f.Model.UnkToken != "" {
		config.UnkToken = f.Model.UnkToken
	}
	return config
}

// checkAdded refuses tokens to be cut out of the text that the configuration does
// not know.
func (f *fastJSON) checkAdded(config *Config) error {
	specials := config.specialTokens()
	for _, added := range f.AddedTokens {
		if !slices.ContainsFunc(specials[:], func(s specialToken) bool { return *s.content == added.Content }) {
			return fmt.Errorf("added_tokens: found %q, want special tokens of the configuration alone", added.Content)
		}
	}
	return nil
}
