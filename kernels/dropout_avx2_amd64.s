//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "rows_amd64.h"

// DROPOUT_DROP sets Y2 where the element is dropped, and clears it elsewhere. Y8
// to Y14 are the counter times the golden ratio plus the first key, its step, the
// second key, the two multipliers, the threshold and the scale.
#define DROPOUT_DROP \
	VPSRLD   $16, Y8, Y3       \
	VPXOR    Y3, Y8, Y2        \
	VPMULLD  Y11, Y2, Y2       \
	VPXOR    Y10, Y2, Y2       \
	VPSRLD   $15, Y2, Y3       \
	VPXOR    Y3, Y2, Y2        \
	VPMULLD  Y12, Y2, Y2       \
	VPSRLD   $16, Y2, Y3       \
	VPXOR    Y3, Y2, Y2        \
	VPSRLD   $1, Y2, Y2        \
	VPCMPGTD Y2, Y13, Y2       \
	VPADDD   Y9, Y8, Y8

// func dropoutAVX2(q dropoutParams, x, y []float32)
TEXT ·dropoutAVX2(SB), NOSPLIT, $0-64
	MOVL         q_key0+0(FP), AX
	VMOVD        AX, X0
	VBROADCASTSS X0, Y0
	MOVL         q_key1+4(FP), AX
	VMOVD        AX, X10
	VBROADCASTSS X10, Y10
	MOVL         q_threshold+8(FP), AX
	VMOVD        AX, X13
	VBROADCASTSS X13, Y13
	MOVL         q_scale+12(FP), AX
	VMOVD        AX, X14
	VBROADCASTSS X14, Y14
	LEAQ         ·dropoutCounter(SB), R8
	VMOVDQU      dropoutCounters_first(R8), Y8
	VPBROADCASTD dropoutCounters_step8(R8), Y9
	VPADDD       Y0, Y8, Y8
	MOVL         $const_dropoutMix1, AX
	VMOVD        AX, X11
	VBROADCASTSS X11, Y11
	MOVL         $const_dropoutMix2, AX
	VMOVD        AX, X12
	VBROADCASTSS X12, Y12
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y0
	DROPOUT_DROP
	VMULPS  Y14, Y0, Y0
	VANDNPS Y0, Y2, Y0
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
	DROPOUT_DROP
	VMULPS     Y14, Y0, Y0
	VANDNPS    Y0, Y2, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func dropoutBackwardAVX2(q dropoutParams, x, y []float32)
TEXT ·dropoutBackwardAVX2(SB), NOSPLIT, $0-64
	MOVL         q_key0+0(FP), AX
	VMOVD        AX, X0
	VBROADCASTSS X0, Y0
	MOVL         q_key1+4(FP), AX
	VMOVD        AX, X10
	VBROADCASTSS X10, Y10
	MOVL         q_threshold+8(FP), AX
	VMOVD        AX, X13
	VBROADCASTSS X13, Y13
	MOVL         q_scale+12(FP), AX
	VMOVD        AX, X14
	VBROADCASTSS X14, Y14
	LEAQ         ·dropoutCounter(SB), R8
	VMOVDQU      dropoutCounters_first(R8), Y8
	VPBROADCASTD dropoutCounters_step8(R8), Y9
	VPADDD       Y0, Y8, Y8
	MOVL         $const_dropoutMix1, AX
	VMOVD        AX, X11
	VBROADCASTSS X11, Y11
	MOVL         $const_dropoutMix2, AX
	VMOVD        AX, X12
	VBROADCASTSS X12, Y12
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DI), Y1
	DROPOUT_DROP
	VMULPS  Y14, Y0, Y0
	VANDNPS Y0, Y2, Y0
	VADDPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DI), Y15, Y1
	DROPOUT_DROP
	VMULPS     Y14, Y0, Y0
	VANDNPS    Y0, Y2, Y0
	VADDPS     Y0, Y1, Y1
	VMASKMOVPS Y1, Y15, (DI)

done:
	VZEROUPPER
	RET
