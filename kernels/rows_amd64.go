//go:build amd64 && !noasm && !purego

package kernels

// tailMask gives the AVX2 mask of the last n < 8 elements: the eight words from
// word 8−n on.
//
//lint:ignore U1000 the assembly reads it
var tailMask = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}
