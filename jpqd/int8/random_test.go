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

	family    string // model_type; "" is BERT
	answering bool   // question answering
	pooled    int    // rows of the pooler; 0: all

	weights    bool // linears and tables in 8 bits
	zeroPoints bool // of weights
	inputs     bool // inputs of linears quantized
	shared     bool // query, key and value quantize their input alike
	smooth     bool // columns of quantized inputs have factors, equal ones for those that are shared
	operands   bool // operands of both attention products quantized
	sums       bool // operands of the embeddings' second sum quantized
	others     bool // operands of the other sums, scores, inputs of normalisations and logits quantized
}

// tinyForm has two layers of the given shapes in float.
func tinyForm(heads, neurons []int) form {
	return form{hidden: 16, heads: 4, intermediate: 24, vocab: 40, positions: 12, keptHeads: heads, keptNeurons: neurons}
}

// quantized is a form with every quantizer there is.
func (f form) quantized() form {
	f.weights, f.inputs, f.operands, f.sums, f.others = true, true, true, true, true
	return f
}

// config is that of the uncompressed model, for sequences of up to f.positions tokens.
func (f form) config() bert.Config {
	cfg, err := bert.DefaultConfigFor(f.family)
	if err != nil {
		panic(err)
	}
	cfg.VocabSize, cfg.HiddenSize, cfg.NumHiddenLayers, cfg.NumAttentionHeads = f.vocab, f.hidden, len(f.keptHeads), f.heads
	cfg.IntermediateSize, cfg.Labels = f.intermediate, []string{"a", "b", "c"}
	cfg.MaxPositionEmbeddings = f.positions + cfg.PositionOffset()
	if cfg.ModelType == "roberta" {
		cfg.TypeVocabSize = 1
	}
	if f.answering {
		cfg.Architecture = map[string]string{"bert": "Bert", "roberta": "Roberta", "distilbert": "DistilBert"}[cfg.ModelType] + "ForQuestionAnswering"
		cfg.Labels = cfg.Labels[:2]
	}
	return cfg
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
	cfg := f.config()
	c := &jpqd.Compressed{Config: cfg}
	c.Embeddings = jpqd.CompressedEmbeddings{
		Word: b.matrix(f.vocab, f.hidden, 1), Position: b.matrix(f.positions, f.hidden, 1), Norm: b.norm(4),
	}
	if cfg.HasTokenTypes() {
		c.Embeddings.TokenType = b.matrix(cfg.TypeVocabSize, f.hidden, 1)
		c.Embeddings.AddTypes = b.pair(3, 3)
	}
	if f.sums {
		c.Embeddings.AddInputs = [2]*jpqd.ActivationRange{b.asymmetric(4), b.symmetric(3)}
	}
	for i := range f.keptHeads {
		c.Layers = append(c.Layers, b.layer(f.keptHeads[i], f.keptNeurons[i], cfg.HeadDim()))
	}
	width := f.hidden
	if !f.answering {
		if f.pooled > 0 {
			width = f.pooled
		}
		c.Pooler = b.linear(width, f.hidden, nil)
	}
	c.Classifier = b.linear(cfg.NumLabels(), width, nil)
	if f.inputs {
		if !f.answering {
			c.Pooler.Input = b.asymmetric(2.5)
		}
		c.Classifier.Input = b.symmetric(1)
	}
	if f.others {
		c.Logits = b.asymmetric(2)
	}
	if f.smooth {
		b.smoothen(c)
	}
	return c
}

// smoothen gives the columns of inputs factors of about 1.
func (b *builder) smoothen(c *jpqd.Compressed) {
	factors := func(l *jpqd.CompressedLinear) {
		l.Smooth = b.floats(l.Weight.Cols, 0.3)
		for i := range l.Smooth {
			l.Smooth[i]++
		}
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		factors(&l.Query)
		factors(&l.Key)
		l.Value.Smooth = l.Query.Smooth
		if b.shared {
			l.Key.Smooth = l.Query.Smooth
		}
		factors(&l.FFNIn)
		factors(&l.FFNOut)
	}
	if !b.answering {
		factors(&c.Pooler)
	}
	factors(&c.Classifier)
}

// pair is the ranges of a sum's operands.
func (b *builder) pair(left, right float64) [2]*jpqd.ActivationRange {
	if !b.others {
		return [2]*jpqd.ActivationRange{}
	}
	return [2]*jpqd.ActivationRange{b.asymmetric(left), b.symmetric(right)}
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
		Output: b.linear(b.hidden, width, output), AttentionAdd: b.pair(2, 2.5), AttentionNorm: b.norm(3),
		FFNIn: b.linear(neurons, b.hidden, in), FFNOut: b.linear(b.hidden, neurons, out), OutputAdd: b.pair(2, 2.5), OutputNorm: b.norm(3),
	}
	if b.others {
		l.ScaleIn, l.ScoresIn = b.asymmetric(5), b.symmetric(2.5)
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
	if b.zeroPoints {
		m.Zero = make([]int8, rows)
		for i := range m.Zero {
			m.Zero[i] = int8(b.rng.IntN(256) - 128)
			for j := i * cols; j < (i+1)*cols; j++ {
				m.I8[j] = int8(max(-128, min(127, int(m.I8[j])+int(m.Zero[i]))))
			}
		}
	}
	for i := range m.Scale {
		m.Scale[i] = float32(deviation / 21 * (0.8 + 0.4*b.rng.Float64()))
	}
	return m
}

// norm quantizes an input of about the size, if other quantizers are wanted.
func (b *builder) norm(size float64) jpqd.CompressedNorm {
	n := jpqd.CompressedNorm{Gamma: b.floats(b.hidden, 0.1), Beta: b.floats(b.hidden, 0.1)}
	for i := range n.Gamma {
		n.Gamma[i]++
	}
	if b.others {
		n.Input = b.asymmetric(size)
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
	cfg := f.config()
	for _, n := range lengths {
		ids, types := make([]int32, n), make([]int32, n)
		for i := range ids {
			ids[i], types[i] = int32(rng.IntN(f.vocab)), int32(rng.IntN(max(1, cfg.TypeVocabSize)))
		}
		b.Append(ids, types)
	}
	return b
}
