package jpqd

// Example is one labelled sequence of token ids.
type Example struct {
	IDs     []int32 // token ids, [CLS] and [SEP] included
	TypeIDs []int32 // token types; nil: all zero
	Label   int32   // class, for classification; −1: unknown
	Target  float32 // value, for regression

	// First and last token of the answer, for question answering: places in IDs.
	// A place outside of the sequence (−100 by custom) is not trained.
	Start, End int32

	// Number tells examples apart, for masked language modelling: which tokens of
	// one are hidden is a function of it.
	Number int32
}
