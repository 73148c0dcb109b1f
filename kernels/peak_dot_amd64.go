//go:build !noasm && !purego

package kernels

// The yardsticks of the products of BF16 and, without AVX-512, of int8: n
// rounds of independent multiplications on registers, 16 VDPBF16PS of 16 floats
// or 12 VPDPBUSD of 8 int32. Nothing but [Limit] and benchmarks calls them.

//go:noescape
func peakBF16(n int)

//go:noescape
func peakInt8VEX(n int)
