//go:build !noasm && !purego

package kernels

// The yardsticks of the benchmarks: n rounds of independent multiply-adds on
// registers, 16 vectors of 16 floats and 12 vectors of 8. Nothing else calls them.

//go:noescape
func peakFMA512(n int)

//go:noescape
func peakFMA256(n int)
