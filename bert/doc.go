// Package bert is the BERT encoder with a sequence classification head, as
// transformers' BertForSequenceClassification, over batches without padding.
//
// A [Model] holds its parameters by their Hugging Face names and is read from
// and written to a Hugging Face folder ([Load], [Model.Save]). Forward passes
// are built on an autograd tape.
//
// The model knows nothing of compression. It offers hooks instead: every
// [Linear], [Embedding] and two-operand [Op] may transform its operands before
// they are used. Whoever compresses finds them by name with [Model.Linears],
// [Model.Embeddings] and [Model.Ops].
package bert
