package int8

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/kernels"
)

// Blocks that are zero are left out, if they are many enough to pay; the product
// is that of the whole matrix.
func TestBlocks(t *testing.T) {
	const rows, cols, n = 96, 64, 5
	rng := rand.New(rand.NewPCG(1, 2))
	w := make([]int8, rows*cols)
	for r := range rows {
		for c := range cols {
			if r < 32 && c >= 16 && c < 48 || r >= 64 { // 2 of 4 blocks in the first row of blocks, none in the second, all in the third
				w[r*cols+c] = int8(1 + rng.IntN(100))
			}
		}
	}
	b, ok := blocks(rows, cols, w)
	if !ok {
		t.Fatal("found no blocks, want 6 of 12")
	}
	if diff := cmp.Diff([]int32{0, 2, 2, 6}, b.RowPtr); diff != "" {
		t.Errorf("RowPtr: %s", diff)
	}
	if diff := cmp.Diff([]int32{1, 2, 0, 1, 2, 3}, b.ColIdx); diff != "" {
		t.Errorf("ColIdx: %s", diff)
	}
	x := make([]uint8, n*cols)
	for i := range x {
		x[i] = uint8(rng.IntN(256))
	}
	dense, sparse := make([]int32, n*rows), make([]int32, n*rows)
	kernels.GemmInt8(n, x, cols, kernels.PackInt8(kernels.NT, rows, cols, w, cols), dense, rows, nil)
	kernels.GemmInt8(n, x, cols, kernels.PackInt8BSR(b), sparse, rows, nil)
	if diff := cmp.Diff(dense, sparse); diff != "" {
		t.Errorf("products differ: %s", diff)
	}

	for i := range w {
		w[i] = 1
	}
	if _, ok := blocks(rows, cols, w); ok {
		t.Error("found a matrix without zeros in blocks, want it whole")
	}
	if _, ok := blocks(rows-1, cols, w); ok {
		t.Error("found 95 rows in blocks of 32")
	}
}
