// Package int8 is the inference engine: it turns a [jpqd.Compressed] into a
// planned program and runs it.
//
//	engine, err := int8.New(compressed)
//	w := engine.NewWorkspace() // one for each goroutine
//	err = engine.Logits(w, batch, logits)
//
// The plan has the physical shapes of the model: pruned heads and neurons are
// not there, a block that lost all of them is a bias and a residual. An input
// that query, key and value quantize alike is quantized once; scales, biases,
// residuals, normalisations and the quantizers of what follows are applied to
// some rows at a time while these are in the cache. For classification the last
// block computes, after its keys and values, only the first token of each
// sequence, which is all that the pooler reads.
//
// # Arithmetic
//
// Operands of a quantized product are integers: the activation's
//
//	q = round((clamp(x, Low, High)−Low)·s − zp)    with s and zp of [jpqd.ActivationRange]
//
// and the weight's I8 − Zero. In this version they are integers in the form of
// float32, multiplied by [kernels.GemmF32]: a product of two of them has at
// most 16 bits, and every partial sum up to 2²⁴ is exact; a larger one is rounded
// as any float32 is. The sum is then multiplied by Scale/s of its row and gets
// its bias in one pass. So results are those of an integer engine, while speed
// and the memory of weights are those of float32: pruning makes this engine
// faster, quantization does not. Embedding tables stay in 8 bits and are
// dequantized row by row.
//
// Matrices that are not quantized run as plain float32 through the same plan.
//
// # Determinism
//
// The logits of a sequence depend on the sequence alone: not on what else is in
// the batch, not on its order, not on the number of threads. They may differ in
// the last bits between instruction sets, as those of package kernels do; where
// such a difference moves a value across a rounding boundary of a quantizer,
// that value differs by one integer.
package int8
