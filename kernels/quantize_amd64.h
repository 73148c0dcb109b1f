// The last step of every operation that writes levels of eight bits;
// quantize_generic.go says what is computed.

// QUANTIZE_Z: the sixteen numbers z become levels in 32 bits. Z20 is their
// factor, Z19 and Z18 the lowest and highest level less the zero point, Z17 the
// zero point. VMAXPS returns its last Intel operand where z is NaN: the lowest.
#define QUANTIZE_Z(z) \
	VMULPS    Z20, z, z \
	VMAXPS    Z19, z, z \
	VMINPS    Z18, z, z \
	VCVTPS2DQ z, z      \
	VPADDD    Z17, z, z

// QUANTIZE_Y: the eight numbers y, x their low half, become levels in the low
// eight bytes of x. Y14 is their factor, Y13 and Y12 the lowest and highest level
// less the zero point, Y11 the zero point, X10 eight words of 255. Packing with
// either saturation would suit but one of the types; the low bytes suit both.
#define QUANTIZE_Y(y, x, tx) \
	VMULPS       Y14, y, y    \
	VMAXPS       Y13, y, y    \
	VMINPS       Y12, y, y    \
	VCVTPS2DQ    y, y         \
	VPADDD       Y11, y, y    \
	VEXTRACTI128 $1, y, tx    \
	VPACKSSDW    tx, x, x     \
	VPAND        X10, x, x    \
	VPACKUSWB    x, x, x

// WORDS_255 puts eight words of 255 in X10.
#define WORDS_255 \
	VPCMPEQW X10, X10, X10 \
	VPSRLW   $8, X10, X10

// STORE_BYTES stores the low R10 < 8 bytes of x at (DI) and moves DI behind
// them. It clobbers AX and R10.
#define STORE_BYTES(x, label) \
	VMOVQ x, AX    \
label:             \
	MOVB  AX, (DI) \
	SHRQ  $8, AX   \
	INCQ  DI       \
	DECQ  R10      \
	JNZ   label
