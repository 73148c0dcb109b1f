// Package bert is the encoder of BERT, RoBERTa and DistilBERT with a head for
// sequence classification or question answering, as transformers'
// BertForSequenceClassification and its like, over batches without padding.
//
// A [Model] holds its parameters by their Hugging Face names and is read from
// and written to a Hugging Face folder ([Load], [Model.Save]). Forward passes
// are built on an autograd tape. What differs between the families is one table
// (family.go).
//
// The model knows nothing of compression. It offers hooks instead: every
// [Linear], [Embedding], [LayerNorm] and [Op] may have its operands transformed
// before they are used. Whoever compresses finds them by name with
// [Model.Linears], [Model.Embeddings], [Model.Norms] and [Model.Ops].
package bert
