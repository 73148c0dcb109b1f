// Package onnx writes a compressed model as ONNX, opset 17, in the QDQ form:
// what is quantized passes a QuantizeLinear and a DequantizeLinear, or, as a
// constant, a DequantizeLinear alone.
//
// # File
//
// [Write] makes model.onnx. Inputs are input_ids, attention_mask and, of models
// with more than one token type, token_type_ids, int64 of shape (batch,
// sequence). The output is logits, float of shape (batch, labels); of question
// answering start_logits and end_logits, of shape (batch, sequence). Nodes and
// constants are named after Hugging Face's modules of BERT, RoBERTa or
// DistilBERT; a tensor bears the name of the node that makes it.
//
// # Quantization
//
// Every [jpqd.ActivationRange] becomes a pair of QuantizeLinear and
// DequantizeLinear of one scale: int8 with zero point 0 where the range is
// symmetric and has a sign, else uint8. Two quantizers with equal ranges on one
// tensor become one pair. Where 0 lies between two levels of the range, a Sub in
// front moves it onto one; where the range has fewer than 256 levels, a Clip
// keeps to them. The factors that SmoothQuant gives the columns of a Linear's
// input are a Mul in front of all that.
//
// The weight of a MatMul is stored transposed, (in, out), as int8 with a scale
// and a zero point for each output, behind a DequantizeLinear. Of an embedding
// table the rows that occur are gathered as int8, then cast, shifted and scaled.
// Matrices that were not quantized are float.
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
// scales of an integer one), its bias and the limits of the quantizer behind it.
// Where a quantizer stands before the division, the factor stays behind that:
// of two quantizers in a row ONNX Runtime makes one.
//
// # Evaluation
//
// [Logits] computes what a written file says, node by node: plain loops, float64
// inside an operation, products of matrices by package kernels. It checks exports.
//
// # ONNX Runtime
//
// On x86-64, version 1.30 executes every MatMul whose operands are both quantized
// to 256 levels in integers: as MatMulIntegerToFloat, or as QLinearMatMul where
// its output is quantized at once. A sum of two quantized operands whose output
// is quantized is a QLinearAdd. Its logits are those of package int8 up to
// float32's rounding, except where a value lies so near a rounding boundary of
// its quantizer that this error decides, and takes the neighbouring level.
//
// Two options of its sessions matter to models of other kinds. A MatMul of
// integer weights and an input that is not quantized becomes MatMulNBits, which
// rounds the input to 8 bits unless session.qdq_matmulnbits_accuracy_level is
// "1". On x86 without VNNI sums of weights of the full 8 bits may saturate unless
// session.x64quantprecision is "1"; weights trained with the overflow fix cannot.
package onnx
