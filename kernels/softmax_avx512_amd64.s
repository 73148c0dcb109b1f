//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "go_asm.h"
#include "exp_amd64.h"
#include "rows_amd64.h"

// func softmaxAVX512(x, y []float32)
//
// The maximum starts from the least finite number, which leaves exp(−Inf − max)
// at zero; NaN does not enter it, but enters the sum. The sum is divided by only
// from one on: less it is only where every element is −Inf.
TEXT ·softmaxAVX512(SB), NOSPLIT, $0-48
	EXP_CONSTANTS_Z
	VBROADCASTSS approximations_mostNegative(R8), Z0
	MOVQ         x_base+0(FP), SI
	MOVQ         x_len+8(FP), CX
	SUBQ         $16, CX
	JL           max_tail

max_loop:
	VMOVUPS (SI), Z1
	VMAXPS  Z0, Z1, Z0
	ADDQ    $64, SI
	SUBQ    $16, CX
	JGE     max_loop

max_tail:
	ADDQ    $16, CX
	JZ      max_done
	TAIL_Z
	VMOVAPS Z0, Z1
	VMOVUPS (SI), K1, Z1
	VMAXPS  Z0, Z1, Z0

max_done:
	FOLD_Z(VMAXPS, Z0, Y0, X0, Y1, X1)
	VBROADCASTSS X0, Z6
	VXORPS       X0, X0, X0
	MOVQ         x_base+0(FP), SI
	MOVQ         x_len+8(FP), CX
	MOVQ         y_base+24(FP), DI
	SUBQ         $16, CX
	JL           exp_tail

exp_loop:
	VMOVUPS (SI), Z1
	VSUBPS  Z6, Z1, Z1
	EXP_Z(Z1, Z2, Z3, Z4)
	VMOVUPS Z1, (DI)
	VADDPS  Z1, Z0, Z0
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     exp_loop

exp_tail:
	ADDQ      $16, CX
	JZ        exp_done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z1
	VSUBPS    Z6, Z1, Z1
	EXP_Z(Z1, Z2, Z3, Z4)
	VMOVUPS   Z1, K1, (DI)
	VMOVAPS.Z Z1, K1, Z1
	VADDPS    Z1, Z0, Z0

exp_done:
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VMOVSS       approximations_one(R8), X1
	VMAXSS       X0, X1, X0
	VDIVSS       X0, X1, X0
	VBROADCASTSS X0, Z6
	MOVQ         y_base+24(FP), DI
	MOVQ         x_len+8(FP), CX
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (DI), Z0
	VMULPS  Z6, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (DI), K1, Z0
	VMULPS    Z6, Z0, Z0
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func softmaxShortAVX512(rows, cols int, x unsafe.Pointer, ldx int, y unsafe.Pointer, ldy int)
//
// Rows of up to 32 elements, which stay in registers. The operations are those
// above: columns that are missing have the least number and an exponential of
// zero.
TEXT ·softmaxShortAVX512(SB), NOSPLIT, $0-48
	EXP_CONSTANTS_Z
	VBROADCASTSS approximations_mostNegative(R8), Z20
	MOVQ         rows+0(FP), DX
	MOVQ         cols+8(FP), CX
	MOVQ         x+16(FP), SI
	MOVQ         ldx+24(FP), R9
	MOVQ         y+32(FP), DI
	MOVQ         ldy+40(FP), R10
	SHLQ         $2, R9
	SHLQ         $2, R10
	MOVQ         $1, BX
	SHLQ         CX, BX
	DECQ         BX
	KMOVW        BX, K1
	SHRQ         $16, BX
	KMOVW        BX, K2

	VMOVAPS      Z20, Z11
	VMOVAPS      Z20, Z12
	VMOVUPS      (SI), K1, Z11
	VMOVUPS      64(SI), K2, Z12

short_row:
	VMOVAPS      Z11, Z1
	VMOVAPS      Z12, Z7
	VMAXPS       Z20, Z1, Z0
	VMAXPS       Z0, Z7, Z0
	FOLD_Z(VMAXPS, Z0, Y0, X0, Y2, X2)
	VBROADCASTSS X0, Z6
	VSUBPS       Z6, Z1, Z1
	VSUBPS       Z6, Z7, Z7
	EXP_Z(Z1, Z2, Z3, Z4)
	EXP_Z(Z7, Z8, Z9, Z10)
	VMOVAPS.Z    Z1, K1, Z1
	VMOVAPS.Z    Z7, K2, Z7
	VADDPS       Z7, Z1, Z0
	FOLD_Z(VADDPS, Z0, Y0, X0, Y2, X2)
	VMOVSS       approximations_one(R8), X2
	VMAXSS       X0, X2, X0
	VDIVSS       X0, X2, X0
	VBROADCASTSS X0, Z6
	VMULPS       Z6, Z1, Z1
	VMULPS       Z6, Z7, Z7

	// The next row comes first: a load would wait for a store before it that
	// reaches over the row's end, if only by what its mask leaves out.
	DECQ         DX
	JZ           short_last
	ADDQ         R9, SI
	VMOVUPS      (SI), K1, Z11
	VMOVUPS      64(SI), K2, Z12
	VMOVUPS      Z1, K1, (DI)
	CMPQ         CX, $16
	JLE          short_next
	VMOVUPS      Z7, K2, 64(DI)

short_next:
	ADDQ         R10, DI
	JMP          short_row

short_last:
	VMOVUPS      Z1, K1, (DI)
	VMOVUPS      Z7, K2, 64(DI)
	VZEROUPPER
	RET

// func softmaxBackwardAVX512(y, dy, dx []float32)
TEXT ·softmaxBackwardAVX512(SB), NOSPLIT, $0-72
	MOVQ   y_base+0(FP), SI
	MOVQ   y_len+8(FP), CX
	MOVQ   dy_base+24(FP), DX
	VXORPS X0, X0, X0
	VXORPS X1, X1, X1
	VXORPS X2, X2, X2
	VXORPS X3, X3, X3
	SUBQ   $64, CX
	JL     dot_single

dot_four:
	VMOVUPS     (SI), Z4
	VFMADD231PS (DX), Z4, Z0
	VMOVUPS     64(SI), Z4
	VFMADD231PS 64(DX), Z4, Z1
	VMOVUPS     128(SI), Z4
	VFMADD231PS 128(DX), Z4, Z2
	VMOVUPS     192(SI), Z4
	VFMADD231PS 192(DX), Z4, Z3
	ADDQ        $256, SI
	ADDQ        $256, DX
	SUBQ        $64, CX
	JGE         dot_four

dot_single:
	ADDQ $64, CX
	SUBQ $16, CX
	JL   dot_tail

dot_loop:
	VMOVUPS     (SI), Z4
	VMOVUPS     (DX), Z5
	VFMADD231PS Z4, Z5, Z0
	ADDQ        $64, SI
	ADDQ        $64, DX
	SUBQ        $16, CX
	JGE         dot_loop

dot_tail:
	ADDQ        $16, CX
	JZ          dot_done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z4
	VMOVUPS.Z   (DX), K1, Z5
	VFMADD231PS Z4, Z5, Z0

dot_done:
	VADDPS       Z1, Z0, Z0
	VADDPS       Z3, Z2, Z2
	VADDPS       Z2, Z0, Z0
	FOLD_Z(VADDPS, Z0, Y0, X0, Y1, X1)
	VBROADCASTSS X0, Z6
	MOVQ         y_base+0(FP), SI
	MOVQ         y_len+8(FP), CX
	MOVQ         dy_base+24(FP), DX
	MOVQ         dx_base+48(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	VSUBPS  Z6, Z1, Z1
	VMULPS  Z0, Z1, Z1
	VMOVUPS Z1, (DI)
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
	VSUBPS    Z6, Z1, Z1
	VMULPS    Z0, Z1, Z1
	VMOVUPS   Z1, K1, (DI)

done:
	VZEROUPPER
	RET
