//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func sumSquaresAVX2(x []float32, lanes *[sumSquaresLanes]float64)
TEXT ·sumSquaresAVX2(SB), NOSPLIT, $0-32
	MOVQ    x_base+0(FP), SI
	MOVQ    x_len+8(FP), CX
	MOVQ    lanes+24(FP), DI
	VMOVUPD (DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3
	VMOVUPD 128(DI), Y4
	VMOVUPD 160(DI), Y5
	VMOVUPD 192(DI), Y6
	VMOVUPD 224(DI), Y7
	SUBQ    $32, CX
	JL      store

loop:
	VCVTPS2PD   (SI), Y8
	VCVTPS2PD   16(SI), Y9
	VCVTPS2PD   32(SI), Y10
	VCVTPS2PD   48(SI), Y11
	VCVTPS2PD   64(SI), Y12
	VCVTPS2PD   80(SI), Y13
	VCVTPS2PD   96(SI), Y14
	VCVTPS2PD   112(SI), Y15
	VFMADD231PD Y8, Y8, Y0
	VFMADD231PD Y9, Y9, Y1
	VFMADD231PD Y10, Y10, Y2
	VFMADD231PD Y11, Y11, Y3
	VFMADD231PD Y12, Y12, Y4
	VFMADD231PD Y13, Y13, Y5
	VFMADD231PD Y14, Y14, Y6
	VFMADD231PD Y15, Y15, Y7
	ADDQ        $128, SI
	SUBQ        $32, CX
	JGE         loop

store:
	VMOVUPD Y0, (DI)
	VMOVUPD Y1, 32(DI)
	VMOVUPD Y2, 64(DI)
	VMOVUPD Y3, 96(DI)
	VMOVUPD Y4, 128(DI)
	VMOVUPD Y5, 160(DI)
	VMOVUPD Y6, 192(DI)
	VMOVUPD Y7, 224(DI)
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

// func minMaxAVX2(x []float32) (lo, hi float32)
//
// Lanes beyond the end repeat the first element. NaN does not enter the minimum
// and the maximum, but is remembered.
TEXT ·minMaxAVX2(SB), NOSPLIT, $0-32
	MOVQ         x_base+0(FP), SI
	MOVQ         x_len+8(FP), CX
	VBROADCASTSS (SI), Y4
	VMOVAPS      Y4, Y0
	VMOVAPS      Y4, Y1
	VXORPS       Y5, Y5, Y5
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y2
	VMINPS  Y0, Y2, Y0
	VMAXPS  Y1, Y2, Y1
	VCMPPS  $3, Y2, Y2, Y3
	VORPS   Y3, Y5, Y5
	ADDQ    $32, SI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y2
	VBLENDVPS  Y15, Y2, Y4, Y2
	VMINPS     Y0, Y2, Y0
	VMAXPS     Y1, Y2, Y1
	VCMPPS     $3, Y2, Y2, Y3
	VORPS      Y3, Y5, Y5

done:
	FOLD_Y(VMINPS, Y0, X0, X2)
	FOLD_Y(VMAXPS, Y1, X1, X2)
	VPTEST Y5, Y5
	JZ     numbers
	MOVL   $0x7fc00000, AX // NaN
	VMOVD  AX, X0
	VMOVD  AX, X1

numbers:
	VMOVSS     X0, lo+24(FP)
	VMOVSS     X1, hi+28(FP)
	VZEROUPPER
	RET
