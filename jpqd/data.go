package jpqd

// Example is one labelled sequence of token ids.
type Example struct {
	IDs     []int32 // token ids, [CLS] and [SEP] included
	TypeIDs []int32 // token types; nil: all zero
	Label   int32   // class, for classification; −1: unknown
	Target  float32 // value, for regression
}
