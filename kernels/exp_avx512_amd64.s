//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// TANH: tanh |x| = −m/(m+2) with m = exp(−2|x|) − 1 = 2ⁿ·q + (2ⁿ − 1), then the
// sign of x. x is in Z0; Z8, Z9, Z10 and Z11 are the mask of |x|, the limit, −2
// and 2.
#define TANH \
	VANDPS      Z8, Z0, Z1     \
	VMINPS      Z1, Z9, Z1     \
	VMULPS      Z10, Z1, Z1    \
	EXPM1_Z(Z1, Z2, Z3, Z4)    \
	VSCALEFPS   Z2, Z21, Z2    \
	VSUBPS      Z21, Z2, Z4    \
	VFMADD213PS Z4, Z2, Z3     \
	VADDPS      Z11, Z3, Z4    \
	VDIVPS      Z4, Z3, Z3     \
	VANDPS      Z8, Z3, Z3     \
	VANDNPS     Z0, Z8, Z4     \
	VORPS       Z4, Z3, Z0

// func tanhAVX512(s float32, a, b, y []float32)
TEXT ·tanhAVX512(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	EXP_CONSTANTS_Z
	VBROADCASTSS approximations_absolute(R8), Z8
	VBROADCASTSS approximations_tanhLimit(R8), Z9
	VBROADCASTSS approximations_minusTwo(R8), Z10
	VBROADCASTSS approximations_two(R8), Z11
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z0
	TANH
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
	TANH
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func tanhBackwardAVX512(s float32, a, b, y []float32)
TEXT ·tanhBackwardAVX512(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         b_base+32(FP), DX
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	LEAQ         ·approximation(SB), R8
	VBROADCASTSS approximations_one(R8), Z21
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	VMOVUPS (DI), Z2
	VMULPS  Z0, Z0, Z0
	VSUBPS  Z0, Z21, Z0
	VMULPS  Z0, Z1, Z1
	VADDPS  Z1, Z2, Z2
	VMOVUPS Z2, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	VMOVUPS.Z (DI), K1, Z2
	VMULPS    Z0, Z0, Z0
	VSUBPS    Z0, Z21, Z0
	VMULPS    Z0, Z1, Z1
	VADDPS    Z1, Z2, Z2
	VMOVUPS   Z2, K1, (DI)

done:
	VZEROUPPER
	RET
