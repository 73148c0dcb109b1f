//go:build !noasm && !purego

package kernels

// packRowsFast is [packRows] where AVX2 runs, for four columns or more.
func packRowsFast(dst []float32, ldd int, src []float32, lds, cols, depth int) bool {
	if level < AVX2 || cols < 4 {
		return false
	}
	copyRows(depth, cols, &dst[0], ldd, &src[0], lds)
	return true
}

// packTransposedFast is [packTransposed] where AVX2 runs, for blocks of 8×8 or
// more. What does not fill a square of eight at the edges is done by squares
// that overlap their neighbours.
func packTransposedFast(dst []float32, ldd int, src []float32, lds, cols, depth int) bool {
	if level < AVX2 || cols < 8 || depth < 8 {
		return false
	}
	for j := 0; j < cols; j += 8 {
		from := min(j, cols-8)
		transpose8(depth, &dst[from], ldd, &src[from*lds], lds)
	}
	return true
}

// copyRows copies rows of cols ≥ 4 floats: dst[p*ldd+j] = src[p*lds+j].
//
//go:noescape
func copyRows(rows, cols int, dst *float32, ldd int, src *float32, lds int)

// transpose8 copies eight rows of depth ≥ 8 floats into eight columns:
// dst[p*ldd+r] = src[r*lds+p].
//
//go:noescape
func transpose8(depth int, dst *float32, ldd int, src *float32, lds int)
