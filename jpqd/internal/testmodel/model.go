// Package testmodel makes the small random models on which the writers of
// package jpqd are tested.
package testmodel

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Variant says how a random model is compressed.
type Variant struct {
	Heads, Neurons [][]int // kept in each layer; 4 heads of 8, 40 neurons
	Int8Weights    bool
	Activations    bool // inputs of Linears, q, k and the embedding sum
	Product        bool // probabilities and values too
	SharedInputs   bool // query, key and value have equal input ranges
	Smooth         bool // columns of quantized inputs have factors, equal ones for query, key and value
	OffGrid        bool // 0 lies between two levels of asymmetric ranges
	AsymmetricOnly bool // no range is symmetric
	Levels         int  // of every range but that of probabilities; 0: 256

	Family     string // model_type; "" is BERT
	Answering  bool   // question answering
	Everywhere bool   // the other sums, scores, normalisations and logits too
	ZeroPoints bool   // of integer weights
	Pooled     int    // rows of the pooler; 0: all
}

// config is that of the uncompressed model, for sequences of up to 12 tokens.
func (v Variant) config() bert.Config {
	c, err := bert.DefaultConfigFor(v.Family)
	if err != nil {
		panic(err)
	}
	c.VocabSize, c.HiddenSize = 29, 32
	c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = 2, 4, 40
	c.MaxPositionEmbeddings = 12 + c.PositionOffset()
	c.Labels = []string{"a", "b", "c"}
	if v.Answering {
		c.Labels = c.Labels[:2]
	}
	switch c.ModelType {
	case "bert":
		if v.Answering {
			c.Architecture = "BertForQuestionAnswering"
		}
	case "roberta":
		c.TypeVocabSize = 1
		if v.Answering {
			c.Architecture = "RobertaForQuestionAnswering"
		}
	case "distilbert":
		if v.Answering {
			c.Architecture = "DistilBertForQuestionAnswering"
		}
	}
	return c
}

func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}

// Variants by name; nil heads or neurons are a block that lost all of them.
var Variants = map[string]Variant{
	"float":                                   {Heads: [][]int{upTo(4), upTo(4)}, Neurons: [][]int{upTo(40), upTo(40)}},
	"float pruned":                            {Heads: [][]int{{1, 3}, nil}, Neurons: [][]int{{0, 7, 39}, upTo(17)}},
	"int8 weights":                            {Heads: [][]int{{0, 1, 2}, upTo(4)}, Neurons: [][]int{nil, upTo(9)}, Int8Weights: true},
	"int8":                                    {Heads: [][]int{upTo(4), upTo(4)}, Neurons: [][]int{upTo(40), upTo(40)}, Int8Weights: true, Activations: true},
	"int8 pruned":                             {Heads: [][]int{{2}, {0, 1, 3}}, Neurons: [][]int{upTo(23), {5, 6}}, Int8Weights: true, Activations: true, SharedInputs: true},
	"int8 products":                           {Heads: [][]int{{0, 3}, {1}}, Neurons: [][]int{upTo(11), upTo(31)}, Int8Weights: true, Activations: true, Product: true},
	"int8 empty blocks":                       {Heads: [][]int{nil, {0, 2}}, Neurons: [][]int{upTo(8), nil}, Int8Weights: true, Activations: true, Product: true},
	"int8 off the grid":                       {Heads: [][]int{{0, 3}, {2}}, Neurons: [][]int{upTo(7), upTo(11)}, Int8Weights: true, Activations: true, OffGrid: true},
	"nothing left":                            {Heads: [][]int{nil, nil}, Neurons: [][]int{nil, nil}, Int8Weights: true, Activations: true},
	"float weights, quantized activations":    {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Activations: true},
	"int8 with zero points":                   {Heads: [][]int{{0, 2}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Int8Weights: true, Activations: true, ZeroPoints: true},
	"int8 everywhere":                         Everywhere(Variant{}),
	"int8 everywhere, empty blocks":           Everywhere(Variant{Heads: [][]int{nil, {0, 2}}, Neurons: [][]int{upTo(8), nil}}),
	"float pruned pooler":                     {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Pooled: 7},
	"int8 pruned pooler":                      Everywhere(Variant{Pooled: 5}),
	"float answering":                         {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Answering: true},
	"int8 answering":                          Everywhere(Variant{Answering: true}),
	"float RoBERTa":                           {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Family: "roberta"},
	"int8 RoBERTa":                            Everywhere(Variant{Family: "roberta"}),
	"float RoBERTa answering":                 {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Family: "roberta", Answering: true},
	"int8 RoBERTa answering":                  Everywhere(Variant{Family: "roberta", Answering: true}),
	"float DistilBERT":                        {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Family: "distilbert"},
	"int8 DistilBERT":                         Everywhere(Variant{Family: "distilbert"}),
	"float DistilBERT answering":              {Heads: [][]int{{0}, {1}}, Neurons: [][]int{upTo(12), upTo(5)}, Family: "distilbert", Answering: true},
	"int8 DistilBERT answering":               Everywhere(Variant{Family: "distilbert", Answering: true}),
	"int8 everywhere, asymmetric":             Everywhere(Variant{AsymmetricOnly: true}),
	"int8 everywhere, asymmetric, DistilBERT": Everywhere(Variant{AsymmetricOnly: true, Family: "distilbert"}),
	"int8 smooth":                             {Heads: [][]int{{0, 3}, {2}}, Neurons: [][]int{upTo(7), upTo(11)}, Int8Weights: true, Activations: true, SharedInputs: true, Smooth: true},
	"int8 smooth, empty blocks":               {Heads: [][]int{nil, {0, 2}}, Neurons: [][]int{upTo(8), nil}, Int8Weights: true, Activations: true, Smooth: true},
	"int8 everywhere, smooth, answering":      Everywhere(Variant{Smooth: true, Answering: true}),
	"int8 everywhere, 100 levels":             Everywhere(Variant{Levels: 100}),
}

// With is v, of all heads and neurons where it names none, changed by f.
func (v Variant) With(f func(*Variant)) Variant {
	if v.Heads == nil {
		v.Heads, v.Neurons = [][]int{upTo(4), upTo(4)}, [][]int{upTo(40), upTo(40)}
	}
	f(&v)
	return v
}

// Everywhere is v with integer weights and every quantizer there is.
func Everywhere(v Variant) Variant {
	if v.Heads == nil {
		v.Heads, v.Neurons = [][]int{{0, 3}, {1}}, [][]int{upTo(11), upTo(31)}
	}
	v.Int8Weights, v.Activations, v.Product, v.Everywhere, v.ZeroPoints = true, true, true, true, true
	return v
}

// Named is the model of one of the [Variants].
func Named(name string, seed uint64) *jpqd.Compressed {
	v, ok := Variants[name]
	if !ok {
		panic("testmodel: no variant is named " + name)
	}
	return New(v, seed)
}

// New is a random model of 2 layers, hidden size 32 and 3 labels.
func New(v Variant, seed uint64) *jpqd.Compressed {
	r := &randomModel{Variant: v, Rand: rand.New(rand.NewPCG(seed, 1))}
	config := v.config()
	c := &jpqd.Compressed{Config: config}
	h := config.HiddenSize
	c.Embeddings = jpqd.CompressedEmbeddings{
		Word: r.matrix(config.VocabSize, h, 1), Position: r.matrix(12, h, 1),
		TokenType: r.matrix(config.TypeVocabSize, h, 1), Norm: r.norm(h),
	}
	if config.TypeVocabSize > 0 {
		c.Embeddings.AddTypes = r.pair()
	} else {
		c.Embeddings.TokenType = jpqd.CompressedMatrix{}
	}
	if v.Activations {
		c.Embeddings.AddInputs = [2]*jpqd.ActivationRange{r.asymmetric(), r.asymmetric()}
	}
	for i := range config.NumHiddenLayers {
		c.Layers = append(c.Layers, r.layer(v.Heads[i], v.Neurons[i], h, config.HeadDim()))
	}
	width := h
	if !v.Answering {
		if v.Pooled > 0 {
			width = v.Pooled
		}
		c.Pooler = r.linear(width, h)
	}
	c.Classifier = r.linear(config.NumLabels(), width)
	if v.Everywhere {
		c.Logits = r.asymmetric()
	}
	if v.Smooth {
		r.smooth(c)
	}
	return c
}

// smooth gives the Linears factors, but for those that none lead to and the
// attention's output, which has none.
func (r *randomModel) smooth(c *jpqd.Compressed) {
	factors := func(l *jpqd.CompressedLinear) {
		if l.Weight.Rows > 0 && l.Weight.Cols > 0 {
			l.Smooth = r.normal(l.Weight.Cols, 1, 0.3)
		}
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		factors(&l.Query)
		l.Key.Smooth, l.Value.Smooth = l.Query.Smooth, slices.Clone(l.Query.Smooth)
		factors(&l.FFNIn)
		factors(&l.FFNOut)
	}
	factors(&c.Pooler)
	factors(&c.Classifier)
}

// pair is the ranges of a sum's operands.
func (r *randomModel) pair() [2]*jpqd.ActivationRange {
	if !r.Everywhere {
		return [2]*jpqd.ActivationRange{}
	}
	return [2]*jpqd.ActivationRange{r.asymmetric(), r.symmetric()}
}

type randomModel struct {
	Variant
	*rand.Rand
}

func (r *randomModel) layer(heads, neurons []int, hidden, headDim int) jpqd.CompressedLayer {
	width := len(heads) * headDim
	l := jpqd.CompressedLayer{
		Heads: slices.Clone(heads), Neurons: slices.Clone(neurons),
		Query: r.linear(width, hidden), Key: r.linear(width, hidden), Value: r.linear(width, hidden), Output: r.linear(hidden, width),
		FFNIn: r.linear(len(neurons), hidden), FFNOut: r.linear(hidden, len(neurons)),
		AttentionAdd: r.pair(), AttentionNorm: r.norm(hidden), OutputAdd: r.pair(), OutputNorm: r.norm(hidden),
	}
	if r.Everywhere {
		l.ScaleIn, l.ScoresIn = r.asymmetric(), r.symmetric()
	}
	if r.SharedInputs {
		copied := *l.Query.Input
		l.Key.Input, l.Value.Input = &copied, l.Query.Input
	}
	if r.Activations {
		l.QueryOut, l.KeyOut = r.symmetric(), r.symmetric()
	}
	if r.Product {
		l.ProbsOut, l.ValueOut = &jpqd.ActivationRange{High: 1, Levels: 256, Symmetric: true}, r.symmetric()
	}
	return l
}

// matrix has values of the given deviation.
func (r *randomModel) matrix(rows, cols int, deviation float64) jpqd.CompressedMatrix {
	m := jpqd.CompressedMatrix{Rows: rows, Cols: cols}
	if !r.Int8Weights {
		m.F32 = r.normal(rows*cols, 0, deviation)
		return m
	}
	m.I8 = make([]int8, rows*cols)
	for i := range m.I8 {
		m.I8[i] = int8(r.IntN(256) - 128)
	}
	m.Scale = r.normal(rows, deviation/70, deviation/700)
	if r.ZeroPoints {
		m.Zero = make([]int8, rows)
		for i := range m.Zero {
			m.Zero[i] = int8(r.IntN(60) - 30)
		}
	}
	return m
}

func (r *randomModel) linear(rows, cols int) jpqd.CompressedLinear {
	l := jpqd.CompressedLinear{Weight: r.matrix(rows, cols, 0.25), Bias: r.normal(rows, 0, 0.3)}
	if r.Activations {
		l.Input = r.asymmetric()
	}
	return l
}

func (r *randomModel) norm(n int) jpqd.CompressedNorm {
	norm := jpqd.CompressedNorm{Gamma: r.normal(n, 1, 0.1), Beta: r.normal(n, 0, 0.2)}
	if r.Everywhere {
		norm.Input = r.asymmetric()
	}
	return norm
}

func (r *randomModel) normal(n int, mean, deviation float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(mean + deviation*r.NormFloat64())
	}
	return v
}

// asymmetric is a range with 0 on one of its levels, or 0.4 levels beside the lowest.
func (r *randomModel) asymmetric() *jpqd.ActivationRange {
	levels := cmp.Or(r.Levels, 256)
	steps := float64(levels - 1)
	if r.OffGrid {
		high := 1.5 + r.Float64()
		return &jpqd.ActivationRange{Low: float32(-high * 0.4 / steps), High: float32(high), Levels: levels}
	}
	low, high := -1.5-r.Float64(), 1.5+2*r.Float64()
	zeroPoint := math.Round(-low * steps / (high - low))
	return &jpqd.ActivationRange{Low: float32(zeroPoint / (zeroPoint - steps) * high), High: float32(high), Levels: levels}
}

func (r *randomModel) symmetric() *jpqd.ActivationRange {
	if r.AsymmetricOnly {
		return r.asymmetric()
	}
	high, levels := 1+2*r.Float64(), cmp.Or(r.Levels, 256)
	half := float64(levels / 2)
	return &jpqd.ActivationRange{Low: float32(-high * half / (half - 1)), High: float32(high), Levels: levels, Symmetric: true}
}
