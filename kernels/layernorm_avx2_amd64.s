//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func layerNormAVX2(eps float32, x, gamma, beta, y []float32) (mean, rstd float32)
TEXT ·layerNormAVX2(SB), NOSPLIT, $0-112
	MOVQ       x_base+8(FP), SI
	MOVQ       x_len+16(FP), CX
	VCVTSI2SSQ CX, X8, X8
	VXORPS     X0, X0, X0
	VXORPS     X1, X1, X1
	VXORPS     X2, X2, X2
	VXORPS     X3, X3, X3
	SUBQ       $32, CX
	JL         mean_single

mean_four:
	VADDPS (SI), Y0, Y0
	VADDPS 32(SI), Y1, Y1
	VADDPS 64(SI), Y2, Y2
	VADDPS 96(SI), Y3, Y3
	ADDQ   $128, SI
	SUBQ   $32, CX
	JGE    mean_four

mean_single:
	ADDQ $32, CX
	SUBQ $8, CX
	JL   mean_tail

mean_loop:
	VMOVUPS (SI), Y4
	VADDPS  Y4, Y0, Y0
	ADDQ    $32, SI
	SUBQ    $8, CX
	JGE     mean_loop

mean_tail:
	ADDQ       $8, CX
	JZ         mean_done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y4
	VADDPS     Y4, Y0, Y0

mean_done:
	VADDPS       Y1, Y0, Y0
	VADDPS       Y3, Y2, Y2
	VADDPS       Y2, Y0, Y0
	FOLD_Y(VADDPS, Y0, X0, X1)
	VDIVSS       X8, X0, X6
	VMOVSS       X6, mean+104(FP)
	VBROADCASTSS X6, Y6
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	VXORPS       X0, X0, X0
	VXORPS       X1, X1, X1
	VXORPS       X2, X2, X2
	VXORPS       X3, X3, X3
	SUBQ         $32, CX
	JL           variance_single

variance_four:
	VMOVUPS     (SI), Y4
	VSUBPS      Y6, Y4, Y4
	VFMADD231PS Y4, Y4, Y0
	VMOVUPS     32(SI), Y4
	VSUBPS      Y6, Y4, Y4
	VFMADD231PS Y4, Y4, Y1
	VMOVUPS     64(SI), Y4
	VSUBPS      Y6, Y4, Y4
	VFMADD231PS Y4, Y4, Y2
	VMOVUPS     96(SI), Y4
	VSUBPS      Y6, Y4, Y4
	VFMADD231PS Y4, Y4, Y3
	ADDQ        $128, SI
	SUBQ        $32, CX
	JGE         variance_four

variance_single:
	ADDQ $32, CX
	SUBQ $8, CX
	JL   variance_tail

variance_loop:
	VMOVUPS     (SI), Y4
	VSUBPS      Y6, Y4, Y4
	VFMADD231PS Y4, Y4, Y0
	ADDQ        $32, SI
	SUBQ        $8, CX
	JGE         variance_loop

variance_tail:
	ADDQ        $8, CX
	JZ          variance_done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y4
	VSUBPS      Y6, Y4, Y4
	VANDPS      Y15, Y4, Y4
	VFMADD231PS Y4, Y4, Y0

variance_done:
	VADDPS       Y1, Y0, Y0
	VADDPS       Y3, Y2, Y2
	VADDPS       Y2, Y0, Y0
	FOLD_Y(VADDPS, Y0, X0, X1)
	VDIVSS       X8, X0, X0
	VADDSS       eps+0(FP), X0, X0
	VSQRTSS      X0, X0, X0
	MOVL         $0x3f800000, AX // 1
	VMOVD        AX, X7
	VDIVSS       X0, X7, X7
	VMOVSS       X7, rstd+108(FP)
	VBROADCASTSS X7, Y7
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         gamma_base+32(FP), DX
	MOVQ         beta_base+56(FP), R9
	MOVQ         y_base+80(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS     (SI), Y0
	VMOVUPS     (DX), Y1
	VMOVUPS     (R9), Y2
	VSUBPS      Y6, Y0, Y0
	VMULPS      Y7, Y0, Y0
	VFMADD213PS Y2, Y1, Y0
	VMOVUPS     Y0, (DI)
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, R9
	ADDQ        $32, DI
	SUBQ        $8, CX
	JGE         loop

tail:
	ADDQ        $8, CX
	JZ          done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y0
	VMASKMOVPS  (DX), Y15, Y1
	VMASKMOVPS  (R9), Y15, Y2
	VSUBPS      Y6, Y0, Y0
	VMULPS      Y7, Y0, Y0
	VFMADD213PS Y2, Y1, Y0
	VMASKMOVPS  Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func layerNormInputAVX2(mean, rstd float32, x, gamma, dy, dx []float32)
//
// Y0 and Y1 sum g and g·x̂ with g = dy·gamma, in Y2 and Y3 once more.
TEXT ·layerNormInputAVX2(SB), NOSPLIT, $0-104
	MOVL         mean+0(FP), AX
	VMOVD        AX, X8
	VBROADCASTSS X8, Y8
	MOVL         rstd+4(FP), AX
	VMOVD        AX, X9
	VBROADCASTSS X9, Y9
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	VCVTSI2SSQ   CX, X14, X14
	MOVQ         gamma_base+32(FP), DX
	MOVQ         dy_base+56(FP), R9
	VXORPS       X0, X0, X0
	VXORPS       X1, X1, X1
	VXORPS       X2, X2, X2
	VXORPS       X3, X3, X3
	SUBQ         $32, CX
	JL           sums_single

sums_four:
	VMOVUPS     (R9), Y4
	VMULPS      (DX), Y4, Y4
	VMOVUPS     (SI), Y5
	VSUBPS      Y8, Y5, Y5
	VMULPS      Y9, Y5, Y5
	VADDPS      Y4, Y0, Y0
	VFMADD231PS Y4, Y5, Y1
	VMOVUPS     32(R9), Y4
	VMULPS      32(DX), Y4, Y4
	VMOVUPS     32(SI), Y5
	VSUBPS      Y8, Y5, Y5
	VMULPS      Y9, Y5, Y5
	VADDPS      Y4, Y2, Y2
	VFMADD231PS Y4, Y5, Y3
	VMOVUPS     64(R9), Y4
	VMULPS      64(DX), Y4, Y4
	VMOVUPS     64(SI), Y5
	VSUBPS      Y8, Y5, Y5
	VMULPS      Y9, Y5, Y5
	VADDPS      Y4, Y0, Y0
	VFMADD231PS Y4, Y5, Y1
	VMOVUPS     96(R9), Y4
	VMULPS      96(DX), Y4, Y4
	VMOVUPS     96(SI), Y5
	VSUBPS      Y8, Y5, Y5
	VMULPS      Y9, Y5, Y5
	VADDPS      Y4, Y2, Y2
	VFMADD231PS Y4, Y5, Y3
	ADDQ        $128, SI
	ADDQ        $128, DX
	ADDQ        $128, R9
	SUBQ        $32, CX
	JGE         sums_four

sums_single:
	ADDQ $32, CX
	SUBQ $8, CX
	JL   sums_tail

sums_loop:
	VMOVUPS     (R9), Y4
	VMOVUPS     (DX), Y6
	VMULPS      Y6, Y4, Y4
	VMOVUPS     (SI), Y5
	VSUBPS      Y8, Y5, Y5
	VMULPS      Y9, Y5, Y5
	VADDPS      Y4, Y0, Y0
	VFMADD231PS Y4, Y5, Y1
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, R9
	SUBQ        $8, CX
	JGE         sums_loop

sums_tail:
	ADDQ        $8, CX
	JZ          sums_done
	TAIL_Y
	VMASKMOVPS  (R9), Y15, Y4
	VMASKMOVPS  (DX), Y15, Y6
	VMULPS      Y6, Y4, Y4
	VMASKMOVPS  (SI), Y15, Y5
	VSUBPS      Y8, Y5, Y5
	VMULPS      Y9, Y5, Y5
	VADDPS      Y4, Y0, Y0
	VFMADD231PS Y4, Y5, Y1

sums_done:
	VADDPS       Y2, Y0, Y0
	VADDPS       Y3, Y1, Y1
	FOLD_Y(VADDPS, Y0, X0, X2)
	FOLD_Y(VADDPS, Y1, X1, X2)
	VDIVSS       X14, X0, X0
	VDIVSS       X14, X1, X1
	VBROADCASTSS X0, Y10
	VBROADCASTSS X1, Y11
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         gamma_base+32(FP), DX
	MOVQ         dy_base+56(FP), R9
	MOVQ         dx_base+80(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS      (R9), Y4
	VMOVUPS      (DX), Y6
	VMULPS       Y6, Y4, Y4
	VMOVUPS      (SI), Y5
	VSUBPS       Y8, Y5, Y5
	VMULPS       Y9, Y5, Y5
	VMOVUPS      (DI), Y7
	VSUBPS       Y10, Y4, Y4
	VFNMADD231PS Y11, Y5, Y4
	VFMADD231PS  Y9, Y4, Y7
	VMOVUPS      Y7, (DI)
	ADDQ         $32, SI
	ADDQ         $32, DX
	ADDQ         $32, R9
	ADDQ         $32, DI
	SUBQ         $8, CX
	JGE          loop

tail:
	ADDQ         $8, CX
	JZ           done
	TAIL_Y
	VMASKMOVPS   (R9), Y15, Y4
	VMASKMOVPS   (DX), Y15, Y6
	VMULPS       Y6, Y4, Y4
	VMASKMOVPS   (SI), Y15, Y5
	VSUBPS       Y8, Y5, Y5
	VMULPS       Y9, Y5, Y5
	VMASKMOVPS   (DI), Y15, Y7
	VSUBPS       Y10, Y4, Y4
	VFNMADD231PS Y11, Y5, Y4
	VFMADD231PS  Y9, Y4, Y7
	VMASKMOVPS   Y7, Y15, (DI)

done:
	VZEROUPPER
	RET

// func layerNormParamsAVX2(mean, rstd float32, x, dy, dgamma, dbeta []float32)
TEXT ·layerNormParamsAVX2(SB), NOSPLIT, $0-104
	MOVL         mean+0(FP), AX
	VMOVD        AX, X8
	VBROADCASTSS X8, Y8
	MOVL         rstd+4(FP), AX
	VMOVD        AX, X9
	VBROADCASTSS X9, Y9
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         dy_base+32(FP), DX
	MOVQ         dgamma_base+56(FP), DI
	MOVQ         dbeta_base+80(FP), R9
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS     (SI), Y0
	VMOVUPS     (DX), Y1
	VMOVUPS     (DI), Y2
	VMOVUPS     (R9), Y3
	VSUBPS      Y8, Y0, Y0
	VMULPS      Y9, Y0, Y0
	VFMADD231PS Y1, Y0, Y2
	VADDPS      Y1, Y3, Y3
	VMOVUPS     Y2, (DI)
	VMOVUPS     Y3, (R9)
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, DI
	ADDQ        $32, R9
	SUBQ        $8, CX
	JGE         loop

tail:
	ADDQ        $8, CX
	JZ          done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y0
	VMASKMOVPS  (DX), Y15, Y1
	VMASKMOVPS  (DI), Y15, Y2
	VMASKMOVPS  (R9), Y15, Y3
	VSUBPS      Y8, Y0, Y0
	VMULPS      Y9, Y0, Y0
	VFMADD231PS Y1, Y0, Y2
	VADDPS      Y1, Y3, Y3
	VMASKMOVPS  Y2, Y15, (DI)
	VMASKMOVPS  Y3, Y15, (R9)

done:
	VZEROUPPER
	RET
