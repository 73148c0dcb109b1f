//go:build !amd64 || noasm || purego

package kernels

// packWordsFast packs nothing: there is no assembly.
func packWordsFast(src source, col, cols, granules int, dst []byte, at, words int) int { return 0 }
