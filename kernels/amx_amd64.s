// Code generated from asm/amx_amd64.s.in by go generate ./asm; DO NOT EDIT.

//go:build !noasm && !purego

#include "textflag.h"

// The products of int8 and of BF16 with AMX, whose instructions Go's assembler
// does not know.
//
// One tile of C is 32×32, four AMX tiles of 16 rows of 64 bytes:
//
//                          B: columns 0:16   16:32
//                                 tmm6        tmm7
//   A, rows 0:16    tmm4          tmm0        tmm1
//      rows 16:32   tmm5          tmm2        tmm3
//
// A step takes a run of granules that follow each other in A: four of them are
// 64 bytes of each row of A, a whole AMX tile, and 16 words of each column of
// B, which lie in the panel as AMX wants them, a row of words below the other.
// Where offs does not consist of runs of four, the tiles are configured for
// runs of two or one: narrower in A, lower in B. Loads and products of a step
// alternate: the products take 4 × 16 cycles, the loads, on other ports, 4 × 8.
//
// Fewer rows: tmm4, tmm0 and tmm1, and tmm5, tmm2 and tmm3, are configured with
// as many rows as are left. With 16 or fewer, and in panels of 16 columns, what
// has nothing to do is left out.
//
//   SI  A in the tile's first row            AX   the step's bytes of that row
//   R8, R9  1, 16 × lda                      DI   rows left
//   BX  the step's words of B                R12  bytes of a row of words of B
//   DX, CX  the step's place in offs, the end
//   R11, R10  bytes of offs, of B a step     R15  ldc in bytes
//   R13, R14  C in rows 0 and 16

// BEGIN loads the arguments and the configuration of whole tiles.
#define BEGIN \
	MOVQ  rows+0(FP), DI; \
	MOVQ  a+16(FP), SI; \
	MOVQ  lda+24(FP), R8; \
	MOVQ  cols+8(FP), R12; \
	MOVQ  c+64(FP), R13; \
	MOVQ  ldc+72(FP), R15; \
	MOVQ  run+88(FP), R11; \
	MOVQ  full+96(FP), AX; \
	MOVQ  R8, R9; \
	SHLQ  $4, R9; \
	SHLQ  $2, R12; \
	SHLQ  $2, R15; \
	SHLQ  $2, R11; \
	MOVQ  R11, R10; \
	IMULQ R12, R10 \
	LONG $0x4978e2c4; BYTE $0x00                                 // LDTILECFG [rax]

// TILE begins a tile of C: with from in each row, at a distance of zero, or with
// zeros.
#define TILE \
	CMPQ DI, $32; \
	JGE  start; \
	MOVQ tail+104(FP), AX \
	LONG $0x4978e2c4; BYTE $0x00                               \ // LDTILECFG [rax]
start: \
	MOVQ b+56(FP), BX; \
	MOVQ offs_base+32(FP), DX; \
	MOVQ offs_len+40(FP), CX; \
	LEAQ (DX)(CX*4), CX; \
	MOVQ from+80(FP), AX; \
	TESTQ AX, AX; \
	JNE  sumsLeft \
	LONG $0x497be2c4; BYTE $0xc0                               \ // TILEZERO tmm0
	LONG $0x497be2c4; BYTE $0xc8                               \ // TILEZERO tmm1
	LONG $0x497be2c4; BYTE $0xd0                               \ // TILEZERO tmm2
	LONG $0x497be2c4; BYTE $0xd8                               \ // TILEZERO tmm3
	JMP  sums; \
sumsLeft: \
	XORL R14, R14 \
	LONG $0x4b7ba2c4; WORD $0x3004                             \ // TILELOADD tmm0, [rax+r14*1]
	CMPQ DI, $16; \
	JLE  sumsRight \
	LONG $0x4b7ba2c4; WORD $0x3014                             \ // TILELOADD tmm2, [rax+r14*1]
sumsRight: \
	CMPQ R12, $64; \
	JEQ  sums \
	LONG $0x4b7ba2c4; WORD $0x304c; BYTE $0x40                 \ // TILELOADD tmm1, [rax+r14*1+64]
	CMPQ DI, $16; \
	JLE  sums \
	LONG $0x4b7ba2c4; WORD $0x305c; BYTE $0x40                 \ // TILELOADD tmm3, [rax+r14*1+64]
sums: \
	MOVQ R15, R14; \
	SHLQ $4, R14; \
	ADDQ R13, R14; \
	CMPQ DX, CX; \
	JEQ  store

// SUMS goes through the depth, in one of four loops: 32 columns or 16, more
// than 16 rows or not. TDPnm multiplies tmm4 or tmm5 with tmm6 or tmm7.
#define SUMS \
	CMPQ R12, $64; \
	JEQ  narrow; \
	CMPQ DI, $16; \
	JLE  loop1x2; \
loop2x2: \
	STEP \
	LOADA0 \
	LOADB0 \
	TDP00 \
	LOADB1 \
	TDP01 \
	LOADA1 \
	TDP10 \
	TDP11 \
	NEXT(loop2x2); \
	JMP  store; \
loop1x2: \
	STEP \
	LOADA0 \
	LOADB0 \
	TDP00 \
	LOADB1 \
	TDP01 \
	NEXT(loop1x2); \
	JMP  store; \
narrow: \
	CMPQ DI, $16; \
	JLE  loop1x1; \
loop2x1: \
	STEP \
	LOADA0 \
	LOADB0 \
	TDP00 \
	LOADA1 \
	TDP10 \
	NEXT(loop2x1); \
	JMP  store; \
loop1x1: \
	STEP \
	LOADA0 \
	LOADB0 \
	TDP00 \
	NEXT(loop1x1)

// STEP goes to A's bytes of the step, NEXT(loop) to the next step.
#define STEP \
	MOVLQSX (DX), AX; \
	ADDQ    R11, DX; \
	ADDQ    SI, AX
#define NEXT(loop) \
	ADDQ R10, BX; \
	CMPQ DX, CX; \
	JNE  loop
#define LOADA0 \
	LONG $0x4b7ba2c4; WORD $0x0024                               // TILELOADD tmm4, [rax+r8*1]
#define LOADA1 \
	ADDQ R9, AX \
	LONG $0x4b7ba2c4; WORD $0x002c                               // TILELOADD tmm5, [rax+r8*1]
#define LOADB0 \
	LONG $0x4b7ba2c4; WORD $0x2334                               // TILELOADD tmm6, [rbx+r12*1]
#define LOADB1 \
	LONG $0x4b7ba2c4; WORD $0x237c; BYTE $0x40                   // TILELOADD tmm7, [rbx+r12*1+64]

// STORE stores the tile, goes to the next one and, after the last, ends.
#define STORE \
	LONG $0x4b7a82c4; WORD $0x3d44; BYTE $0x00                 \ // TILESTORED [r13+r15*1], tmm0
	CMPQ DI, $16; \
	JLE  storeRight \
	LONG $0x4b7a82c4; WORD $0x3e14                             \ // TILESTORED [r14+r15*1], tmm2
storeRight: \
	CMPQ R12, $64; \
	JEQ  next \
	LONG $0x4b7a82c4; WORD $0x3d4c; BYTE $0x40                 \ // TILESTORED [r13+r15*1+64], tmm1
	CMPQ DI, $16; \
	JLE  next \
	LONG $0x4b7a82c4; WORD $0x3e5c; BYTE $0x40                 \ // TILESTORED [r14+r15*1+64], tmm3
next: \
	LEAQ (SI)(R9*2), SI; \
	MOVQ R15, AX; \
	SHLQ $5, AX; \
	ADDQ AX, R13; \
	SUBQ $32, DI; \
	JGT  tile \
	LONG $0x4978e2c4; BYTE $0xc0                               \ // TILERELEASE
	RET

// uint8 with int8.
#define TDP00 \
	LONG $0x5e49e2c4; BYTE $0xc4                                 // TDPBUSD tmm0, tmm4, tmm6
#define TDP01 \
	LONG $0x5e41e2c4; BYTE $0xcc                                 // TDPBUSD tmm1, tmm4, tmm7
#define TDP10 \
	LONG $0x5e49e2c4; BYTE $0xd5                                 // TDPBUSD tmm2, tmm5, tmm6
#define TDP11 \
	LONG $0x5e41e2c4; BYTE $0xdd                                 // TDPBUSD tmm3, tmm5, tmm7

// func gemmInt8AMX32x32U8(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, run int, full, tail *tileConfig)
TEXT ·gemmInt8AMX32x32U8(SB), NOSPLIT, $0-112
	BEGIN

tile:
	TILE
	SUMS

store:
	STORE

// int8 with int8.
#undef TDP00
#undef TDP01
#undef TDP10
#undef TDP11
#define TDP00 \
	LONG $0x5e4be2c4; BYTE $0xc4                                 // TDPBSSD tmm0, tmm4, tmm6
#define TDP01 \
	LONG $0x5e43e2c4; BYTE $0xcc                                 // TDPBSSD tmm1, tmm4, tmm7
#define TDP10 \
	LONG $0x5e4be2c4; BYTE $0xd5                                 // TDPBSSD tmm2, tmm5, tmm6
#define TDP11 \
	LONG $0x5e43e2c4; BYTE $0xdd                                 // TDPBSSD tmm3, tmm5, tmm7

// func gemmInt8AMX32x32S8(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, run int, full, tail *tileConfig)
TEXT ·gemmInt8AMX32x32S8(SB), NOSPLIT, $0-112
	BEGIN

tile:
	TILE
	SUMS

store:
	STORE

// BF16.
#undef TDP00
#undef TDP01
#undef TDP10
#undef TDP11
#define TDP00 \
	LONG $0x5c4ae2c4; BYTE $0xc4                                 // TDPBF16PS tmm0, tmm4, tmm6
#define TDP01 \
	LONG $0x5c42e2c4; BYTE $0xcc                                 // TDPBF16PS tmm1, tmm4, tmm7
#define TDP10 \
	LONG $0x5c4ae2c4; BYTE $0xd5                                 // TDPBF16PS tmm2, tmm5, tmm6
#define TDP11 \
	LONG $0x5c42e2c4; BYTE $0xdd                                 // TDPBF16PS tmm3, tmm5, tmm7

// func gemmBF16AMX32x32(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, run int, full, tail *tileConfig)
TEXT ·gemmBF16AMX32x32(SB), NOSPLIT, $0-112
	BEGIN

tile:
	TILE
	SUMS

store:
	STORE
