//go:build !noasm && !purego

#include "textflag.h"

// The panel kernels of AVX-512; panel_avx512_amd64.h has the loop.

// 32 columns.
#define GRANULE 512
#define LOADB(d) \
	VMOVUPS (d*128)(BX), Z24; \
	VMOVUPS (d*128+64)(BX), Z25
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

// BF16 without VDPBF16PS: the lower and the upper number of a word as float32.
#undef LOADB
#undef MAC
#define LOADB(d) \
	VMOVDQU32   (d*128)(BX), Z28; \
	VMOVDQU32   (d*128+64)(BX), Z29; \
	VPSLLD      $16, Z28, Z24; \
	VPSLLD      $16, Z29, Z25; \
	VPANDD.BCST upper<>(SB), Z28, Z28; \
	VPANDD.BCST upper<>(SB), Z29, Z29
#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPSLLD       $16, Z26, Z27; \
	VPANDD.BCST  upper<>(SB), Z26, Z26; \
	VFMADD231PS  Z24, Z27, x; \
	VFMADD231PS  Z25, Z27, y; \
	VFMADD231PS  Z28, Z26, x; \
	VFMADD231PS  Z29, Z26, y

DATA upper<>+0(SB)/4, $0xffff0000
GLOBL upper<>(SB), RODATA|NOPTR, $4

// func panelBF16AVX512x12x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelBF16AVX512x12x32
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

#undef LOADB
#undef MAC
#define LOADB(d) \
	VMOVDQU32   (d*64)(BX), Z28; \
	VPSLLD      $16, Z28, Z24; \
	VPANDD.BCST upper<>(SB), Z28, Z28
#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPSLLD       $16, Z26, Z27; \
	VPANDD.BCST  upper<>(SB), Z26, Z26; \
	VFMADD231PS  Z24, Z27, x; \
	VFMADD231PS  Z28, Z26, x

// func panelBF16AVX512x12x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
#define NAME ·panelBF16AVX512x12x16
#include "panel_avx512_amd64.h"

#undef LOADB
#define LOADB(d) VMOVUPS (d*64)(BX), Z24
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
