//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&quantizeFamily, Kernel{Op: "quantize_q8", Name: "quantize_q8_avx2", ISA: AVX2}, quantizeAVX2)
	register(&quantizeFamily, Kernel{Op: "quantize_q8", Name: "quantize_q8_avx512", ISA: AVX512}, quantizeAVX512)
	register(&dequantizeFamily, Kernel{Op: "dequantize_q8", Name: "dequantize_q8_avx2", ISA: AVX2}, dequantizeAVX2)
	register(&dequantizeFamily, Kernel{Op: "dequantize_q8", Name: "dequantize_q8_avx512", ISA: AVX512}, dequantizeAVX512)
}

//go:noescape
func quantizeAVX2(p quantizeParams, x []float32, q []byte)

//go:noescape
func quantizeAVX512(p quantizeParams, x []float32, q []byte)

//go:noescape
func dequantizeAVX2(p dequantizeParams, q []byte, y []float32)

//go:noescape
func dequantizeAVX512(p dequantizeParams, q []byte, y []float32)
