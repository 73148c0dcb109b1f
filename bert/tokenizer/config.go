package tokenizer

import "fmt"

// Config is what tokenizer_config.json says of a BERT tokenizer. The comments
// name its keys.
type Config struct {
	DoLowerCase          bool  // do_lower_case
	StripAccents         *bool // strip_accents; nil: as DoLowerCase
	TokenizeChineseChars bool  // tokenize_chinese_chars: every CJK ideograph is a word

	UnkToken  string // unk_token: a word that cannot be split
	SepToken  string // sep_token: ends each text
	PadToken  string // pad_token
	ClsToken  string // cls_token: begins the sequence
	MaskToken string // mask_token

	ModelMaxLength int // model_max_length in tokens; 0: no limit
}

// DefaultConfig returns the configuration of bert-base-uncased.
func DefaultConfig() Config {
	return Config{
		DoLowerCase:          true,
		TokenizeChineseChars: true,
		UnkToken:             "[UNK]",
		SepToken:             "[SEP]",
		PadToken:             "[PAD]",
		ClsToken:             "[CLS]",
		MaskToken:            "[MASK]",
		ModelMaxLength:       512,
	}
}

func (c *Config) stripAccents() bool {
	if c.StripAccents == nil {
		return c.DoLowerCase
	}
	return *c.StripAccents
}

// specialToken is a special token with the key that configures it.
type specialToken struct {
	key     string
	content *string
}

func (c *Config) specialTokens() [5]specialToken {
	return [5]specialToken{
		{"unk_token", &c.UnkToken},
		{"sep_token", &c.SepToken},
		{"pad_token", &c.PadToken},
		{"cls_token", &c.ClsToken},
		{"mask_token", &c.MaskToken},
	}
}

func (c *Config) check() error {
	for _, special := range c.specialTokens() {
		if *special.content == "" {
			return fmt.Errorf("tokenizer: %s is empty", special.key)
		}
	}
	if c.ModelMaxLength < 0 {
		return fmt.Errorf("tokenizer: model_max_length is %d, want 0 (no limit) or more", c.ModelMaxLength)
	}
	return nil
}
