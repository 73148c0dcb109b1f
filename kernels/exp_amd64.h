// exp and Φ in registers; exp_generic.go and gelu_generic.go say what is
// computed. R8 points to ·approximation. VMINPS and VMAXPS take x as their last
// Intel operand, which is the one they return where either is NaN.

// EXP_CONSTANTS_Z loads the constants of the macros below.
#define EXP_CONSTANTS_Z \
	LEAQ         ·approximation(SB), R8          \
	VBROADCASTSS approximations_one(R8), Z21     \
	VBROADCASTSS approximations_expC2(R8), Z22   \
	VBROADCASTSS approximations_expC3(R8), Z23   \
	VBROADCASTSS approximations_expC4(R8), Z24   \
	VBROADCASTSS approximations_expC5(R8), Z25   \
	VBROADCASTSS approximations_expC6(R8), Z26   \
	VBROADCASTSS approximations_ln2Lo(R8), Z27   \
	VBROADCASTSS approximations_ln2Hi(R8), Z28   \
	VBROADCASTSS approximations_log2e(R8), Z29   \
	VBROADCASTSS approximations_expLow(R8), Z30  \
	VBROADCASTSS approximations_expHigh(R8), Z31

// EXPM1_Z: n = round(x/ln 2), q = exp(x − n·ln 2) − 1. It clobbers x and t.
#define EXPM1_Z(x, n, q, t) \
	VMULPS       Z29, x, n \
	VRNDSCALEPS  $8, n, n  \
	VFNMADD231PS Z28, n, x \
	VFNMADD231PS Z27, n, x \
	VMOVAPS      Z26, q    \
	VFMADD213PS  Z25, x, q \
	VFMADD213PS  Z24, x, q \
	VFMADD213PS  Z23, x, q \
	VFMADD213PS  Z22, x, q \
	VMULPS       x, x, t   \
	VFMADD213PS  x, t, q

// EXP_Z: x = exp(x). It clobbers n, q and t.
#define EXP_Z(x, n, q, t) \
	VMINPS    x, Z31, x   \
	VMAXPS    x, Z30, x   \
	EXPM1_Z(x, n, q, t)   \
	VADDPS    Z21, q, q   \
	VSCALEFPS n, q, x

// TAIL_CONSTANTS_Z loads the constants of NORMAL_TAIL_Z, besides those of exp.
#define TAIL_CONSTANTS_Z \
	EXP_CONSTANTS_Z \
	VBROADCASTSS approximations_absolute(R8), Z8   \
	VBROADCASTSS approximations_minusHalf(R8), Z9  \
	VBROADCASTSS approximations_tailP0(R8), Z10    \
	VBROADCASTSS approximations_tailP1(R8), Z11    \
	VBROADCASTSS approximations_tailP2(R8), Z12    \
	VBROADCASTSS approximations_tailP3(R8), Z13    \
	VBROADCASTSS approximations_tailP4(R8), Z14    \
	VBROADCASTSS approximations_tailQ1(R8), Z15    \
	VBROADCASTSS approximations_tailQ2(R8), Z16    \
	VBROADCASTSS approximations_tailQ3(R8), Z17    \
	VBROADCASTSS approximations_tailQ4(R8), Z18    \
	VBROADCASTSS approximations_tailQ5(R8), Z19    \
	VBROADCASTSS approximations_tailLimit(R8), Z20

// NORMAL_TAIL_Z: of x in Z0, Z1 = min(|x|, tailLimit), Z2 = exp(−x²/2) and
// Z3 = R(Z1). It clobbers Z4 and Z5.
#define NORMAL_TAIL_Z \
	VMULPS      Z0, Z0, Z2   \
	VMULPS      Z9, Z2, Z2   \
	EXP_Z(Z2, Z3, Z4, Z5)    \
	VANDPS      Z8, Z0, Z1   \
	VMINPS      Z1, Z20, Z1  \
	VMOVAPS     Z14, Z3      \
	VFMADD213PS Z13, Z1, Z3  \
	VFMADD213PS Z12, Z1, Z3  \
	VFMADD213PS Z11, Z1, Z3  \
	VFMADD213PS Z10, Z1, Z3  \
	VMOVAPS     Z19, Z4      \
	VFMADD213PS Z18, Z1, Z4  \
	VFMADD213PS Z17, Z1, Z4  \
	VFMADD213PS Z16, Z1, Z4  \
	VFMADD213PS Z15, Z1, Z4  \
	VFMADD213PS Z21, Z1, Z4  \
	VDIVPS      Z4, Z3, Z3

// EXPM1_Y, EXP_Y and NORMAL_TAIL_Y do the same for eight elements, with the
// constants in memory.
#define EXPM1_Y(x, n, q, t) \
	VMULPS       approximations_log2e(R8), x, n \
	VROUNDPS     $8, n, n                       \
	VFNMADD231PS approximations_ln2Hi(R8), n, x \
	VFNMADD231PS approximations_ln2Lo(R8), n, x \
	VMOVUPS      approximations_expC6(R8), q    \
	VFMADD213PS  approximations_expC5(R8), x, q \
	VFMADD213PS  approximations_expC4(R8), x, q \
	VFMADD213PS  approximations_expC3(R8), x, q \
	VFMADD213PS  approximations_expC2(R8), x, q \
	VMULPS       x, x, t                        \
	VFMADD213PS  x, t, q

// The power of two is multiplied in two steps, n/2 and the rest of n, lest it
// leave the range of exponents.
#define EXP_Y(x, n, q, t) \
	VMOVUPS   approximations_expHigh(R8), t  \
	VMINPS    x, t, x                        \
	VMOVUPS   approximations_expLow(R8), t   \
	VMAXPS    x, t, x                        \
	EXPM1_Y(x, n, q, t)                      \
	VADDPS    approximations_one(R8), q, q   \
	VCVTPS2DQ n, n                           \
	VPSRAD    $1, n, t                       \
	VPSUBD    t, n, n                        \
	VPSLLD    $23, n, n                      \
	VPADDD    approximations_one(R8), n, n   \
	VPSLLD    $23, t, t                      \
	VPADDD    approximations_one(R8), t, t   \
	VMULPS    n, q, q                        \
	VMULPS    t, q, x

#define NORMAL_TAIL_Y \
	VMULPS      Y0, Y0, Y2                           \
	VMULPS      approximations_minusHalf(R8), Y2, Y2 \
	EXP_Y(Y2, Y3, Y4, Y5)                            \
	VANDPS      approximations_absolute(R8), Y0, Y1  \
	VMOVUPS     approximations_tailLimit(R8), Y3     \
	VMINPS      Y1, Y3, Y1                           \
	VMOVUPS     approximations_tailP4(R8), Y3        \
	VFMADD213PS approximations_tailP3(R8), Y1, Y3    \
	VFMADD213PS approximations_tailP2(R8), Y1, Y3    \
	VFMADD213PS approximations_tailP1(R8), Y1, Y3    \
	VFMADD213PS approximations_tailP0(R8), Y1, Y3    \
	VMOVUPS     approximations_tailQ5(R8), Y4        \
	VFMADD213PS approximations_tailQ4(R8), Y1, Y4    \
	VFMADD213PS approximations_tailQ3(R8), Y1, Y4    \
	VFMADD213PS approximations_tailQ2(R8), Y1, Y4    \
	VFMADD213PS approximations_tailQ1(R8), Y1, Y4    \
	VFMADD213PS approximations_one(R8), Y1, Y4       \
	VDIVPS      Y4, Y3, Y3
