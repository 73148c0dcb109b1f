package jpqd

import (
	"slices"
	"testing"
)

// TestBlocks has a matrix of 40 × 70, so 2 × 3 blocks of which the right and the
// lower ones are cut: 32 × 32, 32 × 32, 32 × 6 above 8 × 32, 8 × 32, 8 × 6.
func TestBlocks(t *testing.T) {
	g := blockGrid{40, 70}
	x := make([]int8, 40*70)
	x[33*70+69], x[31*70+63] = 5, -7 // in block 5, at row 1, column 5; in block 1, at row 31, column 31
	index, values := gather(g, x, func(_ int, v int8) bool { return v == 0 })
	if !slices.Equal(index, []int32{1, 5}) || len(values) != 32*32+8*6 || values[32*32-1] != -7 || values[32*32+6+5] != 5 {
		t.Fatalf("found blocks %v with %d elements", index, len(values))
	}
	y := make([]int8, len(x))
	if scatter(g, y, index, values); !slices.Equal(x, y) {
		t.Error("scatter does not undo gather")
	}
	m := CompressedMatrix{Rows: 40, Cols: 70, I8: x}
	if kept, bytes := m.Blocks(); kept != 2 || bytes != 1072+2*4 {
		t.Errorf("found %d blocks in %d bytes, want 2 in 1080", kept, bytes)
	}
	// 2800 bytes against 1072 of values and 8 of indices.
	if !g.worthwhile(2, 1072, 1, 160) {
		t.Error("blocks of two fifths of the bytes are not worth it")
	}
	// 2450 is seven eighths of 2800.
	if g.worthwhile(1, 2447, 1, 160) {
		t.Error("blocks of 2451 bytes in place of 2800 are worth it")
	}
}
