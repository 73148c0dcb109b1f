//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "rows_amd64.h"

// ADAMW: one step for g, m, v and p in Z0 to Z3. Z6 to Z14 are the coefficients
// in the order of adamwCoefficients.
#define ADAMW \
	VMULPS  Z6, Z0, Z0   \
	VMULPS  Z7, Z1, Z1   \
	VMULPS  Z8, Z0, Z4   \
	VADDPS  Z4, Z1, Z1   \
	VMULPS  Z9, Z2, Z2   \
	VMULPS  Z0, Z0, Z0   \
	VMULPS  Z10, Z0, Z0  \
	VADDPS  Z0, Z2, Z2   \
	VSQRTPS Z2, Z4       \
	VMULPS  Z11, Z4, Z4  \
	VADDPS  Z12, Z4, Z4  \
	VMULPS  Z14, Z1, Z5  \
	VDIVPS  Z4, Z5, Z5   \
	VMULPS  Z13, Z3, Z3  \
	VSUBPS  Z5, Z3, Z3

// func adamwAVX512(c *adamwCoefficients, p, g, m, v []float32)
TEXT ·adamwAVX512(SB), NOSPLIT, $0-104
	MOVQ         c+0(FP), R8
	MOVQ         p_base+8(FP), SI
	MOVQ         g_base+32(FP), DX
	MOVQ         g_len+40(FP), CX
	MOVQ         m_base+56(FP), R9
	MOVQ         v_base+80(FP), R10
	VBROADCASTSS adamwCoefficients_gradScale(R8), Z6
	VBROADCASTSS adamwCoefficients_beta1(R8), Z7
	VBROADCASTSS adamwCoefficients_oneMinusBeta1(R8), Z8
	VBROADCASTSS adamwCoefficients_beta2(R8), Z9
	VBROADCASTSS adamwCoefficients_oneMinusBeta2(R8), Z10
	VBROADCASTSS adamwCoefficients_rootScale(R8), Z11
	VBROADCASTSS adamwCoefficients_eps(R8), Z12
	VBROADCASTSS adamwCoefficients_decay(R8), Z13
	VBROADCASTSS adamwCoefficients_stepSize(R8), Z14
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (DX), Z0
	VMOVUPS (SI), Z3
	VMOVUPS (R9), Z1
	VMOVUPS (R10), Z2
	ADAMW
	VMOVUPS Z1, (R9)
	VMOVUPS Z2, (R10)
	VMOVUPS Z3, (SI)
	ADDQ    $64, DX
	ADDQ    $64, SI
	ADDQ    $64, R9
	ADDQ    $64, R10
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (DX), K1, Z0
	VMOVUPS.Z (SI), K1, Z3
	VMOVUPS.Z (R9), K1, Z1
	VMOVUPS.Z (R10), K1, Z2
	ADAMW
	VMOVUPS   Z1, K1, (R9)
	VMOVUPS   Z2, K1, (R10)
	VMOVUPS   Z3, K1, (SI)

done:
	VZEROUPPER
	RET
