//go:build !amd64 || noasm || purego

package kernels

// Assembly's part of packing: none.

func packRowsFast(dst []float32, ldd int, src []float32, lds, cols, depth int) bool { return false }

func packTransposedFast(dst []float32, ldd int, src []float32, lds, cols, depth int) bool {
	return false
}
