package jpqd

import (
	"slices"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// Compressed is the model as it is to be deployed: heads and neurons that can
// contribute nothing are gone, weights are in 8 bits where they are quantized.
// It computes what the masked and fake-quantized model computes.
func (t *Trainer) Compressed() (*Compressed, error) {
	if err := t.attach(); err != nil {
		return nil, err
	}
	b := &builder{model: t.Model, compression: t.compression}
	m := t.Model
	c := &Compressed{
		Config: m.Config,
		Embeddings: CompressedEmbeddings{
			Word: b.table(m.Word), Position: b.table(m.Position), TokenType: b.table(m.TokenType),
			AddInputs: b.operands(m.SumPositions), Norm: norm(m.EmbeddingNorm),
		},
		Pooler: b.linear(m.Pooler, nil, nil), Classifier: b.linear(m.Classifier, nil, nil),
	}
	for _, l := range m.Layers {
		c.Layers = append(c.Layers, b.layer(l))
	}
	return c, nil
}

// builder turns modules of a model into their compressed form.
type builder struct {
	model       *bert.Model
	compression *compression // nil: nothing is masked or quantized
}

func (b *builder) layer(l *bert.Layer) CompressedLayer {
	d := b.model.Config.HeadDim()
	heads := b.alive(l.Value, l.AttentionOutput, d)
	neurons := b.alive(l.Intermediate, l.Output, 1)
	wide := expand(heads, d)
	scores, context := b.operands(l.Scores), b.operands(l.Context)
	return CompressedLayer{
		Heads: heads, Neurons: neurons,
		Query: b.linear(l.Query, wide, nil), Key: b.linear(l.Key, wide, nil), Value: b.linear(l.Value, wide, nil),
		QueryOut: scores[0], KeyOut: scores[1], ProbsOut: context[0], ValueOut: context[1],
		Output: b.linear(l.AttentionOutput, nil, wide), AttentionNorm: norm(l.AttentionNorm),
		FFNIn: b.linear(l.Intermediate, neurons, nil), FFNOut: b.linear(l.Output, nil, neurons), OutputNorm: norm(l.OutputNorm),
	}
}

// alive lists the units, of size rows or columns each, that may contribute: the
// producer's rows or biases are not all zero, nor the consumer's columns. What
// a dead unit carries is zero on the way from producer to consumer: softmax
// weights zero values, GELU(0) = 0, and quantizers map zero to zero.
func (b *builder) alive(producer, consumer *bert.Linear, size int) []int {
	w, bias := b.masked(producer)
	v, _ := b.masked(consumer)
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
func (b *builder) masked(l *bert.Linear) (weight, bias []float32) {
	weight, bias = slices.Clone(l.Weight.Data), slices.Clone(l.Bias.Data)
	if b.compression == nil || b.compression.linears[l.Name].sparse == nil {
		return weight, bias
	}
	s := b.compression.linears[l.Name].sparse
	for i, m := range s.weight.mask {
		weight[i] *= m
	}
	for i, m := range s.bias.mask {
		bias[i] *= m
	}
	return weight, bias
}

// linear keeps the given rows and columns; nil keeps all.
func (b *builder) linear(l *bert.Linear, rows, cols []int) CompressedLinear {
	weight, bias := b.masked(l)
	var q, input *quantizer
	if b.compression != nil {
		q, input = b.compression.linears[l.Name].weight, b.compression.linears[l.Name].input
	}
	m := matrix(weight, l.Weight, q)
	if rows != nil {
		kept := make([]float32, len(rows))
		for i, r := range rows {
			kept[i] = bias[r]
		}
		bias = kept
	}
	return CompressedLinear{Weight: m.slice(rows, cols), Bias: bias, Input: input.activationRange()}
}

// matrix is a masked weight, in 8 bits if it has a quantizer.
func matrix(weight []float32, p *autograd.Param, q *quantizer) CompressedMatrix {
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

func (b *builder) table(e *bert.Embedding) CompressedMatrix {
	var q *quantizer
	if b.compression != nil {
		q = b.compression.tables[e.Name].weight
	}
	return matrix(slices.Clone(e.Weight.Data), e.Weight, q)
}

func (b *builder) operands(o *bert.Op) [2]*ActivationRange {
	if b.compression == nil {
		return [2]*ActivationRange{}
	}
	pair := b.compression.operands[o.Name]
	return [2]*ActivationRange{pair[0].activationRange(), pair[1].activationRange()}
}

func norm(n *bert.LayerNorm) CompressedNorm {
	return CompressedNorm{Gamma: slices.Clone(n.Weight.Data), Beta: slices.Clone(n.Bias.Data)}
}
