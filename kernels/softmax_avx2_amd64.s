//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// func softmaxAVX2(x, y []float32)
//
// The maximum starts from the least finite number, which leaves exp(−Inf − max)
// at zero; NaN does not enter it, but enters the sum. The sum is divided by only
// from one on: less it is only where every element is −Inf. The sums l and l+8 of
// AVX-512's sixteen are Y0 and Y7, which change places after every vector.
TEXT ·softmaxAVX2(SB), NOSPLIT, $0-48
	LEAQ    ·approximation(SB), R8
	VMOVUPS approximations_mostNegative(R8), Y0
	MOVQ    x_base+0(FP), SI
	MOVQ    x_len+8(FP), CX
	SUBQ    $8, CX
	JL      max_tail

max_loop:
	VMOVUPS (SI), Y1
	VMAXPS  Y0, Y1, Y0
	ADDQ    $32, SI
	SUBQ    $8, CX
	JGE     max_loop

max_tail:
	ADDQ       $8, CX
	JZ         max_done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y1
	VBLENDVPS  Y15, Y1, Y0, Y1
	VMAXPS     Y0, Y1, Y0

max_done:
	FOLD_Y(VMAXPS, Y0, X0, X1)
	VBROADCASTSS X0, Y6
	VXORPS       X0, X0, X0
	VXORPS       X7, X7, X7
	MOVQ         x_base+0(FP), SI
	MOVQ         x_len+8(FP), CX
	MOVQ         y_base+24(FP), DI
	SUBQ         $8, CX
	JL           exp_tail

exp_loop:
	VMOVUPS (SI), Y1
	VSUBPS  Y6, Y1, Y1
	EXP_Y(Y1, Y2, Y3, Y4)
	VMOVUPS Y1, (DI)
	VADDPS  Y1, Y0, Y1
	VMOVAPS Y7, Y0
	VMOVAPS Y1, Y7
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     exp_loop

exp_tail:
	ADDQ       $8, CX
	JZ         exp_done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y1
	VSUBPS     Y6, Y1, Y1
	EXP_Y(Y1, Y2, Y3, Y4)
	VMASKMOVPS Y1, Y15, (DI)
	VANDPS     Y15, Y1, Y1
	VADDPS     Y1, Y0, Y0

exp_done:
	VADDPS       Y7, Y0, Y0
	FOLD_Y(VADDPS, Y0, X0, X1)
	VMOVSS       approximations_one(R8), X1
	VMAXSS       X0, X1, X0
	VDIVSS       X0, X1, X0
	VBROADCASTSS X0, Y6
	MOVQ         y_base+24(FP), DI
	MOVQ         x_len+8(FP), CX
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (DI), Y0
	VMULPS  Y6, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (DI), Y15, Y0
	VMULPS     Y6, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func softmaxBackwardAVX2(y, dy, dx []float32)
TEXT ·softmaxBackwardAVX2(SB), NOSPLIT, $0-72
	MOVQ   y_base+0(FP), SI
	MOVQ   y_len+8(FP), CX
	MOVQ   dy_base+24(FP), DX
	VXORPS X0, X0, X0
	VXORPS X1, X1, X1
	VXORPS X2, X2, X2
	VXORPS X3, X3, X3
	SUBQ   $32, CX
	JL     dot_single

dot_four:
	VMOVUPS     (SI), Y4
	VFMADD231PS (DX), Y4, Y0
	VMOVUPS     32(SI), Y4
	VFMADD231PS 32(DX), Y4, Y1
	VMOVUPS     64(SI), Y4
	VFMADD231PS 64(DX), Y4, Y2
	VMOVUPS     96(SI), Y4
	VFMADD231PS 96(DX), Y4, Y3
	ADDQ        $128, SI
	ADDQ        $128, DX
	SUBQ        $32, CX
	JGE         dot_four

dot_single:
	ADDQ $32, CX
	SUBQ $8, CX
	JL   dot_tail

dot_loop:
	VMOVUPS     (SI), Y4
	VMOVUPS     (DX), Y5
	VFMADD231PS Y4, Y5, Y0
	ADDQ        $32, SI
	ADDQ        $32, DX
	SUBQ        $8, CX
	JGE         dot_loop

dot_tail:
	ADDQ        $8, CX
	JZ          dot_done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y4
	VMASKMOVPS  (DX), Y15, Y5
	VFMADD231PS Y4, Y5, Y0

dot_done:
	VADDPS       Y1, Y0, Y0
	VADDPS       Y3, Y2, Y2
	VADDPS       Y2, Y0, Y0
	FOLD_Y(VADDPS, Y0, X0, X1)
	VBROADCASTSS X0, Y6
	MOVQ         y_base+0(FP), SI
	MOVQ         y_len+8(FP), CX
	MOVQ         dy_base+24(FP), DX
	MOVQ         dx_base+48(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VSUBPS  Y6, Y1, Y1
	VMULPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DX), Y15, Y1
	VSUBPS     Y6, Y1, Y1
	VMULPS     Y0, Y1, Y1
	VMASKMOVPS Y1, Y15, (DI)

done:
	VZEROUPPER
	RET
