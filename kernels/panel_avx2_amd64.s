//go:build !noasm && !purego

#include "textflag.h"
#include "fetch_amd64.h"

// The panel kernels of AVX2; panel_avx2_amd64.h has the loop.

// int16: two products and their sum, then the addition.
#define MAC(a, x, y) \
	VPBROADCASTD a, Y14; \
	VPMADDWD     Y12, Y14, Y15; \
	VPADDD       Y15, x, x; \
	VPMADDWD     Y13, Y14, Y15; \
	VPADDD       Y15, y, y

// func panelInt16AVX2x6x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define WIDTH 128
#define NAME ·panelInt16AVX2x6x32
#include "panel_avx2_amd64.h"

// func panelInt16AVX2x6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#undef WIDTH
#define WIDTH 64
#define NAME ·panelInt16AVX2x6x16
#include "panel_avx2_amd64.h"

// float32.
#undef MAC
#define MAC(a, x, y) \
	VBROADCASTSS a, Y14; \
	VFMADD231PS  Y12, Y14, x; \
	VFMADD231PS  Y13, Y14, y

// func panelF32AVX2x6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelF32AVX2x6x16
#include "panel_avx2_amd64.h"

// func panelF32AVX2x6x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#undef WIDTH
#define WIDTH 128
#define NAME ·panelF32AVX2x6x32
#include "panel_avx2_amd64.h"
