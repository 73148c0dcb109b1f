//go:build !amd64 || noasm || purego

package kernels

// fusedKernel: pure Go fuses nothing.
func fusedKernel(k Kernel, outKind int, gelu bool) fusedFunc { return nil }
