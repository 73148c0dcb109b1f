//go:build !noasm && !purego

#include "textflag.h"
#include "go_asm.h"

// The epilogue in AVX-512: the panel's columns in vectors of 16, the rows of
// each four at a time.
//
//   Z0 … Z3     sums, then results of four rows
//   Z4 … Z15, Z31        temporaries
//   Z16 … Z23   table of GELU: c0, c1, c2, c3, two vectors each
//   Z25, Z26    scale and bias of the 16 columns
//   Z27, Z28, Z29        limit, slope, rounding shift
//   Z30         zero
//   K1          columns that exist
//
//   R8  arguments             CX  rows left           BX  columns left
//   SI, R10, R13  sums, 1 and 3 × their distance
//   DI, R11, R14  results, 1 and 3 × their distance
//   DX, R12, R15  residual (0: none), 1 and 3 × its distance
//   AX  kind

#define AFFINE(x) VFMADD213PS Z26, Z25, x

#define ADDRESIDUAL(a, x) \
	VMOVUPS.Z a, K1, Z4 \
	VADDPS    Z4, x, x

// RELU: max(0, x), which is x where that is NaN.
#define RELU(x) VMAXPS x, Z30, x

// The steps of GELU, x = max(0, x) − f(|x|). A vector's steps wait for each
// other, so the four rows take each step together.

// INDEX: t = min(|x|, limit), the limit where x is NaN; its cubic is named by
// the low bits of m.
#define LIMIT(x, t) VRANGEPS $10, Z27, x, t
#define INDEX(t, m) \
	VMOVAPS     Z29, m \
	VFMADD231PS Z28, t, m
#define HIGHEST(m, p) \
	VMOVAPS   m, p \
	VPERMI2PS Z23, Z22, p
#define HORNER(high, low, t, m, p) \
	VMOVAPS     m, Z31 \
	VPERMI2PS   high, low, Z31 \
	VFMADD213PS Z31, t, p

// TANH: x = f(|x|) with x's sign. The table has 256 cubics.
#define TANH(x, t, m, p, q) \
	VPANDD.BCST absolute<>(SB), x, t  \
	VMINPS      t, Z27, t             \
	INDEX(t, m)                       \
	VPANDD.BCST signBit<>(SB), x, x   \
	VPSLLD      $24, m, m             \
	VPSRLD      $24, m, m             \
	KXNORW      K2, K2, K2            \
	VGATHERDPS  3072(R9)(m*4), K2, p  \
	KXNORW      K2, K2, K2            \
	VGATHERDPS  2048(R9)(m*4), K2, q  \
	VFMADD213PS q, t, p               \
	KXNORW      K2, K2, K2            \
	VGATHERDPS  1024(R9)(m*4), K2, q  \
	VFMADD213PS q, t, p               \
	KXNORW      K2, K2, K2            \
	VGATHERDPS  (R9)(m*4), K2, q      \
	VFMADD213PS q, t, p               \
	VPORD       x, p, x

DATA absolute<>+0(SB)/4, $0x7fffffff
GLOBL absolute<>(SB), RODATA|NOPTR, $4
DATA signBit<>+0(SB)/4, $0x80000000
GLOBL signBit<>(SB), RODATA|NOPTR, $4

// ROUND and LEVEL: the quantized x; NaN becomes the least level.
#define ROUND(x) \
	VMULPS.BCST epilogueArgs_inverse(R8), x, x \
	VMAXPS.BCST epilogueArgs_low(R8), x, x     \
	VMINPS.BCST epilogueArgs_high(R8), x, x
#define LEVEL(x, y) \
	VCVTPS2DQ   x, x                             \
	VPADDD.BCST epilogueArgs_zeroPoint(R8), x, x \
	VPMOVDB     x, y

// func epilogueAVX512(e *epilogueArgs)
TEXT ·epilogueAVX512(SB), NOSPLIT, $0-8
	MOVQ         e+0(FP), R8
	VPXORD       Z30, Z30, Z30
	VBROADCASTSS epilogueArgs_limit(R8), Z27
	VBROADCASTSS epilogueArgs_slope(R8), Z28
	MOVL         $0x4b400000, AX                 // roundingShift
	VPBROADCASTD AX, Z29
	MOVQ         epilogueArgs_table(R8), R9
	MOVQ         epilogueArgs_activation(R8), AX
	CMPQ         AX, $const_actGELU
	JNE          tables
	VMOVUPS      (R9), Z16
	VMOVUPS      64(R9), Z17
	VMOVUPS      128(R9), Z18
	VMOVUPS      192(R9), Z19
	VMOVUPS      256(R9), Z20
	VMOVUPS      320(R9), Z21
	VMOVUPS      384(R9), Z22
	VMOVUPS      448(R9), Z23

tables:
	MOVQ epilogueArgs_cols(R8), BX
	MOVQ epilogueArgs_sumStride(R8), R10
	MOVQ epilogueArgs_ldout(R8), R11
	MOVQ epilogueArgs_ldr(R8), R12
	LEAQ (R10)(R10*2), R13
	LEAQ (R11)(R11*2), R14
	LEAQ (R12)(R12*2), R15

columns:
	// Where this vector of columns begins.
	MOVQ      epilogueArgs_cols(R8), AX
	SUBQ      BX, AX                             // columns done
	MOVQ      epilogueArgs_scale(R8), CX
	VMOVUPS   (CX)(AX*4), Z25
	MOVQ      epilogueArgs_bias(R8), CX
	VMOVUPS   (CX)(AX*4), Z26
	MOVQ      epilogueArgs_sums(R8), SI
	LEAQ      (SI)(AX*4), SI
	MOVQ      epilogueArgs_residual(R8), DX
	TESTQ     DX, DX
	JEQ       noresidual
	LEAQ      (DX)(AX*4), DX

noresidual:
	MOVQ epilogueArgs_out(R8), DI
	LEAQ (DI)(AX*4), CX
	ADDQ AX, DI
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outBytes
	JEQ  masks
	MOVQ CX, DI

masks:
	MOVL   $0xffff, AX
	KMOVW  AX, K1
	CMPQ   BX, $16
	JGE    rows
	MOVQ   BX, CX
	MOVL   $1, AX
	SHLL   CX, AX
	DECL   AX
	KMOVW  AX, K1

rows:
	MOVQ epilogueArgs_rows(R8), CX
	SUBQ $4, CX
	JL   single

four:
	MOVQ epilogueArgs_sumKind(R8), AX
	CMPQ AX, $const_sumFloat32
	JEQ  fourfloats
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outInt32
	JEQ  fourints
	VCVTDQ2PS (SI), Z0
	VCVTDQ2PS (SI)(R10*1), Z1
	VCVTDQ2PS (SI)(R10*2), Z2
	VCVTDQ2PS (SI)(R13*1), Z3
	JMP  fouraffine

fourints:
	VMOVDQU32 (SI), Z0
	VMOVDQU32 (SI)(R10*1), Z1
	VMOVDQU32 (SI)(R10*2), Z2
	VMOVDQU32 (SI)(R13*1), Z3
	JMP  fourwords

fourfloats:
	VMOVUPS (SI), Z0
	VMOVUPS (SI)(R10*1), Z1
	VMOVUPS (SI)(R10*2), Z2
	VMOVUPS (SI)(R13*1), Z3

fouraffine:
	AFFINE(Z0)
	AFFINE(Z1)
	AFFINE(Z2)
	AFFINE(Z3)
	TESTQ DX, DX
	JEQ   fouractivation
	ADDRESIDUAL((DX), Z0)
	ADDRESIDUAL((DX)(R12*1), Z1)
	ADDRESIDUAL((DX)(R12*2), Z2)
	ADDRESIDUAL((DX)(R15*1), Z3)
	LEAQ  (DX)(R12*4), DX

fouractivation:
	MOVQ epilogueArgs_activation(R8), AX
	CMPQ AX, $const_actReLU
	JLT  fourout
	JEQ  fourrelu
	CMPQ AX, $const_actTanh
	JEQ  fourtanh
	LIMIT(Z0, Z4)
	LIMIT(Z1, Z5)
	LIMIT(Z2, Z6)
	LIMIT(Z3, Z7)
	INDEX(Z4, Z8)
	INDEX(Z5, Z9)
	INDEX(Z6, Z10)
	INDEX(Z7, Z11)
	HIGHEST(Z8, Z12)
	HIGHEST(Z9, Z13)
	HIGHEST(Z10, Z14)
	HIGHEST(Z11, Z15)
	HORNER(Z21, Z20, Z4, Z8, Z12)
	HORNER(Z21, Z20, Z5, Z9, Z13)
	HORNER(Z21, Z20, Z6, Z10, Z14)
	HORNER(Z21, Z20, Z7, Z11, Z15)
	HORNER(Z19, Z18, Z4, Z8, Z12)
	HORNER(Z19, Z18, Z5, Z9, Z13)
	HORNER(Z19, Z18, Z6, Z10, Z14)
	HORNER(Z19, Z18, Z7, Z11, Z15)
	HORNER(Z17, Z16, Z4, Z8, Z12)
	HORNER(Z17, Z16, Z5, Z9, Z13)
	HORNER(Z17, Z16, Z6, Z10, Z14)
	HORNER(Z17, Z16, Z7, Z11, Z15)
	RELU(Z0)
	RELU(Z1)
	RELU(Z2)
	RELU(Z3)
	VSUBPS Z12, Z0, Z0
	VSUBPS Z13, Z1, Z1
	VSUBPS Z14, Z2, Z2
	VSUBPS Z15, Z3, Z3
	JMP  fourout

fourtanh:
	TANH(Z0, Z4, Z5, Z6, Z7)
	TANH(Z1, Z4, Z5, Z6, Z7)
	TANH(Z2, Z4, Z5, Z6, Z7)
	TANH(Z3, Z4, Z5, Z6, Z7)
	JMP  fourout

fourrelu:
	RELU(Z0)
	RELU(Z1)
	RELU(Z2)
	RELU(Z3)

fourout:
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outBytes
	JNE  fourwords
	ROUND(Z0)
	ROUND(Z1)
	ROUND(Z2)
	ROUND(Z3)
	LEVEL(Z0, X0)
	LEVEL(Z1, X1)
	LEVEL(Z2, X2)
	LEVEL(Z3, X3)
	CMPQ BX, $16
	JLT  fourtail
	VMOVDQU X0, (DI)
	VMOVDQU X1, (DI)(R11*1)
	VMOVDQU X2, (DI)(R11*2)
	VMOVDQU X3, (DI)(R14*1)
	JMP  fournext

fourtail:
	VMOVDQU8 X0, K1, (DI)
	VMOVDQU8 X1, K1, (DI)(R11*1)
	VMOVDQU8 X2, K1, (DI)(R11*2)
	VMOVDQU8 X3, K1, (DI)(R14*1)
	JMP  fournext

fourwords:
	VMOVUPS Z0, K1, (DI)
	VMOVUPS Z1, K1, (DI)(R11*1)
	VMOVUPS Z2, K1, (DI)(R11*2)
	VMOVUPS Z3, K1, (DI)(R14*1)

fournext:
	LEAQ (SI)(R10*4), SI
	LEAQ (DI)(R11*4), DI
	SUBQ $4, CX
	JGE  four

single:
	ADDQ $4, CX
	JEQ  next

one:
	MOVQ epilogueArgs_sumKind(R8), AX
	CMPQ AX, $const_sumFloat32
	JEQ  onefloat
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outInt32
	JEQ  oneint
	VCVTDQ2PS (SI), Z0
	JMP  oneaffine

oneint:
	VMOVDQU32 (SI), Z0
	JMP  oneword

onefloat:
	VMOVUPS (SI), Z0

oneaffine:
	AFFINE(Z0)
	TESTQ DX, DX
	JEQ   oneactivation
	ADDRESIDUAL((DX), Z0)
	ADDQ  R12, DX

oneactivation:
	MOVQ epilogueArgs_activation(R8), AX
	CMPQ AX, $const_actReLU
	JLT  oneout
	JEQ  onerelu
	CMPQ AX, $const_actTanh
	JEQ  onetanh
	LIMIT(Z0, Z4)
	INDEX(Z4, Z8)
	HIGHEST(Z8, Z12)
	HORNER(Z21, Z20, Z4, Z8, Z12)
	HORNER(Z19, Z18, Z4, Z8, Z12)
	HORNER(Z17, Z16, Z4, Z8, Z12)
	RELU(Z0)
	VSUBPS Z12, Z0, Z0
	JMP    oneout

onetanh:
	TANH(Z0, Z4, Z5, Z6, Z7)
	JMP  oneout

onerelu:
	RELU(Z0)

oneout:
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outBytes
	JNE  oneword
	ROUND(Z0)
	LEVEL(Z0, X0)
	VMOVDQU8 X0, K1, (DI)
	JMP  onenext

oneword:
	VMOVUPS Z0, K1, (DI)

onenext:
	ADDQ R10, SI
	ADDQ R11, DI
	DECQ CX
	JNZ  one

next:
	SUBQ $16, BX
	JGT  columns
	VZEROUPPER
	RET
