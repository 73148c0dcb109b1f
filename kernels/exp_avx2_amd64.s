//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// TANH: tanh |x| = −m/(m+2) with m = exp(−2|x|) − 1 = 2ⁿ·q + (2ⁿ − 1), then the
// sign of x. x is in Y0; Y8 to Y12 are the mask of |x|, the limit, −2, 2 and 1.
#define TANH \
	VANDPS      Y8, Y0, Y1     \
	VMINPS      Y1, Y9, Y1     \
	VMULPS      Y10, Y1, Y1    \
	EXPM1_Y(Y1, Y2, Y3, Y4)    \
	VCVTPS2DQ   Y2, Y2         \
	VPSLLD      $23, Y2, Y2    \
	VPADDD      Y12, Y2, Y2    \
	VSUBPS      Y12, Y2, Y4    \
	VFMADD213PS Y4, Y2, Y3     \
	VADDPS      Y11, Y3, Y4    \
	VDIVPS      Y4, Y3, Y3     \
	VANDPS      Y8, Y3, Y3     \
	VANDNPS     Y0, Y8, Y4     \
	VORPS       Y4, Y3, Y0

// func tanhAVX2(s float32, a, b, y []float32)
TEXT ·tanhAVX2(SB), NOSPLIT, $0-80
	MOVQ    a_base+8(FP), SI
	MOVQ    y_base+56(FP), DI
	MOVQ    y_len+64(FP), CX
	LEAQ    ·approximation(SB), R8
	VMOVUPS approximations_absolute(R8), Y8
	VMOVUPS approximations_tanhLimit(R8), Y9
	VMOVUPS approximations_minusTwo(R8), Y10
	VMOVUPS approximations_two(R8), Y11
	VMOVUPS approximations_one(R8), Y12
	SUBQ    $8, CX
	JL      tail

loop:
	VMOVUPS (SI), Y0
	TANH
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
	TANH
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func tanhBackwardAVX2(s float32, a, b, y []float32)
TEXT ·tanhBackwardAVX2(SB), NOSPLIT, $0-80
	MOVQ    a_base+8(FP), SI
	MOVQ    b_base+32(FP), DX
	MOVQ    y_base+56(FP), DI
	MOVQ    y_len+64(FP), CX
	LEAQ    ·approximation(SB), R8
	VMOVUPS approximations_one(R8), Y12
	SUBQ    $8, CX
	JL      tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VMOVUPS (DI), Y2
	VMULPS  Y0, Y0, Y0
	VSUBPS  Y0, Y12, Y0
	VMULPS  Y0, Y1, Y1
	VADDPS  Y1, Y2, Y2
	VMOVUPS Y2, (DI)
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
	VMASKMOVPS (DI), Y15, Y2
	VMULPS     Y0, Y0, Y0
	VSUBPS     Y0, Y12, Y0
	VMULPS     Y0, Y1, Y1
	VADDPS     Y1, Y2, Y2
	VMASKMOVPS Y2, Y15, (DI)

done:
	VZEROUPPER
	RET
