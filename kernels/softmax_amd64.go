//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&softmaxFamily, Kernel{Op: "softmax_f32", Name: "softmax_f32_avx2", ISA: AVX2}, softmaxAVX2)
	register(&softmaxFamily, Kernel{Op: "softmax_f32", Name: "softmax_f32_avx512", ISA: AVX512}, softmaxAVX512)
	register(&softmaxBackwardFamily, Kernel{Op: "softmax_backward_f32", Name: "softmax_backward_f32_avx2", ISA: AVX2}, softmaxBackwardAVX2)
	register(&softmaxBackwardFamily, Kernel{Op: "softmax_backward_f32", Name: "softmax_backward_f32_avx512", ISA: AVX512}, softmaxBackwardAVX512)
}

//go:noescape
func softmaxAVX2(x, y []float32)

//go:noescape
func softmaxAVX512(x, y []float32)

//go:noescape
func softmaxBackwardAVX2(y, dy, dx []float32)

//go:noescape
func softmaxBackwardAVX512(y, dy, dx []float32)
