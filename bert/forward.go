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
		if l := b.Offsets[s+1] - b.Offsets[s]; l < 1 || l > c.MaxLength() {
			return fmt.Errorf("bert: sequence %d has %d tokens, want 1 to %d, as many as max_position_embeddings = %d has room for", s, l, c.MaxLength(), c.MaxPositionEmbeddings)
		}
	}
	for i, id := range b.IDs {
		if id < 0 || int(id) >= c.VocabSize {
			return fmt.Errorf("bert: token %d has id %d, want 0 to %d (vocab_size = %d)", i, id, c.VocabSize-1, c.VocabSize)
		}
		if typ := b.TypeIDs[i]; m.TokenType != nil && (typ < 0 || int(typ) >= c.TypeVocabSize) {
			return fmt.Errorf("bert: token %d has type %d, want 0 to %d (type_vocab_size = %d)", i, typ, c.TypeVocabSize-1, c.TypeVocabSize)
		}
	}
	return nil
}

// Forward returns the logits of a batch: (sequences, labels), for question
// answering (rows, 2), the start and end of an answer at every token, and for
// masked language modelling (rows, vocabulary). The batch must have passed
// [Model.Check] and stay unchanged until the step ends.
func (m *Model) Forward(t *autograd.Tape, b *Batch) *autograd.Tensor {
	x := m.Embed(t, b)
	if m.Config.QuestionAnswering() {
		return m.Answer(t, m.Encode(t, x, b))
	}
	if m.Masked != nil {
		return m.Unmask(t, m.Encode(t, x, b))
	}
	if m.Pooler.Input != nil { // it wants to see all tokens
		return m.Classify(t, m.Encode(t, x, b), b)
	}
	return m.classify(t, m.EncodeRows(t, x, b, b.firsts()))
}

// Embed returns the embedding output (rows, hidden).
func (m *Model) Embed(t *autograd.Tape, b *Batch) *autograd.Tensor {
	x := m.Word.Forward(t, b.IDs)
	if m.TokenType != nil {
		x = t.Add(m.SumTypes.left(t, x), m.SumTypes.right(t, m.TokenType.Forward(t, b.TypeIDs)))
	}
	position := m.Position.Forward(t, b.shifted(int32(m.Config.PositionOffset())))
	x = m.EmbeddingNorm.Forward(t, t.Add(m.SumPositions.left(t, x), m.SumPositions.right(t, position)))
	return t.Dropout(transform(t, m.Embedded, x), float32(m.Config.HiddenDropoutProb))
}

// Encode runs the encoder on an embedding output: (rows, hidden) to (rows, hidden).
func (m *Model) Encode(t *autograd.Tape, x *autograd.Tensor, b *Batch) *autograd.Tensor {
	return m.encode(t, x, b, nil)
}

// EncodeRows is those rows of Encode alone, in ascending order: (rows, hidden) to
// (len(rows), hidden). The last layer leaves out what is of no use to them, all
// but their keys and values, unless a hook wants to see its activations. rows must
// stay unchanged until the step ends, and a step has no other rows of the batch: a
// second choice would be in the place of the first one, whose backward half needs it.
func (m *Model) EncodeRows(t *autograd.Tape, x *autograd.Tensor, b *Batch, rows []int32) *autograd.Tensor {
	if last := len(m.Layers) - 1; last < 0 || m.Layers[last].observed() {
		return t.Gather(m.Encode(t, x, b), rows)
	}
	return m.encode(t, x, b, b.pick(rows))
}

// encode is Encode, of the picked rows alone where there are any.
func (m *Model) encode(t *autograd.Tape, x *autograd.Tensor, b *Batch, picked *picked) *autograd.Tensor {
	kept := t.Recording() && m.GradientCheckpointing
	if kept && len(m.segments) != len(m.Layers) {
		m.segments = make([]segment, len(m.Layers))
	}
	for i, l := range m.Layers {
		s := &b.segment // a teacher's model is not written to: runs share it
		if kept {
			s = &m.segments[i]
		}
		*s = segment{Layer: l, offsets: b.Offsets, config: &m.Config}
		if i == len(m.Layers)-1 {
			s.picked = picked
		}
		if t.Recording() && !m.GradientCheckpointing {
			x = s.Forward(t, x)
		} else {
			x = t.Checkpoint(s, x)
		}
	}
	return x
}

// segment is a layer's part in a step.
type segment struct {
	*Layer
	offsets []int
	picked  *picked // rows that are wanted; nil: all
	config  *Config
}

// Forward makes a segment an [autograd.Segment].
func (s *segment) Forward(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	return s.forward(t, x, s.offsets, s.picked, s.config)
}

func (l *Layer) forward(t *autograd.Tape, x *autograd.Tensor, offsets []int, picked *picked, c *Config) *autograd.Tensor {
	hidden := float32(c.HiddenDropoutProb)
	all, queries := x, []int(nil)
	if picked != nil {
		x, queries = t.Gather(x, picked.rows), picked.offsets
	}
	q, k, v := l.Query.Forward(t, x), l.Key.Forward(t, all), l.Value.Forward(t, all)
	y := l.AttentionAdd.left(t, l.AttentionOutput.Forward(t, l.attend(t, q, k, v, offsets, queries, c)))
	x = l.AttentionNorm.Forward(t, t.DropoutAdd(y, hidden, l.AttentionAdd.right(t, x), l.AttentionAdd.Hooks[0] == nil))

	y = l.OutputAdd.left(t, l.Output.Forward(t, t.GELU(l.Intermediate.Forward(t, x))))
	return l.OutputNorm.Forward(t, t.DropoutAdd(y, hidden, l.OutputAdd.right(t, x), l.OutputAdd.Hooks[0] == nil))
}

// observed tells whether a hook wants to see an activation of the layer.
func (l *Layer) observed() bool {
	for _, linear := range []*Linear{l.Query, l.Key, l.Value, l.AttentionOutput, l.Intermediate, l.Output} {
		if linear.Input != nil {
			return true
		}
	}
	for _, op := range []*Op{l.Scores, l.Scale, l.MaskAdd, l.Context, l.AttentionAdd, l.OutputAdd} {
		if op.Hooks != [2]OperandHook{} {
			return true
		}
	}
	return l.AttentionNorm.Input != nil || l.OutputNorm.Input != nil
}

// attend is the attention of each sequence and head: in one operation, unless a
// hook wants to see the scores or the probabilities. queries are the offsets of
// queries, if they are fewer.
func (l *Layer) attend(t *autograd.Tape, q, k, v *autograd.Tensor, offsets, queries []int, c *Config) *autograd.Tensor {
	rate := float32(c.AttentionProbsDropoutProb)
	seen := l.Context.Hooks[0] != nil || l.MaskAdd.Hooks[0] != nil || l.Scale.Hooks[0] != nil && !c.ScalesQuery()
	if seen {
		p := t.Dropout(l.Context.left(t, l.probabilities(t, q, k, offsets, c)), rate)
		return t.AttentionContext(p, l.Context.right(t, v), offsets, c.NumAttentionHeads)
	}
	q, scale := l.scaled(t, q, c)
	return t.Attention(l.Scores.left(t, q), l.Scores.right(t, k), l.Context.right(t, v), offsets, queries, c.NumAttentionHeads, scale, rate)
}

// scaled is the query and the factor that its scores still want.
func (l *Layer) scaled(t *autograd.Tape, q *autograd.Tensor, c *Config) (*autograd.Tensor, float32) {
	scale := c.ScoreScale()
	if !c.ScalesQuery() {
		return q, scale
	}
	return t.Scale(l.Scale.left(t, q), scale), 1
}

// probabilities is softmax(q·kᵀ/√head_dim) of each sequence and head, flat. The
// mask that a padded batch adds to the scores has no counterpart here, but the
// hook of the scores it is added to has.
func (l *Layer) probabilities(t *autograd.Tape, q, k *autograd.Tensor, offsets []int, c *Config) *autograd.Tensor {
	q, scale := l.scaled(t, q, c)
	q, k = l.Scores.left(t, q), l.Scores.right(t, k)
	scaleHook := l.Scale.Hooks[0]
	if c.ScalesQuery() {
		scaleHook = nil
	}
	if scaleHook == nil && l.MaskAdd.Hooks[0] == nil {
		return t.AttentionProbs(q, k, offsets, c.NumAttentionHeads, scale)
	}
	s := transform(t, scaleHook, t.AttentionScores(q, k, offsets, c.NumAttentionHeads))
	return t.AttentionSoftmax(l.MaskAdd.left(t, t.Scale(s, scale)), offsets, c.NumAttentionHeads)
}

// Classify pools the first token of each sequence of an encoder output and
// returns the logits (sequences, labels).
func (m *Model) Classify(t *autograd.Tape, x *autograd.Tensor, b *Batch) *autograd.Tensor {
	return m.classify(t, t.Gather(m.Pooler.input(t, x), b.firsts()))
}

// classify is Classify of the first tokens.
func (m *Model) classify(t *autograd.Tape, first *autograd.Tensor) *autograd.Tensor {
	f, rate := m.Config.family(), float32(m.Config.ClassifierDropout)
	if f.poolerDropout {
		first = t.Dropout(first, rate)
	}
	pooled := m.Pooler.multiply(t, first)
	if f.poolerReLU {
		pooled = t.ReLU(pooled)
	} else {
		pooled = t.Tanh(pooled)
	}
	return m.Logits.left(t, m.Classifier.multiply(t, t.Dropout(m.Classifier.input(t, pooled), rate)))
}

// Answer returns the start and end logits (rows, 2) of an encoder output.
func (m *Model) Answer(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	x = m.Classifier.input(t, x)
	if m.Config.family().answerDropout != "" {
		x = t.Dropout(x, float32(m.Config.ClassifierDropout))
	}
	return m.Logits.left(t, m.Classifier.multiply(t, x))
}

// firsts is the row of each sequence's first token.
func (b *Batch) firsts() []int32 {
	b.first = b.first[:0]
	for _, row := range b.Offsets[:b.Len()] {
		b.first = append(b.first, int32(row))
	}
	return b.first
}

// picked are some rows of a batch.
type picked struct {
	rows    []int32
	offsets []int // (sequences+1): rows offsets[s] … offsets[s+1]−1 of them are of sequence s
}

// pick sorts ascending rows by their sequences.
func (b *Batch) pick(rows []int32) *picked {
	p := &b.picked
	p.rows, p.offsets = rows, p.offsets[:0]
	at := 0
	for _, end := range b.Offsets {
		for at < len(rows) && int(rows[at]) < end {
			at++
		}
		p.offsets = append(p.offsets, at)
	}
	return p
}

// shifted is each token's row in a position table whose first rows belong to
// no token.
func (b *Batch) shifted(offset int32) []int32 {
	if offset == 0 {
		return b.Positions
	}
	b.rows = b.rows[:0]
	for _, p := range b.Positions {
		b.rows = append(b.rows, p+offset)
	}
	return b.rows
}
