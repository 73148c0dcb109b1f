//go:build !noasm && !purego

#include "textflag.h"
#include "go_asm.h"

// The epilogue in AVX2: the panel's columns in vectors of 8, a row at a time.
//
//   Y0          sums, then results
//   Y1 … Y5     temporaries
//   Y10, Y11    rounding shift, mask of |x|
//   Y12         columns that exist
//   Y14, Y15    scale and bias of the 8 columns
//
//   R8  arguments             CX  rows left           BX  columns left
//   SI, R10  sums and their distance
//   DI, R11  results and their distance
//   DX, R12  residual (0: none) and its distance
//   R9  table                 AX, R13, R14  temporaries

// INDEX: Y1 = t = min(|x|, limit), Y2 names its cubic.
#define INDEX \
	VANDPS      Y11, Y0, Y1                \
	VMOVUPS     epilogueArgs_limit(R8), Y2 \
	VMINPS      Y1, Y2, Y1                 \
	VMOVUPS     epilogueArgs_slope(R8), Y3 \
	VMOVAPS     Y10, Y2                    \
	VFMADD231PS Y3, Y1, Y2

// CUBIC: Y4 = the cubic of Y1 in a table whose powers lie size bytes apart.
#define CUBIC(size) \
	VPCMPEQD    Y5, Y5, Y5             \
	VGATHERDPS  Y5, (3*size)(R9)(Y2*4), Y4 \
	VPCMPEQD    Y5, Y5, Y5             \
	VGATHERDPS  Y5, (2*size)(R9)(Y2*4), Y3 \
	VFMADD213PS Y3, Y1, Y4             \
	VPCMPEQD    Y5, Y5, Y5             \
	VGATHERDPS  Y5, size(R9)(Y2*4), Y3 \
	VFMADD213PS Y3, Y1, Y4             \
	VPCMPEQD    Y5, Y5, Y5             \
	VGATHERDPS  Y5, (R9)(Y2*4), Y3     \
	VFMADD213PS Y3, Y1, Y4

// func epilogueAVX2(e *epilogueArgs)
TEXT ·epilogueAVX2(SB), NOSPLIT, $0-8
	MOVQ         e+0(FP), R8
	MOVL         $0x4b400000, AX                 // roundingShift
	VMOVD        AX, X10
	VPBROADCASTD X10, Y10
	MOVL         $0x7fffffff, AX
	VMOVD        AX, X11
	VPBROADCASTD X11, Y11
	MOVQ         epilogueArgs_table(R8), R9
	MOVQ         epilogueArgs_cols(R8), BX
	MOVQ         epilogueArgs_sumStride(R8), R10
	MOVQ         epilogueArgs_ldout(R8), R11
	MOVQ         epilogueArgs_ldr(R8), R12

columns:
	// Where this vector of columns begins.
	MOVQ    epilogueArgs_cols(R8), AX
	SUBQ    BX, AX                               // columns done
	MOVQ    epilogueArgs_scale(R8), CX
	VMOVUPS (CX)(AX*4), Y14
	MOVQ    epilogueArgs_bias(R8), CX
	VMOVUPS (CX)(AX*4), Y15
	MOVQ    epilogueArgs_sums(R8), SI
	LEAQ    (SI)(AX*4), SI
	MOVQ    epilogueArgs_residual(R8), DX
	TESTQ   DX, DX
	JEQ     noresidual
	LEAQ    (DX)(AX*4), DX

noresidual:
	MOVQ epilogueArgs_out(R8), DI
	LEAQ (DI)(AX*4), CX
	ADDQ AX, DI
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outBytes
	JEQ  masks
	MOVQ CX, DI

masks:
	VPCMPEQD Y12, Y12, Y12
	CMPQ     BX, $8
	JGE      rows
	LEAQ     ·tailMask+32(SB), CX
	LEAQ     (BX*4), AX
	SUBQ     AX, CX
	VMOVDQU  (CX), Y12

rows:
	MOVQ epilogueArgs_rows(R8), CX

row:
	MOVQ epilogueArgs_sumKind(R8), AX
	CMPQ AX, $const_sumFloat32
	JEQ  floats
	VMOVDQU (SI), Y0
	MOVQ    epilogueArgs_outKind(R8), AX
	CMPQ    AX, $const_outInt32
	JEQ     words
	VCVTDQ2PS Y0, Y0
	JMP     affine

floats:
	VMOVUPS (SI), Y0

affine:
	VFMADD213PS Y15, Y14, Y0
	TESTQ       DX, DX
	JEQ         activation
	VMASKMOVPS  (DX), Y12, Y1
	VADDPS      Y1, Y0, Y0
	ADDQ        R12, DX

activation:
	MOVQ epilogueArgs_activation(R8), AX
	CMPQ AX, $const_actReLU
	JLT  out
	JEQ  relu
	INDEX
	CMPQ AX, $const_actTanh
	JEQ  tanh
	VPSLLD $27, Y2, Y2
	VPSRLD $27, Y2, Y2
	CUBIC(128)
	VXORPS Y3, Y3, Y3
	VMAXPS Y0, Y3, Y0
	VSUBPS Y4, Y0, Y0
	JMP    out

tanh:
	VPSLLD  $24, Y2, Y2
	VPSRLD  $24, Y2, Y2
	CUBIC(1024)
	VANDNPS Y0, Y11, Y3
	VORPS   Y3, Y4, Y0
	JMP     out

relu:
	VXORPS Y3, Y3, Y3
	VMAXPS Y0, Y3, Y0

out:
	MOVQ epilogueArgs_outKind(R8), AX
	CMPQ AX, $const_outBytes
	JNE  words
	VMULPS       epilogueArgs_inverse(R8), Y0, Y0
	VMAXPS       epilogueArgs_low(R8), Y0, Y0
	VMINPS       epilogueArgs_high(R8), Y0, Y0
	VCVTPS2DQ    Y0, Y0
	VPADDD       epilogueArgs_zeroPoint(R8), Y0, Y0
	VPSLLD       $24, Y0, Y0
	VPSRLD       $24, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSDW    X1, X0, X0
	VPACKUSWB    X0, X0, X0
	CMPQ         BX, $8
	JLT          bytes
	VMOVQ        X0, (DI)
	JMP          next

bytes:
	VMOVQ X0, AX
	MOVQ  DI, R13
	MOVQ  BX, R14

byte:
	MOVB AX, (R13)
	SHRQ $8, AX
	INCQ R13
	DECQ R14
	JNZ  byte
	JMP  next

words:
	CMPQ       BX, $8
	JLT        tail
	VMOVUPS    Y0, (DI)
	JMP        next

tail:
	VMASKMOVPS Y0, Y12, (DI)

next:
	ADDQ R10, SI
	ADDQ R11, DI
	DECQ CX
	JNZ  row
	SUBQ $8, BX
	JGT  columns
	VZEROUPPER
	RET
