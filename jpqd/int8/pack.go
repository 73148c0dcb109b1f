package int8

import (
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// Weights are packed once: whole, or as blocks where enough of them are zero.
// Blocks of 32 outputs and 16 inputs are what the kernels skip at full speed.
const (
	blockRows = 32
	blockCols = 16

	// sparseBelow is the density under which blocks are faster. Measured: a
	// block-sparse product of density d takes d + 0.02 to d + 0.04 of the dense
	// one's time (BENCHMARKS.md), so that at 0.95 neither loses.
	sparseBelow = 0.95
)

// packIntegers packs a weight of integers, its zero points being zero.
func packIntegers(m *jpqd.CompressedMatrix) *kernels.PackedInt8 {
	if b, ok := blocks(m.Rows, m.Cols, m.I8); ok {
		return kernels.PackInt8BSR(b)
	}
	return kernels.PackInt8(kernels.NT, m.Rows, m.Cols, m.I8, m.Cols)
}

// packFloats packs a weight of floats, or of integers as the floats they stand for.
func packFloats(m *jpqd.CompressedMatrix) *kernels.PackedF32 {
	w := m.F32
	if w == nil {
		w = make([]float32, len(m.I8))
		for i, v := range m.I8 {
			w[i] = float32(int(v)-m.ZeroPoint(i/m.Cols)) * m.Scale[i/m.Cols]
		}
	}
	if b, ok := blocks(m.Rows, m.Cols, w); ok {
		return kernels.PackF32BSR(b)
	}
	return kernels.PackF32(kernels.NT, m.Rows, m.Cols, w, m.Cols)
}

// blocks cuts a matrix (rows, cols) into blocks and keeps those that are not
// zero; ok says whether that is worth it.
func blocks[T int8 | float32](rows, cols int, w []T) (b kernels.BSR[T], ok bool) {
	if rows%blockRows != 0 || cols%blockCols != 0 {
		return b, false
	}
	b = kernels.BSR[T]{Rows: rows, Cols: cols, BlockRows: blockRows, BlockCols: blockCols, RowPtr: []int32{0}}
	for i := 0; i < rows; i += blockRows {
		for j := 0; j < cols; j += blockCols {
			if alive(w, cols, i, j) {
				b.ColIdx = append(b.ColIdx, int32(j/blockCols))
			}
		}
		b.RowPtr = append(b.RowPtr, int32(len(b.ColIdx)))
	}
	if float64(len(b.ColIdx)*blockRows*blockCols) >= sparseBelow*float64(rows*cols) {
		return b, false
	}
	b.Values = make([]T, 0, len(b.ColIdx)*blockRows*blockCols)
	for i := range rows / blockRows {
		for _, j := range b.ColIdx[b.RowPtr[i]:b.RowPtr[i+1]] {
			for r := i * blockRows; r < (i+1)*blockRows; r++ {
				b.Values = append(b.Values, w[r*cols+int(j)*blockCols:][:blockCols]...)
			}
		}
	}
	return b, true
}

// alive says whether the block at (i, j) has an element that is not zero.
func alive[T int8 | float32](w []T, cols, i, j int) bool {
	for r := i; r < i+blockRows; r++ {
		if slices.ContainsFunc(w[r*cols+j:][:blockCols], func(v T) bool { return v != 0 }) {
			return true
		}
	}
	return false
}
