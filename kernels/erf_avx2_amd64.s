//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// func expAVX2(s float32, a, b, y []float32)
TEXT ·expAVX2(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	LEAQ ·approximation(SB), R8
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (SI), Y0
	EXP_Y(Y0, Y1, Y2, Y3)
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
	EXP_Y(Y0, Y1, Y2, Y3)
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// ERF: Y3 = erf(Y0). The branch of large numbers is in Y2, and Y6 chooses it.
#define ERF \
	VANDPS       approximations_absolute(R8), Y0, Y1            \
	VCMPPS       $0x1e, erfConstants_split(R9), Y1, Y6          \
	VMINPS       erfConstants_limit(R9), Y1, Y1                 \
	VMOVUPS      erfConstants_q6(R9), Y2                        \
	VFMADD213PS  erfConstants_q5(R9), Y1, Y2                    \
	VFMADD213PS  erfConstants_q4(R9), Y1, Y2                    \
	VFMADD213PS  erfConstants_q3(R9), Y1, Y2                    \
	VFMADD213PS  erfConstants_q2(R9), Y1, Y2                    \
	VFMADD213PS  erfConstants_q1(R9), Y1, Y2                    \
	VFMADD213PS  erfConstants_q0(R9), Y1, Y2                    \
	VFNMSUB213PS Y1, Y1, Y2                                     \
	EXP_Y(Y2, Y3, Y4, Y5)                                       \
	VMOVUPS      approximations_one(R8), Y3                     \
	VSUBPS       Y2, Y3, Y2                                     \
	VMOVUPS      approximations_absolute(R8), Y3                \
	VANDNPS      Y0, Y3, Y3                                     \
	VORPS        Y3, Y2, Y2                                     \
	VMULPS       Y0, Y0, Y1                                     \
	VMOVUPS      erfConstants_p6(R9), Y3                        \
	VFMADD213PS  erfConstants_p5(R9), Y1, Y3                    \
	VFMADD213PS  erfConstants_p4(R9), Y1, Y3                    \
	VFMADD213PS  erfConstants_p3(R9), Y1, Y3                    \
	VFMADD213PS  erfConstants_p2(R9), Y1, Y3                    \
	VFMADD213PS  erfConstants_p1(R9), Y1, Y3                    \
	VFMADD213PS  erfConstants_p0(R9), Y1, Y3                    \
	VFMADD213PS  Y0, Y0, Y3                                     \
	VBLENDVPS    Y6, Y2, Y3, Y3

// func erfAVX2(s float32, a, b, y []float32)
TEXT ·erfAVX2(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	LEAQ ·approximation(SB), R8
	LEAQ ·erfConstant(SB), R9
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (SI), Y0
	ERF
	VMOVUPS Y3, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	ERF
	VMASKMOVPS Y3, Y15, (DI)

done:
	VZEROUPPER
	RET
