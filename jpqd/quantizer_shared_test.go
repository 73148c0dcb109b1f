package jpqd

import (
	"context"
	"testing"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// A quantizer that several consumers of a tensor share works once on it in a
// step, and again in the next, which uses the same memory.
func TestSharedQuantizer(t *testing.T) {
	q := newQuantizer(func(q *quantizer) { q.symmetric = true })
	q.scale.Data[0] = 255 // unsigned: steps of 1 from 0 to 255
	q.scale.Grad = make([]float32, 1)
	tape := autograd.NewTape()
	var earlier *autograd.Tensor
	for step, value := range []float32{2.4, 7.4} {
		tape.Begin(autograd.Gradients, 0, 0)
		x, other := tape.New(1, 1), tape.New(1, 1)
		x.Data[0], other.Data[0] = value, 300
		if step == 1 && x != earlier {
			t.Fatal("the tape does not use tensors again: the test is no test")
		}
		earlier = x
		first, second, third := q.apply(tape, x, nil), q.apply(tape, x, nil), q.apply(tape, other, nil)
		if first != second {
			t.Error("found two results for one tensor, want one")
		}
		if want := float32(int(value)); first.Data[0] != want || third.Data[0] != 255 {
			t.Errorf("step %d: found %v and %v, want %v and 255", step, first.Data[0], third.Data[0], want)
		}
		if len(q.applied) != 2 {
			t.Errorf("found %d applications kept, want the step's 2", len(q.applied))
		}
		// Both consumers add to the one result; inside the range dx = dy and
		// d(range) = dy·(y−x)/range, above it 0 and dy.
		q.scale.Gradient()[0] = 0
		first.Gradient()[0] += 3
		second.Gradient()[0] += 2
		third.Gradient()[0] = 10
		q.applied[1].Backward()
		q.applied[0].Backward()
		if x.Gradient()[0] != 5 || other.Gradient()[0] != 0 {
			t.Errorf("step %d: found gradients %v and %v, want 5 and 0", step, x.Gradient()[0], other.Gradient()[0])
		}
		if want := 10 - 5*0.4/255; !near(q.scale.Gradient()[0], float32(want), 1e-5) {
			t.Errorf("step %d: found gradient %v of the scale, want %v", step, q.scale.Gradient()[0], want)
		}
	}
	if n := testing.AllocsPerRun(3, func() {
		tape.Begin(autograd.Inference, 0, 0)
		q.apply(tape, tape.New(1, 1), nil)
	}); n != 0 {
		t.Errorf("found %v allocations in a step, want none", n)
	}
}

// Range initialisation sees the tensor that several operands share once a
// batch: the mean over two batches of their extremes is that of the embedding
// output, whatever the number of consumers.
func TestSharedQuantizerObservesOnce(t *testing.T) {
	cfg, err := ParseNNCFConfig([]byte(`{"algorithm": "quantization", "preset": "mixed", "initializer": {"range": {"num_init_samples": 8, "type": "mean_min_max"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	m := bert.New(tinyConfig(), 1)
	c := mustCompress(t, m, cfg)
	l := m.Layers[0]
	q := l.Query.Input.(operandHook).q
	for _, h := range []bert.OperandHook{l.Key.Input, l.Value.Input, l.AttentionAdd.Hooks[1]} {
		if h.(operandHook).q != q {
			t.Fatal("the consumers of the hidden state have several quantizers, want one")
		}
	}
	if l.Intermediate.Input != l.OutputAdd.Hooks[1] {
		t.Error("the consumers of the attention's output have several quantizers, want one")
	}
	examples := tokenExamples(8, 1)
	if err := c.initRanges(context.Background(), examples, 4); err != nil {
		t.Fatal(err)
	}
	var low, high float32
	plain := bert.New(tinyConfig(), 1)
	tape := autograd.NewTape()
	for i := range 2 {
		var batch bert.Batch
		fillBatch(&batch, examples[i*4:i*4+4])
		tape.Begin(autograd.Inference, 0, 0)
		least, most := extremes(plain.Embed(tape, &batch).Data)
		low, high = low+least/2, high+most/2
	}
	if !near(q.inputLow.Data[0], low, 1e-5) || !near(q.inputSpan.Data[0], high-low, 1e-5) {
		t.Errorf("found low %v, range %v, want %v and %v", q.inputLow.Data[0], q.inputSpan.Data[0], low, high-low)
	}
}

func extremes(x []float32) (least, most float32) {
	least, most = x[0], x[0]
	for _, v := range x {
		least, most = min(least, v), max(most, v)
	}
	return least, most
}
