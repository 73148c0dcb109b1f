//go:build !noasm && !purego

package kernels

import "unsafe"

// fusedKernel returns the fusedFunc that goes with an int8 kernel, or nil.
func fusedKernel(k Kernel) fusedFunc {
	if k.ISA == VNNI {
		return gemmGELUVNNI12x32
	}
	return nil
}

// gemmGELUVNNI12x32 is a [fusedFunc] of tiles of 12 rows.
//
//go:noescape
func gemmGELUVNNI12x32(tiles int, a unsafe.Pointer, lda int, offs []int32, b, sums, from unsafe.Pointer, e *fusedEpilogue, last, out unsafe.Pointer, ldout int)
