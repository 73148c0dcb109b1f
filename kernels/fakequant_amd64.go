//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&fakeQuantFamily, Kernel{Op: "fakequant_f32", Name: "fakequant_f32_avx2", ISA: AVX2}, fakeQuantAVX2)
	register(&fakeQuantFamily, Kernel{Op: "fakequant_f32", Name: "fakequant_f32_avx512", ISA: AVX512}, fakeQuantAVX512)
	register(&fakeQuantBackwardFamily, Kernel{Op: "fakequant_backward_f32", Name: "fakequant_backward_f32_avx2", ISA: AVX2}, fakeQuantBackwardAVX2)
	register(&fakeQuantBackwardFamily, Kernel{Op: "fakequant_backward_f32", Name: "fakequant_backward_f32_avx512", ISA: AVX512}, fakeQuantBackwardAVX512)
}

//go:noescape
func fakeQuantAVX2(q fakeQuantParams, x, y []float32)

//go:noescape
func fakeQuantAVX512(q fakeQuantParams, x, y []float32)

//go:noescape
func fakeQuantBackwardAVX2(low, high float32, x, y, dy, dx []float32) (inside, above, below float32)

//go:noescape
func fakeQuantBackwardAVX512(low, high float32, x, y, dy, dx []float32) (inside, above, below float32)
