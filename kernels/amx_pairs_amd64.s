// Code generated from asm/amx_pairs_amd64.s.in by go generate ./asm; DO NOT EDIT.

//go:build !noasm && !purego

#include "textflag.h"

// The product of int8 with AMX where the granules come in twos, as they do in
// blocks 32 deep: two blocks, wherever they lie in A, fill the depth of an AMX
// tile. In the panel they follow each other; from A they are copied beside each
// other, while the pair before is multiplied:
//
//   A, at offs[0], offs[2]:  … [32 bytes] … [32 bytes] …
//                                    ↓            ↓
//   a row of scratch, 128 bytes:  [ 32   |   32 ] [ the pair before ]
//
// The copies take ports that the products leave free: the model of asm/mca.sh
// has 68 cycles for the two blocks of a 32×32 tile of C, 64 of them products.
// Blocks by themselves, in tiles that are half full, take 64 each, since Intel
// gives 16 cycles for a product and nothing less for a shallow one: 1.9 times as
// long. If AMX were twice as fast at half the depth, pairs would lose 6 %.
// What is copied is loaded a whole step later, when it is long in the cache.
//
// Of an odd number of blocks the last is paired with the one before once more,
// which has zeros for A then.
//
// C's tiles are those of amx_amd64.s, whole ones alone: 32 rows, 32 columns.
//
//   SI  A in the tile's first row           AX, R14  the pair's blocks of a row
//   R8, R9  1, 3 × lda                      DI   tiles left
//   BX  the pair's words of B               R12  128, bytes of a row of words, of scratch
//   DX, CX  the pair's place in offs, the end
//   R10, R11  scratch to multiply, to copy to
//   R13 C in the tile's first row           R15  ldc in bytes

// PAIR goes to the next pair of blocks.
#define PAIR \
	MOVLQSX (DX), AX; \
	MOVLQSX 8(DX), R14; \
	ADDQ    $16, DX; \
	ADDQ    SI, AX; \
	ADDQ    SI, R14

// COPY4(d) copies four rows to d bytes into scratch, and goes on by four.
#define COPY4(d) \
	VMOVDQU      (AX), Y0; \
	VMOVDQU      (AX)(R8*1), Y1; \
	VMOVDQU      (AX)(R8*2), Y2; \
	VMOVDQU      (AX)(R9*1), Y3; \
	LEAQ         (AX)(R8*4), AX; \
	UPPER4(d, Z0, Z1, Z2, Z3)
#define UPPER4(d, w, x, y, z) \
	VINSERTI64X4 $1, (R14), w, Z0; \
	VINSERTI64X4 $1, (R14)(R8*1), x, Z1; \
	VINSERTI64X4 $1, (R14)(R8*2), y, Z2; \
	VINSERTI64X4 $1, (R14)(R9*1), z, Z3; \
	LEAQ         (R14)(R8*4), R14; \
	VMOVDQU64    Z0, (d)(R11); \
	VMOVDQU64    Z1, (d+128)(R11); \
	VMOVDQU64    Z2, (d+256)(R11); \
	VMOVDQU64    Z3, (d+384)(R11)

// COPYLAST4(d) copies four rows of the last block alone; Z4 is zero.
#define COPYLAST4(d) \
	UPPER4(d, Z4, Z4, Z4, Z4)

#define NOTHING(d)

// MULTIPLY multiplies a pair and copies another, or does NOTHING.
#define MULTIPLY(COPY4) \
	LONG $0x4b7b82c4; WORD $0x2224                             \ // TILELOADD tmm4, [r10+r12*1]
	LONG $0x4b7ba2c4; WORD $0x2334                             \ // TILELOADD tmm6, [rbx+r12*1]
	TDP00 \
	COPY4(0) \
	COPY4(512) \
	LONG $0x4b7ba2c4; WORD $0x237c; BYTE $0x40                 \ // TILELOADD tmm7, [rbx+r12*1+64]
	TDP01 \
	COPY4(1024) \
	COPY4(1536) \
	QUAD $0x080022ac4b7b82c4; WORD $0x0000                     \ // TILELOADD tmm5, [r10+r12*1+2048]
	TDP10 \
	COPY4(2048) \
	COPY4(2560) \
	TDP11 \
	COPY4(3072) \
	COPY4(3584) \
	ADDQ $2048, BX

// BEGIN loads the arguments.
#define BEGIN \
	MOVQ tiles+0(FP), DI; \
	MOVQ a+8(FP), SI; \
	MOVQ lda+16(FP), R8; \
	MOVQ c+56(FP), R13; \
	MOVQ ldc+64(FP), R15; \
	MOVQ cfg+80(FP), AX; \
	MOVQ scratch+88(FP), R11; \
	LEAQ (R8)(R8*2), R9; \
	MOVQ $128, R12; \
	SHLQ $2, R15; \
	ADDQ $127, R11; \
	ANDQ $-128, R11; \
	LEAQ 64(R11), R10 \
	LONG $0x4978e2c4; BYTE $0x00                                 // LDTILECFG [rax]

// TILE begins a tile of C, with from in each row or with zeros, and copies the first pair.
#define TILE \
	MOVQ b+48(FP), BX; \
	MOVQ offs_base+24(FP), DX; \
	MOVQ offs_len+32(FP), CX; \
	LEAQ (DX)(CX*4), CX; \
	PAIR; \
	COPY4(0); \
	COPY4(512); \
	COPY4(1024); \
	COPY4(1536); \
	COPY4(2048); \
	COPY4(2560); \
	COPY4(3072); \
	COPY4(3584); \
	MOVQ from+72(FP), AX; \
	TESTQ AX, AX; \
	JNE  begin \
	LONG $0x497be2c4; BYTE $0xc0                               \ // TILEZERO tmm0
	LONG $0x497be2c4; BYTE $0xc8                               \ // TILEZERO tmm1
	LONG $0x497be2c4; BYTE $0xd0                               \ // TILEZERO tmm2
	LONG $0x497be2c4; BYTE $0xd8                               \ // TILEZERO tmm3
	JMP  sums; \
begin: \
	XORL R14, R14 \
	LONG $0x4b7ba2c4; WORD $0x3004                             \ // TILELOADD tmm0, [rax+r14*1]
	LONG $0x4b7ba2c4; WORD $0x304c; BYTE $0x40                 \ // TILELOADD tmm1, [rax+r14*1+64]
	LONG $0x4b7ba2c4; WORD $0x3014                             \ // TILELOADD tmm2, [rax+r14*1]
	LONG $0x4b7ba2c4; WORD $0x305c; BYTE $0x40                   // TILELOADD tmm3, [rax+r14*1+64]

// SWAP makes what was copied what is multiplied.
#define SWAP \
	XORQ $64, R10; \
	XORQ $64, R11

#define SUMS \
	SWAP; \
	LEAQ 16(DX), AX; \
	CMPQ AX, CX; \
	JGT  lastPair; \
pairs: \
	PAIR; \
	MULTIPLY(COPY4); \
	SWAP; \
	LEAQ 16(DX), AX; \
	CMPQ AX, CX; \
	JLE  pairs; \
lastPair: \
	CMPQ DX, CX; \
	JEQ  last; \
	MOVLQSX (DX), R14; \
	ADDQ SI, R14; \
	VPXORD Z4, Z4, Z4; \
	MULTIPLY(COPYLAST4); \
	SWAP; \
	SUBQ $1024, BX; \
last: \
	MULTIPLY(NOTHING)

// STORE stores the tile, goes to the next one and, after the last, ends.
#define STORE \
	MOVQ R15, R14; \
	SHLQ $4, R14; \
	ADDQ R13, R14 \
	LONG $0x4b7a82c4; WORD $0x3d44; BYTE $0x00                 \ // TILESTORED [r13+r15*1], tmm0
	LONG $0x4b7a82c4; WORD $0x3d4c; BYTE $0x40                 \ // TILESTORED [r13+r15*1+64], tmm1
	LONG $0x4b7a82c4; WORD $0x3e14                             \ // TILESTORED [r14+r15*1], tmm2
	LONG $0x4b7a82c4; WORD $0x3e5c; BYTE $0x40                 \ // TILESTORED [r14+r15*1+64], tmm3
	MOVQ R15, AX; \
	SHLQ $5, AX; \
	ADDQ AX, R13; \
	MOVQ R8, AX; \
	SHLQ $5, AX; \
	ADDQ AX, SI; \
	DECQ DI; \
	JNZ  tile \
	LONG $0x4978e2c4; BYTE $0xc0                               \ // TILERELEASE
	VZEROUPPER; \
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

// func gemmInt8AMXPairsU8(tiles int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, cfg *tileConfig, scratch *pairScratch)
TEXT ·gemmInt8AMXPairsU8(SB), NOSPLIT, $0-96
	BEGIN

tile:
	TILE

sums:
	SUMS
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

// func gemmInt8AMXPairsS8(tiles int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, cfg *tileConfig, scratch *pairScratch)
TEXT ·gemmInt8AMXPairsS8(SB), NOSPLIT, $0-96
	BEGIN

tile:
	TILE

sums:
	SUMS
	STORE
