package onnx

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// variant says how a random model is compressed.
type variant struct {
	heads, neurons [][]int // kept in each layer; 4 heads of 8, 40 neurons
	int8Weights    bool
	activations    bool // inputs of Linears, q, k and the embedding sum
	product        bool // probabilities and values too
	sharedInputs   bool // query, key and value have equal input ranges
	offGrid        bool // 0 lies between two levels of asymmetric ranges
	asymmetricOnly bool // no range is symmetric
	levels         int  // of every range but that of probabilities; 0: 256

	family     string // model_type; "" is BERT
	answering  bool   // question answering
	everywhere bool   // the other sums, scores, normalisations and logits too
	zeroPoints bool   // of integer weights
	pooled     int    // rows of the pooler; 0: all
}

// config is that of the uncompressed model, for sequences of up to 12 tokens.
func (v variant) config() bert.Config {
	c, err := bert.DefaultConfigFor(v.family)
	if err != nil {
		panic(err)
	}
	c.VocabSize, c.HiddenSize = 29, 32
	c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = 2, 4, 40
	c.MaxPositionEmbeddings = 12 + c.PositionOffset()
	c.Labels = []string{"a", "b", "c"}
	if v.answering {
		c.Labels = c.Labels[:2]
	}
	switch c.ModelType {
	case "bert":
		if v.answering {
			c.Architecture = "BertForQuestionAnswering"
		}
	case "roberta":
		c.TypeVocabSize = 1
		if v.answering {
			c.Architecture = "RobertaForQuestionAnswering"
		}
	case "distilbert":
		if v.answering {
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

// variants by name; nil heads or neurons are a block that lost all of them.
var variants = map[string]variant{
	"float":                                {heads: [][]int{upTo(4), upTo(4)}, neurons: [][]int{upTo(40), upTo(40)}},
	"float pruned":                         {heads: [][]int{{1, 3}, nil}, neurons: [][]int{{0, 7, 39}, upTo(17)}, pooled: 7},
	"float weights, quantized activations": {heads: [][]int{{0}, {1}}, neurons: [][]int{upTo(12), upTo(5)}, activations: true},
	"int8 weights":                         {heads: [][]int{{0, 1, 2}, upTo(4)}, neurons: [][]int{nil, upTo(9)}, int8Weights: true},
	"int8":                                 {heads: [][]int{upTo(4), upTo(4)}, neurons: [][]int{upTo(40), upTo(40)}, int8Weights: true, activations: true},
	"int8 pruned":                          {heads: [][]int{{2}, {0, 1, 3}}, neurons: [][]int{upTo(23), {5, 6}}, int8Weights: true, activations: true, sharedInputs: true},
	"int8 products":                        {heads: [][]int{{0, 3}, {1}}, neurons: [][]int{upTo(11), upTo(31)}, int8Weights: true, activations: true, product: true},
	"int8 empty blocks":                    {heads: [][]int{nil, {0, 2}}, neurons: [][]int{upTo(8), nil}, int8Weights: true, activations: true, product: true},
	"int8 off the grid":                    {heads: [][]int{{0, 3}, {2}}, neurons: [][]int{upTo(7), upTo(11)}, int8Weights: true, activations: true, offGrid: true},
	"int8 with zero points":                {heads: [][]int{{0, 2}, {1}}, neurons: [][]int{upTo(12), upTo(5)}, int8Weights: true, activations: true, zeroPoints: true},
	"nothing left":                         {heads: [][]int{nil, nil}, neurons: [][]int{nil, nil}, int8Weights: true, activations: true},
	"everywhere":                           everywhere(variant{}),
	"everywhere, empty blocks":             everywhere(variant{heads: [][]int{nil, {0, 2}}, neurons: [][]int{upTo(8), nil}, pooled: 5}),
	"everywhere, asymmetric":               everywhere(variant{asymmetricOnly: true}),
	"everywhere, asymmetric, DistilBERT":   everywhere(variant{asymmetricOnly: true, family: "distilbert"}),
	"everywhere, 100 levels":               everywhere(variant{levels: 100}),
	"float answering":                      {heads: [][]int{{0}, {1}}, neurons: [][]int{upTo(12), upTo(5)}, answering: true},
	"everywhere answering":                 everywhere(variant{answering: true}),
	"float RoBERTa":                        {heads: [][]int{{0}, {1}}, neurons: [][]int{upTo(12), upTo(5)}, family: "roberta"},
	"everywhere RoBERTa":                   everywhere(variant{family: "roberta"}),
	"everywhere RoBERTa answering":         everywhere(variant{family: "roberta", answering: true}),
	"float DistilBERT":                     {heads: [][]int{{0}, {1}}, neurons: [][]int{upTo(12), upTo(5)}, family: "distilbert"},
	"everywhere DistilBERT":                everywhere(variant{family: "distilbert"}),
	"everywhere DistilBERT answering":      everywhere(variant{family: "distilbert", answering: true}),
}

// everywhere is v with integer weights and every quantizer there is.
func everywhere(v variant) variant {
	if v.heads == nil {
		v.heads, v.neurons = [][]int{{0, 3}, {1}}, [][]int{upTo(11), upTo(31)}
	}
	v.int8Weights, v.activations, v.product, v.everywhere, v.zeroPoints = true, true, true, true, true
	return v
}

// newModel is a random model of 2 layers, hidden size 32 and 3 labels.
func newModel(v variant, seed uint64) *jpqd.Compressed {
	r := &randomModel{variant: v, Rand: rand.New(rand.NewPCG(seed, 1))}
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
	if v.activations {
		c.Embeddings.AddInputs = [2]*jpqd.ActivationRange{r.asymmetric(), r.asymmetric()}
	}
	for i := range config.NumHiddenLayers {
		c.Layers = append(c.Layers, r.layer(v.heads[i], v.neurons[i], h, config.HeadDim()))
	}
	width := h
	if !v.answering {
		if v.pooled > 0 {
			width = v.pooled
		}
		c.Pooler = r.linear(width, h)
	}
	c.Classifier = r.linear(config.NumLabels(), width)
	if v.everywhere {
		c.Logits = r.asymmetric()
	}
	return c
}

// pair is the ranges of a sum's operands.
func (r *randomModel) pair() [2]*jpqd.ActivationRange {
	if !r.everywhere {
		return [2]*jpqd.ActivationRange{}
	}
	return [2]*jpqd.ActivationRange{r.asymmetric(), r.symmetric()}
}

type randomModel struct {
	variant
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
	if r.everywhere {
		l.ScaleIn, l.ScoresIn = r.asymmetric(), r.symmetric()
	}
	if r.sharedInputs {
		copied := *l.Query.Input
		l.Key.Input, l.Value.Input = &copied, l.Query.Input
	}
	if r.activations {
		l.QueryOut, l.KeyOut = r.symmetric(), r.symmetric()
	}
	if r.product {
		l.ProbsOut, l.ValueOut = &jpqd.ActivationRange{High: 1, Levels: 256, Symmetric: true}, r.symmetric()
	}
	return l
}

// matrix has values of the given deviation.
func (r *randomModel) matrix(rows, cols int, deviation float64) jpqd.CompressedMatrix {
	m := jpqd.CompressedMatrix{Rows: rows, Cols: cols}
	if !r.int8Weights {
		m.F32 = r.normal(rows*cols, 0, deviation)
		return m
	}
	m.I8 = make([]int8, rows*cols)
	for i := range m.I8 {
		m.I8[i] = int8(r.IntN(256) - 128)
	}
	m.Scale = r.normal(rows, deviation/70, deviation/700)
	if r.zeroPoints {
		m.Zero = make([]int8, rows)
		for i := range m.Zero {
			m.Zero[i] = int8(r.IntN(60) - 30)
		}
	}
	return m
}

func (r *randomModel) linear(rows, cols int) jpqd.CompressedLinear {
	l := jpqd.CompressedLinear{Weight: r.matrix(rows, cols, 0.25), Bias: r.normal(rows, 0, 0.3)}
	if r.activations {
		l.Input = r.asymmetric()
	}
	return l
}

func (r *randomModel) norm(n int) jpqd.CompressedNorm {
	norm := jpqd.CompressedNorm{Gamma: r.normal(n, 1, 0.1), Beta: r.normal(n, 0, 0.2)}
	if r.everywhere {
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
	levels := cmp.Or(r.levels, 256)
	steps := float64(levels - 1)
	if r.offGrid {
		high := 1.5 + r.Float64()
		return &jpqd.ActivationRange{Low: float32(-high * 0.4 / steps), High: float32(high), Levels: levels}
	}
	low, high := -1.5-r.Float64(), 1.5+2*r.Float64()
	zeroPoint := math.Round(-low * steps / (high - low))
	return &jpqd.ActivationRange{Low: float32(zeroPoint / (zeroPoint - steps) * high), High: float32(high), Levels: levels}
}

func (r *randomModel) symmetric() *jpqd.ActivationRange {
	if r.asymmetricOnly {
		return r.asymmetric()
	}
	high, levels := 1+2*r.Float64(), cmp.Or(r.levels, 256)
	half := float64(levels / 2)
	return &jpqd.ActivationRange{Low: float32(-high * half / (half - 1)), High: float32(high), Levels: levels, Symmetric: true}
}
