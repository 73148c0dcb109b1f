package autograd_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
)

// One Linear learns to tell two points apart.
func Example() {
	w, b := autograd.NewParam("w", 2, 2), autograd.NewParam("b", 2)
	optimizer := autograd.NewAdamW([]autograd.Group{{Params: []*autograd.Param{w, b}}}, 0.9, 0.999, 1e-8)
	points, labels := []float32{1, 0, 0, 1}, []int32{0, 1}

	tape := autograd.NewTape()
	var loss *autograd.Tensor
	for step := range uint64(100) {
		tape.Begin(autograd.Training, 42, step)
		x := tape.Constant(2, 2, points)
		loss = tape.CrossEntropy(tape.Linear(x, &w.Tensor, &b.Tensor), labels)
		tape.Backward(loss, 1)
		optimizer.Step(0.1, autograd.ClipScale(optimizer.GradNorm(), 1))
		optimizer.ZeroGrad()
	}
	fmt.Println("loss below 0.01:", loss.Data[0] < 0.01)
	// Output: loss below 0.01: true
}
