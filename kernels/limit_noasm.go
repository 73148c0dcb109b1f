//go:build !amd64 || noasm || purego

package kernels

// Limit is what the machine's multipliers reach at most for products of op, in
// billions of operations a second; 0 where it is not known, as here.
func Limit(op string) float64 { return 0 }
