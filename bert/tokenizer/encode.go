package tokenizer

// Encoding is a model's input. The three slices are equally long.
type Encoding struct {
	IDs     []int32
	TypeIDs []int32 // token_type_ids: 0 up to the first [SEP], 1 behind it
	Tokens  []Token // offsets into the text of the type; 0, 0 for the special tokens that were added
}

// The special tokens that an encoding adds.
const (
	addedToText = 2 // [CLS] a [SEP]
	addedToPair = 3 // [CLS] a [SEP] b [SEP]
)

// Encode returns [CLS] text [SEP]. The text loses its last tokens where the whole
// would be longer than maxLength; maxLength 0 stands for ModelMaxLength. The
// special tokens are there whatever the length.
func (t *Tokenizer) Encode(text string, maxLength int) Encoding {
	tokens := make([]Token, 1, estimate(len(text))+addedToText)
	tokens[0].ID = t.cls
	tokens = t.Tokenize(tokens, text)
	if room, limited := t.room(maxLength, addedToText); limited {
		tokens = tokens[:1+min(room, len(tokens)-1)]
	}
	tokens = append(tokens, Token{ID: t.sep})
	return newEncoding(tokens, len(tokens))
}

// EncodePair returns [CLS] a [SEP] b [SEP]. Where that would be longer than
// maxLength, the longer text loses tokens before the shorter does
// ("longest_first"); of two that both lose some, b keeps the odd one unless a is
// the longer. (Since 0.23, Hugging Face's tokenizers give it to b also where both
// are longer than maxLength.) maxLength is read as by Encode.
func (t *Tokenizer) EncodePair(a, b string, maxLength int) Encoding {
	tokens := make([]Token, 1, estimate(len(a)+len(b))+addedToPair)
	tokens[0].ID = t.cls
	tokens = t.Tokenize(tokens, a)
	lengthA := len(tokens) - 1
	tokens = append(tokens, Token{ID: t.sep})
	tokens = t.Tokenize(tokens, b)
	textB := tokens[lengthA+2:]
	if room, limited := t.room(maxLength, addedToPair); limited {
		keptA, keptB := longestFirst(lengthA, len(textB), room)
		tokens = append(tokens[:1+keptA], Token{ID: t.sep})
		tokens = append(tokens, textB[:keptB]...)
		lengthA = keptA
	}
	tokens = append(tokens, Token{ID: t.sep})
	return newEncoding(tokens, lengthA+2)
}

// estimate is the usual number of tokens of a text with a few to spare.
func estimate(bytes int) int { return bytes/3 + 8 }

// room returns how many tokens a text may have beside the added ones.
func (t *Tokenizer) room(maxLength, added int) (room int, limited bool) {
	if maxLength <= 0 {
		maxLength = t.config.ModelMaxLength
	}
	return max(0, maxLength-added), maxLength > 0
}

// longestFirst returns how many tokens of two texts are kept in a given room.
func longestFirst(a, b, room int) (keptA, keptB int) {
	if a+b <= room {
		return a, b
	}
	shorter := min(a, b)
	longer := room - shorter
	if longer < shorter {
		shorter = room / 2
		longer = room - shorter
	}
	if a > b {
		return longer, shorter
	}
	return shorter, longer
}

// newEncoding splits tokens into slices. Those from second on are of type 1.
func newEncoding(tokens []Token, second int) Encoding {
	ids := make([]int32, 2*len(tokens))
	e := Encoding{ids[:len(tokens):len(tokens)], ids[len(tokens):], tokens}
	for i, token := range tokens {
		e.IDs[i] = token.ID
	}
	for i := second; i < len(tokens); i++ {
		e.TypeIDs[i] = 1
	}
	return e
}
