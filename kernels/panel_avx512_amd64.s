//go:build !noasm && !purego

#include "textflag.h"
#include "fetch_amd64.h"

// The panel kernels of AVX-512; panel_avx512_amd64.h has the loop.

// 32 columns. What is fetched ahead is often of the next panel.
#define GRANULE 512
#define LOADB(d) \
	VMOVUPS (d*128)(BX), Z24; \
	VMOVUPS (d*128+64)(BX), Z25; \
	PREFETCHT0 (d*128+FETCH_AHEAD)(BX); \
	PREFETCHT0 (d*128+64+FETCH_AHEAD)(BX)
#define LOADFROM \
	VMOVUPS (AX), Z24; \
	VMOVUPS 64(AX), Z25
#define STOREC(x, y) \
	VMOVUPS x, (R14); \
	VMOVUPS y, 64(R14)

// int8: four products of bytes and their sum in one instruction.
#define ANYORDER
#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPDPBUSD     Z24, Z26, x; \
	VPDPBUSD     Z25, Z26, y

// func panelInt8VNNI12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelInt8VNNI12x32
#include "panel_avx512_amd64.h"

// int16: two products and their sum, then the addition.
#undef MAC
#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPMADDWD     Z24, Z26, Z27; \
	VPMADDWD     Z25, Z26, Z28; \
	VPADDD       Z27, x, x; \
	VPADDD       Z28, y, y

// func panelInt16AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelInt16AVX512x12x32
#include "panel_avx512_amd64.h"

// float32.
#undef ANYORDER
#undef MAC
#define MAC(a, x, y) \
	VBROADCASTSS a, Z26; \
	VFMADD231PS  Z24, Z26, x; \
	VFMADD231PS  Z25, Z26, y

// func panelF32AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelF32AVX512x12x32
#include "panel_avx512_amd64.h"

// 16 columns.
#undef GRANULE
#undef LOADB
#undef LOADFROM
#undef STOREC
#define GRANULE 256
#define LOADB(d) VMOVUPS (d*64)(BX), Z24
#define LOADFROM VMOVUPS (AX), Z24
#define STOREC(x, y) VMOVUPS x, (R14)

#undef MAC
#define MAC(a, x, y) \
	VBROADCASTSS a, Z26; \
	VFMADD231PS  Z24, Z26, x

// func panelF32AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelF32AVX512x12x16
#include "panel_avx512_amd64.h"

#define ANYORDER
#undef MAC
#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPDPBUSD     Z24, Z26, x

// func panelInt8VNNI12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelInt8VNNI12x16
#include "panel_avx512_amd64.h"

#undef MAC
#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPMADDWD     Z24, Z26, Z27; \
	VPADDD       Z27, x, x

// func panelInt16AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelInt16AVX512x12x16
#include "panel_avx512_amd64.h"
