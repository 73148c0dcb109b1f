// Package ir writes a compressed model as OpenVINO IR version 11, reads such
// files, of other writers too, evaluates them and recognises BERT in them.
//
// # Files
//
// [Write] makes openvino_model.xml (the graph) and openvino_model.bin (the
// constants, little-endian, each at a multiple of 64 bytes, equal ones stored
// once). Inputs are input_ids, attention_mask and, of models with more than one
// token type, token_type_ids, i64 of shape (batch, sequence), both dimensions
// dynamic unless [Options] fix them. The output is logits, f32 of shape (batch, labels); of question
// answering start_logits and end_logits, of shape (batch, sequence). Layers are
// named after Hugging Face's modules of BERT, RoBERTa or DistilBERT.
//
// # Quantization
//
// An integer matrix is stored as i8 and becomes
//
//	Const i8 (out, in) -> Convert f32 -> Multiply scale (out, 1)
//
// or, where its rows have zero points,
//
//	Const i8 (out, in) -> Convert f32 -> Subtract zero point (out, 1) -> Multiply scale (out, 1)
//
// in front of its MatMul or, for an embedding table, of its Gather. That is the
// form in which the runtime keeps the integers and, for a MatMul without zero
// points of its weight, picks int8 kernels. Every [jpqd.ActivationRange] becomes a FakeQuantize with scalar limits; two
// quantizers with equal ranges on one tensor become one layer. Its output limits
// are its input limits unless 0 lies between two levels of the range; then they
// are moved to where the zero point of the range puts them. The factors that
// SmoothQuant gives the columns of a Linear's input are a Multiply in front of it.
//
// # Pruning
//
// What training removed is absent: the matrices have the sizes of their layer,
// and a block without heads or without neurons is the bias of its last Linear
// added to the residual.
//
// # Scale of the attention scores
//
// The factor 1/√head_dim is applied to the query projection: to its weight (the
// scales of an integer one), its bias and the limits of every quantizer from
// there to where a model in training divides. A Multiply after the product
// would be moved onto one operand by the runtime, which then computes the
// product in float. Query and scores are the same values as
// before, exactly so when √head_dim is a power of two, else up to float rounding.
//
// # Precision
//
// With [Options].Precision F16 weights and biases that are no integers are Const
// f16 -> Convert f32, marked as decompression; scales, ranges and normalisations
// stay f32. [Model.Products] tells which MatMuls of a file OpenVINO's CPU plugin
// computes in INT8: those of two operands that are quantized, by its rules for
// types, zero points and what may stand between.
//
// # Recognition
//
// [Model.Compressed] walks a graph from its results back to its inputs and finds
// BERT, RoBERTa or DistilBERT in it: Linear layers with weights as floats,
// integers or quantized by FakeQuantize, in either orientation; normalisation
// and GELU as one operation or spelled out; attention fused or not, divided by
// √head_dim in any place; SmoothQuant's factors of columns; masks and positions of
// any make, known by what they are for a sample of three tokens. What
// [jpqd.Compressed] cannot say is refused.
//
// # Evaluation
//
// [Model.Run] is the reference: plain loops over float32 values with float64
// inside each operation. It knows the operations that transformer encoders use,
// in files of other writers too, and is meant for checking, not for speed.
package ir
