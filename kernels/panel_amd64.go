//go:build !noasm && !purego

package kernels

import "unsafe"

func init() {
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_avx2_6x16", ISA: AVX2, MR: 6, NR: 16, KR: 2}, int8Kernel{u8: panelInt16AVX2, widened: true, align: granuleBytes})
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_avx512_12x32", ISA: AVX512, MR: 12, NR: 32, KR: 2}, int8Kernel{u8: panelInt16AVX512, widened: true, align: granuleBytes})
	register(&gemmInt8Family, Kernel{Op: "gemm_int8", Name: "gemm_int8_vnni_12x32", ISA: VNNI, MR: 12, NR: 32, KR: 4}, int8Kernel{u8: panelInt8VNNI, align: granuleBytes})
	register(&gemmBF16Family, Kernel{Op: "gemm_bf16", Name: "gemm_bf16_avx512_12x32", ISA: AVX512, MR: 12, NR: 32, KR: 2}, panelBF16AVX512)
	register(&gemmPanelF32, Kernel{Op: "gemm_packed_f32", Name: "gemm_packed_f32_avx2_6x16", ISA: AVX2, MR: 6, NR: 16, KR: 1}, panelF32AVX2)
	register(&gemmPanelF32, Kernel{Op: "gemm_packed_f32", Name: "gemm_packed_f32_avx512_12x32", ISA: AVX512, MR: 12, NR: 32, KR: 1}, panelF32AVX512)
}

func panelInt8VNNI(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool) {
	if cols == panelCols {
		panelInt8VNNI12x32(rows, cols, a, lda, offs, b, c, ldc, add)
	} else {
		panelInt8VNNI12x16(rows, cols, a, lda, offs, b, c, ldc, add)
	}
}

func panelInt16AVX512(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool) {
	if cols == panelCols {
		panelInt16AVX512x12x32(rows, cols, a, lda, offs, b, c, ldc, add)
	} else {
		panelInt16AVX512x12x16(rows, cols, a, lda, offs, b, c, ldc, add)
	}
}

func panelF32AVX512(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool) {
	if cols == panelCols {
		panelF32AVX512x12x32(rows, cols, a, lda, offs, b, c, ldc, add)
	} else {
		panelF32AVX512x12x16(rows, cols, a, lda, offs, b, c, ldc, add)
	}
}

func panelBF16AVX512(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool) {
	if cols == panelCols {
		panelBF16AVX512x12x32(rows, cols, a, lda, offs, b, c, ldc, add)
	} else {
		panelBF16AVX512x12x16(rows, cols, a, lda, offs, b, c, ldc, add)
	}
}

func panelInt16AVX2(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool) {
	if cols == panelCols {
		panelInt16AVX2x6x32(rows, cols, a, lda, offs, b, c, ldc, add)
	} else {
		panelInt16AVX2x6x16(rows, cols, a, lda, offs, b, c, ldc, add)
	}
}

func panelF32AVX2(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool) {
	if cols == panelCols {
		panelF32AVX2x6x32(rows, cols, a, lda, offs, b, c, ldc, add)
	} else {
		panelF32AVX2x6x16(rows, cols, a, lda, offs, b, c, ldc, add)
	}
}

// The panel kernels by multiplication and width; cols is not read.

//go:noescape
func panelInt8VNNI12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelInt8VNNI12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelInt16AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelInt16AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelF32AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelF32AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelInt16AVX2x6x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelInt16AVX2x6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelF32AVX2x6x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelF32AVX2x6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelBF16AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)

//go:noescape
func panelBF16AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, add bool)
