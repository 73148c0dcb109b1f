//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"

// func addAVX512(s float32, a, b, y []float32)
TEXT ·addAVX512(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ b_base+32(FP), DX
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	SUBQ $16, CX
	JL   tail

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	VADDPS  Z1, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	VADDPS    Z1, Z0, Z0
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func mulAVX512(s float32, a, b, y []float32)
TEXT ·mulAVX512(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ b_base+32(FP), DX
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	SUBQ $16, CX
	JL   tail

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	VMULPS  Z1, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	VMULPS    Z1, Z0, Z0
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func mulAddAVX512(s float32, a, b, y []float32)
TEXT ·mulAddAVX512(SB), NOSPLIT, $0-80
	MOVQ a_base+8(FP), SI
	MOVQ b_base+32(FP), DX
	MOVQ y_base+56(FP), DI
	MOVQ y_len+64(FP), CX
	SUBQ $16, CX
	JL   tail

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DX), Z1
	VMOVUPS (DI), Z2
	VMULPS  Z1, Z0, Z0
	VADDPS  Z0, Z2, Z2
	VMOVUPS Z2, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DX
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DX), K1, Z1
	VMOVUPS.Z (DI), K1, Z2
	VMULPS    Z1, Z0, Z0
	VADDPS    Z0, Z2, Z2
	VMOVUPS   Z2, K1, (DI)

done:
	VZEROUPPER
	RET

// func scaleAVX512(s float32, a, b, y []float32)
TEXT ·scaleAVX512(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	MOVL         s+0(FP), AX
	VPBROADCASTD AX, Z8
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z0
	VMULPS  Z8, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMULPS    Z8, Z0, Z0
	VMOVUPS   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func addScaledAVX512(s float32, a, b, y []float32)
TEXT ·addScaledAVX512(SB), NOSPLIT, $0-80
	MOVQ         a_base+8(FP), SI
	MOVQ         y_base+56(FP), DI
	MOVQ         y_len+64(FP), CX
	MOVL         s+0(FP), AX
	VPBROADCASTD AX, Z8
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z0
	VMOVUPS (DI), Z1
	VMULPS  Z8, Z0, Z0
	VADDPS  Z0, Z1, Z1
	VMOVUPS Z1, (DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	VMOVUPS.Z (DI), K1, Z1
	VMULPS    Z8, Z0, Z0
	VADDPS    Z0, Z1, Z1
	VMOVUPS   Z1, K1, (DI)

done:
	VZEROUPPER
	RET
