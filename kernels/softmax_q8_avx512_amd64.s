//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// func softmaxQ8AVX512(p softmaxQ8Params, x []float32, acc []int32, mask, scratch []float32, q []byte)
//
// A row goes by three times: the maximum (and the scores, where they are of
// int32), the exponentials, left in scratch, with their sum, and the levels. R12
// and R13 are the row's scores and levels, R11 counts rows, R9 is the end of
// whole vectors and R10 what is left of valid columns, K1 its mask.
//
// The maximum starts from the least finite number, which leaves exp(−Inf − max)
// at zero; NaN does not enter it, but enters the sum. The scale is divided by the
// sum only from one on: less it is only where every element is −Inf.
TEXT ·softmaxQ8AVX512(SB), NOSPLIT, $0-184
	EXP_CONSTANTS_Z
	VBROADCASTSS approximations_mostNegative(R8), Z14
	MOVL         p_scale+40(FP), AX
	VPBROADCASTD AX, Z15
	MOVL         p_quantize_low+48(FP), AX
	VPBROADCASTD AX, Z19
	MOVL         p_quantize_high+52(FP), AX
	VPBROADCASTD AX, Z18
	MOVL         p_quantize_zeroPoint+56(FP), AX
	VPBROADCASTD AX, Z17
	MOVQ         p_rows+0(FP), R11
	MOVQ         p_valid+16(FP), R9
	MOVQ         R9, R10
	ANDQ         $15, R10
	SUBQ         R10, R9
	MOVQ         R10, CX
	TAIL_Z
	MOVQ         x_base+64(FP), R12
	MOVQ         acc_base+88(FP), AX
	TESTQ        AX, AX
	CMOVQNE      AX, R12
	MOVQ         q_base+160(FP), R13

row:
	VMOVAPS Z14, Z0
	MOVQ    R12, SI
	MOVQ    R9, CX
	MOVQ    acc_base+88(FP), AX
	TESTQ   AX, AX
	JNZ     scores
	TESTQ   CX, CX
	JZ      max_tail

max_loop:
	VMOVUPS (SI), Z1
	VMAXPS  Z0, Z1, Z0
	ADDQ    $64, SI
	SUBQ    $16, CX
	JNZ     max_loop

max_tail:
	TESTQ   R10, R10
	JZ      max_done
	VMOVAPS Z0, Z1
	VMOVUPS (SI), K1, Z1
	VMAXPS  Z0, Z1, Z0

max_done:
	MOVQ R12, SI

exp:
	FOLD_Z(VMAXPS, Z0, Y0, X0, Y1, X1)
	VBROADCASTSS X0, Z6
	VXORPS       X0, X0, X0
	MOVQ         scratch_base+136(FP), DI
	MOVQ         R9, CX
	TESTQ        CX, CX
	JZ           exp_tail

exp_loop:
	VMOVUPS (SI), Z1
	VSUBPS  Z6, Z1, Z1
	EXP_Z(Z1, Z2, Z3, Z4)
	VMOVUPS Z1, (DI)
	VADDPS  Z1, Z0, Z0
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JNZ     exp_loop

exp_tail:
	TESTQ     R10, R10
	JZ        exp_done
	VMOVUPS.Z (SI), K1, Z1
	VSUBPS    Z6, Z1, Z1
	EXP_Z(Z1, Z2, Z3, Z4)
	VMOVUPS   Z1, (DI)
	VADDPS    Z1, Z0, K1, Z0

exp_done:
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VMAXSS       X0, X21, X0
	MOVL         p_quantize_inverse+44(FP), AX
	VMOVD        AX, X1
	VDIVSS       X0, X1, X0
	VBROADCASTSS X0, Z20
	MOVQ         scratch_base+136(FP), SI
	MOVQ         R13, DI
	MOVQ         R9, CX
	TESTQ        CX, CX
	JZ           level_tail

level_loop:
	VMOVUPS (SI), Z0
	QUANTIZE_Z(Z0)
	VPMOVDB Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $16, DI
	SUBQ    $16, CX
	JNZ     level_loop

level_tail:
	TESTQ   R10, R10
	JZ      padding
	VMOVUPS (SI), Z0
	QUANTIZE_Z(Z0)
	VPMOVDB Z0, K1, (DI)
	ADDQ    R10, DI

padding:
	MOVQ p_cols+8(FP), CX
	SUBQ p_valid+16(FP), CX
	JZ   next
	MOVL p_quantize_zeroPoint+56(FP), AX
	REP
	STOSB

next:
	MOVQ p_ldx+24(FP), AX
	LEAQ (R12)(AX*4), R12
	ADDQ p_ldq+32(FP), R13
	DECQ R11
	JNZ  row
	VZEROUPPER
	RET

scores:
	MOVQ  mask_base+112(FP), DX
	MOVQ  scratch_base+136(FP), DI
	TESTQ CX, CX
	JZ    score_tail

score_loop:
	VCVTDQ2PS (SI), Z1
	VMULPS    Z15, Z1, Z1
	TESTQ     DX, DX
	JZ        unmasked
	VADDPS    (DX), Z1, Z1
	ADDQ      $64, DX

unmasked:
	VMOVUPS Z1, (DI)
	VMAXPS  Z0, Z1, Z0
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JNZ     score_loop

score_tail:
	TESTQ       R10, R10
	JZ          score_done
	VMOVDQU32.Z (SI), K1, Z1
	VCVTDQ2PS   Z1, Z1
	VMULPS      Z15, Z1, Z1
	TESTQ       DX, DX
	JZ          unmasked_tail
	VMOVUPS.Z   (DX), K1, Z2
	VADDPS      Z2, Z1, Z1

unmasked_tail:
	VMOVUPS Z1, (DI)
	VMAXPS  Z0, Z1, K1, Z0

score_done:
	MOVQ scratch_base+136(FP), SI
	JMP  exp
