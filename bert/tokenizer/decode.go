package tokenizer

import "strings"

// spacing takes back the spaces that splitting put round punctuation, one rule
// after the other over the whole text (transformers'
// clean_up_tokenization_spaces).
var spacing = [...]struct{ old, new string }{
	{" .", "."},
	{" ?", "?"},
	{" !", "!"},
	{" ,", ","},
	{" ' ", "'"},
	{" n't", "n't"},
	{" 'm", "'m"},
	{" 's", "'s"},
	{" 've", "'ve"},
	{" 're", "'re"},
}

// Decode returns the text of tokens: words apart by a space, pieces joined, no
// space before punctuation. Special tokens stand as they are, ids that are not of
// the vocabulary are left out.
func (t *Tokenizer) Decode(ids []int32) string {
	var text strings.Builder
	for _, id := range ids {
		token := t.Token(id)
		if token == "" {
			continue
		}
		if text.Len() > 0 {
			piece, isInside := strings.CutPrefix(token, continuation)
			if !isInside {
				text.WriteByte(' ')
			}
			token = piece
		}
		text.WriteString(token)
	}
	decoded := text.String()
	for _, rule := range spacing {
		decoded = strings.ReplaceAll(decoded, rule.old, rule.new)
	}
	return decoded
}
