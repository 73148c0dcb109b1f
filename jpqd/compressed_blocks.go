package jpqd

import (
	"fmt"
	"math"
)

// Blocks of a matrix in a file: blockSide × blockSide elements, less at the right
// and the lower edge. Block i·⌈cols/blockSide⌉ + j has the rows from i·blockSide
// and the columns from j·blockSide.
const (
	blockSide = 32

	// maxExpansion bounds how many elements a matrix stored as blocks may have for
	// each byte that its tensors take, so that a small file cannot fill the memory.
	maxExpansion = 512
)

// blockGrid says where the blocks of a matrix lie.
type blockGrid struct{ rows, cols int }

func (g blockGrid) across() int { return (g.cols + blockSide - 1) / blockSide }
func (g blockGrid) count() int  { return (g.rows + blockSide - 1) / blockSide * g.across() }

// bounds are the rows and columns of a block.
func (g blockGrid) bounds(block int) (row, rowEnd, col, colEnd int) {
	row, col = block/g.across()*blockSide, block%g.across()*blockSide
	return row, min(row+blockSide, g.rows), col, min(col+blockSide, g.cols)
}

// gather lists the blocks that hold an element other than zero(row), and their
// elements, block by block in row order.
func gather[T comparable](g blockGrid, x []T, zero func(row int, v T) bool) (index []int32, values []T) {
	index, values = []int32{}, []T{}
	for b := range g.count() {
		row, rowEnd, col, colEnd := g.bounds(b)
		kept := false
		for r := row; r < rowEnd && !kept; r++ {
			for _, v := range x[r*g.cols+col : r*g.cols+colEnd] {
				if !zero(r, v) {
					kept = true
					break
				}
			}
		}
		if !kept {
			continue
		}
		index = append(index, int32(b))
		for r := row; r < rowEnd; r++ {
			values = append(values, x[r*g.cols+col:r*g.cols+colEnd]...)
		}
	}
	return index, values
}

// scatter undoes gather: x holds the zeros already.
func scatter[T any](g blockGrid, x []T, index []int32, values []T) {
	for _, b := range index {
		row, rowEnd, col, colEnd := g.bounds(int(b))
		for r := row; r < rowEnd; r++ {
			values = values[copy(x[r*g.cols+col:r*g.cols+colEnd], values):]
		}
	}
}

// check wants blocks of the grid in ascending order, as many elements as they
// have, and not too large a matrix for what is stored of it.
func (g blockGrid) check(name string, index []int32, values, stored int) error {
	if g.cols > 0 && g.rows > maxExpansion*stored/g.cols {
		return fmt.Errorf("tensor %q: found %d blocks for a matrix of %d × %d, want at most %d elements for each of the %d bytes stored", name+blockIndexSuffix, len(index), g.rows, g.cols, maxExpansion, stored)
	}
	want := 0
	for i, b := range index {
		least := 0
		if i > 0 {
			least = int(index[i-1]) + 1
		}
		if int(b) < least || int(b) >= g.count() {
			return fmt.Errorf("tensor %q: element %d: found block %d, want %d to %d", name+blockIndexSuffix, i, b, least, g.count()-1)
		}
		row, rowEnd, col, colEnd := g.bounds(int(b))
		want += (rowEnd - row) * (colEnd - col)
	}
	if values != want {
		return fmt.Errorf("tensor %q: found %d elements, want %d in %d blocks of a matrix of %d × %d", name+blocksSuffix, values, want, len(index), g.rows, g.cols)
	}
	return nil
}

// worthwhile says whether blocks take an eighth less than all elements, of size
// bytes each, and may be read again; beside are the bytes of scales and the like.
func (g blockGrid) worthwhile(blocks, values, size, beside int) bool {
	stored := 4*blocks + size*values
	all := size * g.rows * g.cols
	return all > 0 && stored <= all-all/8 && g.rows <= maxExpansion*(stored+beside)/max(1, g.cols) && g.count() <= math.MaxInt32
}

// blocks are the blocks of a matrix that hold anything but zeros, and their
// elements, floats or integers.
func (m *CompressedMatrix) blocks() (index []int32, floats []float32, integers []int8) {
	g := blockGrid{m.Rows, m.Cols}
	if m.I8 == nil {
		index, floats = gather(g, m.F32, func(_ int, v float32) bool { return math.Float32bits(v) == 0 }) // −0 is kept
		return index, floats, nil
	}
	index, integers = gather(g, m.I8, func(row int, v int8) bool { return int(v) == m.ZeroPoint(row) })
	return index, nil, integers
}

// Blocks is how many of the matrix's 32×32 blocks hold anything but zeros, and
// how many bytes [Compressed.Save] stores for it, scales and zero points included.
func (m *CompressedMatrix) Blocks() (kept, bytes int) {
	index, floats, integers := m.blocks()
	g, size, beside := blockGrid{m.Rows, m.Cols}, m.elementSize(), 4*len(m.Scale)+len(m.Zero)
	values := len(floats) + len(integers)
	if g.worthwhile(len(index), values, size, beside) {
		return len(index), 4*len(index) + size*values + beside
	}
	return len(index), size*m.Rows*m.Cols + beside
}

func (m *CompressedMatrix) elementSize() int {
	if m.I8 == nil {
		return 4
	}
	return 1
}
