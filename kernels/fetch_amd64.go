//go:build !noasm && !purego

package kernels

import "unsafe"

// fetchColumns asks the caches for 32 numbers at each of three places; nil is none.
//
//go:noescape
func fetchColumns(a, b, c unsafe.Pointer)
