//go:build !noasm && !purego

#include "textflag.h"

// copyRows copies each row by vectors of eight; the last one ends where the row
// ends and overlaps the one before. Rows of less than eight take two vectors of
// four that overlap.
//
//   SI, DI  rows of src and dst    R8, R9  distances of rows
//   CX  start of the last vector   AX      start of another
//   DX  rows left

// func copyRows(rows, cols int, dst *float32, ldd int, src *float32, lds int)
TEXT ·copyRows(SB), NOSPLIT, $0-48
	MOVQ rows+0(FP), DX
	MOVQ cols+8(FP), CX
	MOVQ dst+16(FP), DI
	MOVQ ldd+24(FP), R9
	MOVQ src+32(FP), SI
	MOVQ lds+40(FP), R8
	SHLQ $2, R9
	SHLQ $2, R8
	SUBQ $8, CX
	JLT  narrow

row:
	XORL AX, AX
	CMPQ AX, CX
	JGE  last

vector:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     vector

last:
	VMOVUPS (SI)(CX*4), Y0
	VMOVUPS Y0, (DI)(CX*4)
	ADDQ    R8, SI
	ADDQ    R9, DI
	DECQ    DX
	JNZ     row
	VZEROUPPER
	RET

narrow:
	ADDQ $4, CX

narrowrow:
	VMOVUPS (SI), X0
	VMOVUPS (SI)(CX*4), X1
	VMOVUPS X0, (DI)
	VMOVUPS X1, (DI)(CX*4)
	ADDQ    R8, SI
	ADDQ    R9, DI
	DECQ    DX
	JNZ     narrowrow
	RET

// transpose8 turns squares of 8×8 floats:
//
//   four loads, low and high lanes from rows r and r+4:   unpack by one:
//     Y0  r0p0 r0p1 r0p2 r0p3 | r4p0 …                      r0p0 r1p0 r0p1 r1p1 | r4p0 …
//     Y1  r1p0 r1p1 r1p2 r1p3 | r5p0 …                      r0p2 r1p2 r0p3 r1p3 | r4p2 …
//   unpack by two with the same of rows 2, 3, 6, 7:
//         r0p0 r1p0 r2p0 r3p0 | r4p0 r5p0 r6p0 r7p0         a row of the result
//
// It does so for elements 0…3 and 4…7 of each row, then moves on by eight. The
// last square, when depth is no multiple of eight, overlaps the one before.
//
//   SI, R12  rows 0 and 4 of src    R8, R9    1 and 3 × the distance of its rows
//   DI, R13  rows 0 and 4 of dst    R10, R11  1 and 3 × the distance of its rows
//   CX       elements left

#define QUARTER(at, out) \
	VMOVUPS     at(SI), X0; \
	VMOVUPS     at(SI)(R8*1), X1; \
	VMOVUPS     at(SI)(R8*2), X2; \
	VMOVUPS     at(SI)(R9*1), X3; \
	VINSERTF128 $1, at(R12), Y0, Y0; \
	VINSERTF128 $1, at(R12)(R8*1), Y1, Y1; \
	VINSERTF128 $1, at(R12)(R8*2), Y2, Y2; \
	VINSERTF128 $1, at(R12)(R9*1), Y3, Y3; \
	VUNPCKLPS   Y1, Y0, Y4; \
	VUNPCKHPS   Y1, Y0, Y5; \
	VUNPCKLPS   Y3, Y2, Y6; \
	VUNPCKHPS   Y3, Y2, Y7; \
	VUNPCKLPD   Y6, Y4, Y0; \
	VUNPCKHPD   Y6, Y4, Y1; \
	VUNPCKLPD   Y7, Y5, Y2; \
	VUNPCKHPD   Y7, Y5, Y3; \
	VMOVUPS     Y0, (out); \
	VMOVUPS     Y1, (out)(R10*1); \
	VMOVUPS     Y2, (out)(R10*2); \
	VMOVUPS     Y3, (out)(R11*1)

// func transpose8(depth int, dst *float32, ldd int, src *float32, lds int)
TEXT ·transpose8(SB), NOSPLIT, $0-40
	MOVQ depth+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ ldd+16(FP), R10
	MOVQ src+24(FP), SI
	MOVQ lds+32(FP), R8
	SHLQ $2, R10
	SHLQ $2, R8
	LEAQ (R10)(R10*2), R11
	LEAQ (R8)(R8*2), R9

square:
	LEAQ (SI)(R8*4), R12
	LEAQ (DI)(R10*4), R13
	QUARTER(0, DI)
	QUARTER(16, R13)
	SUBQ $8, CX
	JZ   done
	ADDQ $32, SI
	LEAQ (DI)(R10*8), DI
	CMPQ CX, $8
	JGE  square

	// Step back by 8 − CX elements, so that eight are left.
	SUBQ  $8, CX
	LEAQ  (SI)(CX*4), SI
	IMULQ R10, CX
	ADDQ  CX, DI
	MOVQ  $8, CX
	JMP   square

done:
	VZEROUPPER
	RET
