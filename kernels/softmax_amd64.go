//go:build amd64 && !noasm && !purego

package kernels

import "unsafe"

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

// softmaxFast does rows that are short enough to stay in registers, and tells
// whether it did.
func softmaxFast(rows, cols int, x []float32, ldx int, y []float32, ldy int) bool {
	if level < AVX512 || cols > 32 {
		return false
	}
	softmaxShortAVX512(rows, cols, unsafe.Pointer(&x[0]), ldx, unsafe.Pointer(&y[0]), ldy)
	return true
}

// softmaxShortAVX512 does 1 row or more of 1 to 32 elements.
//
//go:noescape
func softmaxShortAVX512(rows, cols int, x unsafe.Pointer, ldx int, y unsafe.Pointer, ldy int)

//go:noescape
func softmaxBackwardAVX2(y, dy, dx []float32)

//go:noescape
func softmaxBackwardAVX512(y, dy, dx []float32)
