//go:build !noasm && !purego

#include "textflag.h"

// Strips of the f32 matrix product in AVX-512, up to 48 columns wide.
//
// One tile is 8 rows of C and one, two or three vectors of 16 columns:
//
//                  b[p][0:16]  b[p][16:32]  b[p][32:48]
//                     Z24          Z25          Z26
//   a[0][p] → Z27     Z0           Z1           Z2
//   a[1][p] → Z27     Z3           Z4           Z5
//      …                           …
//   a[7][p] → Z27     Z21          Z22          Z23
//
// A step of p loads the row of B, broadcasts each element of A's column and
// adds their products: 24 FMAs for 11 loads, so that two multipliers stay busy
// and two loads a cycle are more than enough. The sums stay in registers for
// the whole depth; each is one chain of FMAs in the order of p. The last vector
// is masked by K1, which is full except at the right edge of C. Narrower
// strips leave out the columns of registers on the right; fewer rows at the
// end of a strip leave out rows of them below.
//
//   SI  first element of A in the tile      AX   its element in step p
//   R8, R9, R10, R11  1, 3, 5, 7 × the distance of A's rows
//   R12 distance of A's columns             R13  distance of B's rows
//   BX  row p of B                          CX   steps left
//   DX  first row of C in the tile          R15  distance of C's rows
//   DI  rows left in the strip              R14  C's row while it is written

// DISTANCES turns elements into bytes.
#define DISTANCES \
	SHLQ $2, R8; \
	SHLQ $2, R12; \
	SHLQ $2, R13; \
	SHLQ $2, R15; \
	LEAQ (R8)(R8*2), R9; \
	LEAQ (R8)(R8*4), R10; \
	LEAQ (R9)(R8*4), R11

#define ZERO(a, b, c, d, e, f, g, h) \
	VPXORD a, a, a; VPXORD b, b, b; VPXORD c, c, c; VPXORD d, d, d; \
	VPXORD e, e, e; VPXORD f, f, f; VPXORD g, g, g; VPXORD h, h, h

// ROWSn is one step for n rows of A. FMA, LOADB, TOUCHC, ADDC and STOREC are
// defined for each width below; TOUCHC calls for C while the sums are made.
#define ROWS1 FMA((AX), Z0, Z1, Z2)
#define ROWS2 ROWS1; FMA((AX)(R8*1), Z3, Z4, Z5)
#define ROWS3 ROWS2; FMA((AX)(R8*2), Z6, Z7, Z8)
#define ROWS4 ROWS3; FMA((AX)(R9*1), Z9, Z10, Z11)
#define ROWS5 ROWS4; FMA((AX)(R8*4), Z12, Z13, Z14)
#define ROWS6 ROWS5; FMA((AX)(R10*1), Z15, Z16, Z17)
#define ROWS7 ROWS6; FMA((AX)(R9*2), Z18, Z19, Z20)
#define ROWS8 ROWS7; FMA((AX)(R11*1), Z21, Z22, Z23)

#define LOOP(label, ROWS) \
label: \
	LOADB; \
	ROWS; \
	ADDQ R12, AX; \
	ADDQ R13, BX; \
	DECQ CX; \
	JNZ  label

// SUMS goes through the depth with the loop for min(DI, 8) rows.
#define SUMS \
	ZERO(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7); \
	ZERO(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15); \
	ZERO(Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	CMPQ DI, $8; JGE loop8; \
	CMPQ DI, $4; JEQ loop4; JLT below4; \
	CMPQ DI, $6; JEQ loop6; JLT loop5; \
	LOOP(loop7, ROWS7); JMP finish; \
	LOOP(loop6, ROWS6); JMP finish; \
	LOOP(loop5, ROWS5); JMP finish; \
	LOOP(loop4, ROWS4); JMP finish; \
below4: \
	CMPQ DI, $2; JEQ loop2; JLT loop1; \
	LOOP(loop3, ROWS3); JMP finish; \
	LOOP(loop2, ROWS2); JMP finish; \
	LOOP(loop1, ROWS1); JMP finish; \
	LOOP(loop8, ROWS8)

// WALK(DO, end) does DO for each row of C in the tile, at R14.
#define WALK(DO, end) \
	MOVQ DX, R14; \
	DO(Z0, Z1, Z2); CMPQ DI, $1; JEQ end; ADDQ R15, R14; \
	DO(Z3, Z4, Z5); CMPQ DI, $2; JEQ end; ADDQ R15, R14; \
	DO(Z6, Z7, Z8); CMPQ DI, $3; JEQ end; ADDQ R15, R14; \
	DO(Z9, Z10, Z11); CMPQ DI, $4; JEQ end; ADDQ R15, R14; \
	DO(Z12, Z13, Z14); CMPQ DI, $5; JEQ end; ADDQ R15, R14; \
	DO(Z15, Z16, Z17); CMPQ DI, $6; JEQ end; ADDQ R15, R14; \
	DO(Z18, Z19, Z20); CMPQ DI, $7; JEQ end; ADDQ R15, R14; \
	DO(Z21, Z22, Z23)

// 48 columns.
#define LOADB \
	VMOVUPS   (BX), Z24; \
	VMOVUPS   64(BX), Z25; \
	VMOVUPS.Z 128(BX), K1, Z26
#define FMA(a, x, y, z) \
	VBROADCASTSS a, Z27; \
	VFMADD231PS  Z24, Z27, x; \
	VFMADD231PS  Z25, Z27, y; \
	VFMADD231PS  Z26, Z27, z
#define ADDC(x, y, z) \
	VADDPS (R14), x, x; \
	VADDPS 64(R14), y, y; \
	VADDPS 128(R14), z, K1, z
#define TOUCHC(x, y, z) \
	PREFETCHT0 (R14); \
	PREFETCHT0 64(R14); \
	PREFETCHT0 128(R14)
#define STOREC(x, y, z) \
	VMOVUPS x, (R14); \
	VMOVUPS y, 64(R14); \
	VMOVUPS z, K1, 128(R14)

// func gemmF32Strip8x48(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask uint16, add bool)
TEXT ·gemmF32Strip8x48(SB), NOSPLIT, $0-83
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ ars+24(FP), R8
	MOVQ acs+32(FP), R12
	MOVQ brs+56(FP), R13
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVWLZX mask+80(FP), AX
	KMOVW AX, K1
	DISTANCES

tile:
	WALK(TOUCHC, sums)

sums:
	MOVQ SI, AX
	MOVQ b+48(FP), BX
	MOVQ depth+8(FP), CX
	SUMS

finish:
	CMPB add+82(FP), $0
	JEQ  store
	WALK(ADDC, store)

store:
	WALK(STOREC, next)

next:
	MOVQ atile+40(FP), AX
	LEAQ (SI)(AX*4), SI
	LEAQ (DX)(R15*8), DX
	SUBQ $8, DI
	JGT  tile
	VZEROUPPER
	RET

// 32 columns.
#undef LOADB
#undef FMA
#undef ADDC
#undef STOREC
#undef TOUCHC
#define LOADB \
	VMOVUPS   (BX), Z24; \
	VMOVUPS.Z 64(BX), K1, Z25
#define FMA(a, x, y, z) \
	VBROADCASTSS a, Z27; \
	VFMADD231PS  Z24, Z27, x; \
	VFMADD231PS  Z25, Z27, y
#define ADDC(x, y, z) \
	VADDPS (R14), x, x; \
	VADDPS 64(R14), y, K1, y
#define TOUCHC(x, y, z) \
	PREFETCHT0 (R14); \
	PREFETCHT0 64(R14)
#define STOREC(x, y, z) \
	VMOVUPS x, (R14); \
	VMOVUPS y, K1, 64(R14)

// func gemmF32Strip8x32(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask uint16, add bool)
TEXT ·gemmF32Strip8x32(SB), NOSPLIT, $0-83
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ ars+24(FP), R8
	MOVQ acs+32(FP), R12
	MOVQ brs+56(FP), R13
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVWLZX mask+80(FP), AX
	KMOVW AX, K1
	DISTANCES

tile:
	WALK(TOUCHC, sums)

sums:
	MOVQ SI, AX
	MOVQ b+48(FP), BX
	MOVQ depth+8(FP), CX
	SUMS

finish:
	CMPB add+82(FP), $0
	JEQ  store
	WALK(ADDC, store)

store:
	WALK(STOREC, next)

next:
	MOVQ atile+40(FP), AX
	LEAQ (SI)(AX*4), SI
	LEAQ (DX)(R15*8), DX
	SUBQ $8, DI
	JGT  tile
	VZEROUPPER
	RET

// 16 columns.
#undef LOADB
#undef FMA
#undef ADDC
#undef STOREC
#undef TOUCHC
#define LOADB \
	VMOVUPS.Z (BX), K1, Z24
#define FMA(a, x, y, z) \
	VBROADCASTSS a, Z27; \
	VFMADD231PS  Z24, Z27, x
#define ADDC(x, y, z) \
	VADDPS (R14), x, K1, x
#define TOUCHC(x, y, z) \
	PREFETCHT0 (R14)
#define STOREC(x, y, z) \
	VMOVUPS x, K1, (R14)

// func gemmF32Strip8x16(rows, depth int, a *float32, ars, acs, atile int, b *float32, brs int, c *float32, ldc int, mask uint16, add bool)
TEXT ·gemmF32Strip8x16(SB), NOSPLIT, $0-83
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ ars+24(FP), R8
	MOVQ acs+32(FP), R12
	MOVQ brs+56(FP), R13
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVWLZX mask+80(FP), AX
	KMOVW AX, K1
	DISTANCES

tile:
	WALK(TOUCHC, sums)

sums:
	MOVQ SI, AX
	MOVQ b+48(FP), BX
	MOVQ depth+8(FP), CX
	SUMS

finish:
	CMPB add+82(FP), $0
	JEQ  store
	WALK(ADDC, store)

store:
	WALK(STOREC, next)

next:
	MOVQ atile+40(FP), AX
	LEAQ (SI)(AX*4), SI
	LEAQ (DX)(R15*8), DX
	SUBQ $8, DI
	JGT  tile
	VZEROUPPER
	RET
