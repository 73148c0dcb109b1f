package kernels

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkRows runs the row operations at sizes of BERT-base, 1024 tokens of
// 768 features, as op/size/level. It reports elements and bytes read and
// written.
func BenchmarkRows(b *testing.B) {
	const rows, cols, n = 1024, 768, 1024 * 768
	r := rand.New(rand.NewPCG(1, 2))
	operand := func(n int) []float32 { return fill(r, 1, make([]float32, n)) }
	x, y, z, q := operand(n), operand(n), operand(n), operand(n)
	gamma, beta, dgamma, dbeta := operand(cols), operand(cols), operand(cols), operand(cols)
	mean, rstd := make([]float32, rows), make([]float32, rows)
	LayerNorm(rows, cols, x, gamma, beta, 1e-5, y, mean, rstd)
	low, span := make([]float32, rows), make([]float32, rows)
	for i := range low {
		low[i], span[i] = -2, 4
	}
	FakeQuantize(rows, cols, x, low, span, 256, q)
	dlow, dspan := make([]float32, rows), make([]float32, rows)

	const embedding = 1 << 22
	weights := [4][]float32{operand(embedding), operand(embedding), make([]float32, embedding), make([]float32, embedding)}
	step := AdamWStep{LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, Step: 9, GradScale: 1}

	u8, s8, acc := make([]uint8, n), make([]int8, n), make([]int32, n)
	for i := range acc {
		acc[i] = int32(1000 * r.NormFloat64())
	}
	byte255 := Quantizer{Scale: 1.0 / 255}

	for _, c := range []struct {
		op, size string
		n, bytes int // elements, and bytes moved for each
		call     func()
	}{
		{"add_f32", "1024x768", n, 12, func() { Add(x, y, z) }},
		{"muladd_f32", "1024x768", n, 16, func() { MulAdd(x, y, z) }},
		{"gelu_f32", "1024x768", n, 8, func() { GELU(x, z) }},
		{"gelu_backward_f32", "1024x768", n, 16, func() { GELUBackward(x, y, z, true) }},
		{"tanh_f32", "1024x768", n, 8, func() { Tanh(x, z) }},
		{"softmax_f32", "6144x128", n, 8, func() { Softmax(6144, 128, x, 128, z, 128) }},
		{"softmax_backward_f32", "6144x128", n, 12, func() { SoftmaxBackward(6144, 128, x, 128, y, 128, z, 128) }},
		{"layernorm_f32", "1024x768", n, 8, func() { LayerNorm(rows, cols, x, gamma, beta, 1e-5, z, mean, rstd) }},
		{"layernorm_input_f32", "1024x768", n, 16, func() {
			LayerNormBackward(rows, cols, x, gamma, mean, rstd, y, z, dgamma, dbeta, true)
		}},
		{"sumsquares_f32", "1024x768", n, 4, func() { SumSquares(x) }},
		{"minmax_f32", "1024x768", n, 4, func() { MinMax(x) }},
		{"add_f32", "columnsums_1024x768", n, 4, func() { ColumnSums(rows, cols, x, dgamma) }},
		{"adamw_f32", "4194304", embedding, 28, func() { AdamW(step, weights[0], weights[1], weights[2], weights[3]) }},
		{"fakequant_f32", "1024x768", n, 8, func() { FakeQuantize(rows, cols, x, low, span, 256, z) }},
		{"fakequant_backward_f32", "1024x768", n, 20, func() {
			FakeQuantizeBackward(rows, cols, x, q, low, span, 0, y, z, dlow, dspan)
		}},
		{"exp_f32", "1024x768", n, 8, func() { Exp(x, z) }},
		{"erf_f32", "1024x768", n, 8, func() { Erf(x, z) }},
		{"quantize_q8", "1024x768", n, 5, func() { Quantize(rows, cols, x, cols, Quantizer{Scale: 0.03}, s8, cols) }},
		{"quantize_q8", "dynamic_1024x768", n, 5, func() { DynamicQuantizeS8(rows, cols, x, cols, s8, cols, dlow) }},
		{"dequantize_q8", "1024x768", n, 5, func() { Dequantize(rows, cols, s8, cols, Quantizer{Scale: 0.03}, z, cols) }},
		{"softmax_q8", "6144x128", n, 5, func() { SoftmaxQ8(6144, 128, 128, x, 128, byte255, u8, 128) }},
		{"softmax_q8", "int32_6144x128", n, 5, func() { SoftmaxInt32Q8(6144, 128, 128, acc, 128, 1e-3, x[:128], byte255, u8, 128) }},
		{"layernorm_q8", "1024x768", n, 13, func() {
			LayerNormQ8(rows, cols, x, q, gamma, beta, 1e-5, z, Quantizer{Scale: 0.03}, s8)
		}},
		{"dropout_f32", "1024x768", n, 8, func() { Dropout(1, 2, 0.1, x, z) }},
	} {
		b.Run(c.op+"/"+c.size, func(b *testing.B) {
			benchLevels(b, c.op, func(b *testing.B) {
				for b.Loop() {
					c.call()
				}
				rate := float64(c.n) * float64(b.N) / b.Elapsed().Seconds() / 1e9
				b.ReportMetric(rate, "Gelem/s")
				b.ReportMetric(rate*float64(c.bytes), "GB/s")
			})
		})
	}
}
