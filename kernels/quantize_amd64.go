//go:build amd64 && !noasm && !purego

package kernels

import "unsafe"

func init() {
	register(&quantizeFamily, Kernel{Op: "quantize_q8", Name: "quantize_q8_avx2", ISA: AVX2}, quantizeAVX2)
	register(&quantizeFamily, Kernel{Op: "quantize_q8", Name: "quantize_q8_avx512", ISA: AVX512}, quantizeAVX512)
	register(&dequantizeFamily, Kernel{Op: "dequantize_q8", Name: "dequantize_q8_avx2", ISA: AVX2}, dequantizeAVX2)
	register(&dequantizeFamily, Kernel{Op: "dequantize_q8", Name: "dequantize_q8_avx512", ISA: AVX512}, dequantizeAVX512)
}

// quantizeRowsFast quantizes rows at once, and tells whether it did.
func quantizeRowsFast(p quantizeParams, rows, cols int, x []float32, ldx int, q []byte, ldq int) bool {
	if level < AVX512 {
		return false
	}
	quantizeRowsAVX512(p, rows, cols, unsafe.Pointer(&x[0]), ldx, unsafe.Pointer(&q[0]), ldq)
	return true
}

// quantizeRowsAVX512 takes one row or more of one column or more.
//
//go:noescape
func quantizeRowsAVX512(p quantizeParams, rows, cols int, x unsafe.Pointer, ldx int, q unsafe.Pointer, ldq int)

// quantizeAVX512 does the same for one row.
func quantizeAVX512(p quantizeParams, x []float32, q []byte) {
	if len(x) > 0 {
		quantizeRowsAVX512(p, 1, len(x), unsafe.Pointer(&x[0]), 0, unsafe.Pointer(&q[0]), 0)
	}
}

//go:noescape
func quantizeAVX2(p quantizeParams, x []float32, q []byte)

//go:noescape
func dequantizeAVX2(p dequantizeParams, q []byte, y []float32)

//go:noescape
func dequantizeAVX512(p dequantizeParams, q []byte, y []float32)
