//go:build !linux

package kernels

import "testing"

// guarded returns n elements; only Linux puts a guard page behind them.
func guarded[T any](t testing.TB, n int) []T { return make([]T, n) }
