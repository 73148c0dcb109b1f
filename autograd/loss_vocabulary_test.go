package autograd

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// bertVocabulary is the number of words of bert-base-uncased.
const bertVocabulary = 30522

// vocabularyLogits are normal logits and labels of a vocabulary of BERT's size.
func vocabularyLogits(rows int) (*Tensor, []int32) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := NewTensor(rows, bertVocabulary)
	x.Grad = make([]float32, len(x.Data))
	for i := range x.Data {
		x.Data[i] = float32(4 * rng.NormFloat64())
	}
	labels := make([]int32, rows)
	for i := range labels {
		labels[i] = rng.Int32N(bertVocabulary)
	}
	return x, labels
}

func TestVocabularyCrossEntropyIsCrossEntropy(t *testing.T) {
	x, labels := vocabularyLogits(37)
	x.Row(5)[7] = 300 // the label's probability underflows, its loss does not
	compute := func(unset bool, loss func(*Tape) *Tensor) (float64, []float32) {
		clear(x.Grad)
		x.unset = unset
		tape := NewTape()
		tape.Begin(Gradients, 0, 0)
		l := loss(tape)
		tape.Backward(l, 0.5)
		return float64(l.Data[0]), slices.Clone(x.Grad)
	}
	want, wantGrad := compute(false, func(t *Tape) *Tensor { return t.CrossEntropy(x, labels) })
	for _, unset := range []bool{false, true} { // gradients are added to zeros, or written over anything
		got, grad := compute(unset, func(t *Tape) *Tensor { return t.VocabularyCrossEntropy(x, labels) })
		if math.Abs(got-want) > 1e-6*want {
			t.Errorf("loss %v, want %v", got, want)
		}
		worst := 0.0
		for i, g := range grad {
			worst = max(worst, math.Abs(float64(g-wantGrad[i])))
		}
		if worst > 1e-5/37 {
			t.Errorf("gradients differ by %g", worst)
		}
	}
}

func TestVocabularyCrossEntropyOfNoRows(t *testing.T) {
	tape := NewTape()
	tape.Begin(Gradients, 0, 0)
	x := tape.New(0, 9)
	loss := tape.VocabularyCrossEntropy(x, nil)
	if tape.Backward(loss, 1); loss.Data[0] != 0 {
		t.Errorf("loss %v, want 0", loss.Data[0])
	}
}

// The result is that of one thread, and a step allocates nothing.
func TestVocabularyCrossEntropyThreadsAndMemory(t *testing.T) {
	x, labels := vocabularyLogits(50)
	tape := NewTape()
	var loss float32
	step := func() {
		x.unset = true
		tape.Begin(Gradients, 0, 0)
		l := tape.VocabularyCrossEntropy(x, labels)
		tape.Backward(l, 1)
		loss = l.Data[0]
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	step()
	first, grad := loss, slices.Clone(x.Grad)
	for _, threads := range []int{2, 4} {
		runtime.GOMAXPROCS(threads)
		if step(); loss != first || !slices.Equal(grad, x.Grad) {
			t.Errorf("%d threads: the result differs from that of one", threads)
		}
	}
	if n := testing.AllocsPerRun(5, step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}

// One batch of masked language modelling: 15% of 32 sequences of 128 tokens.
func BenchmarkVocabularyCrossEntropy(b *testing.B) {
	x, labels := vocabularyLogits(614)
	tape := NewTape()
	for b.Loop() {
		x.unset = true
		tape.Begin(Gradients, 0, 0)
		tape.Backward(tape.VocabularyCrossEntropy(x, labels), 1)
	}
	b.ReportMetric(float64(b.N)*614/b.Elapsed().Seconds(), "rows/s")
}
