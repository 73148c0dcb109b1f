// The loop of a fusedFunc with AVX-512-VNNI: the sums of one tile after the other,
// as panel_avx512_amd64.h makes them, while the last tile goes through its
// epilogue. It is included once for each epilogue, with these macros set:
//
//   NAME             the function
//   ROW(h)           begins 16 columns of a row of the last tile, h bytes into
//                    its sums; it may clobber AX
//   STEP0 … STEP7(h) finish them
//
// An iteration is 64 bytes of depth for 12 rows of sums, or 32 where there are
// less than 12 times as many, and one row of the last tile, whose next step or
// two come before every word of the product.
//
//   Z0 … Z23    sums; Z24, Z25 B; Z26 A
//   Z27 … Z31   the epilogue's
//
//   SI  first row of A in the tile     AX   the granule in it
//   R8 … R13   1, 3, 5, 7, 9, 11 × the distance of A's rows
//   R14 list of granules               BX   granule of B
//   CX  iterations left
//   DI  fusedEpilogue                  DX, R15  row of the last tile, its results
//   the frame: where the rows of the last tile go, and their columns

#define MAC(a, x, y) \
	VPBROADCASTD a, Z26; \
	VPDPBUSD     Z24, Z26, x; \
	VPDPBUSD     Z25, Z26, y

// MULTIPLY(w) multiplies word w of a granule.
#define MULTIPLY(w) \
	VMOVUPS (w*128)(BX), Z24; \
	VMOVUPS (w*128+64)(BX), Z25; \
	PREFETCHT0 (w*128+FETCH_AHEAD)(BX); \
	PREFETCHT0 (w*128+64+FETCH_AHEAD)(BX); \
	MAC((w*4)(AX), Z0, Z1); \
	MAC((w*4)(AX)(R8*1), Z2, Z3); \
	MAC((w*4)(AX)(R8*2), Z4, Z5); \
	MAC((w*4)(AX)(R9*1), Z6, Z7); \
	MAC((w*4)(AX)(R8*4), Z8, Z9); \
	MAC((w*4)(AX)(R10*1), Z10, Z11); \
	MAC((w*4)(AX)(R9*2), Z12, Z13); \
	MAC((w*4)(AX)(R11*1), Z14, Z15); \
	MAC((w*4)(AX)(R8*8), Z16, Z17); \
	MAC((w*4)(AX)(R12*1), Z18, Z19); \
	MAC((w*4)(AX)(R10*2), Z20, Z21); \
	MAC((w*4)(AX)(R13*1), Z22, Z23)

#define NEXT \
	MOVLQSX (R14), AX; \
	ADDQ    $4, R14; \
	ADDQ    SI, AX

// HALF is half an iteration: 16 columns of a row.
#define HALF(h) \
	ROW(h); \
	NEXT; \
	STEP0(h); \
	MULTIPLY(0); \
	STEP1(h); \
	MULTIPLY(1); \
	STEP2(h); \
	MULTIPLY(2); \
	STEP3(h); \
	MULTIPLY(3); \
	ADDQ $512, BX; \
	NEXT; \
	STEP4(h); \
	MULTIPLY(0); \
	STEP5(h); \
	MULTIPLY(1); \
	STEP6(h); \
	MULTIPLY(2); \
	STEP7(h); \
	MULTIPLY(3); \
	ADDQ $512, BX

// SHALLOW does the same with one granule.
#define SHALLOW(h) \
	ROW(h); \
	NEXT; \
	STEP0(h); \
	STEP1(h); \
	MULTIPLY(0); \
	STEP2(h); \
	STEP3(h); \
	MULTIPLY(1); \
	STEP4(h); \
	STEP5(h); \
	MULTIPLY(2); \
	STEP6(h); \
	STEP7(h); \
	MULTIPLY(3); \
	ADDQ $512, BX

// DOWN goes to the next row of the last tile.
#define DOWN \
	ADDQ $128, DX; \
	ADDQ ldout-24(SP), R15; \
	MOVQ ldr-40(SP), AX; \
	ADDQ AX, residual-32(SP)

// BEGIN sets four rows to what sums begin with.
#define BEGIN(a, b, c, d, e, f, g, h) \
	VMOVAPS Z24, a; VMOVAPS Z25, b; VMOVAPS Z24, c; VMOVAPS Z25, d; \
	VMOVAPS Z24, e; VMOVAPS Z25, f; VMOVAPS Z24, g; VMOVAPS Z25, h

// OUT takes where results go from the fusedRows at AX. It clobbers CX.
#define OUT \
	MOVQ fusedRows_scale(AX), CX; \
	MOVQ CX, scale-8(SP); \
	MOVQ fusedRows_bias(AX), CX; \
	MOVQ CX, bias-16(SP); \
	MOVQ fusedRows_ldout(AX), CX; \
	MOVQ CX, ldout-24(SP); \
	MOVQ fusedRows_residual(AX), CX; \
	MOVQ CX, residual-32(SP); \
	MOVQ fusedRows_ldr(AX), CX; \
	MOVQ CX, ldr-40(SP); \
	MOVQ fusedRows_out(AX), R15

TEXT NAME(SB), NOSPLIT, $40-96
	MOVQ a+8(FP), SI
	MOVQ lda+16(FP), R8
	LEAQ (R8)(R8*2), R9
	LEAQ (R8)(R8*4), R10
	LEAQ (R9)(R8*4), R11
	LEAQ (R8)(R8*8), R12
	LEAQ (R9)(R8*8), R13
	MOVQ e+72(FP), DI
	MOVQ last+80(FP), DX
	MOVQ rows+88(FP), AX
	OUT

tile:
	VPXORD Z24, Z24, Z24
	VPXORD Z25, Z25, Z25
	MOVQ   from+64(FP), AX
	TESTQ  AX, AX
	JEQ    begin
	VMOVUPS (AX), Z24
	VMOVUPS 64(AX), Z25

begin:
	BEGIN(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	BEGIN(Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	BEGIN(Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23)
	MOVQ offs_base+24(FP), R14
	MOVQ b+48(FP), BX
	MOVQ $12, CX
	CMPQ offs_len+32(FP), $48
	JLT  shallow

	// Twelve iterations with a row of the last tile.
deep:
	HALF(0)
	HALF(64)
	DOWN
	DECQ CX
	JNZ  deep
	MOVQ offs_len+32(FP), CX
	SUBQ $48, CX
	JEQ  store
	JMP  plain

shallow:
	SHALLOW(0)
	SHALLOW(64)
	DOWN
	DECQ CX
	JNZ  shallow
	MOVQ offs_len+32(FP), CX
	SUBQ $24, CX
	JEQ  store

	// The rest of the depth.

plain:
	NEXT
	MULTIPLY(0)
	MULTIPLY(1)
	MULTIPLY(2)
	MULTIPLY(3)
	ADDQ $512, BX
	DECQ CX
	JNZ  plain

store:
	MOVQ    sums+56(FP), AX
	VMOVUPS Z0, (AX)
	VMOVUPS Z1, 64(AX)
	VMOVUPS Z2, 128(AX)
	VMOVUPS Z3, 192(AX)
	VMOVUPS Z4, 256(AX)
	VMOVUPS Z5, 320(AX)
	VMOVUPS Z6, 384(AX)
	VMOVUPS Z7, 448(AX)
	VMOVUPS Z8, 512(AX)
	VMOVUPS Z9, 576(AX)
	VMOVUPS Z10, 640(AX)
	VMOVUPS Z11, 704(AX)
	VMOVUPS Z12, 768(AX)
	VMOVUPS Z13, 832(AX)
	VMOVUPS Z14, 896(AX)
	VMOVUPS Z15, 960(AX)
	VMOVUPS Z16, 1024(AX)
	VMOVUPS Z17, 1088(AX)
	VMOVUPS Z18, 1152(AX)
	VMOVUPS Z19, 1216(AX)
	VMOVUPS Z20, 1280(AX)
	VMOVUPS Z21, 1344(AX)
	VMOVUPS Z22, 1408(AX)
	VMOVUPS Z23, 1472(AX)
	SUBQ    $1536, DX
	MOVQ    DX, sums+56(FP)
	MOVQ    AX, DX
	LEAQ    (SI)(R9*4), SI
	DECQ    tiles+0(FP)
	JZ      end

	// What is next are the rows of the first of these tiles, and so on.
	MOVQ  rows+88(FP), AX
	TESTQ AX, AX
	JEQ   tile
	ADDQ  $fusedRows__size, AX
	OUT
	MOVQ  $0, rows+88(FP)
	JMP   tile

end:
	VZEROUPPER
	RET

#undef MAC
#undef MULTIPLY
#undef NEXT
#undef HALF
#undef SHALLOW
#undef DOWN
#undef BEGIN
#undef OUT
#undef NAME
