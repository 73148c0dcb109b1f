//go:build !noasm && !purego

package kernels

// prepareFast prepares as many bytes of a row as are whole vectors of 16, and
// returns their number.
func prepareFast(kind preparation, src, dst []byte) int {
	n := len(src) &^ 15
	if level < AVX2 || n == 0 {
		return 0
	}
	switch kind {
	case flipped:
		flipBytes(n/16, &dst[0], &src[0])
	case extended:
		widenUnsigned(n/16, &dst[0], &src[0])
	case signedWide:
		widenSigned(n/16, &dst[0], &src[0])
	}
	return n
}

// subtractRowsFast subtracts x[i] from row i of sums, rows of panelCols.
func subtractRowsFast(rows int, sums, x []int32) bool {
	if level < AVX2 || rows == 0 {
		return false
	}
	subtractRows(rows, &sums[0], &x[0])
	return true
}

// rowSumFast is the sum of as many bytes as are whole vectors of 32.
func rowSumFast(x []byte) (sum int32, done int) {
	done = len(x) &^ 31
	if level < AVX2 || done == 0 {
		return 0, 0
	}
	return sumBytes(done/32, &x[0]), done
}

// Each works on n vectors of 16 bytes.

//go:noescape
func flipBytes(n int, dst, src *byte)

//go:noescape
func widenUnsigned(n int, dst, src *byte)

//go:noescape
func widenSigned(n int, dst, src *byte)

// sumBytes adds up n vectors of 32 unsigned bytes.
//
//go:noescape
func sumBytes(n int, x *byte) int32

// subtractRows subtracts x[i] from the 32 elements of row i.
//
//go:noescape
func subtractRows(rows int, sums, x *int32)
