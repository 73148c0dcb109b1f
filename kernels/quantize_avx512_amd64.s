//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// func quantizeRowsAVX512(p quantizeParams, rows, cols int, x unsafe.Pointer, ldx int, q unsafe.Pointer, ldq int)
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
	MOVQ         cols+24(FP), R11
	MOVQ         x+32(FP), SI
	MOVQ         ldx+40(FP), R8
	MOVQ         q+48(FP), DI
	MOVQ         ldq+56(FP), R9
	SHLQ         $2, R8
	MOVQ         R11, CX
	ANDQ         $15, CX
	TAIL_Z

row:
	MOVQ R11, CX
	MOVQ SI, AX
	MOVQ DI, R10
	SUBQ $16, CX
	JL   tail

loop:
	VMOVUPS (AX), Z0
	QUANTIZE_Z(Z0)
	VPMOVDB Z0, (R10)
	ADDQ    $64, AX
	ADDQ    $16, R10
	SUBQ    $16, CX
	JGE     loop

tail:
	ADDQ      $16, CX
	JZ        next
	VMOVUPS.Z (AX), K1, Z0
	QUANTIZE_Z(Z0)
	VPMOVDB   Z0, K1, (R10)

next:
	ADDQ R8, SI
	ADDQ R9, DI
	DECQ DX
	JNZ  row
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
