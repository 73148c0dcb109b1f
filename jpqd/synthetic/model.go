package synthetic

import (
	"math"
	"math/rand/v2"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Float is a model in float32 without quantizers.
func Float(c bert.Config, s Sparsity, seed uint64) *jpqd.Compressed {
	return newBuilder(c, seed, false).sparse(s)
}

// Compressed is a model with the quantizers of the published JPQD
// configurations: weights of Linears in 7 bits (overflow_fix), embeddings in as
// many, the inputs of all Linears and of QKᵀ, and the sum of embeddings with
// positions. The three inputs of query, key and value have ranges of their own,
// as training leaves them.
func Compressed(c bert.Config, s Sparsity, seed uint64) *jpqd.Compressed {
	return newBuilder(c, seed, true).sparse(s)
}

// sparse is a model with what pruning has left.
func (b *builder) sparse(s Sparsity) *jpqd.Compressed {
	switch s {
	case Published:
		return b.model(published(b.config))
	case Unstructured:
		m := b.model(fewerNeurons(b.config))
		b.sparsify(m)
		return m
	default:
		return b.model(everything(b.config))
	}
}

// builder draws the parts of a model.
type builder struct {
	config    bert.Config
	rng       *rand.Rand
	quantized bool
	normal    []float32 // drawn once: standard normal deviates
	integers  []int8    // the same, of integerDeviation levels, clamped to half the range
}

// integerDeviation is the standard deviation of integer weights: three of them
// fill the half range −64 to 63.
const integerDeviation = 21

func newBuilder(c bert.Config, seed uint64, quantized bool) *builder {
	b := &builder{config: c, rng: rand.New(rand.NewPCG(seed, 0x5e)), quantized: quantized}
	const pool = 1 << 16
	b.normal, b.integers = make([]float32, pool), make([]int8, pool)
	for i := range b.normal {
		v := b.rng.NormFloat64()
		b.normal[i] = float32(v)
		b.integers[i] = int8(max(-64, min(63, math.Round(v*integerDeviation))))
	}
	return b
}

// model has the heads and neurons of each layer that are kept.
func (b *builder) model(k kept) *jpqd.Compressed {
	c, hidden := b.config, b.config.HiddenSize
	m := &jpqd.Compressed{Config: c}
	m.Embeddings = jpqd.CompressedEmbeddings{
		Word: b.matrix(c.VocabSize, hidden, 1), Position: b.matrix(c.MaxLength(), hidden, 1),
		AddInputs: [2]*jpqd.ActivationRange{b.asymmetric(5), b.asymmetric(4)}, Norm: b.norm(),
	}
	if c.HasTokenTypes() {
		m.Embeddings.TokenType = b.matrix(c.TypeVocabSize, hidden, 1)
	}
	for i := range c.NumHiddenLayers {
		m.Layers = append(m.Layers, b.layer(k.heads[i], k.neurons[i]))
	}
	if !c.QuestionAnswering() {
		m.Pooler = b.linear(hidden, hidden, b.asymmetric(4))
	}
	m.Classifier = b.linear(c.NumLabels(), hidden, b.asymmetric(1))
	return m
}

func (b *builder) layer(heads, neurons int) jpqd.CompressedLayer {
	hidden, width := b.config.HiddenSize, heads*b.config.HeadDim()
	return jpqd.CompressedLayer{
		Heads: b.choose(heads, b.config.NumAttentionHeads), Neurons: b.choose(neurons, b.config.IntermediateSize),
		Query: b.linear(width, hidden, b.asymmetric(4)), Key: b.linear(width, hidden, b.asymmetric(4)), Value: b.linear(width, hidden, b.asymmetric(4)),
		QueryOut: b.symmetric(4), KeyOut: b.symmetric(4),
		Output: b.linear(hidden, width, b.asymmetric(2)), AttentionNorm: b.norm(),
		FFNIn: b.linear(neurons, hidden, b.asymmetric(4)), FFNOut: b.linear(hidden, neurons, b.afterGELU()), OutputNorm: b.norm(),
	}
}

// choose picks n of all ids, ascending.
func (b *builder) choose(n, all int) []int {
	ids := []int{}
	for id := range all {
		if b.rng.IntN(all-id) < n-len(ids) {
			ids = append(ids, id)
		}
	}
	return ids
}

// linear maps inputs of unit size to outputs of unit size.
func (b *builder) linear(rows, cols int, input *jpqd.ActivationRange) jpqd.CompressedLinear {
	l := jpqd.CompressedLinear{Weight: b.matrix(rows, cols, 1/math.Sqrt(float64(max(cols, 1)))), Bias: make([]float32, rows), Input: input}
	b.fill(l.Bias, 0.1, 0)
	return l
}

// matrix has normally distributed elements. Rows are pieces of the pool, which
// makes a model of a hundred million weights in a fraction of a second.
func (b *builder) matrix(rows, cols int, deviation float64) jpqd.CompressedMatrix {
	m := jpqd.CompressedMatrix{Rows: rows, Cols: cols}
	if !b.quantized {
		m.F32 = make([]float32, rows*cols)
		for i := range rows {
			b.fill(m.F32[i*cols:][:cols], deviation, 0)
		}
		return m
	}
	m.I8, m.Scale = make([]int8, rows*cols), make([]float32, rows)
	for i := range rows {
		for row := m.I8[i*cols:][:cols]; len(row) > 0; {
			row = row[copy(row, b.integers[b.rng.IntN(len(b.integers)/2):]):]
		}
		m.Scale[i] = float32(deviation / integerDeviation * (0.8 + 0.4*b.rng.Float64()))
	}
	return m
}

// norm is a normalisation close to that without parameters.
func (b *builder) norm() jpqd.CompressedNorm {
	n := jpqd.CompressedNorm{Gamma: make([]float32, b.config.HiddenSize), Beta: make([]float32, b.config.HiddenSize)}
	b.fill(n.Gamma, 0.1, 1)
	b.fill(n.Beta, 0.1, 0)
	return n
}

// fill draws normally distributed values.
func (b *builder) fill(x []float32, deviation, mean float64) {
	for len(x) > 0 {
		from := b.normal[b.rng.IntN(len(b.normal)/2):]
		n := min(len(x), len(from))
		for i, v := range from[:n] {
			x[i] = v*float32(deviation) + float32(mean)
		}
		x = x[n:]
	}
}

// asymmetric is a range of about ±high with zero on its grid; nil in a model
// that is not quantized.
func (b *builder) asymmetric(high float64) *jpqd.ActivationRange {
	if !b.quantized {
		return nil
	}
	high *= 0.9 + 0.2*b.rng.Float64()
	zp := float64(110 + b.rng.IntN(36))
	return &jpqd.ActivationRange{Low: float32(-high * zp / (255 - zp)), High: float32(high), Levels: 256}
}

// symmetric is a signed range of about ±high.
func (b *builder) symmetric(high float64) *jpqd.ActivationRange {
	if !b.quantized {
		return nil
	}
	high *= 0.9 + 0.2*b.rng.Float64()
	return &jpqd.ActivationRange{Low: float32(-high * 128 / 127), High: float32(high), Levels: 256, Symmetric: true}
}

// afterGELU is a range from GELU's least value, −0.17, to about 4: zero is level 10.
func (b *builder) afterGELU() *jpqd.ActivationRange {
	if !b.quantized {
		return nil
	}
	return &jpqd.ActivationRange{Low: -0.17, High: 0.17 * 245 / 10, Levels: 256}
}
