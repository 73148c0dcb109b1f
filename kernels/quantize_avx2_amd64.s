//go:build amd64 && !noasm && !purego

#include "textflag.h"
#include "rows_amd64.h"
#include "quantize_amd64.h"

// func quantizeAVX2(p quantizeParams, x []float32, q []byte)
TEXT ·quantizeAVX2(SB), NOSPLIT, $0-64
	VBROADCASTSS p_inverse+0(FP), Y14
	VBROADCASTSS p_low+4(FP), Y13
	VBROADCASTSS p_high+8(FP), Y12
	VBROADCASTSS p_zeroPoint+12(FP), Y11
	WORDS_255
	MOVQ         x_base+16(FP), SI
	MOVQ         x_len+24(FP), CX
	MOVQ         q_base+40(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VMOVUPS (SI), Y0
	QUANTIZE_Y(Y0, X0, X1)
	VMOVQ   X0, (DI)
	ADDQ    $32, SI
	ADDQ    $8, DI
	SUBQ    $8, CX
	JGE     loop

tail:
	ADDQ       $8, CX
	JZ         done
	MOVQ       CX, R10
	TAIL_Y
	VMASKMOVPS (SI), Y15, Y0
	QUANTIZE_Y(Y0, X0, X1)
	STORE_BYTES(X0, store)

done:
	VZEROUPPER
	RET

// DEQUANTIZE: the bytes in Y0, widened to 32 bits, become numbers.
#define DEQUANTIZE \
	VPXOR     Y12, Y0, Y0 \
	VPSUBD    Y11, Y0, Y0 \
	VCVTDQ2PS Y0, Y0      \
	VMULPS    Y14, Y0, Y0

// func dequantizeAVX2(p dequantizeParams, q []byte, y []float32)
TEXT ·dequantizeAVX2(SB), NOSPLIT, $0-64
	VBROADCASTSS p_scale+0(FP), Y14
	VBROADCASTSS p_zeroPoint+4(FP), Y11
	VBROADCASTSS p_flip+8(FP), Y12
	MOVQ         q_base+16(FP), SI
	MOVQ         q_len+24(FP), CX
	MOVQ         y_base+40(FP), DI
	SUBQ         $8, CX
	JL           tail

loop:
	VPMOVZXBD (SI), Y0
	DEQUANTIZE
	VMOVUPS   Y0, (DI)
	ADDQ      $8, SI
	ADDQ      $32, DI
	SUBQ      $8, CX
	JGE       loop

tail:
	ADDQ $8, CX
	JZ   done

	// The last bytes, gathered in AX from the end on.
	XORL AX, AX
	MOVQ CX, R10

gather:
	SHLQ    $8, AX
	MOVBLZX -1(SI)(R10*1), BX
	ORQ     BX, AX
	DECQ    R10
	JNZ     gather
	TAIL_Y
	VMOVQ     AX, X0
	VPMOVZXBD X0, Y0
	DEQUANTIZE
	VMASKMOVPS Y0, Y15, (DI)

done:
	VZEROUPPER
	RET
