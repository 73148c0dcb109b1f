package kernels

import "unsafe"

// A packed B is cut into panels of 32 columns (the last one of 16 where that
// holds what is left), and along the depth into granules of four words of 32
// bits. A word holds as many elements, one below the other in B, as one
// multiplication of the instruction set sums up:
//
//	element        a word is   granule's depth   multiplication
//	int8           4 int8      16                VPDPBUSD
//	int8, widened  2 int16      8                VPMADDWD, VPADDD
//	BF16           2 BF16       8                VDPBF16PS
//	float32        1 float32    4                VFMADD231PS
//
//	granule, in memory:          column 0     1         31
//	  word 0 of each column   [ b00…b30 | b01…b31 | … ]   128 bytes
//	  word 1                  [ b40…b70 | b41…b71 | … ]   (int8: bpj is row p,
//	  word 2                  [ …                     ]    column j of B)
//	  word 3                  [ …                     ]
//
// A granule meets 16 contiguous bytes of each row of A: word w of the row is
// broadcast and multiplied with word w of every column. So one loop serves all
// elements; only its multiplication differs. Missing columns and missing depth
// are zeros.
//
// Where those 16 bytes lie is listed for each panel: a dense panel lists 0, 16,
// 32, …; a block-sparse one lists the places of the blocks it kept, and a panel
// without blocks lists none.

// panelCols is the width of a panel; granuleBytes what a granule takes of a row
// of A, granuleWords what that is in words.
const (
	panelCols    = 32
	granuleBytes = 16
	granuleWords = 4
)

// panelKernel multiplies rows of A with one panel of B:
//
//	for i := range rows {
//		for j := range cols {
//			s := 0, or from[j] if there is one
//			for g, off := range offs {
//				for w := range 4 {
//					s += dot(word at a + i*lda + off + 4*w, word at b + ((g*4+w)*cols + j)*4)
//				}
//			}
//			c[i*ldc+j] = s
//		}
//	}
//
// rows ≥ 1; cols is 32 or 16; lda is in bytes, ldc in elements of four bytes
// (int32 or float32); from, if not nil, is cols of these. offs may be empty. Floats are summed up in this very
// order, one chain of multiply-adds for each element; only AMX sums up the
// upper and the lower BF16 of the words of a tile by themselves. The caller
// vouches that everything named lies in its slice.
type panelKernel func(rows, cols int, a unsafe.Pointer, lda int, offs []int32, b, c unsafe.Pointer, ldc int, from unsafe.Pointer)

// int8Kernel is an implementation of the int8 product. Where widened is not
// set, A is uint8 and a word holds four bytes; where it is, A and B are int16 in
// words of two, extended before. s8, if there is one, takes A as int8; without
// it an A of int8 is offered to u8 with 128 added to each byte.
type int8Kernel struct {
	u8, s8  panelKernel
	widened bool
	align   int // depth of A and B is padded to this many bytes, a multiple of granuleBytes
}

// bf16Kernel is an implementation of the product of BF16. Where expanded is set,
// it is that of float32, and A and B are expanded before.
type bf16Kernel struct {
	fn       panelKernel
	expanded bool
}

// The families of the packed products.
var (
	gemmInt8Family family[int8Kernel]
	gemmPanelF32   family[panelKernel]
	gemmBF16Family family[bf16Kernel]
)
