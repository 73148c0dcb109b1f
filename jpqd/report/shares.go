package report

import "github.com/go-jpqd/jpqd/jpqd"

// Share is what a part of a compressed model takes.
type Share struct {
	Bytes  int // of all its tensors as [jpqd.Compressed.Save] stores them
	Float  int // of the same shapes in float32
	Full   int // of the part before compression, in float32
	Blocks int // 32×32 blocks of the Linear weights that hold anything but zeros
	All    int // such blocks before compression
}

// Ratio is how many times more bytes the part took before compression.
func (s Share) Ratio() float64 { return ratio(s.Full, s.Bytes) }

// FloatRatio is how many times more bytes the same shapes take in float32.
func (s Share) FloatRatio() float64 { return ratio(s.Float, s.Bytes) }

// ratio is a/b, or 1 for a part that the model does not have.
func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func (s *Share) add(t Share) {
	s.Bytes, s.Float, s.Full, s.Blocks, s.All = s.Bytes+t.Bytes, s.Float+t.Float, s.Full+t.Full, s.Blocks+t.Blocks, s.All+t.All
}

// Shares are the bytes of a compressed model by its parts.
type Shares struct {
	Embeddings Share
	Layers     []Share // Linears and normalisations
	Head       Share   // pooler and classifier
}

// Total sums all parts.
func (s *Shares) Total() Share {
	total := s.Embeddings
	for _, layer := range s.Layers {
		total.add(layer)
	}
	total.add(s.Head)
	return total
}

// MeasureShares measures the parts of a compressed model.
func MeasureShares(c *jpqd.Compressed) Shares {
	hidden, neurons := c.Config.HiddenSize, c.Config.IntermediateSize
	var s Shares
	e := &s.Embeddings
	for _, m := range []*jpqd.CompressedMatrix{&c.Embeddings.Word, &c.Embeddings.Position, &c.Embeddings.TokenType} {
		e.matrix(m, m.Rows, m.Cols)
	}
	e.norm(&c.Embeddings.Norm)
	for i := range c.Layers {
		l, layer := &c.Layers[i], Share{}
		for _, linear := range []*jpqd.CompressedLinear{&l.Query, &l.Key, &l.Value, &l.Output} {
			layer.linear(linear, hidden, hidden)
		}
		layer.linear(&l.FFNIn, neurons, hidden)
		layer.linear(&l.FFNOut, hidden, neurons)
		layer.norm(&l.AttentionNorm)
		layer.norm(&l.OutputNorm)
		s.Layers = append(s.Layers, layer)
	}
	if !c.Config.QuestionAnswering() {
		s.Head.linear(&c.Pooler, hidden, hidden)
	}
	s.Head.linear(&c.Classifier, c.Config.NumLabels(), hidden)
	return s
}

// matrix adds a matrix that had rows × cols elements.
func (s *Share) matrix(m *jpqd.CompressedMatrix, rows, cols int) (blocks int) {
	blocks, bytes := m.Blocks()
	s.Bytes += bytes
	s.Float += 4 * m.Rows * m.Cols
	s.Full += 4 * rows * cols
	return blocks
}

func (s *Share) linear(l *jpqd.CompressedLinear, rows, cols int) {
	const side = 32
	s.Blocks += s.matrix(&l.Weight, rows, cols)
	s.All += (rows + side - 1) / side * ((cols + side - 1) / side)
	s.vector(len(l.Bias), rows)
}

func (s *Share) norm(n *jpqd.CompressedNorm) {
	s.vector(len(n.Gamma)+len(n.Beta), len(n.Gamma)+len(n.Beta))
}

// vector adds n floats of as many as there were before.
func (s *Share) vector(n, before int) {
	s.Bytes, s.Float, s.Full = s.Bytes+4*n, s.Float+4*n, s.Full+4*before
}
