package autograd

// Segment is a part of a model that can be run twice: with the same input it
// computes the same, dropout included. The value should be a pointer that
// outlives the step, so that recording it allocates nothing.
type Segment interface {
	// Forward gets x and returns a tensor that it makes on the tape.
	Forward(t *Tape, x *Tensor) *Tensor
}

// Checkpoint is s.Forward(t, x), of which nothing but the result is kept: where
// the tape records, the backward half runs it once more (Chen et al. 2016).
// Parameters that s reads must not change before.
func (t *Tape) Checkpoint(s Segment, x *Tensor) *Tensor {
	streams, at, recording := t.streams, t.mark(), t.recording
	t.recording = false
	y := s.Forward(t, x)
	t.recording = recording
	rows, cols, data := y.Rows, y.Cols, y.Data
	t.release(at)
	// The result moves to where its segment's memory began, which it may overlap.
	out := t.New(rows, cols)
	copy(out.Data, data)
	return t.record(out, node{backward: checkpointBackward, in: [3]*Tensor{x}, segment: s, stream: streams})
}

// checkpointBackward records the segment and goes back through it at once.
func checkpointBackward(t *Tape, n *node) {
	s, x, out := n.segment, n.in[0], n.out
	streams, at, first := t.streams, t.mark(), len(t.nodes)
	t.streams = n.stream
	y := s.Forward(t, x) // n may have moved from here on
	if y.wanted && y != x {
		y.Grad, out.Grad = out.Grad, nil
		t.backpropagate(first)
	}
	clear(t.nodes[first:])
	t.nodes = t.nodes[:first]
	t.streams = streams
	t.release(at)
}

// mark is how much of a tape's memory is in use.
type mark struct {
	floats, halves arenaMark
	tensors        int
}

func (t *Tape) mark() mark { return mark{t.floats.mark(), t.halves.mark(), t.tensors.n} }

// release takes back what was made since the mark.
func (t *Tape) release(m mark) {
	t.floats.release(m.floats)
	t.halves.release(m.halves)
	t.tensors.n = m.tensors
	t.begun++
	t.pass = passes.Add(1) // what was rounded since, of older tensors too, is gone
}
