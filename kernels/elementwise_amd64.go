//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&addFamily, Kernel{Op: "add_f32", Name: "add_f32_avx2", ISA: AVX2}, addAVX2)
	register(&addFamily, Kernel{Op: "add_f32", Name: "add_f32_avx512", ISA: AVX512}, addAVX512)
	register(&mulFamily, Kernel{Op: "mul_f32", Name: "mul_f32_avx2", ISA: AVX2}, mulAVX2)
	register(&mulFamily, Kernel{Op: "mul_f32", Name: "mul_f32_avx512", ISA: AVX512}, mulAVX512)
	register(&mulAddFamily, Kernel{Op: "muladd_f32", Name: "muladd_f32_avx2", ISA: AVX2}, mulAddAVX2)
	register(&mulAddFamily, Kernel{Op: "muladd_f32", Name: "muladd_f32_avx512", ISA: AVX512}, mulAddAVX512)
	register(&scaleFamily, Kernel{Op: "scale_f32", Name: "scale_f32_avx2", ISA: AVX2}, scaleAVX2)
	register(&scaleFamily, Kernel{Op: "scale_f32", Name: "scale_f32_avx512", ISA: AVX512}, scaleAVX512)
	register(&addScaledFamily, Kernel{Op: "addscaled_f32", Name: "addscaled_f32_avx2", ISA: AVX2}, addScaledAVX2)
	register(&addScaledFamily, Kernel{Op: "addscaled_f32", Name: "addscaled_f32_avx512", ISA: AVX512}, addScaledAVX512)
}

//go:noescape
func addAVX2(s float32, a, b, y []float32)

//go:noescape
func addAVX512(s float32, a, b, y []float32)

//go:noescape
func mulAVX2(s float32, a, b, y []float32)

//go:noescape
func mulAVX512(s float32, a, b, y []float32)

//go:noescape
func mulAddAVX2(s float32, a, b, y []float32)

//go:noescape
func mulAddAVX512(s float32, a, b, y []float32)

//go:noescape
func scaleAVX2(s float32, a, b, y []float32)

//go:noescape
func scaleAVX512(s float32, a, b, y []float32)

//go:noescape
func addScaledAVX2(s float32, a, b, y []float32)

//go:noescape
func addScaledAVX512(s float32, a, b, y []float32)
