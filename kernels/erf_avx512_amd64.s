//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// func expAVX512(s float32, a, b, y []float32)
TEXT ·expAVX512(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	EXP_CONSTANTS_Z
	SUBQ $16, CX
	JL   tail

loop:
	VMOVUPS (SI), Z0
	EXP_Z(Z0, Z1, Z2, Z3)
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
	EXP_Z(Z0, Z1, Z2, Z3)
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// ERF_CONSTANTS loads the constants of ERF, besides those of exp.
#define ERF_CONSTANTS \
	EXP_CONSTANTS_Z                                             \
	LEAQ         ·erfConstant(SB), R9                           \
	VBROADCASTSS erfConstants_q6(R9), Z6                        \
	VBROADCASTSS erfConstants_q5(R9), Z7                        \
	VBROADCASTSS erfConstants_q4(R9), Z8                        \
	VBROADCASTSS erfConstants_q3(R9), Z9                        \
	VBROADCASTSS erfConstants_q2(R9), Z10                       \
	VBROADCASTSS erfConstants_q1(R9), Z11                       \
	VBROADCASTSS erfConstants_q0(R9), Z12                       \
	VBROADCASTSS erfConstants_p6(R9), Z13                       \
	VBROADCASTSS erfConstants_p5(R9), Z14                       \
	VBROADCASTSS erfConstants_p4(R9), Z15                       \
	VBROADCASTSS erfConstants_p3(R9), Z16                       \
	VBROADCASTSS erfConstants_p2(R9), Z17                       \
	VBROADCASTSS erfConstants_p1(R9), Z18                       \
	VBROADCASTSS erfConstants_p0(R9), Z19                       \
	VBROADCASTSS approximations_absolute(R8), Z20

// ERF: Z3 = erf(Z0). The branch of large numbers is in Z2, and K2 chooses it;
// NaN takes the other.
#define ERF \
	VANDPS       Z20, Z0, Z1                                    \
	VCMPPS.BCST  $0x1e, erfConstants_split(R9), Z1, K2          \
	VMINPS.BCST  erfConstants_limit(R9), Z1, Z1                 \
	VMOVAPS      Z6, Z2                                         \
	VFMADD213PS  Z7, Z1, Z2                                     \
	VFMADD213PS  Z8, Z1, Z2                                     \
	VFMADD213PS  Z9, Z1, Z2                                     \
	VFMADD213PS  Z10, Z1, Z2                                    \
	VFMADD213PS  Z11, Z1, Z2                                    \
	VFMADD213PS  Z12, Z1, Z2                                    \
	VFNMSUB213PS Z1, Z1, Z2                                     \
	EXP_Z(Z2, Z3, Z4, Z5)                                       \
	VSUBPS       Z2, Z21, Z2                                    \
	VANDNPS      Z0, Z20, Z3                                    \
	VORPS        Z3, Z2, Z2                                     \
	VMULPS       Z0, Z0, Z1                                     \
	VMOVAPS      Z13, Z3                                        \
	VFMADD213PS  Z14, Z1, Z3                                    \
	VFMADD213PS  Z15, Z1, Z3                                    \
	VFMADD213PS  Z16, Z1, Z3                                    \
	VFMADD213PS  Z17, Z1, Z3                                    \
	VFMADD213PS  Z18, Z1, Z3                                    \
	VFMADD213PS  Z19, Z1, Z3                                    \
	VFMADD213PS  Z0, Z0, Z3                                     \
	VMOVAPS      Z2, K2, Z3

// func erfAVX512(s float32, a, b, y []float32)
TEXT ·erfAVX512(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	ERF_CONSTANTS
	SUBQ $16, CX
	JL   tail

loop:
	VMOVUPS (SI), Z0
	ERF
	VMOVUPS Z3, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	ERF
	VMOVUPS   Z3, K1, (DI)

done:
	VZEROUPPER
	RET
