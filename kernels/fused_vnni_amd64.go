//go:build !noasm && !purego

package kernels

import "unsafe"

// fusedKernel returns the fusedFunc that goes with an int8 kernel for results of
// a kind, of GELU or of no activation, or nil.
func fusedKernel(k Kernel, outKind int, gelu bool) fusedFunc {
	switch {
	case k.ISA != VNNI:
		return nil
	case outKind == outBytes && gelu:
		return fusedGELUVNNI12x32
	case outKind == outBytes:
		return fusedBytesVNNI12x32
	case outKind == outFloat32 && !gelu:
		return fusedFloatsVNNI12x32
	}
	return nil
}

// Each is a [fusedFunc] of tiles of 12 rows.

//go:noescape
func fusedGELUVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)

//go:noescape
func fusedBytesVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)

//go:noescape
func fusedFloatsVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last unsafe.Pointer, rows *[2]fusedRows)
