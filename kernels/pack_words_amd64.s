//go:build !noasm && !purego

#include "textflag.h"

// func packWordsTransposed(granules int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)
//
// Column j and column j+4 share a register; a 4×4 transposition of words in each
// half leaves word w of columns 0 to 3 and 4 to 7 side by side.
TEXT ·packWordsTransposed(SB), NOSPLIT, $0-40
	MOVQ granules+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ words+16(FP), R8
	MOVQ src+24(FP), SI
	MOVQ lds+32(FP), R9
	LEAQ (R9)(R9*2), R10
	LEAQ (R8)(R8*2), R11
	LEAQ (SI)(R9*4), DX

loop:
	VMOVDQU     (SI), X0
	VMOVDQU     (SI)(R9*1), X1
	VMOVDQU     (SI)(R9*2), X2
	VMOVDQU     (SI)(R10*1), X3
	VINSERTI128 $1, (DX), Y0, Y0
	VINSERTI128 $1, (DX)(R9*1), Y1, Y1
	VINSERTI128 $1, (DX)(R9*2), Y2, Y2
	VINSERTI128 $1, (DX)(R10*1), Y3, Y3
	VPUNPCKLDQ  Y1, Y0, Y4
	VPUNPCKHDQ  Y1, Y0, Y5
	VPUNPCKLDQ  Y3, Y2, Y6
	VPUNPCKHDQ  Y3, Y2, Y7
	VPUNPCKLQDQ Y6, Y4, Y0
	VPUNPCKHQDQ Y6, Y4, Y1
	VPUNPCKLQDQ Y7, Y5, Y2
	VPUNPCKHQDQ Y7, Y5, Y3
	VMOVDQU     Y0, (DI)
	VMOVDQU     Y1, (DI)(R8*1)
	VMOVDQU     Y2, (DI)(R8*2)
	VMOVDQU     Y3, (DI)(R11*1)
	ADDQ        $16, SI
	ADDQ        $16, DX
	LEAQ        (DI)(R8*4), DI
	DECQ        CX
	JNZ         loop
	VZEROUPPER
	RET

// func packWordsBytes(n int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)
TEXT ·packWordsBytes(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ words+16(FP), R8
	MOVQ src+24(FP), SI
	MOVQ lds+32(FP), R9
	LEAQ (R9)(R9*2), R10

loop:
	VMOVQ      (SI), X0
	VMOVQ      (SI)(R9*1), X1
	VMOVQ      (SI)(R9*2), X2
	VMOVQ      (SI)(R10*1), X3
	VPUNPCKLBW X1, X0, X0
	VPUNPCKLBW X3, X2, X2
	VPUNPCKLWD X2, X0, X1
	VPUNPCKHWD X2, X0, X3
	VMOVDQU    X1, (DI)
	VMOVDQU    X3, 16(DI)
	LEAQ       (SI)(R9*4), SI
	ADDQ       R8, DI
	DECQ       CX
	JNZ        loop
	RET

// func packWordsPairs(n int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)
TEXT ·packWordsPairs(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ words+16(FP), R8
	MOVQ src+24(FP), SI
	MOVQ lds+32(FP), R9

loop:
	VMOVDQU    (SI), X0
	VMOVDQU    (SI)(R9*1), X1
	VPUNPCKLWD X1, X0, X2
	VPUNPCKHWD X1, X0, X3
	VMOVDQU    X2, (DI)
	VMOVDQU    X3, 16(DI)
	LEAQ       (SI)(R9*2), SI
	ADDQ       R8, DI
	DECQ       CX
	JNZ        loop
	RET

// pairs has the order of the words of VPERMT2W: elements 0, 32, 1, 33, …
DATA pairs<>+0(SB)/8, $0x0021000100200000
DATA pairs<>+8(SB)/8, $0x0023000300220002
DATA pairs<>+16(SB)/8, $0x0025000500240004
DATA pairs<>+24(SB)/8, $0x0027000700260006
DATA pairs<>+32(SB)/8, $0x0029000900280008
DATA pairs<>+40(SB)/8, $0x002b000b002a000a
DATA pairs<>+48(SB)/8, $0x002d000d002c000c
DATA pairs<>+56(SB)/8, $0x002f000f002e000e
DATA pairs<>+64(SB)/8, $0x0031001100300010
DATA pairs<>+72(SB)/8, $0x0033001300320012
DATA pairs<>+80(SB)/8, $0x0035001500340014
DATA pairs<>+88(SB)/8, $0x0037001700360016
DATA pairs<>+96(SB)/8, $0x0039001900380018
DATA pairs<>+104(SB)/8, $0x003b001b003a001a
DATA pairs<>+112(SB)/8, $0x003d001d003c001c
DATA pairs<>+120(SB)/8, $0x003f001f003e001e
GLOBL pairs<>(SB), RODATA|NOPTR, $128

// func packPairs32(n int, dst, src unsafe.Pointer, lds int)
TEXT ·packPairs32(SB), NOSPLIT, $0-32
	MOVQ      n+0(FP), CX
	MOVQ      dst+8(FP), DI
	MOVQ      src+16(FP), SI
	MOVQ      lds+24(FP), R9
	VMOVDQU16 pairs<>+0(SB), Z4
	VMOVDQU16 pairs<>+64(SB), Z5

loop:
	VMOVDQU16 (SI), Z0
	VMOVDQU16 (SI)(R9*1), Z1
	VMOVDQA64 Z0, Z2
	VPERMT2W  Z1, Z4, Z0
	VPERMT2W  Z1, Z5, Z2
	VMOVDQU16 Z0, (DI)
	VMOVDQU16 Z2, 64(DI)
	LEAQ      (SI)(R9*2), SI
	ADDQ      $128, DI
	DECQ      CX
	JNZ       loop
	VZEROUPPER
	RET

// func packWordsRows(n int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)
TEXT ·packWordsRows(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ words+16(FP), R8
	MOVQ src+24(FP), SI
	MOVQ lds+32(FP), R9

loop:
	VMOVDQU (SI), Y0
	VMOVDQU Y0, (DI)
	ADDQ    R9, SI
	ADDQ    R8, DI
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET
