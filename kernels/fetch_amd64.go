//go:build !noasm && !purego

package kernels

import "unsafe"

// fetchColumns asks the caches for 32 numbers at each of three places.
//
//go:noescape
func fetchColumns(a, b, c unsafe.Pointer)
