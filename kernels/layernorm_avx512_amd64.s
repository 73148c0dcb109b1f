//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func layerNormAVX512(eps float32, x, gamma, beta, y []float32) (mean, rstd float32)
TEXT ·layerNormAVX512(SB), NOSPLIT, $0-112
	MOVQ       x_base+8(FP), SI
	MOVQ       x_len+16(FP), CX
	VCVTSI2SSQ CX, X8, X8
	VXORPS     X0, X0, X0
	VXORPS     X1, X1, X1
	VXORPS     X2, X2, X2
	VXORPS     X3, X3, X3
	SUBQ       $64, CX
	JL         mean_single

mean_four:
	VADDPS (SI), Z0, Z0
	VADDPS 64(SI), Z1, Z1
	VADDPS 128(SI), Z2, Z2
	VADDPS 192(SI), Z3, Z3
	ADDQ   $256, SI
	SUBQ   $64, CX
	JGE    mean_four

mean_single:
	ADDQ $64, CX
	SUBQ $16, CX
	JL   mean_tail

mean_loop:
	VMOVUPS (SI), Z4
	VADDPS  Z4, Z0, Z0
	ADDQ    $64, SI
	SUBQ    $16, CX
	JGE     mean_loop

mean_tail:
	ADDQ      $16, CX
	JZ        mean_done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z4
	VADDPS    Z4, Z0, Z0

mean_done:
	VADDPS       Z1, Z0, Z0
	VADDPS       Z3, Z2, Z2
	VADDPS       Z2, Z0, Z0
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VDIVSS       X8, X0, X6
	VMOVSS       X6, mean+104(FP)
	VBROADCASTSS X6, Z6
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	VXORPS       X0, X0, X0
	VXORPS       X1, X1, X1
	VXORPS       X2, X2, X2
	VXORPS       X3, X3, X3
	SUBQ         $64, CX
	JL           variance_single

variance_four:
	VMOVUPS     (SI), Z4
	VSUBPS      Z6, Z4, Z4
	VFMADD231PS Z4, Z4, Z0
	VMOVUPS     64(SI), Z4
	VSUBPS      Z6, Z4, Z4
	VFMADD231PS Z4, Z4, Z1
	VMOVUPS     128(SI), Z4
	VSUBPS      Z6, Z4, Z4
	VFMADD231PS Z4, Z4, Z2
	VMOVUPS     192(SI), Z4
	VSUBPS      Z6, Z4, Z4
	VFMADD231PS Z4, Z4, Z3
	ADDQ        $256, SI
	SUBQ        $64, CX
	JGE         variance_four

variance_single:
	ADDQ $64, CX
	SUBQ $16, CX
	JL   variance_tail

variance_loop:
	VMOVUPS     (SI), Z4
	VSUBPS      Z6, Z4, Z4
	VFMADD231PS Z4, Z4, Z0
	ADDQ        $64, SI
	SUBQ        $16, CX
	JGE         variance_loop

variance_tail:
	ADDQ        $16, CX
	JZ          variance_done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z4
	VSUBPS      Z6, Z4, Z4
	VMOVAPS.Z   Z4, K1, Z4
	VFMADD231PS Z4, Z4, Z0

variance_done:
	VADDPS       Z1, Z0, Z0
	VADDPS       Z3, Z2, Z2
	VADDPS       Z2, Z0, Z0
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VDIVSS       X8, X0, X0
	VADDSS       eps+0(FP), X0, X0
	VSQRTSS      X0, X0, X0
	MOVL         $0x3f800000, AX // 1
	VMOVD        AX, X7
	VDIVSS       X0, X7, X7
	VMOVSS       X7, rstd+108(FP)
	VBROADCASTSS X7, Z7
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         gamma_base+32(FP), DX
	MOVQ         beta_base+56(FP), R9
	MOVQ         y_base+80(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS     (SI), Z0
	VMOVUPS     (DX), Z1
	VMOVUPS     (R9), Z2
	VSUBPS      Z6, Z0, Z0
	VMULPS      Z7, Z0, Z0
	VFMADD213PS Z2, Z1, Z0
	VMOVUPS     Z0, (DI)
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $64, R9
	ADDQ        $64, DI
	SUBQ        $16, CX
	JGE         loop

tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z0
	VMOVUPS.Z   (DX), K1, Z1
	VMOVUPS.Z   (R9), K1, Z2
	VSUBPS      Z6, Z0, Z0
	VMULPS      Z7, Z0, Z0
	VFMADD213PS Z2, Z1, Z0
	VMOVUPS     Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func layerNormInputAVX512(mean, rstd float32, x, gamma, dy, dx []float32)
//
// Z0 and Z1 sum g and g·x̂ with g = dy·gamma, in Z2 and Z3 once more.
TEXT ·layerNormInputAVX512(SB), NOSPLIT, $0-104
	MOVL         mean+0(FP), AX
	VPBROADCASTD AX, Z8
	MOVL         rstd+4(FP), AX
	VPBROADCASTD AX, Z9
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	VCVTSI2SSQ   CX, X14, X14
	MOVQ         gamma_base+32(FP), DX
	MOVQ         dy_base+56(FP), R9
	VXORPS       X0, X0, X0
	VXORPS       X1, X1, X1
	VXORPS       X2, X2, X2
	VXORPS       X3, X3, X3
	SUBQ         $64, CX
	JL           sums_single

sums_four:
	VMOVUPS     (R9), Z4
	VMULPS      (DX), Z4, Z4
	VMOVUPS     (SI), Z5
	VSUBPS      Z8, Z5, Z5
	VMULPS      Z9, Z5, Z5
	VADDPS      Z4, Z0, Z0
	VFMADD231PS Z4, Z5, Z1
	VMOVUPS     64(R9), Z4
	VMULPS      64(DX), Z4, Z4
	VMOVUPS     64(SI), Z5
	VSUBPS      Z8, Z5, Z5
	VMULPS      Z9, Z5, Z5
	VADDPS      Z4, Z2, Z2
	VFMADD231PS Z4, Z5, Z3
	VMOVUPS     128(R9), Z4
	VMULPS      128(DX), Z4, Z4
	VMOVUPS     128(SI), Z5
	VSUBPS      Z8, Z5, Z5
	VMULPS      Z9, Z5, Z5
	VADDPS      Z4, Z0, Z0
	VFMADD231PS Z4, Z5, Z1
	VMOVUPS     192(R9), Z4
	VMULPS      192(DX), Z4, Z4
	VMOVUPS     192(SI), Z5
	VSUBPS      Z8, Z5, Z5
	VMULPS      Z9, Z5, Z5
	VADDPS      Z4, Z2, Z2
	VFMADD231PS Z4, Z5, Z3
	ADDQ        $256, SI
	ADDQ        $256, DX
	ADDQ        $256, R9
	SUBQ        $64, CX
	JGE         sums_four

sums_single:
	ADDQ $64, CX
	SUBQ $16, CX
	JL   sums_tail

sums_loop:
	VMOVUPS     (R9), Z4
	VMOVUPS     (DX), Z6
	VMULPS      Z6, Z4, Z4
	VMOVUPS     (SI), Z5
	VSUBPS      Z8, Z5, Z5
	VMULPS      Z9, Z5, Z5
	VADDPS      Z4, Z0, Z0
	VFMADD231PS Z4, Z5, Z1
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $64, R9
	SUBQ        $16, CX
	JGE         sums_loop

sums_tail:
	ADDQ        $16, CX
	JZ          sums_done
	TAIL_Z
	VMOVUPS.Z   (R9), K1, Z4
	VMOVUPS.Z   (DX), K1, Z6
	VMULPS      Z6, Z4, Z4
	VMOVUPS.Z   (SI), K1, Z5
	VSUBPS      Z8, Z5, Z5
	VMULPS      Z9, Z5, Z5
	VADDPS      Z4, Z0, Z0
	VFMADD231PS Z4, Z5, Z1

sums_done:
	VADDPS       Z2, Z0, Z0
	VADDPS       Z3, Z1, Z1
	FOLD_Z(VADDPS, Z0, Y0, X0, Y2, X2)
	FOLD_Z(VADDPS, Z1, Y1, X1, Y2, X2)
	VDIVSS       X14, X0, X0
	VDIVSS       X14, X1, X1
	VBROADCASTSS X0, Z10
	VBROADCASTSS X1, Z11
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         gamma_base+32(FP), DX
	MOVQ         dy_base+56(FP), R9
	MOVQ         dx_base+80(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS      (R9), Z4
	VMOVUPS      (DX), Z6
	VMULPS       Z6, Z4, Z4
	VMOVUPS      (SI), Z5
	VSUBPS       Z8, Z5, Z5
	VMULPS       Z9, Z5, Z5
	VMOVUPS      (DI), Z7
	VSUBPS       Z10, Z4, Z4
	VFNMADD231PS Z11, Z5, Z4
	VFMADD231PS  Z9, Z4, Z7
	VMOVUPS      Z7, (DI)
	ADDQ         $64, SI
	ADDQ         $64, DX
	ADDQ         $64, R9
	ADDQ         $64, DI
	SUBQ         $16, CX
	JGE          loop

tail:
	ADDQ         $16, CX
	JZ           done
	TAIL_Z
	VMOVUPS.Z    (R9), K1, Z4
	VMOVUPS.Z    (DX), K1, Z6
	VMULPS       Z6, Z4, Z4
	VMOVUPS.Z    (SI), K1, Z5
	VSUBPS       Z8, Z5, Z5
	VMULPS       Z9, Z5, Z5
	VMOVUPS.Z    (DI), K1, Z7
	VSUBPS       Z10, Z4, Z4
	VFNMADD231PS Z11, Z5, Z4
	VFMADD231PS  Z9, Z4, Z7
	VMOVUPS      Z7, K1, (DI)

done:
	VZEROUPPER
	RET

// func layerNormParamsAVX512(mean, rstd float32, x, dy, dgamma, dbeta []float32)
TEXT ·layerNormParamsAVX512(SB), NOSPLIT, $0-104
	MOVL         mean+0(FP), AX
	VPBROADCASTD AX, Z8
	MOVL         rstd+4(FP), AX
	VPBROADCASTD AX, Z9
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         dy_base+32(FP), DX
	MOVQ         dgamma_base+56(FP), DI
	MOVQ         dbeta_base+80(FP), R9
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS     (SI), Z0
	VMOVUPS     (DX), Z1
	VMOVUPS     (DI), Z2
	VMOVUPS     (R9), Z3
	VSUBPS      Z8, Z0, Z0
	VMULPS      Z9, Z0, Z0
	VFMADD231PS Z1, Z0, Z2
	VADDPS      Z1, Z3, Z3
	VMOVUPS     Z2, (DI)
	VMOVUPS     Z3, (R9)
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $64, DI
	ADDQ        $64, R9
	SUBQ        $16, CX
	JGE         loop

tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z0
	VMOVUPS.Z   (DX), K1, Z1
	VMOVUPS.Z   (DI), K1, Z2
	VMOVUPS.Z   (R9), K1, Z3
	VSUBPS      Z8, Z0, Z0
	VMULPS      Z9, Z0, Z0
	VFMADD231PS Z1, Z0, Z2
	VADDPS      Z1, Z3, Z3
	VMOVUPS     Z2, K1, (DI)
	VMOVUPS     Z3, K1, (R9)

done:
	VZEROUPPER
	RET
