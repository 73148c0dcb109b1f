// Code generated from asm/peak_dot_amd64.s.in by go generate ./asm; DO NOT EDIT.

//go:build !noasm && !purego

#include "textflag.h"

// The yardsticks of the products of BF16 and, without AVX-512, of int8:
// independent multiplications on registers.

// func peakBF16(n int): n times 16 vectors of 16 sums of two products
TEXT ·peakBF16(SB), NOSPLIT, $0-8
	MOVQ   n+0(FP), CX
	VPXORD Z16, Z16, Z16
	VPXORD Z17, Z17, Z17
loop:
	LONG $0x4076b262; WORD $0xc052                               // VDPBF16PS zmm0, zmm17, zmm16
	LONG $0x4076b262; WORD $0xc852                               // VDPBF16PS zmm1, zmm17, zmm16
	LONG $0x4076b262; WORD $0xd052                               // VDPBF16PS zmm2, zmm17, zmm16
	LONG $0x4076b262; WORD $0xd852                               // VDPBF16PS zmm3, zmm17, zmm16
	LONG $0x4076b262; WORD $0xe052                               // VDPBF16PS zmm4, zmm17, zmm16
	LONG $0x4076b262; WORD $0xe852                               // VDPBF16PS zmm5, zmm17, zmm16
	LONG $0x4076b262; WORD $0xf052                               // VDPBF16PS zmm6, zmm17, zmm16
	LONG $0x4076b262; WORD $0xf852                               // VDPBF16PS zmm7, zmm17, zmm16
	LONG $0x40763262; WORD $0xc052                               // VDPBF16PS zmm8, zmm17, zmm16
	LONG $0x40763262; WORD $0xc852                               // VDPBF16PS zmm9, zmm17, zmm16
	LONG $0x40763262; WORD $0xd052                               // VDPBF16PS zmm10, zmm17, zmm16
	LONG $0x40763262; WORD $0xd852                               // VDPBF16PS zmm11, zmm17, zmm16
	LONG $0x40763262; WORD $0xe052                               // VDPBF16PS zmm12, zmm17, zmm16
	LONG $0x40763262; WORD $0xe852                               // VDPBF16PS zmm13, zmm17, zmm16
	LONG $0x40763262; WORD $0xf052                               // VDPBF16PS zmm14, zmm17, zmm16
	LONG $0x40763262; WORD $0xf852                               // VDPBF16PS zmm15, zmm17, zmm16
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func peakInt8VEX(n int): n times 12 vectors of 8 sums of four products
TEXT ·peakInt8VEX(SB), NOSPLIT, $0-8
	MOVQ  n+0(FP), CX
	VPXOR Y12, Y12, Y12
	VPXOR Y13, Y13, Y13
loop:
	LONG $0x5015c2c4; BYTE $0xc4                                 // {vex} VPDPBUSD ymm0, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xcc                                 // {vex} VPDPBUSD ymm1, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xd4                                 // {vex} VPDPBUSD ymm2, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xdc                                 // {vex} VPDPBUSD ymm3, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xe4                                 // {vex} VPDPBUSD ymm4, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xec                                 // {vex} VPDPBUSD ymm5, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xf4                                 // {vex} VPDPBUSD ymm6, ymm13, ymm12
	LONG $0x5015c2c4; BYTE $0xfc                                 // {vex} VPDPBUSD ymm7, ymm13, ymm12
	LONG $0x501542c4; BYTE $0xc4                                 // {vex} VPDPBUSD ymm8, ymm13, ymm12
	LONG $0x501542c4; BYTE $0xcc                                 // {vex} VPDPBUSD ymm9, ymm13, ymm12
	LONG $0x501542c4; BYTE $0xd4                                 // {vex} VPDPBUSD ymm10, ymm13, ymm12
	LONG $0x501542c4; BYTE $0xdc                                 // {vex} VPDPBUSD ymm11, ymm13, ymm12
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
