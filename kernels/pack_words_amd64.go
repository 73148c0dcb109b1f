//go:build !noasm && !purego

package kernels

import "unsafe"

// packWordsFast packs columns col … col+7 of src into columns at … at+7 of the
// panel at dst, whose rows of words are so many bytes apart. It returns how many
// of the granules it packed: all, or none where AVX2 does not run or columns are
// missing.
func packWordsFast(src source, col, cols, granules int, dst []byte, at, words int) int {
	if level < AVX2 || cols != packCols {
		return 0
	}
	to, from := unsafe.Pointer(&dst[4*at]), unsafe.Add(src.b, col*src.colStride)
	switch {
	case src.rowStride == src.elem:
		packWordsTransposed(granules, to, words, from, src.colStride)
	case src.elem == 1:
		packWordsBytes(granules*granuleWords, to, words, from, src.rowStride)
	case src.elem == 2:
		packWordsPairs(granules*granuleWords, to, words, from, src.rowStride)
	default:
		packWordsRows(granules*granuleWords, to, words, from, src.rowStride)
	}
	return granules
}

// packPanelFast packs a whole panel of elements of two bytes whose rows lie side by
// side, where AVX-512 runs. The depth is so many whole granules.
func packPanelFast(src source, q *panel, granules int, dst []byte) bool {
	if level < AVX512 || q.cols != panelCols || src.colStride != src.elem || granules == 0 {
		return false
	}
	packPairs32(granules*granuleWords, unsafe.Pointer(&dst[0]), unsafe.Add(src.b, q.col*src.colStride), src.rowStride)
	const granule = 4 * granuleWords * panelCols
	clear(dst[granules*granule : len(q.offs)*granule])
	return true
}

// packPairs32 packs n words of two elements of 32 columns that lie side by side, in
// rows lds bytes apart.
//
//go:noescape
func packPairs32(n int, dst, src unsafe.Pointer, lds int)

// packWordsTransposed packs granules of eight columns that lie in the direction
// of the depth, lds bytes apart: word w of column j is at src + j*lds + 4*w and
// goes to dst + w*words + 4*j.
//
//go:noescape
func packWordsTransposed(granules int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)

// packWordsBytes packs words of four bytes of eight columns that lie side by
// side, in rows lds bytes apart.
//
//go:noescape
func packWordsBytes(n int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)

// packWordsPairs does the same for two elements of two bytes.
//
//go:noescape
func packWordsPairs(n int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)

// packWordsRows does the same for one element of four bytes.
//
//go:noescape
func packWordsRows(n int, dst unsafe.Pointer, words int, src unsafe.Pointer, lds int)
