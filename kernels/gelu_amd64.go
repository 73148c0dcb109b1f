//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&geluFamily, Kernel{Op: "gelu_f32", Name: "gelu_f32_avx2", ISA: AVX2}, geluAVX2)
	register(&geluFamily, Kernel{Op: "gelu_f32", Name: "gelu_f32_avx512", ISA: AVX512}, geluAVX512)
	register(&geluBackwardFamily, Kernel{Op: "gelu_backward_f32", Name: "gelu_backward_f32_avx2", ISA: AVX2}, geluBackwardAVX2)
	register(&geluBackwardFamily, Kernel{Op: "gelu_backward_f32", Name: "gelu_backward_f32_avx512", ISA: AVX512}, geluBackwardAVX512)
}

//go:noescape
func geluAVX2(s float32, a, b, y []float32)

//go:noescape
func geluAVX512(s float32, a, b, y []float32)

//go:noescape
func geluBackwardAVX2(s float32, a, b, y []float32)

//go:noescape
func geluBackwardAVX512(s float32, a, b, y []float32)
