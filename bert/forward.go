package bert

import (
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
)

// Check says whether the model can run the batch: ids inside the tables,
// sequences no longer than the position table and not empty.
func (m *Model) Check(b *Batch) error {
	c := &m.Config
	for s := range b.Len() {
		if l := b.Offsets[s+1] - b.Offsets[s]; l < 1 || l > c.MaxPositionEmbeddings {
			return fmt.Errorf("bert: sequence %d has %d tokens, want 1 to max_position_embeddings = %d", s, l, c.MaxPositionEmbeddings)
		}
	}
	for i, id := range b.IDs {
		if id < 0 || int(id) >= c.VocabSize {
			return fmt.Errorf("bert: token %d has id %d, want 0 to %d (vocab_size = %d)", i, id, c.VocabSize-1, c.VocabSize)
		}
		if typ := b.TypeIDs[i]; typ < 0 || int(typ) >= c.TypeVocabSize {
			return fmt.Errorf("bert: token %d has type %d, want 0 to %d (type_vocab_size = %d)", i, typ, c.TypeVocabSize-1, c.TypeVocabSize)
		}
	}
	return nil
}

// Forward returns the logits (sequences, labels) of a batch. The batch must
// have passed [Model.Check] and stay unchanged until the step ends.
func (m *Model) Forward(t *autograd.Tape, b *Batch) *autograd.Tensor {
	return m.Classify(t, m.Encode(t, m.Embed(t, b), b), b)
}

// Embed returns the embedding output (rows, hidden).
func (m *Model) Embed(t *autograd.Tape, b *Batch) *autograd.Tensor {
	x := t.Add(m.Word.Forward(t, b.IDs), m.TokenType.Forward(t, b.TypeIDs))
	x, position := m.SumPositions.operands(t, x, m.Position.Forward(t, b.Positions))
	x = m.EmbeddingNorm.Forward(t, t.Add(x, position))
	return t.Dropout(x, float32(m.Config.HiddenDropoutProb))
}

// Encode runs the encoder on an embedding output: (rows, hidden) to (rows, hidden).
func (m *Model) Encode(t *autograd.Tape, x *autograd.Tensor, b *Batch) *autograd.Tensor {
	for _, l := range m.Layers {
		x = l.forward(t, x, b.Offsets, &m.Config)
	}
	return x
}

func (l *Layer) forward(t *autograd.Tape, x *autograd.Tensor, offsets []int, c *Config) *autograd.Tensor {
	hidden, attention := float32(c.HiddenDropoutProb), float32(c.AttentionProbsDropoutProb)

	q, k, v := l.Query.Forward(t, x), l.Key.Forward(t, x), l.Value.Forward(t, x)
	q, k = l.Scores.operands(t, q, k)
	p := t.Dropout(t.AttentionProbs(q, k, offsets, c.NumAttentionHeads), attention)
	p, v = l.Context.operands(t, p, v)
	context := t.AttentionContext(p, v, offsets, c.NumAttentionHeads)
	x = l.AttentionNorm.Forward(t, t.Add(t.Dropout(l.AttentionOutput.Forward(t, context), hidden), x))

	y := l.Output.Forward(t, t.GELU(l.Intermediate.Forward(t, x)))
	return l.OutputNorm.Forward(t, t.Add(t.Dropout(y, hidden), x))
}

// Classify pools the first token of each sequence of an encoder output and
// returns the logits (sequences, labels).
func (m *Model) Classify(t *autograd.Tape, x *autograd.Tensor, b *Batch) *autograd.Tensor {
	first := t.Gather(x, b.firsts())
	pooled := t.Tanh(m.Pooler.Forward(t, first))
	return m.Classifier.Forward(t, t.Dropout(pooled, float32(m.Config.ClassifierDropout)))
}

// firsts is the row of each sequence's first token.
func (b *Batch) firsts() []int32 {
	b.first = b.first[:0]
	for _, row := range b.Offsets[:b.Len()] {
		b.first = append(b.first, int32(row))
	}
	return b.first
}
