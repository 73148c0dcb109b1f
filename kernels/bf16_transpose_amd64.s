//go:build !noasm && !purego

#include "textflag.h"

// ROUND leaves in the upper half of each word of r what x is rounded to.
#define ROUND(x, r) \
	VPSRLD $16, x, r     \
	VPANDD Z29, r, r     \
	VPADDD Z28, r, r     \
	VCMPPS $3, x, x, K1  \
	VPADDD x, r, r       \
	VPORD  Z30, x, K1, r

// PAIR rounds two rows, stores them, and leaves words of both in w: the upper row
// in the lower halves.
#define PAIR(w) \
	VMOVUPS   (SI), Z16          \
	VMOVUPS   (SI)(R8*1), Z17    \
	ROUND(Z16, Z18)              \
	ROUND(Z17, Z19)              \
	VPSRLD    $16, Z18, Z18      \
	VPSRLD    $16, Z19, Z20      \
	VPBLENDMW Z19, Z18, K2, w    \
	VPMOVDW   Z18, (DI)          \
	VPMOVDW   Z20, (DI)(R9*1)    \
	LEAQ      (SI)(R8*2), SI     \
	LEAQ      (DI)(R9*2), DI

// STORE turns four registers of columns 4·lane + k and stores these columns at t,
// and 4, 8 and 12 rows further.
#define STORE(a, b, c, d, t, t8) \
	VSHUFI32X4 $0x88, b, a, Z16       \
	VSHUFI32X4 $0xdd, b, a, Z17       \
	VSHUFI32X4 $0x88, d, c, Z18       \
	VSHUFI32X4 $0xdd, d, c, Z19       \
	VSHUFI32X4 $0x88, Z18, Z16, Z20   \
	VSHUFI32X4 $0x88, Z19, Z17, Z21   \
	VSHUFI32X4 $0xdd, Z18, Z16, Z22   \
	VSHUFI32X4 $0xdd, Z19, Z17, Z23   \
	VMOVDQU32  Z20, (t)               \
	VMOVDQU32  Z21, (t)(R10*4)        \
	VMOVDQU32  Z22, (t8)              \
	VMOVDQU32  Z23, (t8)(R10*4)       \
	ADDQ       R10, t                 \
	ADDQ       R10, t8

// func roundTranspose16(ldx int, x *float32, y, t *BF16, ldt int)
//
// Words of 16 pairs of rows are a square of 16×16, which is transposed: by words
// and by pairs of them within lanes of 128 bits, then by lanes.
TEXT ·roundTranspose16(SB), NOSPLIT, $0-40
	MOVQ         ldx+0(FP), R8
	MOVQ         x+8(FP), SI
	MOVQ         y+16(FP), DI
	MOVQ         t+24(FP), DX
	MOVQ         ldt+32(FP), R10
	MOVQ         R8, R9
	SHRQ         $1, R9
	MOVL         $0x7fff, AX
	VPBROADCASTD AX, Z28
	MOVL         $1, AX
	VPBROADCASTD AX, Z29
	MOVL         $0x400000, AX
	VPBROADCASTD AX, Z30
	MOVL         $0xaaaaaaaa, AX
	KMOVD        AX, K2

	PAIR(Z0)
	PAIR(Z1)
	PAIR(Z2)
	PAIR(Z3)
	PAIR(Z4)
	PAIR(Z5)
	PAIR(Z6)
	PAIR(Z7)
	PAIR(Z8)
	PAIR(Z9)
	PAIR(Z10)
	PAIR(Z11)
	PAIR(Z12)
	PAIR(Z13)
	PAIR(Z14)
	PAIR(Z15)

	VPUNPCKLDQ Z1, Z0, Z16
	VPUNPCKHDQ Z1, Z0, Z17
	VPUNPCKLDQ Z3, Z2, Z18
	VPUNPCKHDQ Z3, Z2, Z19
	VPUNPCKLDQ Z5, Z4, Z20
	VPUNPCKHDQ Z5, Z4, Z21
	VPUNPCKLDQ Z7, Z6, Z22
	VPUNPCKHDQ Z7, Z6, Z23
	VPUNPCKLDQ Z9, Z8, Z24
	VPUNPCKHDQ Z9, Z8, Z25
	VPUNPCKLDQ Z11, Z10, Z26
	VPUNPCKHDQ Z11, Z10, Z27
	VPUNPCKLDQ Z13, Z12, Z28
	VPUNPCKHDQ Z13, Z12, Z29
	VPUNPCKLDQ Z15, Z14, Z30
	VPUNPCKHDQ Z15, Z14, Z31

	VPUNPCKLQDQ Z18, Z16, Z0
	VPUNPCKHQDQ Z18, Z16, Z1
	VPUNPCKLQDQ Z19, Z17, Z2
	VPUNPCKHQDQ Z19, Z17, Z3
	VPUNPCKLQDQ Z22, Z20, Z4
	VPUNPCKHQDQ Z22, Z20, Z5
	VPUNPCKLQDQ Z23, Z21, Z6
	VPUNPCKHQDQ Z23, Z21, Z7
	VPUNPCKLQDQ Z26, Z24, Z8
	VPUNPCKHQDQ Z26, Z24, Z9
	VPUNPCKLQDQ Z27, Z25, Z10
	VPUNPCKHQDQ Z27, Z25, Z11
	VPUNPCKLQDQ Z30, Z28, Z12
	VPUNPCKHQDQ Z30, Z28, Z13
	VPUNPCKLQDQ Z31, Z29, Z14
	VPUNPCKHQDQ Z31, Z29, Z15

	// Column 4·lane + k from register k of each four.
	LEAQ (DX)(R10*8), R12
	STORE(Z0, Z4, Z8, Z12, DX, R12)
	STORE(Z1, Z5, Z9, Z13, DX, R12)
	STORE(Z2, Z6, Z10, Z14, DX, R12)
	STORE(Z3, Z7, Z11, Z15, DX, R12)
	VZEROUPPER
	RET
