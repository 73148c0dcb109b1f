//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func fakeQuantAVX512(q fakeQuantParams, x, y []float32)
TEXT ·fakeQuantAVX512(SB), NOSPLIT, $0-64
	MOVL         q_low+0(FP), AX
	VPBROADCASTD AX, Z8
	MOVL         q_high+4(FP), AX
	VPBROADCASTD AX, Z9
	MOVL         q_scale+8(FP), AX
	VPBROADCASTD AX, Z10
	MOVL         q_zeroPoint+12(FP), AX
	VPBROADCASTD AX, Z11
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS     (SI), Z0
	VMAXPS      Z0, Z8, Z0
	VMINPS      Z0, Z9, Z0
	VSUBPS      Z8, Z0, Z0
	VMULPS      Z10, Z0, Z0
	VSUBPS      Z11, Z0, Z0
	VRNDSCALEPS $8, Z0, Z0
	VDIVPS      Z10, Z0, Z0
	VMOVUPS     Z0, (DI)
	ADDQ        $64, SI
	ADDQ        $64, DI
	SUBQ        $16, CX
	JGE         loop

tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z0
	VMAXPS      Z0, Z8, Z0
	VMINPS      Z0, Z9, Z0
	VSUBPS      Z8, Z0, Z0
	VMULPS      Z10, Z0, Z0
	VSUBPS      Z11, Z0, Z0
	VRNDSCALEPS $8, Z0, Z0
	VDIVPS      Z10, Z0, Z0
	VMOVUPS     Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func fakeQuantBackwardAVX512(low, high float32, x, y, dy, dx []float32) (inside, above, below float32)
TEXT ·fakeQuantBackwardAVX512(SB), NOSPLIT, $0-116
	MOVL         low+0(FP), AX
	VPBROADCASTD AX, Z8
	MOVL         high+4(FP), AX
	VPBROADCASTD AX, Z9
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
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS     (SI), Z0
	VMOVUPS     (DX), Z1
	VMOVUPS     (R9), Z2
	VCMPPS      $0x1e, Z9, Z0, K2
	VCMPPS      $0x11, Z8, Z0, K3
	VADDPS      Z1, Z13, K2, Z13
	VADDPS      Z1, Z14, K3, Z14
	KORW        K2, K3, K4
	KNOTW       K4, K4
	VSUBPS      Z0, Z2, Z2
	VFMADD231PS Z1, Z2, K4, Z12
	VMOVUPS     (DI), Z3
	VADDPS      Z1, Z3, K4, Z3
	VMOVUPS     Z3, (DI)
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $64, R9
	ADDQ        $64, DI
	SUBQ        $16, CX
	JGE         loop

tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z0
	VMOVUPS.Z   (DX), K1, Z1
	VMOVUPS.Z   (R9), K1, Z2
	VCMPPS      $0x1e, Z9, Z0, K2
	VCMPPS      $0x11, Z8, Z0, K3
	VADDPS      Z1, Z13, K2, Z13
	VADDPS      Z1, Z14, K3, Z14
	KORW        K2, K3, K4
	KNOTW       K4, K4
	VSUBPS      Z0, Z2, Z2
	VFMADD231PS Z1, Z2, K4, Z12
	VMOVUPS.Z   (DI), K1, Z3
	VADDPS      Z1, Z3, K4, Z3
	VMOVUPS     Z3, K1, (DI)
	JMP         done

sums:
	SUBQ $16, CX
	JL   sums_tail

sums_loop:
	VMOVUPS     (SI), Z0
	VMOVUPS     (DX), Z1
	VMOVUPS     (R9), Z2
	VCMPPS      $0x1e, Z9, Z0, K2
	VCMPPS      $0x11, Z8, Z0, K3
	VADDPS      Z1, Z13, K2, Z13
	VADDPS      Z1, Z14, K3, Z14
	KORW        K2, K3, K4
	KNOTW       K4, K4
	VSUBPS      Z0, Z2, Z2
	VFMADD231PS Z1, Z2, K4, Z12
	ADDQ        $64, SI
	ADDQ        $64, DX
	ADDQ        $64, R9
	SUBQ        $16, CX
	JGE         sums_loop

sums_tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VMOVUPS.Z   (SI), K1, Z0
	VMOVUPS.Z   (DX), K1, Z1
	VMOVUPS.Z   (R9), K1, Z2
	VCMPPS      $0x1e, Z9, Z0, K2
	VCMPPS      $0x11, Z8, Z0, K3
	VADDPS      Z1, Z13, K2, Z13
	VADDPS      Z1, Z14, K3, Z14
	KORW        K2, K3, K4
	KNOTW       K4, K4
	VSUBPS      Z0, Z2, Z2
	VFMADD231PS Z1, Z2, K4, Z12

done:
	FOLD_Z(VADDPS, Z12, Y12, X12, Y0, X0)
	FOLD_Z(VADDPS, Z13, Y13, X13, Y0, X0)
	FOLD_Z(VADDPS, Z14, Y14, X14, Y0, X0)
	VMOVSS     X12, inside+104(FP)
	VMOVSS     X13, above+108(FP)
	VMOVSS     X14, below+112(FP)
	VZEROUPPER
	RET
