//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// GELU: Z0 = max(Z0, 0) − a·exp(−x²/2)·R(a). Z7 is zero.
#define GELU \
	NORMAL_TAIL_Z              \
	VMAXPS       Z0, Z7, Z0    \
	VMULPS       Z3, Z2, Z2    \
	VFNMADD231PS Z1, Z2, Z0

// GELU_SLOPE: Z2 = T = exp(−x²/2)·(R(a) − a·φ(0)) where x in Z0 is negative,
// else 1 − T. Z7 is φ(0).
#define GELU_SLOPE \
	NORMAL_TAIL_Z              \
	VFNMADD231PS Z1, Z7, Z3    \
	VMULPS       Z3, Z2, Z2    \
	VPMOVD2M     Z0, K2        \
	KNOTW        K2, K2        \
	VSUBPS       Z2, Z21, K2, Z2

// func geluAVX512(s float32, a, b, y []float32)
TEXT ·geluAVX512(SB), NOSPLIT, $0-80
	MOVQ   a_base+8(FP), SI
	MOVQ   y_base+56(FP), DI
	MOVQ   y_len+64(FP), CX
	TAIL_CONSTANTS_Z
	VPXORD Z7, Z7, Z7
	SUBQ   $16, CX
	JL     tail

loop:
	VMOVUPS (SI), Z0
	GELU
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	GELU
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func geluBackwardAVX512(s float32, a, b, y []float32)
//
// What the product is added to is y, or without s, −0 over and over.
TEXT ·geluBackwardAVX512(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         b_base+32(FP), DX
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	MOVQ         DI, R9
	MOVL         $64, R10
	MOVL         s+0(FP), AX
	LEAQ         ·epilogueZeros(SB), R11
	XORL         R12, R12
	TESTL        AX, AX
	CMOVQEQ      R11, R9
	CMOVQEQ      R12, R10
	TAIL_CONSTANTS_Z
	VBROADCASTSS approximations_density0(R8), Z7
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS     (SI), Z0
	GELU_SLOPE
	VMOVUPS     (DX), Z0
	VMOVUPS     (R9), Z1
	VFMADD231PS Z0, Z2, Z1
	VMOVUPS     Z1, (DI)
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $64, DI
	ADDQ        R10, R9
	SUBQ        $16, CX
	JGE         loop

tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z0
	GELU_SLOPE
	VMOVUPS.Z   (DX), K1, Z0
	VMOVUPS.Z   (R9), K1, Z1
	VFMADD231PS Z0, Z2, Z1
	VMOVUPS     Z1, K1, (DI)

done:
	VZEROUPPER
	RET
