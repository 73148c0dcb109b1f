//go:build !noasm && !purego

package kernels

import "unsafe"

func init() {
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_avx2_6x16", ISA: AVX2, MR: 6, NR: 16, KR: 2},
		int8Kernel{u8: byWidth(panelInt16AVX2x6x32, panelInt16AVX2x6x16), widened: true, align: granuleBytes})
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_avx512_12x32", ISA: AVX512, MR: 12, NR: 32, KR: 2},
		int8Kernel{u8: byWidth(panelInt16AVX512x12x32, panelInt16AVX512x12x16), widened: true, align: granuleBytes})
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_vnni_12x32", ISA: VNNI, MR: 12, NR: 32, KR: 4},
		int8Kernel{u8: byWidth(panelInt8VNNI12x32, panelInt8VNNI12x16), align: granuleBytes})
	register(&gemmPanelF32, Kernel{Op: "gemm_packed_f32", Name: "gemm_packed_f32_avx2_6x16", ISA: AVX2, MR: 6, NR: 16, KR: 1},
		byWidth(panelF32AVX2x6x32, panelF32AVX2x6x16))
	register(&gemmPanelF32, Kernel{Op: "gemm_packed_f32", Name: "gemm_packed_f32_avx512_12x32", ISA: AVX512, MR: 12, NR: 32, KR: 1},
		byWidth(panelF32AVX512x12x32, panelF32AVX512x12x16))
	register(&gemmBF16Family, Kernel{Op: "gemm_bf16", Name: "gemm_bf16_avx512_12x32", ISA: AVX512, MR: 12, NR: 32, KR: 1},
		bf16Kernel{byWidth(panelF32AVX512x12x32, panelF32AVX512x12x16), true})
	register(&gemmBF16Family, Kernel{Op: "gemm_bf16", Name: "gemm_bf16_avx2_6x16", ISA: AVX2, MR: 6, NR: 16, KR: 1},
		bf16Kernel{byWidth(panelF32AVX2x6x32, panelF32AVX2x6x16), true})
}

// byWidth is the panelKernel made of one for 32 columns and one for 16.
func byWidth(wide, narrow panelKernel) panelKernel {
	return func(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer) {
		if cols == panelCols {
			wide(rows, cols, a, lda, offs, b, c, ldc, from)
		} else {
			narrow(rows, cols, a, lda, offs, b, c, ldc, from)
		}
	}
}

// The panel kernels by multiplication and width; cols is not read.

//go:noescape
func panelInt8VNNI12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelInt8VNNI12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelInt16AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelInt16AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelF32AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelF32AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelInt16AVX2x6x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelInt16AVX2x6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelF32AVX2x6x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

//go:noescape
func panelF32AVX2x6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
