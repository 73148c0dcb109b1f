//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// func layerNormQ8AVX512(p layerNormQ8Params, x, residual, gamma, beta, sum, y []float32, q []byte)
//
// R12, R13, R8 and BX are the row's x, residual, y and q, zero for nil; R11 is v,
// which is x or lies in y or, without it, in sum. CX counts elements up to R9, the
// end of whole vectors; R10 are left, with the mask K1. The sums l and l+16 are Z0
// and Z1, which change places after every vector: in the end it does not matter
// which is which. Z6 and Z7 are mean and rstd, X12 is the number of columns.
TEXT ·layerNormQ8AVX512(SB), NOSPLIT, $0-208
	MOVL         p_quantize_inverse+20(FP), AX
	VPBROADCASTD AX, Z20
	MOVL         p_quantize_low+24(FP), AX
	VPBROADCASTD AX, Z19
	MOVL         p_quantize_high+28(FP), AX
	VPBROADCASTD AX, Z18
	MOVL         p_quantize_zeroPoint+32(FP), AX
	VPBROADCASTD AX, Z17
	MOVQ         p_cols+8(FP), R9
	VCVTSI2SSQ   R9, X12, X12
	MOVQ         R9, R10
	ANDQ         $15, R10
	SUBQ         R10, R9
	MOVQ         R10, CX
	TAIL_Z
	MOVQ         x_base+40(FP), R12
	MOVQ         residual_base+64(FP), R13
	MOVQ         y_base+160(FP), R8
	MOVQ         q_base+184(FP), BX

row:
	VXORPS X0, X0, X0
	VXORPS X1, X1, X1
	MOVQ   R12, R11
	XORL   CX, CX
	TESTQ  R13, R13
	JNZ    residual

sum_loop:
	CMPQ    CX, R9
	JEQ     sum_tail
	VADDPS  (R12)(CX*4), Z0, Z2
	VMOVAPS Z1, Z0
	VMOVAPS Z2, Z1
	ADDQ    $16, CX
	JMP     sum_loop

sum_tail:
	TESTQ     R10, R10
	JZ        mean
	VMOVUPS.Z (R12)(CX*4), K1, Z2
	VADDPS    Z2, Z0, Z0

mean:
	VADDPS       Z1, Z0, Z0
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VDIVSS       X12, X0, X0
	VBROADCASTSS X0, Z6
	VXORPS       X0, X0, X0
	VXORPS       X1, X1, X1
	XORL         CX, CX

variance_loop:
	CMPQ        CX, R9
	JEQ         variance_tail
	VMOVUPS     (R11)(CX*4), Z2
	VSUBPS      Z6, Z2, Z2
	VMOVAPS     Z0, Z3
	VFMADD231PS Z2, Z2, Z3
	VMOVAPS     Z1, Z0
	VMOVAPS     Z3, Z1
	ADDQ        $16, CX
	JMP         variance_loop

variance_tail:
	TESTQ       R10, R10
	JZ          rstd
	VMOVUPS.Z   (R11)(CX*4), K1, Z2
	VSUBPS      Z6, Z2, Z2
	VFMADD231PS Z2, Z2, K1, Z0

rstd:
	VADDPS       Z1, Z0, Z0
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VDIVSS       X12, X0, X0
	VADDSS       p_eps+16(FP), X0, X0
	VSQRTSS      X0, X0, X0
	MOVL         $0x3f800000, AX // 1
	VMOVD        AX, X1
	VDIVSS       X0, X1, X0
	VBROADCASTSS X0, Z7
	MOVQ         gamma_base+88(FP), SI
	MOVQ         beta_base+112(FP), DX
	XORL         CX, CX

loop:
	CMPQ        CX, R9
	JEQ         tail
	VMOVUPS     (R11)(CX*4), Z2
	VMOVUPS     (SI)(CX*4), Z3
	VSUBPS      Z6, Z2, Z2
	VMULPS      Z7, Z2, Z2
	VFMADD213PS (DX)(CX*4), Z3, Z2
	TESTQ       R8, R8
	JZ          levels
	VMOVUPS     Z2, (R8)(CX*4)

levels:
	TESTQ   BX, BX
	JZ      step
	QUANTIZE_Z(Z2)
	VPMOVDB Z2, (BX)(CX*1)

step:
	ADDQ $16, CX
	JMP  loop

tail:
	TESTQ       R10, R10
	JZ          next
	VMOVUPS.Z   (R11)(CX*4), K1, Z2
	VMOVUPS.Z   (SI)(CX*4), K1, Z3
	VMOVUPS.Z   (DX)(CX*4), K1, Z4
	VSUBPS      Z6, Z2, Z2
	VMULPS      Z7, Z2, Z2
	VFMADD213PS Z4, Z3, Z2
	TESTQ       R8, R8
	JZ          levels_tail
	VMOVUPS     Z2, K1, (R8)(CX*4)

levels_tail:
	TESTQ   BX, BX
	JZ      next
	QUANTIZE_Z(Z2)
	VPMOVDB Z2, K1, (BX)(CX*1)

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
	VMOVUPS (R12)(CX*4), Z2
	VADDPS  (R13)(CX*4), Z2, Z2
	VMOVUPS Z2, (R11)(CX*4)
	VADDPS  Z2, Z0, Z2
	VMOVAPS Z1, Z0
	VMOVAPS Z2, Z1
	ADDQ    $16, CX
	JMP     residual_loop

residual_tail:
	TESTQ     R10, R10
	JZ        mean
	VMOVUPS.Z (R12)(CX*4), K1, Z2
	VMOVUPS.Z (R13)(CX*4), K1, Z3
	VADDPS    Z3, Z2, Z2
	VMOVUPS   Z2, K1, (R11)(CX*4)
	VADDPS    Z2, Z0, Z0
	JMP       mean
