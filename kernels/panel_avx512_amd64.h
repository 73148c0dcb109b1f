// The loop of a panelKernel in AVX-512. It is included once for each
// multiplication and width, with these macros set:
//
//   NAME           the function
//   LOADB(d)       word d of B's granule at BX into Z24 and, 32 wide, Z25
//   MAC(a, x, y)   broadcasts the word at a, multiplies it with Z24 into x and
//                  with Z25 into y; it may clobber Z26 to Z31
//   LOADFROM       the 16 or 32 sums at AX into Z24 and Z25
//   STOREC(x, y)   x and y to C's row at R14
//   GRANULE        bytes of a granule of B
//   ANYORDER       defined where the order of summation does not matter
//
// One tile is 12 rows of C and 32 columns (16 leave out the right registers):
//
//                   b[w][0:16]  b[w][16:32]
//                      Z24         Z25
//   a[0][w] → Z26      Z0          Z1
//   a[1][w] → Z26      Z2          Z3
//      …                     …
//   a[11][w] → Z26     Z22         Z23
//
// A word of the depth is 24 multiplications for 14 loads, so the loads of no
// CPU with AVX-512 hold it up. The sums stay in registers for the whole depth.
// Fewer rows at the end leave out rows of registers below.
//
//   SI  first row of A in the tile     AX   the granule in it
//   R8 … R13   1, 3, 5, 7, 9, 11 × the distance of A's rows
//   R14 list of granules; row of C     BX   granule of B
//   DX  first row of C in the tile     R15  distance of C's rows
//   DI  rows left                      CX   granules left

#define ROWS1(d) MAC(d(AX), Z0, Z1)
#define ROWS2(d) ROWS1(d); MAC(d(AX)(R8*1), Z2, Z3)
#define ROWS3(d) ROWS2(d); MAC(d(AX)(R8*2), Z4, Z5)
#define ROWS4(d) ROWS3(d); MAC(d(AX)(R9*1), Z6, Z7)
#define ROWS5(d) ROWS4(d); MAC(d(AX)(R8*4), Z8, Z9)
#define ROWS6(d) ROWS5(d); MAC(d(AX)(R10*1), Z10, Z11)
#define ROWS7(d) ROWS6(d); MAC(d(AX)(R9*2), Z12, Z13)
#define ROWS8(d) ROWS7(d); MAC(d(AX)(R11*1), Z14, Z15)
#define ROWS9(d) ROWS8(d); MAC(d(AX)(R8*8), Z16, Z17)
#define ROWS10(d) ROWS9(d); MAC(d(AX)(R12*1), Z18, Z19)
#define ROWS11(d) ROWS10(d); MAC(d(AX)(R10*2), Z20, Z21)
#define ROWS12(d) ROWS11(d); MAC(d(AX)(R13*1), Z22, Z23)

#define LOOP(label, ROWS) \
label: \
	MOVLQSX (R14), AX; \
	ADDQ $4, R14; \
	ADDQ SI, AX; \
	LOADB(0); ROWS(0); \
	LOADB(1); ROWS(4); \
	LOADB(2); ROWS(8); \
	LOADB(3); ROWS(12); \
	ADDQ $GRANULE, BX; \
	DECQ CX; \
	JNZ  label

// WALK(DO, end) does DO for each row of C in the tile, at R14.
#define WALK(DO, end) \
	MOVQ DX, R14; \
	DO(Z0, Z1); CMPQ DI, $1; JEQ end; ADDQ R15, R14; \
	DO(Z2, Z3); CMPQ DI, $2; JEQ end; ADDQ R15, R14; \
	DO(Z4, Z5); CMPQ DI, $3; JEQ end; ADDQ R15, R14; \
	DO(Z6, Z7); CMPQ DI, $4; JEQ end; ADDQ R15, R14; \
	DO(Z8, Z9); CMPQ DI, $5; JEQ end; ADDQ R15, R14; \
	DO(Z10, Z11); CMPQ DI, $6; JEQ end; ADDQ R15, R14; \
	DO(Z12, Z13); CMPQ DI, $7; JEQ end; ADDQ R15, R14; \
	DO(Z14, Z15); CMPQ DI, $8; JEQ end; ADDQ R15, R14; \
	DO(Z16, Z17); CMPQ DI, $9; JEQ end; ADDQ R15, R14; \
	DO(Z18, Z19); CMPQ DI, $10; JEQ end; ADDQ R15, R14; \
	DO(Z20, Z21); CMPQ DI, $11; JEQ end; ADDQ R15, R14; \
	DO(Z22, Z23)

// BEGIN sets four rows to what sums begin with.
#define BEGIN(a, b, c, d, e, f, g, h) \
	VMOVAPS Z24, a; VMOVAPS Z25, b; VMOVAPS Z24, c; VMOVAPS Z25, d; \
	VMOVAPS Z24, e; VMOVAPS Z25, f; VMOVAPS Z24, g; VMOVAPS Z25, h

TEXT NAME(SB), NOSPLIT, $0-88
	MOVQ a+16(FP), SI
	MOVQ lda+24(FP), R8
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVQ rows+0(FP), DI
	SHLQ $2, R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11
	LEAQ (R8)(R8*8), R12
	LEAQ (R9)(R8*8), R13

tile:
	VPXORD Z24, Z24, Z24
	VPXORD Z25, Z25, Z25
	MOVQ   from+80(FP), AX
	TESTQ  AX, AX
	JEQ    begin
	LOADFROM

begin:
	BEGIN(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	BEGIN(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	BEGIN(Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	MOVQ  offs_base+32(FP), R14
	MOVQ  b+56(FP), BX
	MOVQ  offs_len+40(FP), CX
	TESTQ CX, CX
	JEQ   store
	CMPQ  DI, $12
	JGE   loop12
	CMPQ  DI, $6
	JEQ   loop6
	JLT   below6
	CMPQ  DI, $9
	JEQ   loop9
	JLT   below9
	CMPQ  DI, $10
	JEQ   loop10
	LOOP(loop11, ROWS11)
	JMP   store
	LOOP(loop10, ROWS10)
	JMP   store
	LOOP(loop9, ROWS9)
	JMP   store

below9:
	CMPQ DI, $7
	JEQ  loop7
	LOOP(loop8, ROWS8)
	JMP  store
	LOOP(loop7, ROWS7)
	JMP  store
	LOOP(loop6, ROWS6)
	JMP  store

below6:
	CMPQ DI, $3
	JEQ  loop3
	JLT  below3
	CMPQ DI, $4
	JEQ  loop4
	LOOP(loop5, ROWS5)
	JMP  store
	LOOP(loop4, ROWS4)
	JMP  store
	LOOP(loop3, ROWS3)
	JMP  store

below3:
#ifdef ANYORDER
#define CLEAR(a, b, c, d) VPXORD a, a, a; VPXORD b, b, b; VPXORD c, c, c; VPXORD d, d, d
	CMPQ DI, $1
	JEQ  single

// Two rows and one have too few chains of sums to keep the multipliers busy, so
// each word has its own, added up at the end; those of the later words begin
// with zero.
	CLEAR(Z4, Z5, Z6, Z7)
	CLEAR(Z8, Z9, Z10, Z11)
	CLEAR(Z12, Z13, Z14, Z15)

loop2:
	MOVLQSX (R14), AX
	ADDQ    $4, R14
	ADDQ    SI, AX
	LOADB(0)
	MAC(0(AX), Z0, Z1)
	MAC(0(AX)(R8*1), Z2, Z3)
	LOADB(1)
	MAC(4(AX), Z4, Z5)
	MAC(4(AX)(R8*1), Z6, Z7)
	LOADB(2)
	MAC(8(AX), Z8, Z9)
	MAC(8(AX)(R8*1), Z10, Z11)
	LOADB(3)
	MAC(12(AX), Z12, Z13)
	MAC(12(AX)(R8*1), Z14, Z15)
	ADDQ    $GRANULE, BX
	DECQ    CX
	JNZ     loop2
	JMP     gather

	// One row.
single:
	CLEAR(Z4, Z5, Z6, Z7)
	CLEAR(Z8, Z9, Z10, Z11)
	CLEAR(Z12, Z13, Z14, Z15)

loop1:
	MOVLQSX (R14), AX
	ADDQ    $4, R14
	ADDQ    SI, AX
	LOADB(0)
	MAC(0(AX), Z0, Z1)
	LOADB(1)
	MAC(4(AX), Z4, Z5)
	LOADB(2)
	MAC(8(AX), Z8, Z9)
	LOADB(3)
	MAC(12(AX), Z12, Z13)
	ADDQ    $GRANULE, BX
	DECQ    CX
	JNZ     loop1

gather:
	VPADDD Z4, Z0, Z0
	VPADDD Z5, Z1, Z1
	VPADDD Z6, Z2, Z2
	VPADDD Z7, Z3, Z3
	VPADDD Z8, Z12, Z12
	VPADDD Z9, Z13, Z13
	VPADDD Z10, Z14, Z14
	VPADDD Z11, Z15, Z15
	VPADDD Z12, Z0, Z0
	VPADDD Z13, Z1, Z1
	VPADDD Z14, Z2, Z2
	VPADDD Z15, Z3, Z3
	JMP    store
#undef CLEAR
#else
	CMPQ DI, $1
	JEQ  loop1
	LOOP(loop2, ROWS2)
	JMP  store
	LOOP(loop1, ROWS1)
	JMP  store
#endif

	LOOP(loop12, ROWS12)

store:
	WALK(STOREC, next)

next:
	LEAQ (SI)(R9*4), SI
	LEAQ (R15)(R15*2), R14
	LEAQ (DX)(R14*4), DX
	SUBQ $12, DI
	JGT  tile
	VZEROUPPER
	RET

#undef ROWS1
#undef ROWS2
#undef ROWS3
#undef ROWS4
#undef ROWS5
#undef ROWS6
#undef ROWS7
#undef ROWS8
#undef ROWS9
#undef ROWS10
#undef ROWS11
#undef ROWS12
#undef LOOP
#undef WALK
#undef BEGIN
#undef NAME
