package kernels

import (
	"unsafe"
)

// grow returns buf if it holds n floats, else a new buffer of n, aligned to 64
// bytes. What buf held is lost.
func grow(buf []float32, n int) []float32 {
	if len(buf) >= n {
		return buf
	}
	buf = make([]float32, n+15)
	PreferHugePages(buf)
	skip := -int(uintptr(unsafe.Pointer(&buf[0]))/4) & 15
	return buf[skip : skip+n]
}

// packRows copies a block (depth, cols) of src:
//
//	dst[p*ldd+j] = src[p*lds+j]
func packRows(dst []float32, ldd int, src []float32, lds, cols, depth int) {
	if packRowsFast(dst, ldd, src, lds, cols, depth) {
		return
	}
	for p := range depth {
		copy(dst[p*ldd:p*ldd+cols], src[p*lds:])
	}
}

// packTransposed copies a block (cols, depth) of src transposed:
//
//	dst[p*ldd+j] = src[j*lds+p]
func packTransposed(dst []float32, ldd int, src []float32, lds, cols, depth int) {
	if packTransposedFast(dst, ldd, src, lds, cols, depth) {
		return
	}
	for j := range cols {
		for p, x := range src[j*lds : j*lds+depth] {
			dst[p*ldd+j] = x
		}
	}
}
