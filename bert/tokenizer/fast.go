package tokenizer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// fastFile is what BertTokenizerFast and pipelines read.
const fastFile = "tokenizer.json"

// The components of tokenizer.json that make it BERT's, by their "type".
const (
	fastNormalizer   = "BertNormalizer"
	fastPreTokenizer = "BertPreTokenizer"
	fastModel        = "WordPiece"
)

// savedFast is tokenizer.json of version 1.0.
type savedFast struct {
	Version       string            `json:"version"`
	Truncation    *struct{}         `json:"truncation"` // as each call asks for
	Padding       *struct{}         `json:"padding"`    // as each call asks for
	AddedTokens   []savedAddedToken `json:"added_tokens"`
	Normalizer    savedNormalizer   `json:"normalizer"`
	PreTokenizer  savedComponent    `json:"pre_tokenizer"`
	PostProcessor savedTemplate     `json:"post_processor"`
	Decoder       savedDecoder      `json:"decoder"`
	Model         savedWordPiece    `json:"model"`
}

type savedComponent struct {
	Type string `json:"type"`
}

// savedAddedToken is a special token: recognised in the text as it is written,
// before anything is normalised.
type savedAddedToken struct {
	ID int32 `json:"id"`
	savedTokenFlags
}

type savedTokenFlags struct {
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type savedNormalizer struct {
	savedComponent
	CleanText          bool  `json:"clean_text"`
	HandleChineseChars bool  `json:"handle_chinese_chars"`
	StripAccents       *bool `json:"strip_accents"`
	Lowercase          bool  `json:"lowercase"`
}

// savedTemplate is how special tokens stand round one text and round two.
type savedTemplate struct {
	savedComponent
	Single        []savedPiece                 `json:"single"`
	Pair          []savedPiece                 `json:"pair"`
	SpecialTokens map[string]savedSpecialToken `json:"special_tokens"`
}

// savedPiece is a special token or a text.
type savedPiece struct {
	SpecialToken *savedPart `json:"SpecialToken,omitempty"`
	Sequence     *savedPart `json:"Sequence,omitempty"`
}

type savedPart struct {
	ID     string `json:"id"`
	TypeID int    `json:"type_id"`
}

type savedSpecialToken struct {
	ID     string   `json:"id"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

type savedDecoder struct {
	savedComponent
	Prefix  string `json:"prefix"`
	Cleanup bool   `json:"cleanup"`
}

type savedWordPiece struct {
	savedComponent
	UnkToken                string     `json:"unk_token"`
	ContinuingSubwordPrefix string     `json:"continuing_subword_prefix"`
	MaxInputCharsPerWord    int        `json:"max_input_chars_per_word"`
	Vocab                   savedVocab `json:"vocab"`
}

// savedVocab is an object of the ids by token, in the order of the ids.
type savedVocab []string

func (v savedVocab) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	separator := byte('{')
	for id, token := range v {
		text.WriteByte(separator)
		if err := encoder.Encode(token); err != nil { // ends in a newline, which json.Marshal takes out
			return nil, err
		}
		text.WriteByte(':')
		text.WriteString(strconv.Itoa(id))
		separator = ','
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// addedTokens are the special tokens by id.
func (t *Tokenizer) addedTokens() []savedAddedToken {
	var tokens []savedAddedToken
	for _, id := range slices.Sorted(slices.Values(t.specialIDs)) {
		tokens = append(tokens, savedAddedToken{id, savedTokenFlags{Content: t.vocab[id], Special: true}})
	}
	return tokens
}

// fast is the tokenizer as tokenizer.json describes it.
func (t *Tokenizer) fast() savedFast {
	special := func(token string, typeID int) savedPiece {
		return savedPiece{SpecialToken: &savedPart{token, typeID}}
	}
	text := func(id string, typeID int) savedPiece { return savedPiece{Sequence: &savedPart{id, typeID}} }
	c := &t.config
	single := []savedPiece{special(c.ClsToken, 0), text("A", 0), special(c.SepToken, 0)}
	return savedFast{
		Version:     "1.0",
		AddedTokens: t.addedTokens(),
		Normalizer: savedNormalizer{
			savedComponent:     savedComponent{fastNormalizer},
			CleanText:          true,
			HandleChineseChars: c.TokenizeChineseChars,
			StripAccents:       c.StripAccents,
			Lowercase:          c.DoLowerCase,
		},
		PreTokenizer: savedComponent{fastPreTokenizer},
		PostProcessor: savedTemplate{
			savedComponent: savedComponent{"TemplateProcessing"},
			Single:         single,
			Pair:           append(slices.Clip(single), text("B", 1), special(c.SepToken, 1)),
			SpecialTokens: map[string]savedSpecialToken{
				c.ClsToken: {c.ClsToken, []int32{t.cls}, []string{c.ClsToken}},
				c.SepToken: {c.SepToken, []int32{t.sep}, []string{c.SepToken}},
			},
		},
		Decoder: savedDecoder{savedComponent{fastModel}, continuation, true},
		Model: savedWordPiece{
			savedComponent:          savedComponent{fastModel},
			UnkToken:                c.UnkToken,
			ContinuingSubwordPrefix: continuation,
			MaxInputCharsPerWord:    maxRunes,
			Vocab:                   t.vocab,
		},
	}
}
