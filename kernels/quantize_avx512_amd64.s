//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// func quantizeAVX512(p quantizeParams, x []float32, q []byte)
TEXT ·quantizeAVX512(SB), NOSPLIT, $0-64
	MOVL         p_inverse+0(FP), AX
	VPBROADCASTD AX, Z20
	MOVL         p_low+4(FP), AX
	VPBROADCASTD AX, Z19
	MOVL         p_high+8(FP), AX
	VPBROADCASTD AX, Z18
	MOVL         p_zeroPoint+12(FP), AX
	VPBROADCASTD AX, Z17
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         q_base+40(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VMOVUPS (SI), Z0
	QUANTIZE_Z(Z0)
	VPMOVDB Z0, (DI)
	ADDQ    $64, SI
	ADDQ    $16, DI
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        done
	TAIL_Z
	VMOVUPS.Z (SI), K1, Z0
	QUANTIZE_Z(Z0)
	VPMOVDB   Z0, K1, (DI)

done:
	VZEROUPPER
	RET

// func quantizeRowsAVX512(p quantizeParams, rows, cols int, x unsafe.Pointer, ldx int, q unsafe.Pointer, ldq int)
//
// Short rows one after the other: 16 columns or a multiple.
TEXT ·quantizeRowsAVX512(SB), NOSPLIT, $0-64
	MOVL         p_inverse+0(FP), AX
	VPBROADCASTD AX, Z20
	MOVL         p_low+4(FP), AX
	VPBROADCASTD AX, Z19
	MOVL         p_high+8(FP), AX
	VPBROADCASTD AX, Z18
	MOVL         p_zeroPoint+12(FP), AX
	VPBROADCASTD AX, Z17
	MOVQ         rows+16(FP), DX
	MOVQ         x+32(FP), SI
	MOVQ         ldx+40(FP), R8
	MOVQ         q+48(FP), DI
	MOVQ         ldq+56(FP), R9
	SHLQ         $2, R8

rows_row:
	MOVQ cols+24(FP), CX
	MOVQ SI, AX
	MOVQ DI, BX

rows_loop:
	VMOVUPS (AX), Z0
	QUANTIZE_Z(Z0)
	VPMOVDB Z0, X0
	VMOVDQU X0, (BX)
	ADDQ    $64, AX
	ADDQ    $16, BX
	SUBQ    $16, CX
	JG      rows_loop
	ADDQ    R8, SI
	ADDQ    R9, DI
	DECQ    DX
	JNZ     rows_row
	VZEROUPPER
	RET

// DEQUANTIZE: the bytes in Z0, widened to 32 bits, become numbers.
#define DEQUANTIZE \
	VPXORD    Z18, Z0, Z0 \
	VPSUBD    Z17, Z0, Z0 \
	VCVTDQ2PS Z0, Z0      \
	VMULPS    Z20, Z0, Z0

// func dequantizeAVX512(p dequantizeParams, q []byte, y []float32)
TEXT ·dequantizeAVX512(SB), NOSPLIT, $0-64
	MOVL         p_scale+0(FP), AX
	VPBROADCASTD AX, Z20
	MOVL         p_zeroPoint+4(FP), AX
	VPBROADCASTD AX, Z17
	MOVL         p_flip+8(FP), AX
	VPBROADCASTD AX, Z18
	MOVQ         q_base+16(FP), SI
	MOVQ         q_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $16, CX
	JL           tail

loop:
	VPMOVZXBD (SI), Z0
	DEQUANTIZE
	VMOVUPS   Z0, (DI)
	ADDQ      $16, SI
	ADDQ      $64, DI
	SUBQ      $16, CX
	JGE       loop

tail:
	ADDQ        $16, CX
	JZ          done
	TAIL_Z
	VPMOVZXBD.Z (SI), K1, Z0
	DEQUANTIZE
	VMOVUPS     Z0, K1, (DI)

done:
	VZEROUPPER
	RET
