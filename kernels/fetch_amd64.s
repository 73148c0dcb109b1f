//go:build !noasm && !purego

#include "textflag.h"

// func fetchColumns(a, b, c unsafe.Pointer)
TEXT ·fetchColumns(SB), NOSPLIT, $0-24
	MOVQ       a+0(FP), AX
	MOVQ       b+8(FP), BX
	MOVQ       c+16(FP), CX
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	PREFETCHT0 (BX)
	PREFETCHT0 64(BX)
	PREFETCHT0 (CX)
	PREFETCHT0 64(CX)
	RET
