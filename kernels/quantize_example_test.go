package kernels_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/kernels"
)

func ExampleQuantize() {
	x := []float32{-1, -0.26, 0, 0.25, 0.75, 9}
	q, y := make([]uint8, 6), make([]float32, 6)
	quantizer := kernels.Quantizer{Scale: 0.5, ZeroPoint: 2}
	kernels.Quantize(1, 6, x, 6, quantizer, q, 6)
	kernels.Dequantize(1, 6, q, 6, quantizer, y, 6)
	fmt.Println(q)
	fmt.Println(y)
	// Output:
	// [0 1 2 2 4 20]
	// [-1 -0.5 0 0 1 9]
}

func ExampleDynamicQuantizeS8() {
	x := []float32{
		1, -2, 0.5, 12.7,
		0.01, -0.02, 0.005, 0.127,
	}
	q, scale := make([]int8, 8), make([]float32, 2)
	kernels.DynamicQuantizeS8(2, 4, x, 4, q, 4, scale)
	fmt.Println(q, scale)
	// Output: [10 -20 5 127 10 -20 5 127] [0.1 0.001]
}

func ExampleSoftmaxInt32Q8() {
	scores := []int32{
		300, 300, 300, 300,
		500, 500, -200, 300,
	}
	mask := []float32{0, 0, 0, -1e9}
	q := make([]uint8, 2*5) // the fifth column only fills up the row
	kernels.SoftmaxInt32Q8(2, 5, 4, scores, 4, 0.01, mask, kernels.Quantizer{Scale: 1. / 255}, q, 5)
	fmt.Println(q[:5])
	fmt.Println(q[5:])
	// Output:
	// [85 85 85 0 0]
	// [127 127 0 0 0]
}

func ExampleLayerNormQ8() {
	x, residual := []float32{1, 2, 3, 4}, []float32{0, 1, 2, 3}
	gamma, beta := []float32{1, 1, 1, 1}, []float32{0, 0, 0, 10}
	y, q := make([]float32, 4), make([]int8, 4)
	kernels.LayerNormQ8(1, 4, x, residual, gamma, beta, 1e-12, y, kernels.Quantizer{Scale: 0.1}, q)
	fmt.Printf("%.3f %v\n", y, q)
	// Output: [-1.342 -0.447 0.447 11.342] [-13 -4 4 113]
}

func ExampleErf() {
	x := []float32{-10, -0.5, 0, 0.5, 1}
	kernels.Erf(x, x)
	fmt.Printf("%.5f\n", x)
	// Output: [-1.00000 -0.52050 0.00000 0.52050 0.84270]
}
