//go:build !noasm && !purego

package kernels

func init() {
	register(&roundTransposeFamily, Kernel{Op: "round_transpose_bf16", Name: "round_transpose_bf16_avx512", ISA: AVX512}, roundTransposeAVX512)
}

// roundTransposeAVX512 does 16 columns at a time; the last ones overlap those
// before. Less than 16 it leaves to Go.
func roundTransposeAVX512(cols int, x []float32, y, t []BF16, ldt int) {
	if cols < 16 {
		roundTransposeGeneric(cols, x, y, t, ldt)
		return
	}
	for j := 0; j < cols; j += 16 {
		j = min(j, cols-16)
		roundTranspose16(4*cols, &x[j], &y[j], &t[j*ldt], 2*ldt)
	}
}

// roundTranspose16 does 16 columns of 32 rows of x, ldx bytes apart, and of y, half
// as far apart. Rows of t are ldt bytes apart.
//
//go:noescape
func roundTranspose16(ldx int, x *float32, y, t *BF16, ldt int)
