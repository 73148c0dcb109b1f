package autograd

import (
	"math"
	"testing"
)

// Logits ln 1, ln 2, ln 3 have the softmax 1/6, 2/6, 3/6; ln 1, ln 3 have 1/4,
// 3/4. The second column holds the logarithms of other counts.
func TestTokenCrossEntropyByHand(t *testing.T) {
	ln := func(x ...float64) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = float32(math.Log(v))
		}
		return y
	}
	logits := &Tensor{Rows: 5, Cols: 2, Data: ln(1, 4, 2, 4, 3, 8, 1, 1, 3, 1)} // columns (1 2 3 | 1 3) and (4 4 8 | 1 1)
	offsets := []int{0, 3, 5}
	tests := []struct {
		name   string
		labels []int32 // start and end of both sequences
		want   float64
	}{
		{"all count", []int32{2, 0, 0, 1}, ((math.Log(2)+math.Log(4))/2 + (math.Log(4)+math.Log(2))/2) / 2},
		{"the second start is ignored", []int32{2, 0, -100, 1}, (math.Log(2) + (math.Log(4)+math.Log(2))/2) / 2},
		{"a position of another sequence is ignored", []int32{2, 0, 2, 1}, (math.Log(2) + (math.Log(4)+math.Log(2))/2) / 2},
		{"no start counts", []int32{3, 0, -1, 1}, (math.Log(4) + math.Log(2)) / 2 / 2},
		{"nothing counts", []int32{-100, -100, -100, -100}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tape := NewTape()
			tape.Begin(Inference, 0, 0)
			if got := float64(tape.TokenCrossEntropy(logits, offsets, test.labels).Data[0]); math.Abs(got-test.want) > 1e-6 {
				t.Errorf("found %v, want %v", got, test.want)
			}
		})
	}
}

// Students of equal logits, p_s = ½ or ⅓; teachers with p_t = ¼, ¾ at T = 2 in
// one column of one sequence and the student's elsewhere. The divergence is
// ¼·ln(¼/½) + ¾·ln(¾/½) = ¾·ln 3 − ln 2, of four (two sequences, two columns), times T² = 4.
func TestTokenDistillationByHand(t *testing.T) {
	student := NewTensor(5, 2)
	teacher := NewTensor(5, 2)
	teacher.Data[4*2+1] = float32(2 * math.Log(3)) // last token of the second sequence, end
	tape := NewTape()
	tape.Begin(Inference, 0, 0)
	got := float64(tape.TokenDistillation(student, teacher, []int{0, 3, 5}, 2).Data[0])
	if want := 0.75*math.Log(3) - math.Log(2); math.Abs(got-want) > 1e-6 {
		t.Errorf("found %v, want %v", got, want)
	}
}
