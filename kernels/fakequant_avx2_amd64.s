//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func fakeQuantAVX2(q fakeQuantParams, x, y []float32)
TEXT ·fakeQuantAVX2(SB), NOSPLIT, $0-64
	MOVL         q_low+0(FP), AX
	VMOVD        AX, X8
	VBROADCASTSS X8, Y8
	MOVL         q_high+4(FP), AX
	VMOVD        AX, X9
	VBROADCASTSS X9, Y9
	MOVL         q_scale+8(FP), AX
	VMOVD        AX, X10
	VBROADCASTSS X10, Y10
	MOVL         q_zeroPoint+12(FP), AX
	VMOVD        AX, X11
	VBROADCASTSS X11, Y11
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS  (SI), Y0
	VMAXPS   Y0, Y8, Y0
	VMINPS   Y0, Y9, Y0
	VSUBPS   Y8, Y0, Y0
	VMULPS   Y10, Y0, Y0
	VSUBPS   Y11, Y0, Y0
	VROUNDPS $8, Y0, Y0
	VDIVPS   Y10, Y0, Y0
	VMOVUPS  Y0, (DI)
	ADDQ     $32, SI
	ADDQ     $32, DI
	SUBQ     $8, CX
	JGE      loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMAXPS     Y0, Y8, Y0
	VMINPS     Y0, Y9, Y0
	VSUBPS     Y8, Y0, Y0
	VMULPS     Y10, Y0, Y0
	VSUBPS     Y11, Y0, Y0
	VROUNDPS   $8, Y0, Y0
	VDIVPS     Y10, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func fakeQuantBackwardAVX2(low, high float32, x, y, dy, dx []float32) (inside, above, below float32)
TEXT ·fakeQuantBackwardAVX2(SB), NOSPLIT, $0-116
	MOVL         low+0(FP), AX
	VMOVD        AX, X8
	VBROADCASTSS X8, Y8
	MOVL         high+4(FP), AX
	VMOVD        AX, X9
	VBROADCASTSS X9, Y9
	MOVQ         x_base+8(FP), SI
	MOVQ         x_len+16(FP), CX
	MOVQ         y_base+32(FP), R9
	MOVQ         dy_base+56(FP), DX
	MOVQ         dx_base+80(FP), DI
	VXORPS       X12, X12, X12
	VXORPS       X13, X13, X13
	VXORPS       X14, X14, X14
	TESTQ        DI, DI
	JZ           sums
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS     (SI), Y0
	VMOVUPS     (DX), Y1
	VMOVUPS     (R9), Y2
	VCMPPS      $0x1e, Y9, Y0, Y3
	VCMPPS      $0x11, Y8, Y0, Y4
	VANDPS      Y1, Y3, Y5
	VADDPS      Y5, Y13, Y13
	VANDPS      Y1, Y4, Y5
	VADDPS      Y5, Y14, Y14
	VORPS       Y3, Y4, Y4
	VSUBPS      Y0, Y2, Y2
	VANDNPS     Y2, Y4, Y2
	VANDNPS     Y1, Y4, Y1
	VFMADD231PS Y1, Y2, Y12
	VMOVUPS     (DI), Y3
	VADDPS      Y1, Y3, Y3
	VMOVUPS     Y3, (DI)
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, R9
	ADDQ        $32, DI
	SUBQ        $8, CX
	JGE         loop

tail:
	ADDQ        $8, CX
	JZ          done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y0
	VMASKMOVPS  (DX), Y15, Y1
	VMASKMOVPS  (R9), Y15, Y2
	VCMPPS      $0x1e, Y9, Y0, Y3
	VCMPPS      $0x11, Y8, Y0, Y4
	VANDPS      Y1, Y3, Y5
	VADDPS      Y5, Y13, Y13
	VANDPS      Y1, Y4, Y5
	VADDPS      Y5, Y14, Y14
	VORPS       Y3, Y4, Y4
	VSUBPS      Y0, Y2, Y2
	VANDNPS     Y2, Y4, Y2
	VANDNPS     Y1, Y4, Y1
	VFMADD231PS Y1, Y2, Y12
	VMASKMOVPS  (DI), Y15, Y3
	VADDPS      Y1, Y3, Y3
	VMASKMOVPS  Y3, Y15, (DI)
	JMP         done

sums:
	SUBQ $8, CX
	JL   sums_tail

sums_loop:
	VMOVUPS     (SI), Y0
	VMOVUPS     (DX), Y1
	VMOVUPS     (R9), Y2
	VCMPPS      $0x1e, Y9, Y0, Y3
	VCMPPS      $0x11, Y8, Y0, Y4
	VANDPS      Y1, Y3, Y5
	VADDPS      Y5, Y13, Y13
	VANDPS      Y1, Y4, Y5
	VADDPS      Y5, Y14, Y14
	VORPS       Y3, Y4, Y4
	VSUBPS      Y0, Y2, Y2
	VANDNPS     Y2, Y4, Y2
	VANDNPS     Y1, Y4, Y1
	VFMADD231PS Y1, Y2, Y12
	ADDQ        $32, SI
	ADDQ        $32, DX
	ADDQ        $32, R9
	SUBQ        $8, CX
	JGE         sums_loop

sums_tail:
	ADDQ        $8, CX
	JZ          done
	TAIL_Y
	VMASKMOVPS  (SI), Y15, Y0
	VMASKMOVPS  (DX), Y15, Y1
	VMASKMOVPS  (R9), Y15, Y2
	VCMPPS      $0x1e, Y9, Y0, Y3
	VCMPPS      $0x11, Y8, Y0, Y4
	VANDPS      Y1, Y3, Y5
	VADDPS      Y5, Y13, Y13
	VANDPS      Y1, Y4, Y5
	VADDPS      Y5, Y14, Y14
	VORPS       Y3, Y4, Y4
	VSUBPS      Y0, Y2, Y2
	VANDNPS     Y2, Y4, Y2
	VANDNPS     Y1, Y4, Y1
	VFMADD231PS Y1, Y2, Y12

done:
	FOLD_Y(VADDPS, Y12, X12, X0)
	FOLD_Y(VADDPS, Y13, X13, X0)
	FOLD_Y(VADDPS, Y14, X14, X0)
	VMOVSS     X12, inside+104(FP)
	VMOVSS     X13, above+108(FP)
	VMOVSS     X14, below+112(FP)
	VZEROUPPER
	RET
