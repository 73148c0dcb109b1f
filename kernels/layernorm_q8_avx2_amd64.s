//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// ROTATE gives the sums Y0 … Y3 the next places, Y4 taking that of Y3.
#define ROTATE \
	VMOVAPS Y1, Y0 \
	VMOVAPS Y2, Y1 \
	VMOVAPS Y3, Y2 \
	VMOVAPS Y4, Y3

// FOLD leaves the sum of Y0 … Y3 in X0.
#define FOLD \
	VADDPS Y2, Y0, Y0 \
	VADDPS Y3, Y1, Y1 \
	VADDPS Y1, Y0, Y0 \
	FOLD_Y(VADDPS, Y0, X0, X1)

#define ZERO \
	VXORPS X0, X0, X0 \
	VXORPS X1, X1, X1 \
	VXORPS X2, X2, X2 \
	VXORPS X3, X3, X3

// func layerNormQ8AVX2(p layerNormQ8Params, x, residual, gamma, beta, sum, y []float32, q []byte)
//
// It goes as layerNormQ8AVX512, by vectors of eight; Y15 is the mask of what is
// left. Y0 … Y3 are the sums of 32 elements and change places in a ring, so that
// the vector to come is always added to Y0, and those that are added up in the end
// lie two apart. X8 is the number of columns.
TEXT ·layerNormQ8AVX2(SB), NOSPLIT, $0-208
	VBROADCASTSS p_quantize_inverse+20(FP), Y14
	VBROADCASTSS p_quantize_low+24(FP), Y13
	VBROADCASTSS p_quantize_high+28(FP), Y12
	VBROADCASTSS p_quantize_zeroPoint+32(FP), Y11
	WORDS_255
	MOVQ         p_cols+8(FP), R9
	VCVTSI2SSQ   R9, X8, X8
	MOVQ         R9, CX
	ANDQ         $7, CX
	SUBQ         CX, R9
	TAIL_Y
	MOVQ         x_base+40(FP), R12
	MOVQ         residual_base+64(FP), R13
	MOVQ         y_base+160(FP), R8
	MOVQ         q_base+184(FP), BX

row:
	ZERO
	MOVQ  p_cols+8(FP), R10
	SUBQ  R9, R10
	MOVQ  R12, R11
	XORL  CX, CX
	TESTQ R13, R13
	JNZ   residual

sum_loop:
	CMPQ   CX, R9
	JEQ    sum_tail
	VADDPS (R12)(CX*4), Y0, Y4
	ROTATE
	ADDQ   $8, CX
	JMP    sum_loop

sum_tail:
	TESTQ      R10, R10
	JZ         mean
	VMASKMOVPS (R12)(CX*4), Y15, Y4
	VADDPS     Y4, Y0, Y0

mean:
	FOLD
	VDIVSS       X8, X0, X0
	VBROADCASTSS X0, Y6
	ZERO
	XORL         CX, CX

variance_loop:
	CMPQ        CX, R9
	JEQ         variance_tail
	VMOVUPS     (R11)(CX*4), Y5
	VSUBPS      Y6, Y5, Y5
	VMOVAPS     Y0, Y4
	VFMADD231PS Y5, Y5, Y4
	ROTATE
	ADDQ        $8, CX
	JMP         variance_loop

variance_tail:
	TESTQ       R10, R10
	JZ          rstd
	VMASKMOVPS  (R11)(CX*4), Y15, Y5
	VSUBPS      Y6, Y5, Y5
	VANDPS      Y15, Y5, Y5
	VFMADD231PS Y5, Y5, Y0

rstd:
	FOLD
	VDIVSS       X8, X0, X0
	VADDSS       p_eps+16(FP), X0, X0
	VSQRTSS      X0, X0, X0
	MOVL         $0x3f800000, AX // 1
	VMOVD        AX, X1
	VDIVSS       X0, X1, X0
	VBROADCASTSS X0, Y7
	MOVQ         gamma_base+88(FP), SI
	MOVQ         beta_base+112(FP), DX
	XORL         CX, CX

loop:
	CMPQ        CX, R9
	JEQ         tail
	VMOVUPS     (R11)(CX*4), Y4
	VMOVUPS     (SI)(CX*4), Y5
	VSUBPS      Y6, Y4, Y4
	VMULPS      Y7, Y4, Y4
	VFMADD213PS (DX)(CX*4), Y5, Y4
	TESTQ       R8, R8
	JZ          levels
	VMOVUPS     Y4, (R8)(CX*4)

levels:
	TESTQ BX, BX
	JZ    step
	QUANTIZE_Y(Y4, X4, X5)
	VMOVQ X4, (BX)(CX*1)

step:
	ADDQ $8, CX
	JMP  loop

tail:
	TESTQ       R10, R10
	JZ          next
	VMASKMOVPS  (R11)(CX*4), Y15, Y4
	VMASKMOVPS  (SI)(CX*4), Y15, Y5
	VMASKMOVPS  (DX)(CX*4), Y15, Y0
	VSUBPS      Y6, Y4, Y4
	VMULPS      Y7, Y4, Y4
	VFMADD213PS Y0, Y5, Y4
	TESTQ       R8, R8
	JZ          levels_tail
	VMASKMOVPS  Y4, Y15, (R8)(CX*4)

levels_tail:
	TESTQ BX, BX
	JZ    next
	LEAQ  (BX)(CX*1), DI
	QUANTIZE_Y(Y4, X4, X5)
	STORE_BYTES(X4, store)

next:
	MOVQ    p_cols+8(FP), CX
	LEAQ    (R12)(CX*4), R12
	LEAQ    (R13)(CX*4), AX
	TESTQ   R13, R13
	CMOVQNE AX, R13
	LEAQ    (R8)(CX*4), AX
	TESTQ   R8, R8
	CMOVQNE AX, R8
	LEAQ    (BX)(CX*1), AX
	TESTQ   BX, BX
	CMOVQNE AX, BX
	DECQ    p_rows+0(FP)
	JNZ     row
	VZEROUPPER
	RET

residual:
	MOVQ    sum_base+136(FP), R11
	TESTQ   R8, R8
	CMOVQNE R8, R11

residual_loop:
	CMPQ    CX, R9
	JEQ     residual_tail
	VMOVUPS (R12)(CX*4), Y5
	VADDPS  (R13)(CX*4), Y5, Y5
	VMOVUPS Y5, (R11)(CX*4)
	VADDPS  Y5, Y0, Y4
	ROTATE
	ADDQ    $8, CX
	JMP     residual_loop

residual_tail:
	TESTQ      R10, R10
	JZ         mean
	VMASKMOVPS (R12)(CX*4), Y15, Y4
	VMASKMOVPS (R13)(CX*4), Y15, Y5
	VADDPS     Y5, Y4, Y4
	VMASKMOVPS Y4, Y15, (R11)(CX*4)
	VADDPS     Y4, Y0, Y0
	JMP        mean
