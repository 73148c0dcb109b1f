//go:build !noasm && !purego

package kernels

// peakBF16 is n rounds of independent VDPBF16PS on registers, 16 vectors of 16
// floats; the yardstick of the products of BF16.
//
//go:noescape
func peakBF16(n int)
