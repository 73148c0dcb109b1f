//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func sumSquaresAVX512(x []float32, lanes *[sumSquaresLanes]float64)
TEXT ·sumSquaresAVX512(SB), NOSPLIT, $0-32
	MOVQ    x_base+0(FP), SI
	MOVQ    x_len+8(FP), CX
	MOVQ    lanes+24(FP), DI
	VMOVUPD (DI), Z0
	VMOVUPD 64(DI), Z1
	VMOVUPD 128(DI), Z2
	VMOVUPD 192(DI), Z3
	SUBQ    $32, CX
	JL      store

loop:
	VCVTPS2PD   (SI), Z8
	VCVTPS2PD   32(SI), Z9
	VCVTPS2PD   64(SI), Z10
	VCVTPS2PD   96(SI), Z11
	VFMADD231PD Z8, Z8, Z0
	VFMADD231PD Z9, Z9, Z1
	VFMADD231PD Z10, Z10, Z2
	VFMADD231PD Z11, Z11, Z3
	ADDQ        $128, SI
	SUBQ        $32, CX
	JGE         loop

store:
	VMOVUPD Z0, (DI)
	VMOVUPD Z1, 64(DI)
	VMOVUPD Z2, 128(DI)
	VMOVUPD Z3, 192(DI)
	ADDQ    $32, CX
	JZ      done

single:
	VMOVSS    (SI), X0
	VCVTSS2SD X0, X0, X0
	VMULSD    X0, X0, X0
	VADDSD    (DI), X0, X0
	VMOVSD    X0, (DI)
	ADDQ      $4, SI
	ADDQ      $8, DI
	DECQ      CX
	JNZ       single

done:
	VZEROUPPER
	RET

// func minMaxAVX512(x []float32) (lo, hi float32)
//
// Lanes beyond the end repeat the first element. NaN does not enter the minimum
// and the maximum, but is remembered.
TEXT ·minMaxAVX512(SB), NOSPLIT, $0-32
	MOVQ         x_base+0(FP), SI
	MOVQ         x_len+8(FP), CX
	VBROADCASTSS (SI), Z4
	VMOVAPS      Z4, Z0
	VMOVAPS      Z4, Z1
	KXORW        K3, K3, K3
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z2
	VMINPS  Z0, Z2, Z0
	VMAXPS  Z1, Z2, Z1
	VCMPPS  $3, Z2, Z2, K2
	KORW    K2, K3, K3
	ADDQ    $64, SI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ    $16, CX
	JZ      done
	TAIL_Z
	VMOVAPS Z4, Z2
	VMOVUPS (SI), K1, Z2
	VMINPS  Z0, Z2, Z0
	VMAXPS  Z1, Z2, Z1
	VCMPPS  $3, Z2, Z2, K2
	KORW    K2, K3, K3

done:
	FOLD_Z(VMINPS, Z0, Y0, X0, Y2, X2)
	FOLD_Z(VMAXPS, Z1, Y1, X1, Y2, X2)
	KORTESTW K3, K3
	JZ       numbers
	MOVL     $0x7fc00000, AX // NaN
	VMOVD    AX, X0
	VMOVD    AX, X1

numbers:
	VMOVSS     X0, lo+24(FP)
	VMOVSS     X1, hi+28(FP)
	VZEROUPPER
	RET
