package kernels_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/kernels"
)

// A linear layer of bytes: the weight is packed once, the sums are exact.
func ExampleGemmInt8() {
	weight := []int8{ // (out, in) = (3, 4)
		1, 2, 3, 4,
		-1, -1, -1, -1,
		127, 0, 0, -128,
	}
	w := kernels.PackInt8(kernels.NT, 3, 4, weight, 4)
	x := []uint8{ // two rows of 4
		1, 1, 1, 1,
		255, 0, 0, 255,
	}
	y := make([]int32, 2*3)
	kernels.GemmInt8(2, x, 4, w, y, 3, nil)
	fmt.Println(y)
	// Output: [10 -4 -1 1275 -510 -255]
}

// The layer of a quantized network in one pass: x stands for (x − 128)·0.5, the
// weights for w·0.25 and w·0.125; the bias is added, GELU applied, and the
// result becomes bytes again, steps of 0.1 from 10 on.
func ExampleEpilogue() {
	w := kernels.PackInt8(kernels.NT, 2, 2, []int8{1, 2, 3, -4}, 2)
	x := []uint8{130, 128, 128, 136}
	e := &kernels.Epilogue{
		ZeroA:      128,
		Scale:      []float32{0.5 * 0.25, 0.5 * 0.125}, // of the sums in each column
		Bias:       []float32{1, -1},
		Activation: kernels.ActGELU,
		Quantizer:  kernels.Quantizer{Scale: 0.1, ZeroPoint: 10},
	}
	y := make([]uint8, 2*2)
	kernels.GemmInt8(2, x, 2, w, y, 2, e)
	fmt.Println(y)
	// Output: [21 8 40 10]
}

// A pruned weight of which two blocks of 32×32 are left: one row of blocks has
// none and costs nothing but its zeros.
func ExamplePackInt8BSR() {
	const side = 32
	ones := make([]int8, 2*side*side)
	for i := range ones {
		ones[i] = 1
	}
	w := kernels.PackInt8BSR(kernels.BSR[int8]{
		Rows: 3 * side, Cols: 4 * side, BlockRows: side, BlockCols: side,
		RowPtr: []int32{0, 1, 1, 2}, // the first and the third row of blocks have one each
		ColIdx: []int32{0, 3},       // in the first and in the last column of blocks
		Values: ones,
	})
	x := make([]uint8, 4*side)
	for i := range x {
		x[i] = uint8(i / side) // 0, 1, 2, 3 by column of blocks
	}
	y := make([]int32, 3*side)
	kernels.GemmInt8(1, x, len(x), w, y, len(y), nil)
	fmt.Printf("density %.3f: %d %d %d\n", w.Density(), y[0], y[side], y[2*side])
	// Output: density 0.167: 0 0 96
}

// The scores of two heads of attention, whose queries and keys lie side by side.
func ExampleGemmInt8Batch() {
	const tokens, heads, headDim = 2, 2, 2
	queries := []int8{ // tokens × (heads · headDim)
		1, 0, 0, 2,
		0, 1, 3, 0,
	}
	keys := []int8{
		5, 6, 7, 8,
		1, 2, 3, 4,
	}
	batch := kernels.Batch{
		Outer: 1, Inner: heads,
		A: [2]int{0, headDim}, B: [2]int{0, headDim}, C: [2]int{0, tokens * tokens},
	}
	scores := make([]int32, heads*tokens*tokens)
	kernels.GemmInt8Batch(batch, kernels.NT, tokens, tokens, headDim,
		queries, heads*headDim, keys, heads*headDim, scores, tokens, nil)
	fmt.Println(scores)
	// Output: [5 1 6 2 16 8 21 9]
}

// Float32 with the same epilogues.
func ExampleGemmPackedF32() {
	w := kernels.PackF32(kernels.NT, 2, 3, []float32{1, 0, -1, 0.5, 0.5, 0.5}, 3)
	y := make([]float32, 2)
	kernels.GemmPackedF32(1, []float32{1, 2, 3}, 3, w, y, 2, &kernels.Epilogue{
		Bias: []float32{0.5, 0}, Activation: kernels.ActReLU,
	})
	fmt.Println(y)
	// Output: [0 3]
}

// Mixed precision: numbers are rounded to BF16, products summed up in float32.
func ExampleGemmBF16() {
	x, w := make([]kernels.BF16, 3), make([]kernels.BF16, 3)
	kernels.RoundBF16([]float32{1, 2, 3}, x)
	kernels.RoundBF16([]float32{0.5, 0.25, 1.0078125}, w)
	y := make([]float32, 1)
	kernels.GemmBF16(kernels.NT, 1, 1, 3, x, 3, w, 3, y, 1, false)
	fmt.Println(y)
	// Output: [4.0234375]
}
