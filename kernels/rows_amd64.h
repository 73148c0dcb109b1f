// Macros that the row operations share.

// TAIL_Z puts the mask of the CX < 16 remaining elements in K1. It clobbers BX.
#define TAIL_Z \
	MOVL  $1, BX    \
	SHLL  CX, BX    \
	DECL  BX        \
	KMOVW BX, K1

// TAIL_Y puts the mask of the CX < 8 remaining elements in Y15. It clobbers BX
// and CX.
#define TAIL_Y \
	LEAQ    ·tailMask+32(SB), BX \
	SHLQ    $2, CX               \
	SUBQ    CX, BX               \
	VMOVDQU (BX), Y15

// FOLD_X leaves OP over the four elements of x in all of them.
#define FOLD_X(OP, x, tx) \
	VPERMILPS $0x4e, x, tx \
	OP        tx, x, x     \
	VPERMILPS $0xb1, x, tx \
	OP        tx, x, x

// FOLD_Y leaves OP over the eight elements of y in the low four; x is its low
// half.
#define FOLD_Y(OP, y, x, tx) \
	VEXTRACTF128 $1, y, tx \
	OP           tx, x, x  \
	FOLD_X(OP, x, tx)

// FOLD_Z does the same for the sixteen elements of z; y and x are its low parts.
#define FOLD_Z(OP, z, y, x, ty, tx) \
	VEXTRACTF64X4 $1, z, ty \
	OP            ty, y, y  \
	FOLD_Y(OP, y, x, tx)
