//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "rows_amd64.h"

// ADAMW: one step for g, m, v and p in Y0 to Y3. Y6 to Y14 are the coefficients
// in the order of adamwCoefficients.
#define ADAMW \
	VMULPS  Y6, Y0, Y0   \
	VMULPS  Y7, Y1, Y1   \
	VMULPS  Y8, Y0, Y4   \
	VADDPS  Y4, Y1, Y1   \
	VMULPS  Y9, Y2, Y2   \
	VMULPS  Y0, Y0, Y0   \
	VMULPS  Y10, Y0, Y0  \
	VADDPS  Y0, Y2, Y2   \
	VSQRTPS Y2, Y4       \
	VMULPS  Y11, Y4, Y4  \
	VADDPS  Y12, Y4, Y4  \
	VMULPS  Y14, Y1, Y5  \
	VDIVPS  Y4, Y5, Y5   \
	VMULPS  Y13, Y3, Y3  \
	VSUBPS  Y5, Y3, Y3

// func adamwAVX2(c *adamwCoefficients, p, g, m, v []float32)
TEXT ·adamwAVX2(SB), NOSPLIT, $0-104
	MOVQ         c+0(FP), R8
	MOVQ         p_base+8(FP), SI
	MOVQ         g_base+32(FP), DX
	MOVQ         g_len+40(FP), CX
	MOVQ         m_base+56(FP), R9
	MOVQ         v_base+80(FP), R10
	VBROADCASTSS adamwCoefficients_gradScale(R8), Y6
	VBROADCASTSS adamwCoefficients_beta1(R8), Y7
	VBROADCASTSS adamwCoefficients_oneMinusBeta1(R8), Y8
	VBROADCASTSS adamwCoefficients_beta2(R8), Y9
	VBROADCASTSS adamwCoefficients_oneMinusBeta2(R8), Y10
	VBROADCASTSS adamwCoefficients_rootScale(R8), Y11
	VBROADCASTSS adamwCoefficients_eps(R8), Y12
	VBROADCASTSS adamwCoefficients_decay(R8), Y13
	VBROADCASTSS adamwCoefficients_stepSize(R8), Y14
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (DX), Y0
	VMOVUPS (SI), Y3
	VMOVUPS (R9), Y1
	VMOVUPS (R10), Y2
	ADAMW
	VMOVUPS Y1, (R9)
	VMOVUPS Y2, (R10)
	VMOVUPS Y3, (SI)
	ADDQ    $32, DX
	ADDQ    $32, SI
	ADDQ    $32, R9
	ADDQ    $32, R10
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (DX), Y15, Y0
	VMASKMOVPS (SI), Y15, Y3
	VMASKMOVPS (R9), Y15, Y1
	VMASKMOVPS (R10), Y15, Y2
	ADAMW
	VMASKMOVPS Y1, Y15, (R9)
	VMASKMOVPS Y2, Y15, (R10)
	VMASKMOVPS Y3, Y15, (SI)

done:
	VZEROUPPER
	RET
