//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&layerNormQ8Family, Kernel{Op: "layernorm_q8", Name: "layernorm_q8_avx2", ISA: AVX2}, layerNormQ8AVX2)
	register(&layerNormQ8Family, Kernel{Op: "layernorm_q8", Name: "layernorm_q8_avx512", ISA: AVX512}, layerNormQ8AVX512)
}

//go:noescape
func layerNormQ8AVX2(p layerNormQ8Params, x, residual, gamma, beta, sum, y []float32, q []byte)

//go:noescape
func layerNormQ8AVX512(p layerNormQ8Params, x, residual, gamma, beta, sum, y []float32, q []byte)
