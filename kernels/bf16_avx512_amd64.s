// Code generated from asm/bf16_avx512_amd64.s.in by go generate ./asm; DO NOT EDIT.

//go:build !noasm && !purego

#include "textflag.h"

// The product of BF16 with AVX-512: VDPBF16PS, which Go's assembler does not
// know, multiplies two BF16 below each other and adds both products to a float.
//
// One tile is 12 rows of C and 32 columns, or 16:
//
//                        word of b[0:16]  of b[16:32]
//                             Z24           Z25
//   word of a[0]  → Z26       Z0            Z1
//   word of a[1]  → Z27       Z2            Z3
//       …                           …
//   word of a[11] → Z27       Z22           Z23
//
// A word is two elements of depth: 24 VDPBF16PS for 14 loads, so that a machine
// which begins one or two of them in a cycle waits neither for loads nor, with
// 24 chains, for sums. Each sum is one chain in the order of the depth.
//
//   SI  A in the tile's first row            AX   granule of A in that row
//   R8 … R13  1, 3, 5, 7, 9, 11 × lda        DI   rows left
//   DX, CX  the granule's place in offs, their end
//   BX  granule of B; row of C               R14  C in the tile's first row
//   R15 ldc in bytes

// LOOP goes through the granules. LOADB loads word w of B, and ROWSn(w)
// multiplies it with the word w bytes into the granule of n rows of A; both,
// and GRANULE, the granule's bytes, are defined for each width below.
#define LOOP(label, ROWS) \
label: \
	MOVLQSX (DX), AX; \
	ADDQ    $4, DX; \
	ADDQ    SI, AX; \
	LOADB(0); \
	ROWS(0); \
	LOADB(1); \
	ROWS(4); \
	LOADB(2); \
	ROWS(8); \
	LOADB(3); \
	ROWS(12); \
	ADDQ    $GRANULE, BX; \
	CMPQ    DX, CX; \
	JNE     label

// BEGIN sets four rows to what sums begin with.
#define BEGIN(a, b, c, d, e, f, g, h) \
	VMOVAPS Z24, a; VMOVAPS Z25, b; VMOVAPS Z24, c; VMOVAPS Z25, d; \
	VMOVAPS Z24, e; VMOVAPS Z25, f; VMOVAPS Z24, g; VMOVAPS Z25, h

// SUMS goes through the depth with the loop for min(DI, 12) rows.
#define SUMS \
	VPXORD Z24, Z24, Z24; \
	VPXORD Z25, Z25, Z25; \
	MOVQ from+72(FP), AX; \
	TESTQ AX, AX; JEQ begin; \
	LOADFROM; \
begin: \
	BEGIN(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7); \
	BEGIN(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15); \
	BEGIN(Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23); \
	MOVQ b+48(FP), BX; \
	MOVQ offs_base+24(FP), DX; \
	MOVQ offs_len+32(FP), CX; \
	LEAQ (DX)(CX*4), CX; \
	CMPQ DX, CX; JEQ store; \
	CMPQ DI, $12; JGE loop12; \
	CMPQ DI, $8; JEQ loop8; JLT below8; \
	CMPQ DI, $10; JEQ loop10; JLT loop9; \
	LOOP(loop11, ROWS11); JMP store; \
	LOOP(loop10, ROWS10); JMP store; \
	LOOP(loop9, ROWS9); JMP store; \
	LOOP(loop8, ROWS8); JMP store; \
below8: \
	CMPQ DI, $4; JEQ loop4; JLT below4; \
	CMPQ DI, $6; JEQ loop6; JLT loop5; \
	LOOP(loop7, ROWS7); JMP store; \
	LOOP(loop6, ROWS6); JMP store; \
	LOOP(loop5, ROWS5); JMP store; \
	LOOP(loop4, ROWS4); JMP store; \
below4: \
	CMPQ DI, $2; JEQ loop2; JLT loop1; \
	LOOP(loop3, ROWS3); JMP store; \
	LOOP(loop2, ROWS2); JMP store; \
	LOOP(loop1, ROWS1); JMP store; \
	LOOP(loop12, ROWS12)

// WALK(DO, end) does DO for each row of C in the tile, at BX.
#define WALK(DO, end) \
	MOVQ R14, BX; \
	DO(Z0, Z1); CMPQ DI, $1; JEQ end; ADDQ R15, BX; \
	DO(Z2, Z3); CMPQ DI, $2; JEQ end; ADDQ R15, BX; \
	DO(Z4, Z5); CMPQ DI, $3; JEQ end; ADDQ R15, BX; \
	DO(Z6, Z7); CMPQ DI, $4; JEQ end; ADDQ R15, BX; \
	DO(Z8, Z9); CMPQ DI, $5; JEQ end; ADDQ R15, BX; \
	DO(Z10, Z11); CMPQ DI, $6; JEQ end; ADDQ R15, BX; \
	DO(Z12, Z13); CMPQ DI, $7; JEQ end; ADDQ R15, BX; \
	DO(Z14, Z15); CMPQ DI, $8; JEQ end; ADDQ R15, BX; \
	DO(Z16, Z17); CMPQ DI, $9; JEQ end; ADDQ R15, BX; \
	DO(Z18, Z19); CMPQ DI, $10; JEQ end; ADDQ R15, BX; \
	DO(Z20, Z21); CMPQ DI, $11; JEQ end; ADDQ R15, BX; \
	DO(Z22, Z23)

// 32 columns.
#define GRANULE 512
#define LOADB(w) \
	VMOVUPS (128*w)(BX), Z24; \
	VMOVUPS (128*w+64)(BX), Z25
#define TOUCHC(x, y) \
	PREFETCHT0 (BX); \
	PREFETCHT0 64(BX)
#define LOADFROM \
	VMOVUPS (AX), Z24; \
	VMOVUPS 64(AX), Z25
#define STOREC(x, y) \
	VMOVUPS x, (BX); \
	VMOVUPS y, 64(BX)
#define ROWS1(w) \
	VPBROADCASTD w(AX), Z26 \
	LONG $0x402e9262; WORD $0xc052                             \ // VDPBF16PS zmm0, zmm26, zmm24
	LONG $0x402e9262; WORD $0xc952                               // VDPBF16PS zmm1, zmm26, zmm25
#define ROWS2(w) \
	ROWS1(w) \
	VPBROADCASTD w(AX)(R8*1), Z27 \
	LONG $0x40269262; WORD $0xd052                             \ // VDPBF16PS zmm2, zmm27, zmm24
	LONG $0x40269262; WORD $0xd952                               // VDPBF16PS zmm3, zmm27, zmm25
#define ROWS3(w) \
	ROWS2(w) \
	VPBROADCASTD w(AX)(R8*2), Z26 \
	LONG $0x402e9262; WORD $0xe052                             \ // VDPBF16PS zmm4, zmm26, zmm24
	LONG $0x402e9262; WORD $0xe952                               // VDPBF16PS zmm5, zmm26, zmm25
#define ROWS4(w) \
	ROWS3(w) \
	VPBROADCASTD w(AX)(R9*1), Z27 \
	LONG $0x40269262; WORD $0xf052                             \ // VDPBF16PS zmm6, zmm27, zmm24
	LONG $0x40269262; WORD $0xf952                               // VDPBF16PS zmm7, zmm27, zmm25
#define ROWS5(w) \
	ROWS4(w) \
	VPBROADCASTD w(AX)(R8*4), Z26 \
	LONG $0x402e1262; WORD $0xc052                             \ // VDPBF16PS zmm8, zmm26, zmm24
	LONG $0x402e1262; WORD $0xc952                               // VDPBF16PS zmm9, zmm26, zmm25
#define ROWS6(w) \
	ROWS5(w) \
	VPBROADCASTD w(AX)(R10*1), Z27 \
	LONG $0x40261262; WORD $0xd052                             \ // VDPBF16PS zmm10, zmm27, zmm24
	LONG $0x40261262; WORD $0xd952                               // VDPBF16PS zmm11, zmm27, zmm25
#define ROWS7(w) \
	ROWS6(w) \
	VPBROADCASTD w(AX)(R9*2), Z26 \
	LONG $0x402e1262; WORD $0xe052                             \ // VDPBF16PS zmm12, zmm26, zmm24
	LONG $0x402e1262; WORD $0xe952                               // VDPBF16PS zmm13, zmm26, zmm25
#define ROWS8(w) \
	ROWS7(w) \
	VPBROADCASTD w(AX)(R11*1), Z27 \
	LONG $0x40261262; WORD $0xf052                             \ // VDPBF16PS zmm14, zmm27, zmm24
	LONG $0x40261262; WORD $0xf952                               // VDPBF16PS zmm15, zmm27, zmm25
#define ROWS9(w) \
	ROWS8(w) \
	VPBROADCASTD w(AX)(R8*8), Z26 \
	LONG $0x402e8262; WORD $0xc052                             \ // VDPBF16PS zmm16, zmm26, zmm24
	LONG $0x402e8262; WORD $0xc952                               // VDPBF16PS zmm17, zmm26, zmm25
#define ROWS10(w) \
	ROWS9(w) \
	VPBROADCASTD w(AX)(R12*1), Z27 \
	LONG $0x40268262; WORD $0xd052                             \ // VDPBF16PS zmm18, zmm27, zmm24
	LONG $0x40268262; WORD $0xd952                               // VDPBF16PS zmm19, zmm27, zmm25
#define ROWS11(w) \
	ROWS10(w) \
	VPBROADCASTD w(AX)(R10*2), Z26 \
	LONG $0x402e8262; WORD $0xe052                             \ // VDPBF16PS zmm20, zmm26, zmm24
	LONG $0x402e8262; WORD $0xe952                               // VDPBF16PS zmm21, zmm26, zmm25
#define ROWS12(w) \
	ROWS11(w) \
	VPBROADCASTD w(AX)(R13*1), Z27 \
	LONG $0x40268262; WORD $0xf052                             \ // VDPBF16PS zmm22, zmm27, zmm24
	LONG $0x40268262; WORD $0xf952                               // VDPBF16PS zmm23, zmm27, zmm25

// func gemmBF16VNNI12x32(rows int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
TEXT ·gemmBF16VNNI12x32(SB), NOSPLIT, $0-80
	MOVQ rows+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ lda+16(FP), R8
	MOVQ c+56(FP), R14
	MOVQ ldc+64(FP), R15
	SHLQ $2, R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11
	LEAQ (R8)(R8*8), R12
	LEAQ (R9)(R8*8), R13

tile:
	WALK(TOUCHC, sums)

sums:
	SUMS

store:
	WALK(STOREC, next)

next:
	LEAQ (SI)(R8*8), SI
	LEAQ (SI)(R8*4), SI
	LEAQ (R14)(R15*8), R14
	LEAQ (R14)(R15*4), R14
	SUBQ $12, DI
	JGT  tile
	VZEROUPPER
	RET

// 16 columns: the registers on the right stay idle.
#undef GRANULE
#undef LOADB
#undef TOUCHC
#undef LOADFROM
#undef STOREC
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
#define GRANULE 256
#define LOADB(w) \
	VMOVUPS (64*w)(BX), Z24
#define TOUCHC(x, y) \
	PREFETCHT0 (BX)
#define LOADFROM \
	VMOVUPS (AX), Z24
#define STOREC(x, y) \
	VMOVUPS x, (BX)
#define ROWS1(w) \
	VPBROADCASTD w(AX), Z26 \
	LONG $0x402e9262; WORD $0xc052                               // VDPBF16PS zmm0, zmm26, zmm24
#define ROWS2(w) \
	ROWS1(w) \
	VPBROADCASTD w(AX)(R8*1), Z27 \
	LONG $0x40269262; WORD $0xd052                               // VDPBF16PS zmm2, zmm27, zmm24
#define ROWS3(w) \
	ROWS2(w) \
	VPBROADCASTD w(AX)(R8*2), Z26 \
	LONG $0x402e9262; WORD $0xe052                               // VDPBF16PS zmm4, zmm26, zmm24
#define ROWS4(w) \
	ROWS3(w) \
	VPBROADCASTD w(AX)(R9*1), Z27 \
	LONG $0x40269262; WORD $0xf052                               // VDPBF16PS zmm6, zmm27, zmm24
#define ROWS5(w) \
	ROWS4(w) \
	VPBROADCASTD w(AX)(R8*4), Z26 \
	LONG $0x402e1262; WORD $0xc052                               // VDPBF16PS zmm8, zmm26, zmm24
#define ROWS6(w) \
	ROWS5(w) \
	VPBROADCASTD w(AX)(R10*1), Z27 \
	LONG $0x40261262; WORD $0xd052                               // VDPBF16PS zmm10, zmm27, zmm24
#define ROWS7(w) \
	ROWS6(w) \
	VPBROADCASTD w(AX)(R9*2), Z26 \
	LONG $0x402e1262; WORD $0xe052                               // VDPBF16PS zmm12, zmm26, zmm24
#define ROWS8(w) \
	ROWS7(w) \
	VPBROADCASTD w(AX)(R11*1), Z27 \
	LONG $0x40261262; WORD $0xf052                               // VDPBF16PS zmm14, zmm27, zmm24
#define ROWS9(w) \
	ROWS8(w) \
	VPBROADCASTD w(AX)(R8*8), Z26 \
	LONG $0x402e8262; WORD $0xc052                               // VDPBF16PS zmm16, zmm26, zmm24
#define ROWS10(w) \
	ROWS9(w) \
	VPBROADCASTD w(AX)(R12*1), Z27 \
	LONG $0x40268262; WORD $0xd052                               // VDPBF16PS zmm18, zmm27, zmm24
#define ROWS11(w) \
	ROWS10(w) \
	VPBROADCASTD w(AX)(R10*2), Z26 \
	LONG $0x402e8262; WORD $0xe052                               // VDPBF16PS zmm20, zmm26, zmm24
#define ROWS12(w) \
	ROWS11(w) \
	VPBROADCASTD w(AX)(R13*1), Z27 \
	LONG $0x40268262; WORD $0xf052                               // VDPBF16PS zmm22, zmm27, zmm24

// func gemmBF16VNNI12x16(rows int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)
TEXT ·gemmBF16VNNI12x16(SB), NOSPLIT, $0-80
	MOVQ rows+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ lda+16(FP), R8
	MOVQ c+56(FP), R14
	MOVQ ldc+64(FP), R15
	SHLQ $2, R15
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11
	LEAQ (R8)(R8*8), R12
	LEAQ (R9)(R8*8), R13

tile:
	WALK(TOUCHC, sums)

sums:
	SUMS

store:
	WALK(STOREC, next)

next:
	LEAQ (SI)(R8*8), SI
	LEAQ (SI)(R8*4), SI
	LEAQ (R14)(R15*8), R14
	LEAQ (R14)(R15*4), R14
	SUBQ $12, DI
	JGT  tile
	VZEROUPPER
	RET
