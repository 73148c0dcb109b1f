//go:build !linux

package kernels

// adviseHugePages does nothing on systems that need no advice or take none.
func adviseHugePages(uintptr, int, bool) {}
