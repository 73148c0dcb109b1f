//go:build !linux && !noasm && !purego

package kernels

// detectAMX: the permission is asked for by Linux's arch_prctl alone.
func detectAMX() string { return "AMX is used on Linux alone" }
