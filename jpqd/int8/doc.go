// Package int8 is the inference engine: it turns a [jpqd.Compressed] into a
// planned program and runs it.
//
//	engine, err := int8.New(compressed)
//	w := engine.NewWorkspace() // one for each goroutine
//	err = engine.Logits(w, batch, logits)
//
// The plan has the physical shapes of the model: pruned heads and neurons are
// not there, a block that lost all of them is a bias and a residual. Weights are
// packed once for the instruction set at hand, whole or as the blocks that are
// not zero. An input that query, key and value quantize alike is quantized once.
// Scales, biases, GELU, residuals and the quantizer of what follows are in the
// epilogue of the product, or in the pass of the normalisation. Where a first
// token is classified, the last block computes only its rows after the keys and
// values.
//
// # Arithmetic
//
// Where both operands of a product are quantized it is one of bytes
// ([kernels.GemmInt8]): activations are uint8 with a zero point, weights int8
// with a scale a row, sums int32, scaled to float32 behind the product.
// Activations become
//
//	q = clamp(round(x·s) + zp, 0, levels−1)
//
// with s and zp of [jpqd.ActivationRange]. Training rounds (x − Low)·s − zp; the
// two differ only where float32's error crosses a rounding boundary. The logits
// are those of the fake-quantized model within 1e-3 where no value does, and
// else within what a step of its quantizer makes of them; the label is the same
// for at least 99.9 % of SST-2's sentences, the answer for 99.5 % of SQuAD's
// questions (TestEnginesAgree and TestEnginesAgreeOnQuestions of cmd/jpqd). Everything
// else (attention probabilities, for one, with the published configurations) is
// float32 through the same plan, fake-quantized where only one operand of a
// product has a quantizer. A float checkpoint runs in float32 altogether.
//
// # Chunks and threads
//
// A batch is cut into chunks of sequences; each runs from the first block to the
// last, side by side where there are enough of them, so that activations stay
// in a core's second-level cache and threads wait for each other once. A batch
// of few tokens shares the work of every product instead.
//
// # Determinism
//
// The logits of a sequence depend on the sequence alone: not on what else is in
// the batch, not on its order, not on the number of threads. Products of bytes
// and all that is quantized are the same bits on every instruction set, and so
// are the logits of a model that is quantized throughout. Products in float32
// are the same bits wherever there is fused multiply-add, from AVX2 on; pure Go
// has none, and its last bits may differ.
package int8
