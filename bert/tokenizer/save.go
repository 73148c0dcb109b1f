package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2/maybe"
)

// savedSpecials is special_tokens_map.json and a part of tokenizer_config.json.
type savedSpecials struct {
	ClsToken  string `json:"cls_token"`
	MaskToken string `json:"mask_token"`
	PadToken  string `json:"pad_token"`
	SepToken  string `json:"sep_token"`
	UnkToken  string `json:"unk_token"`
}

type savedConfig struct {
	savedSpecials
	AddedTokensDecoder        map[int32]savedTokenFlags `json:"added_tokens_decoder"`
	CleanUpTokenizationSpaces bool                      `json:"clean_up_tokenization_spaces"`
	DoLowerCase               bool                      `json:"do_lower_case"`
	StripAccents              *bool                     `json:"strip_accents"`
	TokenizeChineseChars      bool                      `json:"tokenize_chinese_chars"`
	ModelMaxLength            int                       `json:"model_max_length,omitempty"`
	TokenizerClass            string                    `json:"tokenizer_class"`
}

// Save writes vocab.txt, tokenizer.json, tokenizer_config.json and
// special_tokens_map.json, from which transformers makes BertTokenizer and
// BertTokenizerFast, to a folder that it makes if need be. Each file is replaced
// as a whole or not at all.
func (t *Tokenizer) Save(dir string) error {
	specials := savedSpecials{
		ClsToken:  t.config.ClsToken,
		MaskToken: t.config.MaskToken,
		PadToken:  t.config.PadToken,
		SepToken:  t.config.SepToken,
		UnkToken:  t.config.UnkToken,
	}
	config := savedConfig{
		savedSpecials:             specials,
		AddedTokensDecoder:        map[int32]savedTokenFlags{},
		CleanUpTokenizationSpaces: true,
		DoLowerCase:               t.config.DoLowerCase,
		StripAccents:              t.config.StripAccents,
		TokenizeChineseChars:      t.config.TokenizeChineseChars,
		ModelMaxLength:            t.config.ModelMaxLength,
		TokenizerClass:            "BertTokenizer",
	}
	for _, token := range t.addedTokens() {
		config.AddedTokensDecoder[token.ID] = token.savedTokenFlags
	}
	for id, token := range t.vocab {
		if strings.ContainsAny(token, "\r\n") {
			return fmt.Errorf("tokenizer: token %d, %q, does not fit on a line of %s", id, token, vocabFile)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	files := []struct {
		name string
		data []byte
	}{
		{vocabFile, []byte(strings.Join(t.vocab, "\n") + "\n")},
		{fastFile, indentedJSON(t.fast())},
		{specialsMapFile, indentedJSON(specials)},
		{configFile, indentedJSON(config)},
	}
	for _, file := range files {
		if err := maybe.WriteFile(filepath.Join(dir, file.name), file.data, 0o644); err != nil {
			return fmt.Errorf("tokenizer: %w", err)
		}
	}
	return nil
}

// indentedJSON encodes as transformers does: two spaces, "<" as it is.
func indentedJSON(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(err) // structs of strings, numbers and booleans encode
	}
	return text.Bytes()
}
