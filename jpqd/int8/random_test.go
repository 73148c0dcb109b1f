package int8_test

import (
	"math"
	"math/rand/v2"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// form says what a random model is like.
type form struct {
	hidden, heads, intermediate, vocab, positions int
	keptHeads, keptNeurons                        []int // of each layer

	weights  bool // linears and tables in 8 bits
	inputs   bool // inputs of linears quantized
	shared   bool // query, key and value quantize their input alike
	operands bool // operands of both attention products quantized
	sums     bool // operands of the embeddings' sum quantized
}

// tinyForm has two layers of the given shapes in float.
func tinyForm(heads, neurons []int) form {
	return form{hidden: 16, heads: 4, intermediate: 24, vocab: 40, positions: 12, keptHeads: heads, keptNeurons: neurons}
}

// quantized is a form with every quantizer there is.
func (f form) quantized() form {
	f.weights, f.inputs, f.operands, f.sums = true, true, true, true
	return f
}

// builder draws the parts of a model.
type builder struct {
	form
	rng *rand.Rand
}

// randomModel has activations of about unit size everywhere, so that nothing in
// it is negligible.
func randomModel(f form, seed uint64) *jpqd.Compressed {
	b := &builder{f, rand.New(rand.NewPCG(seed, 7))}
	cfg := bert.DefaultConfig()
	cfg.VocabSize, cfg.HiddenSize, cfg.NumHiddenLayers, cfg.NumAttentionHeads = f.vocab, f.hidden, len(f.keptHeads), f.heads
	cfg.IntermediateSize, cfg.MaxPositionEmbeddings, cfg.Labels = f.intermediate, f.positions, []string{"a", "b", "c"}
	c := &jpqd.Compressed{Config: cfg}
	c.Embeddings = jpqd.CompressedEmbeddings{
		Word: b.matrix(f.vocab, f.hidden, 1), Position: b.matrix(f.positions, f.hidden, 1), TokenType: b.matrix(2, f.hidden, 1), Norm: b.norm(),
	}
	if f.sums {
		c.Embeddings.AddInputs = [2]*jpqd.ActivationRange{b.asymmetric(4), b.symmetric(3)}
	}
	for i := range f.keptHeads {
		c.Layers = append(c.Layers, b.layer(f.keptHeads[i], f.keptNeurons[i], cfg.HeadDim()))
	}
	c.Pooler, c.Classifier = b.linear(f.hidden, f.hidden, nil), b.linear(3, f.hidden, nil)
	if f.inputs {
		c.Pooler.Input, c.Classifier.Input = b.asymmetric(2.5), b.symmetric(1)
	}
	return c
}

func (b *builder) layer(heads, neurons, headDim int) jpqd.CompressedLayer {
	width := heads * headDim
	var query, key, value, output, in, out *jpqd.ActivationRange
	if b.inputs {
		query, key, value = b.asymmetric(2.5), b.symmetric(2.5), b.asymmetric(2.5)
		if b.shared {
			key, value = query, query
		}
		output, in, out = b.asymmetric(2), b.asymmetric(2.5), &jpqd.ActivationRange{Low: -0.17, High: 0.17 * 239 / 16, Levels: 256}
	}
	l := jpqd.CompressedLayer{
		Heads: b.choose(heads, b.heads), Neurons: b.choose(neurons, b.intermediate),
		Query: b.linear(width, b.hidden, query), Key: b.linear(width, b.hidden, key), Value: b.linear(width, b.hidden, value),
		Output: b.linear(b.hidden, width, output), AttentionNorm: b.norm(),
		FFNIn: b.linear(neurons, b.hidden, in), FFNOut: b.linear(b.hidden, neurons, out), OutputNorm: b.norm(),
	}
	if b.operands {
		l.QueryOut, l.KeyOut, l.ValueOut = b.symmetric(2.5), b.symmetric(2.5), b.asymmetric(2.5)
		l.ProbsOut = &jpqd.ActivationRange{High: 1, Levels: 256, Symmetric: true}
	}
	return l
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

func (b *builder) linear(rows, cols int, input *jpqd.ActivationRange) jpqd.CompressedLinear {
	return jpqd.CompressedLinear{Weight: b.matrix(rows, cols, 1.5/math.Sqrt(float64(max(cols, 1)))), Bias: b.floats(rows, 0.3), Input: input}
}

// matrix has normally distributed elements.
func (b *builder) matrix(rows, cols int, deviation float64) jpqd.CompressedMatrix {
	m := jpqd.CompressedMatrix{Rows: rows, Cols: cols}
	if !b.weights {
		m.F32 = b.floats(rows*cols, deviation)
		return m
	}
	m.I8, m.Scale = make([]int8, rows*cols), make([]float32, rows)
	for i := range m.I8 {
		m.I8[i] = int8(max(-64, min(63, math.Round(b.rng.NormFloat64()*21))))
	}
	for i := range m.Scale {
		m.Scale[i] = float32(deviation / 21 * (0.8 + 0.4*b.rng.Float64()))
	}
	return m
}

func (b *builder) norm() jpqd.CompressedNorm {
	n := jpqd.CompressedNorm{Gamma: b.floats(b.hidden, 0.1), Beta: b.floats(b.hidden, 0.1)}
	for i := range n.Gamma {
		n.Gamma[i]++
	}
	return n
}

func (b *builder) floats(n int, deviation float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(b.rng.NormFloat64() * deviation)
	}
	return x
}

// asymmetric is a range of about ±high with zero on its grid.
func (b *builder) asymmetric(high float64) *jpqd.ActivationRange {
	high *= 0.9 + 0.2*b.rng.Float64()
	zp := float64(100 + b.rng.IntN(50))
	return &jpqd.ActivationRange{Low: float32(-high * zp / (255 - zp)), High: float32(high), Levels: 256}
}

func (b *builder) symmetric(high float64) *jpqd.ActivationRange {
	high *= 0.9 + 0.2*b.rng.Float64()
	return &jpqd.ActivationRange{Low: float32(-high * 128 / 127), High: float32(high), Levels: 256, Symmetric: true}
}

// randomBatch has sequences of the given lengths.
func randomBatch(f form, seed uint64, lengths ...int) *bert.Batch {
	rng := rand.New(rand.NewPCG(seed, 11))
	b := &bert.Batch{}
	for _, n := range lengths {
		ids, types := make([]int32, n), make([]int32, n)
		for i := range ids {
			ids[i], types[i] = int32(rng.IntN(f.vocab)), int32(rng.IntN(2))
		}
		b.Append(ids, types)
	}
	return b
}
