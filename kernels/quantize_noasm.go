//go:build !amd64 || noasm || purego

package kernels

// quantizeRowsFast does nothing: there is no assembly.
func quantizeRowsFast(p quantizeParams, rows, cols int, x []float32, ldx int, q []byte, ldq int) bool {
	return false
}
