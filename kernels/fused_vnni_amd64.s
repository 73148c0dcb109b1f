//go:build !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "fetch_amd64.h"

// The epilogues that run beside int8 products; fused_vnni_amd64.h has the loop.
// VPDPBUSD keeps two of the CPU's four vector units busy; most of an epilogue
// runs on the other two, and takes a third of the time it takes by itself. Its
// steps are those of epilogue_avx512_amd64.s. Each waits for the one before, so
// a word of the product lies between them.
//
//   Z27  x: sum, then result   Z28  scale   Z29  bias

#define COLUMNS(h) \
	MOVQ    scale-8(SP), AX; \
	VMOVUPS h(AX), Z28; \
	MOVQ    bias-16(SP), AX; \
	VMOVUPS h(AX), Z29
#define AFFINE0(h) \
	VCVTDQ2PS h(DX), Z27
#define AFFINE1(h) \
	VFMADD213PS Z29, Z28, Z27
#define LEVEL0 \
	VMULPS.BCST fusedEpilogue_inverse(DI), Z27, Z27; \
	VMAXPS.BCST fusedEpilogue_low(DI), Z27, Z27
#define LEVEL1 \
	VMINPS.BCST fusedEpilogue_high(DI), Z27, Z27; \
	VCVTPS2DQ   Z27, Z27
#define LEVEL2(h) \
	VPADDD.BCST fusedEpilogue_zeroPoint(DI), Z27, Z27; \
	VPMOVDB     Z27, X27; \
	VMOVDQU32   X27, (h/4)(R15)

// GELU into bytes.
//   Z28  t = min(|x|, limit)   Z29  index of the cubic   Z31  its value
//   Z30  temporary

// Where the next row goes is fetched.
#define ROW(h) \
	COLUMNS(h); \
	MOVQ       ldout-24(SP), AX; \
	PREFETCHT0 (R15)(AX*1)
#define STEP0(h) AFFINE0(h)
#define STEP1(h) AFFINE1(h)
#define STEP2(h) \
	VRANGEPS.BCST $10, fusedEpilogue_limit(DI), Z27, Z28; \
	VBROADCASTSS  fusedEpilogue_shift(DI), Z29
#define STEP3(h) \
	VFMADD231PS.BCST fusedEpilogue_slope(DI), Z28, Z29; \
	VMOVUPS          (fusedEpilogue_table+384)(DI), Z31
#define STEP4(h) \
	VPERMT2PS   (fusedEpilogue_table+448)(DI), Z29, Z31; \
	VMOVUPS     (fusedEpilogue_table+256)(DI), Z30; \
	VPERMT2PS   (fusedEpilogue_table+320)(DI), Z29, Z30; \
	VFMADD213PS Z30, Z28, Z31
#define STEP5(h) \
	VMOVUPS     (fusedEpilogue_table+128)(DI), Z30; \
	VPERMT2PS   (fusedEpilogue_table+192)(DI), Z29, Z30; \
	VFMADD213PS Z30, Z28, Z31; \
	VMOVUPS     (fusedEpilogue_table+0)(DI), Z30; \
	VPERMT2PS   (fusedEpilogue_table+64)(DI), Z29, Z30; \
	VFMADD213PS Z30, Z28, Z31
#define STEP6(h) \
	VPXORD Z30, Z30, Z30; \
	VMAXPS Z27, Z30, Z27; \
	VSUBPS Z31, Z27, Z27
#define STEP7(h) \
	LEVEL0; \
	LEVEL1; \
	LEVEL2(h)

// func fusedGELUVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)
#define NAME ·fusedGELUVNNI12x32
#include "fused_vnni_amd64.h"

// Bytes.
#undef STEP2
#undef STEP3
#undef STEP4
#undef STEP5
#undef STEP6
#undef STEP7
#define STEP2(h)
#define STEP3(h) LEVEL0
#define STEP4(h)
#define STEP5(h) LEVEL1
#define STEP6(h)
#define STEP7(h) LEVEL2(h)

// func fusedBytesVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)
#define NAME ·fusedBytesVNNI12x32
#include "fused_vnni_amd64.h"

// Floats, with a residual, which is fetched before: Z30.
#undef ROW
#undef STEP3
#undef STEP5
#undef STEP7
#define ROW(h) \
	COLUMNS(h); \
	MOVQ       ldout-24(SP), AX; \
	PREFETCHT0 h(R15)(AX*4); \
	MOVQ       ldr-40(SP), AX; \
	SHLQ       $2, AX; \
	ADDQ       residual-32(SP), AX; \
	PREFETCHT0 h(AX); \
	MOVQ       residual-32(SP), AX; \
	VMOVUPS    h(AX), Z30
#define STEP3(h)
#define STEP5(h) VADDPS Z30, Z27, Z27
#define STEP7(h) VMOVUPS Z27, h(R15)

// func fusedFloatsVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)
#define NAME ·fusedFloatsVNNI12x32
#include "fused_vnni_amd64.h"
