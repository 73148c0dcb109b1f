//go:build !noasm && !purego

#include "textflag.h"

// func flipBytes(n int, dst, src *byte)
TEXT ·flipBytes(SB), NOSPLIT, $0-24
	MOVQ     n+0(FP), CX
	MOVQ     dst+8(FP), DI
	MOVQ     src+16(FP), SI
	MOVQ     $0x8080808080808080, AX
	VMOVQ    AX, X1
	VPBROADCASTQ X1, Y1
	SUBQ     $2, CX
	JL       last

loop:
	VPXOR   (SI), Y1, Y0
	VMOVDQU Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $2, CX
	JGE     loop

last:
	CMPQ    CX, $-1
	JNE     done
	VPXOR   (SI), X1, X0
	VMOVDQU X0, (DI)

done:
	VZEROUPPER
	RET

// func widenUnsigned(n int, dst, src *byte)
TEXT ·widenUnsigned(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI

loop:
	VPMOVZXBW (SI), Y0
	VMOVDQU   Y0, (DI)
	ADDQ      $16, SI
	ADDQ      $32, DI
	DECQ      CX
	JNZ       loop
	VZEROUPPER
	RET

// func widenSigned(n int, dst, src *byte)
TEXT ·widenSigned(SB), NOSPLIT, $0-24
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI

loop:
	VPMOVSXBW (SI), Y0
	VMOVDQU   Y0, (DI)
	ADDQ      $16, SI
	ADDQ      $32, DI
	DECQ      CX
	JNZ       loop
	VZEROUPPER
	RET

// func sumBytes(n int, x *byte) int32
TEXT ·sumBytes(SB), NOSPLIT, $0-20
	MOVQ  n+0(FP), CX
	MOVQ  x+8(FP), SI
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

loop:
	VPSADBW (SI), Y1, Y2
	VPADDQ  Y2, Y0, Y0
	ADDQ    $32, SI
	DECQ    CX
	JNZ     loop
	VEXTRACTI128 $1, Y0, X1
	VPADDQ       X1, X0, X0
	VPSRLDQ      $8, X0, X1
	VPADDQ       X1, X0, X0
	VMOVD        X0, AX
	MOVL         AX, ret+16(FP)
	VZEROUPPER
	RET

// func subtractRows(rows int, sums, x *int32)
TEXT ·subtractRows(SB), NOSPLIT, $0-24
	MOVQ rows+0(FP), CX
	MOVQ sums+8(FP), DI
	MOVQ x+16(FP), SI

loop:
	VPBROADCASTD (SI), Y4
	VMOVDQU      (DI), Y0
	VMOVDQU      32(DI), Y1
	VMOVDQU      64(DI), Y2
	VMOVDQU      96(DI), Y3
	VPSUBD       Y4, Y0, Y0
	VPSUBD       Y4, Y1, Y1
	VPSUBD       Y4, Y2, Y2
	VPSUBD       Y4, Y3, Y3
	VMOVDQU      Y0, (DI)
	VMOVDQU      Y1, 32(DI)
	VMOVDQU      Y2, 64(DI)
	VMOVDQU      Y3, 96(DI)
	ADDQ         $4, SI
	ADDQ         $128, DI
	DECQ         CX
	JNZ          loop
	VZEROUPPER
	RET
