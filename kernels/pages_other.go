//go:build !linux

package kernels

// preferHugePages does nothing on systems that need no advice or take none.
func preferHugePages([]byte) {}
