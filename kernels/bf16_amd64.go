//go:build !noasm && !purego

package kernels

func init() {
	register(&roundBF16Family, Kernel{Op: "round_bf16", Name: "round_bf16_avx2", ISA: AVX2}, roundBF16AVX2)
	register(&expandBF16Family, Kernel{Op: "expand_bf16", Name: "expand_bf16_avx2", ISA: AVX2}, expandBF16AVX2)
}

// roundBF16AVX2 leaves what does not fill 16 elements to Go.
func roundBF16AVX2(x []float32, y []BF16) {
	n := len(x) &^ 15
	if n > 0 {
		roundBF16Vectors(n/16, &x[0], &y[0])
	}
	roundBF16Generic(x[n:], y[n:])
}

func expandBF16AVX2(x []float32, y []BF16) {
	n := len(x) &^ 7
	if n > 0 {
		expandBF16Vectors(n/8, &x[0], &y[0])
	}
	expandBF16Generic(x[n:], y[n:])
}

// roundBF16Vectors rounds n times 16 elements.
//
//go:noescape
func roundBF16Vectors(n int, x *float32, y *BF16)

// expandBF16Vectors expands n times 8 elements of y.
//
//go:noescape
func expandBF16Vectors(n int, x *float32, y *BF16)
