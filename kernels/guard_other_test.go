//go:build !linux

package kernels

import "testing"

// guarded returns n floats; only Linux puts a guard page behind them.
func guarded(t testing.TB, n int) []float32 { return make([]float32, n) }
