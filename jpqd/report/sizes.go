package report

import "github.com/go-jpqd/jpqd/jpqd"

// LayerSize is what compression left of one transformer block.
type LayerSize struct {
	Heads, AllHeads     int
	Neurons, AllNeurons int
	Weights, AllWeights int // elements of the six Linear weights, now and before
	Zeros               int // of Weights: elements that are zero
	Bytes               int // of the Linear weights with their scales and biases
}

// Sizes are the sizes of a compressed model.
type Sizes struct {
	Layers      []LayerSize
	Weights     int // elements of the encoder's Linear weights that are left
	AllWeights  int // before
	Zeros       int // of Weights: elements that are zero
	Parameters  int // every number of the deployed model, scales excluded
	Bytes       int // of these numbers and the scales
	Quantized   int // matrices stored as integers
	AllMatrices int
}

// Removed is the share of the encoder's Linear weights that pruning took away, 0 to 1.
func (s *Sizes) Removed() float64 {
	if s.AllWeights == 0 {
		return 0
	}
	return 1 - float64(s.Weights)/float64(s.AllWeights)
}

// Sparsity is the share of the encoder's Linear weights that are gone or zero, 0 to 1.
func (s *Sizes) Sparsity() float64 {
	if s.AllWeights == 0 {
		return 0
	}
	return 1 - float64(s.Weights-s.Zeros)/float64(s.AllWeights)
}

// Measure counts a compressed model.
func Measure(c *jpqd.Compressed) Sizes {
	hidden, neurons := c.Config.HiddenSize, c.Config.IntermediateSize
	var s Sizes
	s.matrix(&c.Embeddings.Word)
	s.matrix(&c.Embeddings.Position)
	s.matrix(&c.Embeddings.TokenType)
	s.norm(&c.Embeddings.Norm)
	for i := range c.Layers {
		layer := &c.Layers[i]
		size := LayerSize{
			Heads: len(layer.Heads), AllHeads: c.Config.NumAttentionHeads,
			Neurons: len(layer.Neurons), AllNeurons: neurons,
			AllWeights: 4*hidden*hidden + 2*hidden*neurons,
		}
		before := s.Bytes
		for _, linear := range []*jpqd.CompressedLinear{&layer.Query, &layer.Key, &layer.Value, &layer.Output, &layer.FFNIn, &layer.FFNOut} {
			size.Weights += linear.Weight.Rows * linear.Weight.Cols
			size.Zeros += zeros(&linear.Weight)
			s.linear(linear)
		}
		size.Bytes = s.Bytes - before
		s.norm(&layer.AttentionNorm)
		s.norm(&layer.OutputNorm)
		s.Weights += size.Weights
		s.AllWeights += size.AllWeights
		s.Zeros += size.Zeros
		s.Layers = append(s.Layers, size)
	}
	s.linear(&c.Pooler)
	s.linear(&c.Classifier)
	return s
}

func (s *Sizes) matrix(m *jpqd.CompressedMatrix) {
	if m.Rows == 0 && m.Cols == 0 {
		return // a pooler or token types that the model does not have
	}
	s.AllMatrices++
	s.Parameters += m.Rows * m.Cols
	if m.F32 == nil {
		s.Quantized++
	}
	s.Bytes += 4*len(m.F32) + len(m.I8) + 4*len(m.Scale) + len(m.Zero)
}

func (s *Sizes) linear(l *jpqd.CompressedLinear) {
	s.matrix(&l.Weight)
	s.Parameters += len(l.Bias)
	s.Bytes += 4 * (len(l.Bias) + len(l.Smooth))
}

func (s *Sizes) norm(n *jpqd.CompressedNorm) {
	s.Parameters += len(n.Gamma) + len(n.Beta)
	s.Bytes += 4 * (len(n.Gamma) + len(n.Beta))
}

// zeros counts the elements of a matrix that are zero.
func zeros(m *jpqd.CompressedMatrix) int {
	n := 0
	for _, v := range m.F32 {
		if v == 0 {
			n++
		}
	}
	for i, v := range m.I8 {
		if int(v) == m.ZeroPoint(i/m.Cols) {
			n++
		}
	}
	return n
}
