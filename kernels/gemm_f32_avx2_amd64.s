//go:build !noasm && !purego

#include "textflag.h"

// Strips of the f32 matrix product in AVX2 and FMA, up to 16 columns wide.
//
// One tile is 6 rows of C and one or two vectors of 8 columns:
//
//                  b[p][0:8]  b[p][8:16]
//                     Y12         Y13
//   a[0][p] → Y14     Y0          Y1
//   a[1][p] → Y14     Y2          Y3
//      …                    …
//   a[5][p] → Y14     Y10         Y11
//
// A step of p is 12 FMAs for 8 loads; the twelve sums stay in registers for the
// whole depth and cover the FMA's latency. The masked strips read and write
// the last vector of a row under the mask Y15. Fewer rows at the end of a strip
// leave out rows of registers.
//
//   SI  first element of A in the tile      AX   its element in step p
//   R8, R9, R10  1, 3, 5 × the distance of A's rows
//   R12 distance of A's columns             R13  distance of B's rows
//   BX  row p of B                          CX   steps left
//   DX  first row of C in the tile          R15  distance of C's rows
//   DI  rows left in the strip              R14  C's row while it is written
//   R11 6 × the distance of C's rows

// DISTANCES turns elements into bytes.
#define DISTANCES \
	SHLQ $2, R8; \
	SHLQ $2, R12; \
	SHLQ $2, R13; \
	SHLQ $2, R15; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R8)(R8*4), R10; \
	LEAQ (R15)(R15*2), R11; \
	ADDQ R11, R11

#define ZERO(a, b, c, d, e, f) \
	VXORPS a, a, a; VXORPS b, b, b; VXORPS c, c, c; \
	VXORPS d, d, d; VXORPS e, e, e; VXORPS f, f, f

// ROWSn is one step for n rows of A. FMA, LOADB, TOUCHC, ADDC and STOREC are
// defined for each width below; TOUCHC calls for C while the sums are made.
#define ROWS1 FMA((AX), Y0, Y1)
#define ROWS2 ROWS1; FMA((AX)(R8*1), Y2, Y3)
#define ROWS3 ROWS2; FMA((AX)(R8*2), Y4, Y5)
#define ROWS4 ROWS3; FMA((AX)(R9*1), Y6, Y7)
#define ROWS5 ROWS4; FMA((AX)(R8*4), Y8, Y9)
#define ROWS6 ROWS5; FMA((AX)(R10*1), Y10, Y11)

#define LOOP(label, ROWS) \
label: \
	LOADB; \
	ROWS; \
	ADDQ R12, AX; \
	ADDQ R13, BX; \
	DECQ CX; \
	JNZ  label

// SUMS goes through the depth with the loop for min(DI, 6) rows.
#define SUMS \
	ZERO(Y0, Y1, Y2, Y3, Y4, Y5); \
	ZERO(Y6, Y7, Y8, Y9, Y10, Y11); \
	CMPQ DI, $6; JGE loop6; \
	CMPQ DI, $3; JEQ loop3; JLT below3; \
	CMPQ DI, $4; JEQ loop4; \
	LOOP(loop5, ROWS5); JMP finish; \
	LOOP(loop4, ROWS4); JMP finish; \
	LOOP(loop3, ROWS3); JMP finish; \
below3: \
	CMPQ DI, $1; JEQ loop1; \
	LOOP(loop2, ROWS2); JMP finish; \
	LOOP(loop1, ROWS1); JMP finish; \
	LOOP(loop6, ROWS6)

// WALK(DO, end) does DO for each row of C in the tile, at R14.
#define WALK(DO, end) \
	MOVQ DX, R14; \
	DO(Y0, Y1); CMPQ DI, $1; JEQ end; ADDQ R15, R14; \
	DO(Y2, Y3); CMPQ DI, $2; JEQ end; ADDQ R15, R14; \
	DO(Y4, Y5); CMPQ DI, $3; JEQ end; ADDQ R15, R14; \
	DO(Y6, Y7); CMPQ DI, $4; JEQ end; ADDQ R15, R14; \
	DO(Y8, Y9); CMPQ DI, $5; JEQ end; ADDQ R15, R14; \
	DO(Y10, Y11)

// 16 columns.
#define LOADB \
	VMOVUPS    (BX), Y12; \
	VMOVUPS    32(BX), Y13
#define FMA(a, x, y) \
	VBROADCASTSS a, Y14; \
	VFMADD231PS  Y12, Y14, x; \
	VFMADD231PS  Y13, Y14, y
#define ADDC(x, y) \
	VADDPS     (R14), x, x; \
	VADDPS     32(R14), y, y
#define TOUCHC(x, y) \
	PREFETCHT0 (R14); \
	PREFETCHT0 32(R14)
#define STOREC(x, y) \
	VMOVUPS    x, (R14); \
	VMOVUPS    y, 32(R14)

// func gemmF32Strip6x16(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask *int32, add bool)
TEXT ·gemmF32Strip6x16(SB), NOSPLIT, $0-89
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ ars+24(FP), R8
	MOVQ acs+32(FP), R12
	MOVQ brs+56(FP), R13
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	DISTANCES

tile:
	WALK(TOUCHC, sums)

sums:
	MOVQ SI, AX
	MOVQ b+48(FP), BX
	MOVQ depth+8(FP), CX
	SUMS

finish:
	CMPB add+88(FP), $0
	JEQ  store
	WALK(ADDC, store)

store:
	WALK(STOREC, next)

next:
	MOVQ atile+40(FP), AX
	LEAQ (SI)(AX*4), SI
	ADDQ R11, DX
	SUBQ $6, DI
	JGT  tile
	VZEROUPPER
	RET

// 9 to 16 columns.
#undef LOADB
#undef FMA
#undef ADDC
#undef STOREC
#undef TOUCHC
#define LOADB \
	VMOVUPS    (BX), Y12; \
	VMASKMOVPS 32(BX), Y15, Y13
#define FMA(a, x, y) \
	VBROADCASTSS a, Y14; \
	VFMADD231PS  Y12, Y14, x; \
	VFMADD231PS  Y13, Y14, y
#define ADDC(x, y) \
	VADDPS     (R14), x, x; \
	VMASKMOVPS 32(R14), Y15, Y13; \
	VADDPS     Y13, y, y
#define TOUCHC(x, y) \
	PREFETCHT0 (R14); \
	PREFETCHT0 32(R14)
#define STOREC(x, y) \
	VMOVUPS    x, (R14); \
	VMASKMOVPS y, Y15, 32(R14)

// func gemmF32Strip6x16Masked(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask *int32, add bool)
TEXT ·gemmF32Strip6x16Masked(SB), NOSPLIT, $0-89
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ ars+24(FP), R8
	MOVQ acs+32(FP), R12
	MOVQ brs+56(FP), R13
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVQ mask+80(FP), AX
	VMOVUPS (AX), Y15
	DISTANCES

tile:
	WALK(TOUCHC, sums)

sums:
	MOVQ SI, AX
	MOVQ b+48(FP), BX
	MOVQ depth+8(FP), CX
	SUMS

finish:
	CMPB add+88(FP), $0
	JEQ  store
	WALK(ADDC, store)

store:
	WALK(STOREC, next)

next:
	MOVQ atile+40(FP), AX
	LEAQ (SI)(AX*4), SI
	ADDQ R11, DX
	SUBQ $6, DI
	JGT  tile
	VZEROUPPER
	RET

// 1 to 8 columns.
#undef LOADB
#undef FMA
#undef ADDC
#undef STOREC
#undef TOUCHC
#define LOADB \
	VMASKMOVPS (BX), Y15, Y12
#define FMA(a, x, y) \
	VBROADCASTSS a, Y14; \
	VFMADD231PS  Y12, Y14, x
#define ADDC(x, y) \
	VMASKMOVPS (R14), Y15, Y12; \
	VADDPS     Y12, x, x
#define TOUCHC(x, y) \
	PREFETCHT0 (R14)
#define STOREC(x, y) \
	VMASKMOVPS x, Y15, (R14)

// func gemmF32Strip6x8Masked(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask *int32, add bool)
TEXT ·gemmF32Strip6x8Masked(SB), NOSPLIT, $0-89
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ ars+24(FP), R8
	MOVQ acs+32(FP), R12
	MOVQ brs+56(FP), R13
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVQ mask+80(FP), AX
	VMOVUPS (AX), Y15
	DISTANCES

tile:
	WALK(TOUCHC, sums)

sums:
	MOVQ SI, AX
	MOVQ b+48(FP), BX
	MOVQ depth+8(FP), CX
	SUMS

finish:
	CMPB add+88(FP), $0
	JEQ  store
	WALK(ADDC, store)

store:
	WALK(STOREC, next)

next:
	MOVQ atile+40(FP), AX
	LEAQ (SI)(AX*4), SI
	ADDQ R11, DX
	SUBQ $6, DI
	JGT  tile
	VZEROUPPER
	RET
