// Package kernels is the numerical ground of jpqd: matrix products and row
// operations for CPUs in Go assembly and pure Go. It imports nothing else of
// jpqd and may be used for itself.
//
// # Layout
//
// A matrix of r rows and c columns lies row by row in one slice; its leading
// dimension ld ≥ c is the distance between the starts of two rows, so element
// (i, j) is x[i*ld+j].
//
// # Contract
//
// Arguments are checked in Go, in a fixed order, before any assembly runs;
// misuse panics with one of the constant strings of errors.go. Nothing is read
// or written outside the slices given. Calls allocate nothing once the
// package's buffers have grown, and may be made from several goroutines.
//
// Large calls are shared among GOMAXPROCS goroutines ([Parallel]). How the
// work is split never changes the order in which an element is summed up, so
// results do not depend on the number of threads. Quantized results, levels of
// eight bits, are bit-equal on every instruction set. Float results may differ in
// the last bits between instruction sets, unless the operation says otherwise;
// each states its tolerance.
//
// # Instruction sets
//
// Each operation has one implementation per level of the ladder ([ISA]) where
// that pays; the highest one the machine has is used. The environment variable
// JPQD_ISA caps the ladder (generic, avx2, avxvnni, avx512, vnni, amx); the
// build tags noasm and purego leave pure Go. [Selected] tells what really runs.
package kernels
