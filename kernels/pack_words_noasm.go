//go:build !amd64 || noasm || purego

package kernels

// packPanelFast packs nothing: there is no assembly.
func packPanelFast(src source, q *panel, granules int, dst []byte) bool { return false }

// packWordsFast packs nothing: there is no assembly.
func packWordsFast(src source, col, cols, granules int, dst []byte, at, words int) int { return 0 }
