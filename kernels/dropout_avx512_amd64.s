//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "rows_amd64.h"

// DROPOUT_KEEP sets K2 where the element is kept, and clears it elsewhere. Z8 to
// Z14 are the counter times the golden ratio plus the first key, its step, the
// second key, the two multipliers, the threshold and the scale.
#define DROPOUT_KEEP \
	VPSRLD  $16, Z8, Z3        \
	VPXORD  Z3, Z8, Z2         \
	VPMULLD Z11, Z2, Z2        \
	VPXORD  Z10, Z2, Z2        \
	VPSRLD  $15, Z2, Z3        \
	VPXORD  Z3, Z2, Z2         \
	VPMULLD Z12, Z2, Z2        \
	VPSRLD  $16, Z2, Z3        \
	VPXORD  Z3, Z2, Z2         \
	VPSRLD  $1, Z2, Z2         \
	VPCMPD  $5, Z13, Z2, K2    \
	VPADDD  Z9, Z8, Z8

// func dropoutAVX512(q dropoutParams, x, y []float32)
TEXT ·dropoutAVX512(SB), NOSPLIT, $0-64
	MOVL         q_key0+0(FP), AX
	VPBROADCASTD AX, Z0
	MOVL         q_key1+4(FP), AX
	VPBROADCASTD AX, Z10
	MOVL         q_threshold+8(FP), AX
	VPBROADCASTD AX, Z13
	MOVL         q_scale+12(FP), AX
	VPBROADCASTD AX, Z14
	LEAQ         ·dropoutCounter(SB), R8
	VMOVDQU32    dropoutCounters_first(R8), Z8
	VPBROADCASTD dropoutCounters_step16(R8), Z9
	VPADDD       Z0, Z8, Z8
	MOVL         $const_dropoutMix1, AX
	VPBROADCASTD AX, Z11
	MOVL         $const_dropoutMix2, AX
	VPBROADCASTD AX, Z12
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS  (SI), Z0
	DROPOUT_KEEP
	VMULPS.Z Z14, Z0, K2, Z0
	VMOVUPS  Z0, (DI)
	ADDQ     $64, SI
	ADDQ     $64, DI
	SUBQ     $16, CX
	JGE      loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	DROPOUT_KEEP
	VMULPS.Z  Z14, Z0, K2, Z0
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func dropoutBackwardAVX512(q dropoutParams, x, y []float32)
TEXT ·dropoutBackwardAVX512(SB), NOSPLIT, $0-64
	MOVL         q_key0+0(FP), AX
	VPBROADCASTD AX, Z0
	MOVL         q_key1+4(FP), AX
	VPBROADCASTD AX, Z10
	MOVL         q_threshold+8(FP), AX
	VPBROADCASTD AX, Z13
	MOVL         q_scale+12(FP), AX
	VPBROADCASTD AX, Z14
	LEAQ         ·dropoutCounter(SB), R8
	VMOVDQU32    dropoutCounters_first(R8), Z8
	VPBROADCASTD dropoutCounters_step16(R8), Z9
	VPADDD       Z0, Z8, Z8
	MOVL         $const_dropoutMix1, AX
	VPBROADCASTD AX, Z11
	MOVL         $const_dropoutMix2, AX
	VPBROADCASTD AX, Z12
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS  (SI), Z0
	VMOVUPS  (DI), Z1
	DROPOUT_KEEP
	VMULPS.Z Z14, Z0, K2, Z0
	VADDPS   Z0, Z1, K2, Z1
	VMOVUPS  Z1, (DI)
	ADDQ     $64, SI
	ADDQ     $64, DI
	SUBQ     $16, CX
	JGE      loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DI), K1, Z1
	DROPOUT_KEEP
	VMULPS.Z  Z14, Z0, K2, Z0
	VADDPS    Z0, Z1, K2, Z1
	VMOVUPS   Z1, K1, (DI)

done:
	VZEROUPPER
	RET
