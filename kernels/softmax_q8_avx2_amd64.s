//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// func softmaxQ8AVX2(p softmaxQ8Params, x []float32, acc []int32, mask, scratch []float32, q []byte)
//
// It goes as softmaxQ8AVX512, by vectors of eight; Y15 is the mask of what is
// left of valid columns. The sums l and l+8 are Y8 and Y9, which change places
// after every vector: in the end it does not matter which is which.
TEXT ·softmaxQ8AVX2(SB), NOSPLIT, $0-184
	LEAQ         ·approximation(SB), R8
	VBROADCASTSS p_scale+40(FP), Y5
	VBROADCASTSS p_quantize_low+48(FP), Y13
	VBROADCASTSS p_quantize_high+52(FP), Y12
	VBROADCASTSS p_quantize_zeroPoint+56(FP), Y11
	WORDS_255
	MOVQ         p_rows+0(FP), R11
	MOVQ         p_valid+16(FP), R9
	MOVQ         R9, CX
	ANDQ         $7, CX
	SUBQ         CX, R9
	TAIL_Y
	MOVQ         x_base+64(FP), R12
	MOVQ         acc_base+88(FP), AX
	TESTQ        AX, AX
	CMOVQNE      AX, R12
	MOVQ         q_base+160(FP), R13

row:
	VMOVUPS approximations_mostNegative(R8), Y0
	MOVQ    R12, SI
	MOVQ    p_valid+16(FP), R10
	SUBQ    R9, R10
	MOVQ    R9, CX
	MOVQ    acc_base+88(FP), AX
	TESTQ   AX, AX
	JNZ     scores
	TESTQ   CX, CX
	JZ      max_tail

max_loop:
	VMOVUPS (SI), Y1
	VMAXPS  Y0, Y1, Y0
	ADDQ    $32, SI
	SUBQ    $8, CX
	JNZ     max_loop

max_tail:
	TESTQ      R10, R10
	JZ         max_done
	VMASKMOVPS (SI), Y15, Y1
	VBLENDVPS  Y15, Y1, Y0, Y1
	VMAXPS     Y0, Y1, Y0

max_done:
	MOVQ R12, SI

exp:
	FOLD_Y(VMAXPS, Y0, X0, X1)
	VBROADCASTSS X0, Y6
	VXORPS       X8, X8, X8
	VXORPS       X9, X9, X9
	MOVQ         scratch_base+136(FP), DI
	MOVQ         R9, CX
	TESTQ        CX, CX
	JZ           exp_tail

exp_loop:
	VMOVUPS (SI), Y1
	VSUBPS  Y6, Y1, Y1
	EXP_Y(Y1, Y2, Y3, Y4)
	VMOVUPS Y1, (DI)
	VADDPS  Y1, Y8, Y7
	VMOVAPS Y9, Y8
	VMOVAPS Y7, Y9
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     exp_loop

exp_tail:
	TESTQ      R10, R10
	JZ         exp_done
	VMASKMOVPS (SI), Y15, Y1
	VSUBPS     Y6, Y1, Y1
	EXP_Y(Y1, Y2, Y3, Y4)
	VMOVUPS    Y1, (DI)
	VANDPS     Y15, Y1, Y1
	VADDPS     Y1, Y8, Y8

exp_done:
	VADDPS       Y9, Y8, Y0
	FOLD_Y(VADDPS, Y0, X0, X1)
	VMOVSS       approximations_one(R8), X1
	VMAXSS       X0, X1, X0
	VMOVSS       p_quantize_inverse+44(FP), X1
	VDIVSS       X0, X1, X0
	VBROADCASTSS X0, Y14
	MOVQ         scratch_base+136(FP), SI
	MOVQ         R13, DI
	MOVQ         R9, CX
	TESTQ        CX, CX
	JZ           level_tail

level_loop:
	VMOVUPS (SI), Y0
	QUANTIZE_Y(Y0, X0, X1)
	VMOVQ   X0, (DI)
	ADDQ    $32, SI
	ADDQ    $8, DI
	SUBQ    $8, CX
	JNZ     level_loop

level_tail:
	TESTQ   R10, R10
	JZ      padding
	VMOVUPS (SI), Y0
	QUANTIZE_Y(Y0, X0, X1)
	STORE_BYTES(X0, store)

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
	VCVTDQ2PS (SI), Y1
	VMULPS    Y5, Y1, Y1
	TESTQ     DX, DX
	JZ        unmasked
	VADDPS    (DX), Y1, Y1
	ADDQ      $32, DX

unmasked:
	VMOVUPS Y1, (DI)
	VMAXPS  Y0, Y1, Y0
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     score_loop

score_tail:
	TESTQ      R10, R10
	JZ         score_done
	VMASKMOVPS (SI), Y15, Y1
	VCVTDQ2PS  Y1, Y1
	VMULPS     Y5, Y1, Y1
	TESTQ      DX, DX
	JZ         unmasked_tail
	VMASKMOVPS (DX), Y15, Y2
	VADDPS     Y2, Y1, Y1

unmasked_tail:
	VMOVUPS   Y1, (DI)
	VBLENDVPS Y15, Y1, Y0, Y1
	VMAXPS    Y0, Y1, Y0

score_done:
	MOVQ scratch_base+136(FP), SI
	JMP  exp
