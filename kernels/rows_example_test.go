package kernels_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/kernels"
)

func ExampleSoftmax() {
	x := []float32{
		0, 0, 0, 0,
		1, 1, -1e9, -1e9, // the last two are masked out
	}
	kernels.Softmax(2, 4, x, 4, x, 4)
	fmt.Println(x[:4])
	fmt.Println(x[4:])
	// Output:
	// [0.25 0.25 0.25 0.25]
	// [0.5 0.5 0 0]
}

func ExampleLayerNorm() {
	x := []float32{1, 3, 5, 7}
	gamma, beta := []float32{1, 1, 1, 1}, []float32{0, 0, 0, 10}
	y, mean, rstd := make([]float32, 4), make([]float32, 1), make([]float32, 1)
	kernels.LayerNorm(1, 4, x, gamma, beta, 1e-12, y, mean, rstd)
	fmt.Printf("%.3f %v\n", y, mean)
	// Output: [-1.342 -0.447 0.447 11.342] [4]
}

func ExampleGELU() {
	x := []float32{-10, -1, 0, 1, 10}
	kernels.GELU(x, x)
	fmt.Printf("%.4f\n", x)
	// Output: [-0.0000 -0.1587 0.0000 0.8413 10.0000]
}

func ExampleFakeQuantize() {
	x := []float32{-2, -0.3, 0, 0.3, 2}
	low, span := []float32{-1}, []float32{2}
	kernels.FakeQuantize(1, 5, x, low, span, 5, x) // levels −1, −½, 0, ½ and 1
	fmt.Println(x)
	// Output: [-1 -0.5 0 0.5 1]
}

func ExampleAdamW() {
	p, g := []float32{1, 1}, []float32{0.1, -20}
	m, v := make([]float32, 2), make([]float32, 2)
	s := kernels.AdamWStep{LR: 0.01, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, GradScale: 1}
	for s.Step = 1; s.Step <= 3; s.Step++ {
		kernels.AdamW(s, p, g, m, v)
	}
	fmt.Printf("%.2f\n", p)
	// Output: [0.97 1.03]
}

func ExampleDropout() {
	x := []float32{1, 1, 1, 1, 1, 1, 1, 1}
	y := make([]float32, len(x))
	kernels.Dropout(1, 2, 0.5, x, y)
	fmt.Println(y)
	// Output: [2 2 0 0 2 2 0 2]
}
