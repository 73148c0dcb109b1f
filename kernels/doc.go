// Package kernels is the numerical ground of jpqd: matrix products in int8,
// float32 and BF16, dense and block-sparse, and row operations, for CPUs in Go
// assembly and pure Go. It imports nothing else of jpqd and may be used for
// itself; besides the standard library it needs github.com/klauspost/cpuid/v2.
//
// # What is here
//
//	products with packed weights   [GemmInt8], [GemmPackedF32], [GemmPackedBF16]: B is packed once
//	                               ([PackInt8], [PackInt8BSR], …), an [Epilogue] finishes each tile
//	products of attention          [GemmInt8Batch]: many small ones, B packed on the way
//	products of training           [GemmF32], [GemmBF16]: NN, NT and TN, nothing packed before
//	bytes                          [Quantize], [Dequantize], [SoftmaxQ8], [LayerNormQ8], [GELUQ8], …
//	float32                        [Softmax], [LayerNorm], [GELU], [Exp], [Erf], [AdamW], …
//
// # Layout
//
// A matrix of r rows and c columns lies row by row in one slice; its leading
// dimension ld ≥ c is the distance between the starts of two rows, so element
// (i, j) is x[i*ld+j].
//
// A packed B (k, n) is cut into panels of 32 columns, and along the depth into
// granules, 16 bytes of a row of A each:
//
//	          B                          a granule of int8: 16 × 32
//	    n = 80 columns                     column 0     1           31
//	  ┌──────┬──────┬───┐      word 0    [ b0 b1 b2 b3 | b0 b1 b2 b3 | … ]  128 bytes
//	  │ panel│ panel│   │      word 1    [ b4 b5 b6 b7 | …                ]
//	k │   0  │   1  │ 2 │      word 2    [ …                              ]
//	  │      │      │   │      word 3    [ …             b15             ]
//	  └──────┴──────┴───┘
//	     32     32    16      a row of A  [ a0 a1 a2 a3 | a4 … | … | … a15 ]
//
// A word is 32 bits: four int8, two BF16 or one float32, one below the other in
// B. The kernel broadcasts word w of each row of A and multiplies it with word w
// of every column: one instruction for 16 columns, VPDPBUSD, VDPBF16PS or
// VFMADD231PS. So one loop, 12 rows by 32 columns in AVX-512, serves all
// elements, and AMX reads the same panels as tiles.
//
// A block-sparse B ([BSR]) is the same with a list for each panel of where its
// granules lie in a row of A:
//
//	weight (out, in), 32×32 blocks            panel 0: granules at  0 16   64 80
//	    in →                                  panel 1: granules at  32 48
//	    ┌────┬────┬────┬────┐                 panel 2: none
//	out │ ██ │    │ ██ │    │  panel 0
//	 ↓  │    │ ██ │    │    │  panel 1        time is in proportion to the blocks
//	    │    │    │    │    │  panel 2        kept; an empty row of blocks costs
//	    └────┴────┴────┴────┘                 what its epilogue writes
//
// # Contract
//
// Arguments are checked in Go, in a fixed order, before any assembly runs;
// misuse panics with one of the constant strings of errors.go. Nothing is read
// or written outside the slices given. Calls allocate nothing once the
// package's buffers have grown, and may be made from several goroutines. Packed
// values are read only after they are made.
//
// Large calls are shared among GOMAXPROCS goroutines ([Parallel]). How the
// work is split never changes the order in which an element is summed up, so
// results do not depend on the number of threads.
//
// Integer results are the same bits on every CPU: sums are exact, nothing
// saturates, and what makes bytes of them is one fixed sequence of IEEE
// operations at every level, pure Go included. Float results may differ in the
// last bits between instruction sets unless an operation promises otherwise;
// each states its tolerance.
//
// # Instruction sets
//
// Each operation has one implementation per level of the ladder ([ISA]) where
// that pays; the highest one the machine has is used. The environment variable
// JPQD_ISA caps the ladder (generic, avx2, avxvnni, avx512, vnni, amx); the
// build tags noasm and purego leave pure Go. [Selected] tells what really runs,
// [Missing] why a level does not. A packed value keeps the kernel it was packed
// for.
//
//	op               generic  avx2   avxvnni  avx512  vnni    amx
//	gemm_int8        1×4      6×16   6×16     12×32   12×32   32×32
//	gemm_packed_f32  1×4      6×16            12×32
//	gemm_bf16        1×4      6×16            12×32   12×32   32×32
//	gemm_f32         4×4      6×16            8×48
//	row operations   yes      yes             yes
//
// # Stability
//
// The package follows semantic versioning with the module. Within a major
// version the exported names and what their documentation promises stay: shapes,
// rounding, tolerances, the panics, equality of bits where it is stated. What
// may change in any version is speed, the kernels that [Registry] lists, the
// bits of float results within their tolerance, and the packed layout: it has no
// form on disk, so keep the weights and pack them anew.
package kernels
