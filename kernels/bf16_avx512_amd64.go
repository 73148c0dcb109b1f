//go:build !noasm && !purego

package kernels

import "unsafe"

func init() {
	register(&gemmBF16Family, Kernel{Op: "gemm_bf16", Name: "gemm_bf16_vnni_12x32", ISA: VNNI, Features: "AVX512BF16", MR: 12, NR: 32, KR: 2},
		bf16Kernel{fn: gemmBF16VNNI})
}

// gemmBF16VNNI is a [panelKernel] of tiles of 12 rows.
func gemmBF16VNNI(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
	if cols == 32 {
		gemmBF16VNNI12x32(rows, a, lda, offs, b, c, ldc, from)
	} else {
		gemmBF16VNNI12x16(rows, a, lda, offs, b, c, ldc, from)
	}
}

// gemmBF16VNNI12x32 is a [panelKernel] of 32 columns.
//
//go:noescape
func gemmBF16VNNI12x32(rows int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

// gemmBF16VNNI12x16 is a [panelKernel] of 16 columns.
//
//go:noescape
func gemmBF16VNNI12x16(rows int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
