//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&softmaxQ8Family, Kernel{Op: "softmax_q8", Name: "softmax_q8_avx2", ISA: AVX2}, softmaxQ8AVX2)
	register(&softmaxQ8Family, Kernel{Op: "softmax_q8", Name: "softmax_q8_avx512", ISA: AVX512}, softmaxQ8AVX512)
}

//go:noescape
func softmaxQ8AVX2(p softmaxQ8Params, x []float32, acc []int32, mask, scratch []float32, q []byte)

//go:noescape
func softmaxQ8AVX512(p softmaxQ8Params, x []float32, acc []int32, mask, scratch []float32, q []byte)
