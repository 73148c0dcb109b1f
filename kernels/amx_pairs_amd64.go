//go:build !noasm && !purego

package kernels

import "unsafe"

// pairScratch holds 32 rows of two pairs of blocks of A, 32 bytes each, and
// what aligning them may cost.
type pairScratch [32*128 + 127]byte

// blocksInPairs tells whether whole tiles of 32 rows are multiplied by two
// blocks at a time: there are two or more, 32 bytes deep, and 32 columns.
func blocksInPairs(rows, cols, run int, offs []int32) bool {
	return run == 2 && cols == 32 && rows >= 32 && len(offs) >= 4
}

// The loop of [panelKernel] for tiles·32 rows and 32 columns in runs of two
// granules, of which there are two or more.

//go:noescape
func gemmInt8AMXPairsU8(tiles int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, cfg *tileConfig, scratch *pairScratch)

//go:noescape
func gemmInt8AMXPairsS8(tiles int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer, cfg *tileConfig, scratch *pairScratch)
