//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&sumSquaresFamily, Kernel{Op: "sumsquares_f32", Name: "sumsquares_f32_avx2", ISA: AVX2}, sumSquaresAVX2)
	register(&sumSquaresFamily, Kernel{Op: "sumsquares_f32", Name: "sumsquares_f32_avx512", ISA: AVX512}, sumSquaresAVX512)
	register(&minMaxFamily, Kernel{Op: "minmax_f32", Name: "minmax_f32_avx2", ISA: AVX2}, minMaxAVX2)
	register(&minMaxFamily, Kernel{Op: "minmax_f32", Name: "minmax_f32_avx512", ISA: AVX512}, minMaxAVX512)
}

//go:noescape
func sumSquaresAVX2(x []float32, lanes *[sumSquaresLanes]float64)

//go:noescape
func sumSquaresAVX512(x []float32, lanes *[sumSquaresLanes]float64)

//go:noescape
func minMaxAVX2(x []float32) (lo, hi float32)

//go:noescape
func minMaxAVX512(x []float32) (lo, hi float32)
