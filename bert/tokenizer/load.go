package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The files of a tokenizer in a model's folder.
const (
	vocabFile       = "vocab.txt"
	configFile      = "tokenizer_config.json"
	specialsMapFile = "special_tokens_map.json"
)

// Sizes beyond which a file is not read. The largest published WordPiece
// vocabulary, LaBSE's, has 5 MB.
const (
	maxVocabBytes  = 16 << 20
	maxConfigBytes = 1 << 20
)

// tokenizerClasses are the values of tokenizer_class whose tokenizer is BERT's.
var tokenizerClasses = []string{
	"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
}

// Load reads the tokenizer of a model's folder: vocab.txt and, where there is
// one, tokenizer_config.json, whose absent keys are as in DefaultConfig but for
// the length, which is then unlimited. A folder without vocab.txt may have a
// tokenizer.json instead, if that describes a tokenizer such as BERT's.
func Load(dir string) (*Tokenizer, error) {
	vocab, err := readVocab(filepath.Join(dir, vocabFile))
	if errors.Is(err, fs.ErrNotExist) {
		if t, fastErr := loadFast(dir); !errors.Is(fastErr, fs.ErrNotExist) {
			return t, fastErr
		}
	}
	if err != nil {
		return nil, err
	}
	config := DefaultConfig()
	config.ModelMaxLength = 0
	if err := readConfig(filepath.Join(dir, configFile), &config); err != nil {
		return nil, err
	}
	t, err := New(vocab, config)
	if bad, ok := errors.AsType[*vocabError](err); ok {
		return nil, fmt.Errorf("%s:%d: token %s", filepath.Join(dir, vocabFile), bad.id+1, bad.reason)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return t, nil
}

// readVocab reads one token a line.
func readVocab(path string) ([]string, error) {
	text, err := readLimited(path, maxVocabBytes)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(text) == 0 {
		return nil, fmt.Errorf("tokenizer: %s is empty", path)
	}
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines, nil
}

// readLimited reads a regular file of at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before opening, which waits for a pipe's writer
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", path, info.Size(), limit)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}

// configJSON is tokenizer_config.json as far as it is read.
type configJSON struct {
	TokenizerClass       *string         `json:"tokenizer_class"`
	DoLowerCase          *bool           `json:"do_lower_case"`
	StripAccents         *bool           `json:"strip_accents"`
	TokenizeChineseChars *bool           `json:"tokenize_chinese_chars"`
	UnkToken             json.RawMessage `json:"unk_token"`
	SepToken             json.RawMessage `json:"sep_token"`
	PadToken             json.RawMessage `json:"pad_token"`
	ClsToken             json.RawMessage `json:"cls_token"`
	MaskToken            json.RawMessage `json:"mask_token"`
	ModelMaxLength       *json.Number    `json:"model_max_length"`
}

// tokenContent reads a token that is a string or the object of an AddedToken.
// It is "" for null and where the key is absent.
func tokenContent(value json.RawMessage) (content string, err error) {
	if len(value) > 0 && value[0] == '{' {
		var added struct {
			Content *string `json:"content"`
		}
		if json.Unmarshal(value, &added) == nil && added.Content != nil {
			return *added.Content, nil
		}
	} else if len(value) == 0 || json.Unmarshal(value, &content) == nil {
		return content, nil
	}
	return "", fmt.Errorf("is %s, want a string or an object with a content", value)
}

// readConfig changes what the file, if there is one, says otherwise.
func readConfig(path string, config *Config) error {
	text, err := readLimited(path, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	var file configJSON
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("%s:%d: %w", path, errorLine(text, err), err)
	}
	if err := file.apply(config); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// apply sets what the file says.
func (f *configJSON) apply(config *Config) error {
	if class := f.TokenizerClass; class != nil && !slices.Contains(tokenizerClasses, strings.TrimSuffix(*class, "Fast")) {
		return fmt.Errorf("tokenizer_class is %q, want one of %s", *class, strings.Join(tokenizerClasses, ", "))
	}
	if f.DoLowerCase != nil {
		config.DoLowerCase = *f.DoLowerCase
	}
	if f.TokenizeChineseChars != nil {
		config.TokenizeChineseChars = *f.TokenizeChineseChars
	}
	if f.StripAccents != nil {
		config.StripAccents = f.StripAccents
	}
	tokens := [...]json.RawMessage{f.UnkToken, f.SepToken, f.PadToken, f.ClsToken, f.MaskToken}
	for i, special := range config.specialTokens() {
		content, err := tokenContent(tokens[i])
		if err != nil {
			return fmt.Errorf("%s %w", special.key, err)
		}
		if content != "" {
			*special.content = content
		}
	}
	if f.ModelMaxLength != nil {
		var err error
		if config.ModelMaxLength, err = modelMaxLength(*f.ModelMaxLength); err != nil {
			return err
		}
	}
	return nil
}

// modelMaxLength reads a length, which transformers writes as 1e30 where there is
// no limit.
func modelMaxLength(number json.Number) (int, error) {
	length, err := strconv.ParseFloat(number.String(), 64)
	switch {
	case err != nil || length < 1 || length < math.MaxInt32 && length != math.Trunc(length):
		return 0, fmt.Errorf("model_max_length is %q, want a whole number of 1 or more", number)
	case length > math.MaxInt32:
		return 0, nil
	}
	return int(length), nil
}

// errorLine returns the line of a JSON text that an error is about.
func errorLine(text []byte, err error) int {
	var offset int64
	if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = bad.Offset
	} else if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = bad.Offset
	}
	read := text[:max(0, min(offset, int64(len(text)))-1)] // less the byte in error
	return 1 + bytes.Count(read, []byte("\n"))
}
