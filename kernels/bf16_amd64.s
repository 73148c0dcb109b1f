//go:build !noasm && !purego

#include "textflag.h"

// ROUND: x = (bits + 0x7fff + bit 16) >> 16, or bits>>16 | 0x40 where x is NaN.
#define ROUND(x, t, nan) \
	VCMPPS    $3, x, x, nan \
	VPSRLD    $16, x, t     \
	VPAND     Y12, t, Y8    \
	VPADDD    Y13, x, x     \
	VPADDD    Y8, x, x      \
	VPSRLD    $16, x, x     \
	VPOR      Y14, t, t     \
	VPBLENDVB nan, t, x, x

// func roundBF16Vectors(n int, x *float32, y *BF16)
TEXT ·roundBF16Vectors(SB), NOSPLIT, $0-24
	MOVQ         n+0(FP), CX
	MOVQ         x+8(FP), SI
	MOVQ         y+16(FP), DI
	MOVL         $1, AX
	VMOVD        AX, X12
	VPBROADCASTD X12, Y12
	MOVL         $0x7fff, AX
	VMOVD        AX, X13
	VPBROADCASTD X13, Y13
	MOVL         $0x40, AX
	VMOVD        AX, X14
	VPBROADCASTD X14, Y14

loop:
	VMOVUPS   (SI), Y0
	VMOVUPS   32(SI), Y1
	ROUND(Y0, Y2, Y4)
	ROUND(Y1, Y3, Y5)
	VPACKUSDW Y1, Y0, Y0
	VPERMQ    $0xd8, Y0, Y0
	VMOVDQU   Y0, (DI)
	ADDQ      $64, SI
	ADDQ      $32, DI
	DECQ      CX
	JNZ       loop
	VZEROUPPER
	RET

// func expandBF16Vectors(n int, x *float32, y *BF16)
TEXT ·expandBF16Vectors(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ x+8(FP), DI
	MOVQ y+16(FP), SI

loop:
	VPMOVZXWD (SI), Y0
	VPSLLD    $16, Y0, Y0
	VMOVDQU   Y0, (DI)
	ADDQ      $16, SI
	ADDQ      $32, DI
	DECQ      CX
	JNZ       loop
	VZEROUPPER
	RET
