//go:build !noasm && !purego

package kernels

import "unsafe"

func init() {
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_avxvnni_6x16", ISA: AVXVNNI, MR: 6, NR: 16, KR: 4},
		int8Kernel{u8: gemmInt8AVXVNNI6x16, align: granuleBytes})
}

// gemmInt8AVXVNNI6x16 is a [panelKernel].
//
//go:noescape
func gemmInt8AVXVNNI6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
