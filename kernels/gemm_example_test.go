package kernels_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/kernels"
)

// A linear layer of two inputs and three outputs, on two rows: its weight is
// stored (out, in), as in PyTorch, so the product is NT.
func ExampleGemmF32() {
	x := []float32{
		1, 2,
		3, 4,
	}
	weight := []float32{
		1, 0,
		0, 1,
		1, 1,
	}
	y := make([]float32, 2*3)
	kernels.GemmF32(kernels.NT, 2, 3, 2, x, 2, weight, 2, y, 3, false)
	fmt.Println(y[:3])
	fmt.Println(y[3:])
	// Output:
	// [1 2 3]
	// [3 4 7]
}
