// The loop of a panelKernel in AVX2, included once for each multiplication and
// width, with NAME, LOADB, MAC and STOREC as for AVX-512
// (panel_avx512_amd64.h), and WIDTH, the bytes of a word's row in a granule.
//
// One tile is 6 rows of C and 16 columns, half a panel; the halves of a panel
// are done one after the other.
//
//                  b[w][0:8]   b[w][8:16]
//                     Y12         Y13
//   a[0][w] → Y14     Y0          Y1
//      …                    …
//   a[5][w] → Y14     Y10         Y11
//
//   SI  first row of A in the tile     AX   the granule in it
//   R8, R9, R10  1, 3, 5 × the distance of A's rows
//   R14 list of granules; row of C     BX   granule of B
//   DX  first row of C in the tile     R15  distance of C's rows
//   DI  rows left                      CX   granules left
//   R11 first granule of B             R12  halves left

#define ROWS1(d) MAC(d(AX), Y0, Y1)
#define ROWS2(d) ROWS1(d); MAC(d(AX)(R8*1), Y2, Y3)
#define ROWS3(d) ROWS2(d); MAC(d(AX)(R8*2), Y4, Y5)
#define ROWS4(d) ROWS3(d); MAC(d(AX)(R9*1), Y6, Y7)
#define ROWS5(d) ROWS4(d); MAC(d(AX)(R8*4), Y8, Y9)
#define ROWS6(d) ROWS5(d); MAC(d(AX)(R10*1), Y10, Y11)

#define LOADB(d) \
	VMOVUPS (d*WIDTH)(BX), Y12; \
	VMOVUPS (d*WIDTH+32)(BX), Y13; \
	PREFETCHT0 (d*WIDTH+FETCH_AHEAD)(BX)
#define STOREC(x, y) \
	VMOVUPS x, (R14); \
	VMOVUPS y, 32(R14)

#define LOOP(label, ROWS) \
label: \
	MOVLQSX (R14), AX; \
	ADDQ $4, R14; \
	ADDQ SI, AX; \
	LOADB(0); ROWS(0); \
	LOADB(1); ROWS(4); \
	LOADB(2); ROWS(8); \
	LOADB(3); ROWS(12); \
	ADDQ $(4*WIDTH), BX; \
	DECQ CX; \
	JNZ  label

// WALK(DO, end) does DO for each row of C in the tile, at R14.
#define WALK(DO, end) \
	MOVQ DX, R14; \
	DO(Y0, Y1); CMPQ DI, $1; JEQ end; ADDQ R15, R14; \
	DO(Y2, Y3); CMPQ DI, $2; JEQ end; ADDQ R15, R14; \
	DO(Y4, Y5); CMPQ DI, $3; JEQ end; ADDQ R15, R14; \
	DO(Y6, Y7); CMPQ DI, $4; JEQ end; ADDQ R15, R14; \
	DO(Y8, Y9); CMPQ DI, $5; JEQ end; ADDQ R15, R14; \
	DO(Y10, Y11)

// BEGIN sets three rows to what sums begin with.
#define BEGIN(a, b, c, d, e, f) \
	VMOVAPS Y12, a; VMOVAPS Y13, b; VMOVAPS Y12, c; \
	VMOVAPS Y13, d; VMOVAPS Y12, e; VMOVAPS Y13, f

TEXT NAME(SB), NOSPLIT, $0-88
	MOVQ b+56(FP), R11
	MOVQ $(WIDTH/64), R12

half:
	MOVQ a+16(FP), SI
	MOVQ lda+24(FP), R8
	MOVQ c+64(FP), DX
	MOVQ ldc+72(FP), R15
	MOVQ rows+0(FP), DI
	SHLQ $2, R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ -1(R12), AX
	SHLQ $6, AX
	ADDQ AX, DX

tile:
	LEAQ    -1(R12), BX
	SHLQ    $6, BX
	VPXOR   Y12, Y12, Y12
	VPXOR   Y13, Y13, Y13
	MOVQ    from+80(FP), AX
	TESTQ   AX, AX
	JEQ     begin
	VMOVUPS (AX)(BX*1), Y12
	VMOVUPS 32(AX)(BX*1), Y13

begin:
	BEGIN(Y0, Y1, Y2, Y3, Y4, Y5)
	BEGIN(Y6, Y7, Y8, Y9, Y10, Y11)
	ADDQ  R11, BX
	MOVQ  offs_base+32(FP), R14
	MOVQ  offs_len+40(FP), CX
	TESTQ CX, CX
	JEQ   store
	CMPQ  DI, $6
	JGE   loop6
	CMPQ  DI, $3
	JEQ   loop3
	JLT   below3
	CMPQ  DI, $4
	JEQ   loop4
	LOOP(loop5, ROWS5)
	JMP   store
	LOOP(loop4, ROWS4)
	JMP   store
	LOOP(loop3, ROWS3)
	JMP   store

below3:
	CMPQ DI, $1
	JEQ  loop1
	LOOP(loop2, ROWS2)
	JMP  store
	LOOP(loop1, ROWS1)
	JMP  store
	LOOP(loop6, ROWS6)

store:
	WALK(STOREC, next)

next:
	LEAQ (SI)(R9*2), SI
	LEAQ (R15)(R15*2), R14
	LEAQ (DX)(R14*2), DX
	SUBQ $6, DI
	JGT  tile
	DECQ R12
	JNZ  half
	VZEROUPPER
	RET

#undef ROWS1
#undef ROWS2
#undef ROWS3
#undef ROWS4
#undef ROWS5
#undef ROWS6
#undef LOADB
#undef STOREC
#undef LOOP
#undef WALK
#undef BEGIN
#undef NAME
