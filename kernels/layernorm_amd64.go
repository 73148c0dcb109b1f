//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&layerNormFamily, Kernel{Op: "layernorm_f32", Name: "layernorm_f32_avx2", ISA: AVX2}, layerNormAVX2)
	register(&layerNormFamily, Kernel{Op: "layernorm_f32", Name: "layernorm_f32_avx512", ISA: AVX512}, layerNormAVX512)
	register(&layerNormInputFamily, Kernel{Op: "layernorm_input_f32", Name: "layernorm_input_f32_avx2", ISA: AVX2}, layerNormInputAVX2)
	register(&layerNormInputFamily, Kernel{Op: "layernorm_input_f32", Name: "layernorm_input_f32_avx512", ISA: AVX512}, layerNormInputAVX512)
	register(&layerNormParamsFamily, Kernel{Op: "layernorm_params_f32", Name: "layernorm_params_f32_avx2", ISA: AVX2}, layerNormParamsAVX2)
	register(&layerNormParamsFamily, Kernel{Op: "layernorm_params_f32", Name: "layernorm_params_f32_avx512", ISA: AVX512}, layerNormParamsAVX512)
}

//go:noescape
func layerNormAVX2(eps float32, x, gamma, beta, y []float32) (mean, rstd float32)

//go:noescape
func layerNormAVX512(eps float32, x, gamma, beta, y []float32) (mean, rstd float32)

//go:noescape
func layerNormInputAVX2(mean, rstd float32, x, gamma, dy, dx []float32)

//go:noescape
func layerNormInputAVX512(mean, rstd float32, x, gamma, dy, dx []float32)

//go:noescape
func layerNormParamsAVX2(mean, rstd float32, x, dy, dgamma, dbeta []float32)

//go:noescape
func layerNormParamsAVX512(mean, rstd float32, x, dy, dgamma, dbeta []float32)
