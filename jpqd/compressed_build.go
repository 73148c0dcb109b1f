package jpqd

import (
	"errors"
	"slices"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// Compressed is the model as it is to be deployed: heads and neurons that can
// contribute nothing are gone, weights are in 8 bits where they are quantized.
// It computes what the masked and fake-quantized model computes.
func (t *Trainer) Compressed() (*Compressed, error) {
	if t.Model.Masked != nil {
		return nil, errMaskedLM
	}
	if err := t.attach(); err != nil {
		return nil, err
	}
	return compress(t.Model), nil
}

var errMaskedLM = errors.New("found a model of masked language modelling, want one that classifies or answers questions: fine-tune it first")

// compress reads the weights of a model and what its hooks do to operands.
func compress(m *bert.Model) *Compressed {
	c := &Compressed{
		Config: m.Config, Embeddings: compressEmbeddings(m), Logits: hookRange(m.Logits.Hooks[0]),
	}
	for _, l := range m.Layers {
		c.Layers = append(c.Layers, compressLayer(l, m.Config.HeadDim()))
	}
	var pooled []int // nil: all of the classifier's columns
	if m.Pooler != nil {
		if pooled = alive(m.Pooler, m.Classifier, 1); len(pooled) == 0 {
			pooled = []int{0} // the classifier wants an input
		}
		c.Pooler = compressLinear(m.Pooler, pooled, nil)
	}
	c.Classifier = compressLinear(m.Classifier, nil, pooled)
	return c
}

func compressEmbeddings(m *bert.Model) CompressedEmbeddings {
	positions := expand([]int{0}, m.Position.Weight.Rows)[m.Config.PositionOffset():]
	e := CompressedEmbeddings{
		Word: compressTable(m.Word), Position: compressTable(m.Position).slice(positions, nil),
		AddInputs: operandRanges(m.SumPositions), Norm: compressNorm(m.EmbeddingNorm),
	}
	if m.TokenType != nil {
		e.TokenType, e.AddTypes = compressTable(m.TokenType), operandRanges(m.SumTypes)
	}
	return e
}

func compressLayer(l *bert.Layer, headDim int) CompressedLayer {
	heads := alive(l.Value, l.AttentionOutput, headDim)
	neurons := alive(l.Intermediate, l.Output, 1)
	wide := expand(heads, headDim)
	scores, context := operandRanges(l.Scores), operandRanges(l.Context)
	return CompressedLayer{
		Heads: heads, Neurons: neurons,
		Query: compressLinear(l.Query, wide, nil), Key: compressLinear(l.Key, wide, nil), Value: compressLinear(l.Value, wide, nil),
		QueryOut: scores[0], KeyOut: scores[1], ProbsOut: context[0], ValueOut: context[1],
		ScaleIn: hookRange(l.Scale.Hooks[0]), ScoresIn: hookRange(l.MaskAdd.Hooks[0]),
		Output: compressLinear(l.AttentionOutput, nil, wide), AttentionAdd: operandRanges(l.AttentionAdd), AttentionNorm: compressNorm(l.AttentionNorm),
		FFNIn: compressLinear(l.Intermediate, neurons, nil), FFNOut: compressLinear(l.Output, nil, neurons),
		OutputAdd: operandRanges(l.OutputAdd), OutputNorm: compressNorm(l.OutputNorm),
	}
}

// alive lists the units, of size rows or columns each, that may contribute: the
// producer's rows or biases are not all zero, nor the consumer's columns. What
// a dead unit carries is zero on the way from producer to consumer: softmax
// weights zero values, GELU, tanh and ReLU of 0 are 0, and quantizers map zero
// to zero.
func alive(producer, consumer *bert.Linear, size int) []int {
	w, bias := masked(producer)
	v, _ := masked(consumer)
	cols, width := producer.Weight.Cols, consumer.Weight.Cols
	kept := []int{}
	for u := range producer.Weight.Rows / size {
		first, end := u*size, (u+1)*size
		produces := anyNonZero(w[first*cols:end*cols]) || anyNonZero(bias[first:end])
		consumed := false
		for r := 0; r < consumer.Weight.Rows && !consumed; r++ {
			consumed = anyNonZero(v[r*width+first : r*width+end])
		}
		if produces && consumed {
			kept = append(kept, u)
		}
	}
	return kept
}

func anyNonZero(x []float32) bool {
	return slices.ContainsFunc(x, func(v float32) bool { return v != 0 })
}

// expand lists the rows of units of a size.
func expand(units []int, size int) []int {
	rows := make([]int, 0, len(units)*size)
	for _, u := range units {
		for i := range size {
			rows = append(rows, u*size+i)
		}
	}
	return rows
}

// masked is a Linear's weight and bias with their masks applied.
func masked(l *bert.Linear) (weight, bias []float32) {
	weight, bias = slices.Clone(l.Weight.Data), slices.Clone(l.Bias.Data)
	h, ok := l.Hook.(*linearHook)
	if !ok || h.sparse == nil {
		return weight, bias
	}
	for i, m := range h.sparse.weight.mask {
		weight[i] *= m
	}
	for i, m := range h.sparse.bias.mask {
		bias[i] *= m
	}
	return weight, bias
}

// compressLinear keeps the given rows and columns; nil keeps all.
func compressLinear(l *bert.Linear, rows, cols []int) CompressedLinear {
	weight, bias := masked(l)
	var q *quantizer
	if h, ok := l.Hook.(*linearHook); ok {
		q = h.weight
	}
	m := compressMatrix(weight, l.Weight, q)
	if rows != nil {
		kept := make([]float32, len(rows))
		for i, r := range rows {
			kept[i] = bias[r]
		}
		bias = kept
	}
	return CompressedLinear{Weight: m.slice(rows, cols), Bias: bias, Input: hookRange(l.Input)}
}

// compressMatrix is a masked weight, in 8 bits if it has a quantizer.
func compressMatrix(weight []float32, p *autograd.Param, q *quantizer) CompressedMatrix {
	m := CompressedMatrix{Rows: p.Rows, Cols: p.Cols}
	if q == nil || q.off {
		m.F32 = weight
	} else {
		m.I8, m.Scale, m.Zero = q.integers(weight, p.Rows, p.Cols)
	}
	return m
}

// slice copies the given rows and columns; nil keeps all.
func (m CompressedMatrix) slice(rows, cols []int) CompressedMatrix {
	if rows == nil && cols == nil {
		return m
	}
	all := func(n int) []int { return expand([]int{0}, n) }
	if rows == nil {
		rows = all(m.Rows)
	}
	if cols == nil {
		cols = all(m.Cols)
	}
	s := CompressedMatrix{Rows: len(rows), Cols: len(cols)}
	if m.I8 != nil {
		s.I8, s.Scale = pick(m.I8, m.Cols, rows, cols), pick(m.Scale, 1, rows, []int{0})
		if m.Zero != nil {
			s.Zero = pick(m.Zero, 1, rows, []int{0})
		}
	} else {
		s.F32 = pick(m.F32, m.Cols, rows, cols)
	}
	return s
}

func pick[T any](x []T, stride int, rows, cols []int) []T {
	y := make([]T, 0, len(rows)*len(cols))
	for _, r := range rows {
		for _, c := range cols {
			y = append(y, x[r*stride+c])
		}
	}
	return y
}

func compressTable(e *bert.Embedding) CompressedMatrix {
	var q *quantizer
	if h, ok := e.Hook.(*embeddingHook); ok {
		q = h.weight
	}
	return compressMatrix(slices.Clone(e.Weight.Data), e.Weight, q)
}

// hookRange is the range of the quantizer that a hook applies; nil for none.
func hookRange(h bert.OperandHook) *ActivationRange {
	if h, ok := h.(operandHook); ok {
		return h.q.activationRange()
	}
	return nil
}

func operandRanges(o *bert.Op) [2]*ActivationRange {
	return [2]*ActivationRange{hookRange(o.Hooks[0]), hookRange(o.Hooks[1])}
}

func compressNorm(n *bert.LayerNorm) CompressedNorm {
	return CompressedNorm{Input: hookRange(n.Input), Gamma: slices.Clone(n.Weight.Data), Beta: slices.Clone(n.Bias.Data)}
}
