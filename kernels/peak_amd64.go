//go:build !noasm && !purego

package kernels

// The yardsticks of [Limit] and of the benchmarks: n rounds of independent
// multiply-adds on registers.

// 16 vectors of 16 floats.
//
//go:noescape
func peakFMA512(n int)

// 12 vectors of 8 floats.
//
//go:noescape
func peakFMA256(n int)

// VPDPBUSD: 16 vectors of 64 products of 8 bits.
//
//go:noescape
func peakVNNI512(n int)

// VPMADDWD and VPADDD: 16 vectors of 32 products of 16 bits.
//
//go:noescape
func peakMADD512(n int)

// VPMADDWD and VPADDD: 8 vectors of 16 products of 16 bits.
//
//go:noescape
func peakMADD256(n int)
