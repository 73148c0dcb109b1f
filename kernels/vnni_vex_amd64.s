// Code generated from asm/vnni_vex_amd64.s.in by go generate ./asm; DO NOT EDIT.

//go:build !noasm && !purego

#include "textflag.h"

// The int8 product with AVX-VNNI, for CPUs without AVX-512: VPDPBUSD in its VEX
// encoding, which Go's assembler does not know.
//
// One tile is 6 rows of C and 16 columns, half of a panel of 32:
//
//                      word of b[0:8]  of b[8:16]
//                           Y12          Y13
//   word of a[0] → Y14      Y0           Y1
//   word of a[1] → Y15      Y2           Y3
//       …                         …
//   word of a[5] → Y15      Y10          Y11
//
// A word is four elements of depth: 12 VPDPBUSD for 8 loads. The twelve chains
// cover the latency of five cycles of two multipliers.
//
//   SI  A in the tile's first row            AX   granule of A in that row
//   R8, R9, R10  1, 3, 5 × lda               DI   rows left
//   BX  granule of B                         R13, R12  1, 3 × the bytes of a word row of B
//   DX, CX  the granule's place in offs, their end
//   R14 C in the tile's first row            R15  ldc in bytes

// ROWSn(w) multiplies the word w bytes into the granule of n rows.
#define ROWS1(w) \
	VPBROADCASTD w(AX), Y14 \
	LONG $0x500dc2c4; BYTE $0xc4                               \ // {vex} VPDPBUSD ymm0, ymm14, ymm12
	LONG $0x500dc2c4; BYTE $0xcd                                 // {vex} VPDPBUSD ymm1, ymm14, ymm13
#define ROWS2(w) \
	ROWS1(w) \
	VPBROADCASTD w(AX)(R8*1), Y15 \
	LONG $0x5005c2c4; BYTE $0xd4                               \ // {vex} VPDPBUSD ymm2, ymm15, ymm12
	LONG $0x5005c2c4; BYTE $0xdd                                 // {vex} VPDPBUSD ymm3, ymm15, ymm13
#define ROWS3(w) \
	ROWS2(w) \
	VPBROADCASTD w(AX)(R8*2), Y14 \
	LONG $0x500dc2c4; BYTE $0xe4                               \ // {vex} VPDPBUSD ymm4, ymm14, ymm12
	LONG $0x500dc2c4; BYTE $0xed                                 // {vex} VPDPBUSD ymm5, ymm14, ymm13
#define ROWS4(w) \
	ROWS3(w) \
	VPBROADCASTD w(AX)(R9*1), Y15 \
	LONG $0x5005c2c4; BYTE $0xf4                               \ // {vex} VPDPBUSD ymm6, ymm15, ymm12
	LONG $0x5005c2c4; BYTE $0xfd                                 // {vex} VPDPBUSD ymm7, ymm15, ymm13
#define ROWS5(w) \
	ROWS4(w) \
	VPBROADCASTD w(AX)(R8*4), Y14 \
	LONG $0x500d42c4; BYTE $0xc4                               \ // {vex} VPDPBUSD ymm8, ymm14, ymm12
	LONG $0x500d42c4; BYTE $0xcd                                 // {vex} VPDPBUSD ymm9, ymm14, ymm13
#define ROWS6(w) \
	ROWS5(w) \
	VPBROADCASTD w(AX)(R10*1), Y15 \
	LONG $0x500542c4; BYTE $0xd4                               \ // {vex} VPDPBUSD ymm10, ymm15, ymm12
	LONG $0x500542c4; BYTE $0xdd                                 // {vex} VPDPBUSD ymm11, ymm15, ymm13

// LOOP goes through the granules.
#define LOOP(label, ROWS) \
label: \
	MOVLQSX (DX), AX; \
	ADDQ    $4, DX; \
	ADDQ    SI, AX; \
	VMOVDQU (BX), Y12; \
	VMOVDQU 32(BX), Y13; \
	ROWS(0); \
	VMOVDQU (BX)(R13*1), Y12; \
	VMOVDQU 32(BX)(R13*1), Y13; \
	ROWS(4); \
	VMOVDQU (BX)(R13*2), Y12; \
	VMOVDQU 32(BX)(R13*2), Y13; \
	ROWS(8); \
	VMOVDQU (BX)(R12*1), Y12; \
	VMOVDQU 32(BX)(R12*1), Y13; \
	ROWS(12); \
	LEAQ    (BX)(R13*4), BX; \
	CMPQ    DX, CX; \
	JNE     label

// WALK(DO, end) does DO for each row of C in the tile, at BX.
#define WALK(DO, end) \
	MOVQ R14, BX; \
	DO(Y0, Y1); CMPQ DI, $1; JEQ end; ADDQ R15, BX; \
	DO(Y2, Y3); CMPQ DI, $2; JEQ end; ADDQ R15, BX; \
	DO(Y4, Y5); CMPQ DI, $3; JEQ end; ADDQ R15, BX; \
	DO(Y6, Y7); CMPQ DI, $4; JEQ end; ADDQ R15, BX; \
	DO(Y8, Y9); CMPQ DI, $5; JEQ end; ADDQ R15, BX; \
	DO(Y10, Y11)

// BEGIN sets three rows to what sums begin with.
#define BEGIN(a, b, c, d, e, f) \
	VMOVDQA Y12, a; VMOVDQA Y13, b; VMOVDQA Y12, c; \
	VMOVDQA Y13, d; VMOVDQA Y12, e; VMOVDQA Y13, f

#define TOUCHC(x, y) \
	PREFETCHT0 (BX)
#define STOREC(x, y) \
	VMOVDQU x, (BX); \
	VMOVDQU y, 32(BX)

// func gemmInt8AVXVNNI6x16(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
TEXT ·gemmInt8AVXVNNI6x16(SB), NOSPLIT, $0-88
	MOVQ lda+24(FP), R8
	MOVQ cols+8(FP), R13
	MOVQ ldc+72(FP), R15
	SHLQ $2, R13
	SHLQ $2, R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R13)(R13*2), R12
	MOVQ from+80(FP), R11

half:
	MOVQ rows+0(FP), DI
	MOVQ a+16(FP), SI
	MOVQ c+64(FP), R14

tile:
	WALK(TOUCHC, sums)

sums:
	VPXOR   Y12, Y12, Y12
	VPXOR   Y13, Y13, Y13
	TESTQ   R11, R11
	JEQ     begin
	VMOVDQU (R11), Y12
	VMOVDQU 32(R11), Y13

begin:
	BEGIN(Y0, Y1, Y2, Y3, Y4, Y5)
	BEGIN(Y6, Y7, Y8, Y9, Y10, Y11)
	MOVQ b+56(FP), BX
	MOVQ offs_base+32(FP), DX
	MOVQ offs_len+40(FP), CX
	LEAQ (DX)(CX*4), CX
	CMPQ DX, CX
	JEQ  store
	CMPQ DI, $6
	JGE  loop6
	CMPQ DI, $4
	JEQ  loop4
	JGT  loop5
	CMPQ DI, $2
	JEQ  loop2
	JLT  loop1
	LOOP(loop3, ROWS3)
	JMP  store
	LOOP(loop1, ROWS1)
	JMP  store
	LOOP(loop2, ROWS2)
	JMP  store
	LOOP(loop4, ROWS4)
	JMP  store
	LOOP(loop5, ROWS5)
	JMP  store
	LOOP(loop6, ROWS6)

store:
	WALK(STOREC, next)

next:
	LEAQ (SI)(R8*4), SI
	LEAQ (SI)(R8*2), SI
	LEAQ (R14)(R15*4), R14
	LEAQ (R14)(R15*2), R14
	SUBQ $6, DI
	JGT  tile

	// The panel's other 16 columns.
	LEAQ    64(R11), AX
	TESTQ   R11, R11
	CMOVQNE AX, R11
	ADDQ $64, b+56(FP)
	ADDQ $64, c+64(FP)
	SUBQ $16, cols+8(FP)
	JGT  half
	VZEROUPPER
	RET
