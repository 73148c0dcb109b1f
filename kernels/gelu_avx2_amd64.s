//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// GELU: Y0 = max(Y0, 0) − a·exp(−x²/2)·R(a). Y7 is zero.
#define GELU \
	NORMAL_TAIL_Y              \
	VMAXPS       Y0, Y7, Y0    \
	VMULPS       Y3, Y2, Y2    \
	VFNMADD231PS Y1, Y2, Y0

// GELU_SLOPE: Y2 = T = exp(−x²/2)·(R(a) − a·φ(0)) where x in Y0 is negative,
// else 1 − T. Y7 is φ(0), Y6 is 1.
#define GELU_SLOPE \
	NORMAL_TAIL_Y              \
	VFNMADD231PS Y1, Y7, Y3    \
	VMULPS       Y3, Y2, Y2    \
	VSUBPS       Y2, Y6, Y3    \
	VBLENDVPS    Y0, Y2, Y3, Y2

// func geluAVX2(s float32, a, b, y []float32)
TEXT ·geluAVX2(SB), NOSPLIT, $0-80
	MOVQ   a_base+8(FP), SI
	MOVQ   y_base+56(FP), DI
	MOVQ   y_len+64(FP), CX
	LEAQ   ·approximation(SB), R8
	VXORPS Y7, Y7, Y7
	SUBQ   $8, CX
	JL     tail

loop:
	VMOVUPS (SI), Y0
	GELU
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	GELU
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func geluBackwardAVX2(s float32, a, b, y []float32)
//
// What the product is added to is y, or without s, −0 over and over.
TEXT ·geluBackwardAVX2(SB), NOSPLIT, $0-80
	MOVQ    a_base+8(FP), SI
	MOVQ    b_base+32(FP), DX
	MOVQ    y_base+56(FP), DI
	MOVQ    y_len+64(FP), CX
	MOVQ    DI, R9
	MOVL    $32, R10
	MOVL    s+0(FP), AX
	LEAQ    ·epilogueZeros(SB), R11
	XORL    R12, R12
	TESTL   AX, AX
	CMOVQEQ R11, R9
	CMOVQEQ R12, R10
	LEAQ    ·approximation(SB), R8
	VMOVUPS approximations_density0(R8), Y7
	VMOVUPS approximations_one(R8), Y6
	SUBQ    $8, CX
	JL      tail

loop:
	VMOVUPS     (SI), Y0
	GELU_SLOPE
	VMOVUPS     (DX), Y0
	VMOVUPS     (R9), Y1
	VFMADD231PS Y0, Y2, Y1
	VMOVUPS     Y1, (DI)
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, DI
	ADDQ        R10, R9
	SUBQ        $8, CX
	JGE         loop

tail:
	ADDQ        $8, CX
	JZ          done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y0
	GELU_SLOPE
	VMASKMOVPS  (DX), Y15, Y0
	VMASKMOVPS  (R9), Y15, Y1
	VFMADD231PS Y0, Y2, Y1
	VMASKMOVPS  Y1, Y15, (DI)

done:
	VZEROUPPER
	RET
