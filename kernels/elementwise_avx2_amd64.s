//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func addAVX2(s float32, a, b, y []float32)
TEXT ·addAVX2(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ b_base+32(FP), DX
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VADDPS  Y1, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DX), Y15, Y1
	VADDPS     Y1, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func mulAVX2(s float32, a, b, y []float32)
TEXT ·mulAVX2(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ b_base+32(FP), DX
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VMULPS  Y1, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DX), Y15, Y1
	VMULPS     Y1, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func mulAddAVX2(s float32, a, b, y []float32)
TEXT ·mulAddAVX2(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ b_base+32(FP), DX
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	SUBQ $8, CX
	JL   tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DX), Y1
	VMOVUPS (DI), Y2
	VMULPS  Y1, Y0, Y0
	VADDPS  Y0, Y2, Y2
	VMOVUPS Y2, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DX
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DX), Y15, Y1
	VMASKMOVPS (DI), Y15, Y2
	VMULPS     Y1, Y0, Y0
	VADDPS     Y0, Y2, Y2
	VMASKMOVPS Y2, Y15, (DI)

done:
	VZEROUPPER
	RET

// func scaleAVX2(s float32, a, b, y []float32)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	MOVL         s+0(FP), AX
	VMOVD        AX, X8
	VBROADCASTSS X8, Y8
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y0
	VMULPS  Y8, Y0, Y0
	VMOVUPS Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMULPS     Y8, Y0, Y0
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET

// func addScaledAVX2(s float32, a, b, y []float32)
TEXT ·addScaledAVX2(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	MOVL         s+0(FP), AX
	VMOVD        AX, X8
	VBROADCASTSS X8, Y8
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y0
	VMOVUPS (DI), Y1
	VMULPS  Y8, Y0, Y0
	VADDPS  Y0, Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	VMASKMOVPS (DI), Y15, Y1
	VMULPS     Y8, Y0, Y0
	VADDPS     Y0, Y1, Y1
	VMASKMOVPS Y1, Y15, (DI)

done:
	VZEROUPPER
	RET
