package ir

import (
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
)

// lowest is torch.finfo(torch.float32).min.
const lowest = -math.MaxFloat32

// spelling is how an exporter writes a model. The zero value of each choice is
// the first one of its list.
type spelling struct {
	torch    bool // layers are named by the PyTorch frontend, else by ONNX
	shuffled bool // layers come in any order, under any numbers

	positions string // slice, strided, scattered; RoBERTa's are always counted
	noTypes   bool   // the token types are a buffer of zeros, no input
	mask      string // added, rsub, where: what is added to the scores; filled: what replaces them
	masked    float64
	scale     string // divide, multiply, both: of query and key by d^-1/4 each, fused, "fused scale": of ScaledDotProductAttention
	key       string // "": the MatMul transposes it; once, twice: one or two Transpose do
	heads     string // zeros, shapes, batch: the patterns of Reshape
	linear    string // "": weights (out, in); input: weights (in, out); layer: those of (out, in) behind a Transpose
	storage   string // of integers: int8, fq (255 levels), fq256, half (of those), uint8, float16; of floats: float32, float16
	norm      string // MVN, spelled
	gelu      string // 7, 2, spelled
	first     string // gather, strided
	early     bool   // quantizers stand in front of Transpose, Reshape and Gather, to which they are moved
	limits    []int  // shape of a quantizer's limits

	oneHidden     bool // NNCF quantizes a hidden state once for all that read it, where no sum is ignored
	quantizedMask bool // NNCF in training quantizes the arithmetic of the mask
	smooth        bool // SmoothQuant multiplies the inputs of all Linears by channel
	smoothContext bool // and the context, which is a factor of the value projection's rows
}

// fit makes c a model that the spelling can hold.
func (s *spelling) fit(c *jpqd.Compressed) {
	if s.torch { // NNCF after training quantizes no embeddings' sums
		c.Embeddings.AddInputs = [2]*jpqd.ActivationRange{}
	}
	for i := range c.Layers {
		if l := &c.Layers[i]; s.oneHidden {
			l.Key.Input, l.Value.Input, l.AttentionAdd[1] = l.Query.Input, l.Query.Input, l.Query.Input
			l.OutputAdd[1] = l.FFNIn.Input
		}
	}
	if s.smooth {
		for _, l := range linears(c) {
			l.Smooth = smoothing(l.Weight.Cols)
		}
		for i := range c.Layers {
			c.Layers[i].Output.Smooth = nil
		}
	}
	half := func(v []float32) {
		for i := range v {
			v[i] = halfToFloat(floatToHalf(v[i]))
		}
	}
	eachMatrix(c, func(m *jpqd.CompressedMatrix, _ *jpqd.CompressedLinear) {
		switch s.storage {
		case "fq": // levels −127 to 127
			for i := range m.I8 {
				m.I8[i] = max(m.I8[i], -127)
			}
		case "half": // −64 to 63, as the fix against overflow has them
			for i := range m.I8 {
				m.I8[i] >>= 1
			}
		case "float16":
			half(m.F32)
			for i, scale := range m.Scale { // of few bits, so that float16 holds the products
				fraction, exponent := math.Frexp(float64(scale))
				m.Scale[i] = float32(math.Ldexp(math.Round(fraction*8)/8, exponent))
			}
		}
	})
	if s.storage == "float16" {
		eachVector(c, half)
	}
}

// eachMatrix calls f for the tables, with nil, and the matrices of the Linears.
func eachMatrix(c *jpqd.Compressed, f func(*jpqd.CompressedMatrix, *jpqd.CompressedLinear)) {
	for _, m := range []*jpqd.CompressedMatrix{&c.Embeddings.Word, &c.Embeddings.Position, &c.Embeddings.TokenType} {
		f(m, nil)
	}
	for _, l := range linears(c) {
		f(&l.Weight, l)
	}
}

func linears(c *jpqd.Compressed) []*jpqd.CompressedLinear {
	list := []*jpqd.CompressedLinear{&c.Pooler, &c.Classifier}
	for i := range c.Layers {
		l := &c.Layers[i]
		list = append(list, &l.Query, &l.Key, &l.Value, &l.Output, &l.FFNIn, &l.FFNOut)
	}
	return list
}

// eachVector calls f for biases and what normalisations multiply and add.
func eachVector(c *jpqd.Compressed, f func([]float32)) {
	for _, l := range linears(c) {
		f(l.Bias)
	}
	for _, n := range norms(c) {
		f(n.Gamma)
		f(n.Beta)
	}
}

func norms(c *jpqd.Compressed) []*jpqd.CompressedNorm {
	list := []*jpqd.CompressedNorm{&c.Embeddings.Norm}
	for i := range c.Layers {
		list = append(list, &c.Layers[i].AttentionNorm, &c.Layers[i].OutputNorm)
	}
	return list
}

// fixture is a random model in a spelling.
type fixture struct {
	testmodel.Variant
	spelling
}

var pruned = testmodel.Variant{Heads: [][]int{{0, 1, 2}, {0}}, Neurons: [][]int{countUp(23), countUp(40)}}

func dense(v *testmodel.Variant)     {}
func answers(v *testmodel.Variant)   { v.Answering = true }
func roberta(v *testmodel.Variant)   { v.Family = "roberta" }
func distil(v *testmodel.Variant)    { v.Family = "distilbert" }
func quantized(v *testmodel.Variant) { v.Int8Weights, v.Activations = true, true }

// The exporters of each time. transformers 4.20 to 4.30 went through ONNX and
// the Model Optimizer, with a shape subgraph per Reshape; the PyTorch frontend
// folds them.
var (
	onnx2022 = spelling{
		masked: lowest, heads: "shapes", key: "once", positions: "strided", gelu: "spelled", norm: "spelled", linear: "input", limits: []int{1}, early: true,
	}
	jpqd2022 = spelling{
		masked: lowest, heads: "shapes", positions: "strided", gelu: "2", limits: []int{1}, storage: "int8", early: true,
	}
	torch2023  = spelling{torch: true, mask: "rsub", masked: lowest, early: true}
	torch2024  = spelling{torch: true, mask: "expanded", masked: lowest, scale: "fused", heads: "merged", early: true}
	distil2024 = spelling{torch: true, mask: "filled", masked: lowest, positions: "scattered", heads: "batch", key: "once", early: true}
)

// change is s changed by f.
func (s spelling) change(f func(*spelling)) spelling {
	f(&s)
	return s
}

// fixtures are named after what is written by whom.
var fixtures = map[string]fixture{
	"ONNX of 2022":                         {testmodel.Variant{}.With(dense), onnx2022},
	"ONNX of 2021, mask of −10000":         {testmodel.Variant{}.With(dense), onnx2022.change(func(s *spelling) { s.masked, s.key, s.scale, s.first = -10000, "twice", "multiply", "strided" })},
	"ONNX, optimized":                      {testmodel.Variant{}.With(dense), onnx2022.change(func(s *spelling) { s.norm, s.gelu, s.linear, s.key, s.shuffled = "", "", "", "", true })},
	"ONNX, weights transposed by a layer":  {testmodel.Variant{}.With(dense), onnx2022.change(func(s *spelling) { s.linear, s.heads = "layer", "zeros" })},
	"ONNX answering":                       {testmodel.Variant{}.With(answers), onnx2022},
	"ONNX of fused attention":              {testmodel.Variant{}.With(dense), onnx2022.change(func(s *spelling) { s.scale, s.mask = "both", "where" })},
	"ONNX DistilBERT":                      {testmodel.Variant{}.With(distil), onnx2022},
	"ONNX pruned":                          {pruned, jpqd2022},
	"PyTorch of 2023":                      {testmodel.Variant{}.With(dense), torch2023},
	"PyTorch of 2023, float16":             {testmodel.Variant{}.With(dense), torch2023.change(func(s *spelling) { s.storage = "float16" })},
	"PyTorch of 2023 answering":            {testmodel.Variant{}.With(answers), torch2023},
	"PyTorch of 2023 without token types":  {testmodel.Variant{}.With(dense), torch2023.change(func(s *spelling) { s.noTypes = true })},
	"PyTorch of 2023 shuffled":             {testmodel.Variant{}.With(dense), torch2023.change(func(s *spelling) { s.shuffled = true })},
	"PyTorch of 2023 RoBERTa":              {testmodel.Variant{}.With(roberta), torch2023},
	"PyTorch of 2024":                      {testmodel.Variant{}.With(dense), torch2024},
	"PyTorch of 2024, float16":             {testmodel.Variant{}.With(dense), torch2024.change(func(s *spelling) { s.storage, s.scale = "float16", "fused scale" })},
	"PyTorch of 2025, boolean mask":        {testmodel.Variant{}.With(dense), torch2024.change(func(s *spelling) { s.mask = "boolean" })},
	"PyTorch of 2024 pruned":               {pruned, torch2024},
	"ONNX RoBERTa":                         {testmodel.Variant{}.With(roberta), onnx2022},
	"PyTorch of 2024 RoBERTa":              {testmodel.Variant{}.With(roberta), torch2024},
	"PyTorch of 2024 answering":            {testmodel.Variant{}.With(answers), torch2024},
	"PyTorch of 2025 DistilBERT, fused":    {testmodel.Variant{}.With(distil), distil2024.change(func(s *spelling) { s.scale, s.mask, s.key = "fused", "expanded", "" })},
	"PyTorch of 2024 DistilBERT":           {testmodel.Variant{}.With(distil), distil2024},
	"PyTorch of 2024 DistilBERT answering": {testmodel.Variant{}.With(func(v *testmodel.Variant) { distil(v); answers(v) }), distil2024},

	"JPQD of 2022":                          {pruned.With(quantized), jpqd2022},
	"JPQD of 2022, equal Q, K and V inputs": {pruned.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), jpqd2022},
	"JPQD of 2022, limits of rank 3":        {pruned.With(quantized), jpqd2022.change(func(s *spelling) { s.limits = []int{1, 1, 1} })},
	"JPQD of 2023, mask quantized":          {pruned.With(quantized), jpqd2022.change(func(s *spelling) { s.quantizedMask = true })},
	"JPQD of 2022 answering":                {pruned.With(func(v *testmodel.Variant) { quantized(v); answers(v) }), jpqd2022},
	"JPQD, weights in FakeQuantize":         {pruned.With(quantized), jpqd2022.change(func(s *spelling) { s.storage, s.limits = "fq", nil })},
	"JPQD, FakeQuantize of 256 levels":      {pruned.With(quantized), jpqd2022.change(func(s *spelling) { s.storage = "fq256" })},
	"JPQD, half the range of weights":       {pruned.With(quantized), jpqd2022.change(func(s *spelling) { s.storage = "half" })},
	"JPQD, half the range, spelled out":     {pruned.With(quantized), onnx2022.change(func(s *spelling) { s.storage, s.linear = "half", "layer" })},
	"JPQD DistilBERT":                       {pruned.With(func(v *testmodel.Variant) { quantized(v); distil(v) }), jpqd2022.change(func(s *spelling) { s.mask, s.masked = "filled", math.Inf(-1) })},
	"JPQD, everything quantized":            {testmodel.Everywhere(testmodel.Variant{}), jpqd2022},
	"JPQD, everything quantized once":       {testmodel.Everywhere(testmodel.Variant{}), jpqd2022.change(func(s *spelling) { s.oneHidden = true })},
	"JPQD, everything late":                 {testmodel.Everywhere(testmodel.Variant{}), jpqd2022.change(func(s *spelling) { s.early, s.shuffled = false, true })},
	"JPQD DistilBERT, everything":           {testmodel.Everywhere(testmodel.Variant{Family: "distilbert"}), jpqd2022},
	"JPQD RoBERTa answering, everything":    {testmodel.Everywhere(testmodel.Variant{Family: "roberta", Answering: true}), jpqd2022},

	"NNCF of ONNX, weights (in, out)":      {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), onnx2022.change(func(s *spelling) { s.storage = "int8"; s.limits = nil })},
	"NNCF of ONNX, FakeQuantize (in, out)": {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), onnx2022.change(func(s *spelling) { s.storage, s.limits = "fq", nil })},
	"NNCF of PyTorch":                      {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), torch2023},
	"NNCF of PyTorch RoBERTa":              {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); roberta(v); v.SharedInputs = true }), torch2023},
	"NNCF of PyTorch, fused":               {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), torch2024},
	"NNCF of PyTorch, DistilBERT":          {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); distil(v); v.SharedInputs = true }), distil2024},
	"NNCF of PyTorch, context smoothed":    {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), torch2024.change(func(s *spelling) { s.smoothContext = true })},
	"NNCF of PyTorch, smoothed":            {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), torch2024.change(func(s *spelling) { s.smooth, s.smoothContext = true, true })},
	"NNCF of ONNX, smoothed":               {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.SharedInputs = true }), onnx2022.change(func(s *spelling) { s.storage, s.limits, s.smooth = "int8", nil, true })},
	"NNCF of PyTorch answering, smoothed":  {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); answers(v); v.SharedInputs = true }), torch2023.change(func(s *spelling) { s.smooth, s.smoothContext = true, true })},
	"NNCF, weights alone, uint8":           {testmodel.Variant{}.With(func(v *testmodel.Variant) { v.Int8Weights, v.ZeroPoints = true, true }), torch2024.change(func(s *spelling) { s.storage = "uint8" })},
	"NNCF, weights alone, float16 scales":  {testmodel.Variant{}.With(func(v *testmodel.Variant) { v.Int8Weights, v.ZeroPoints = true, true }), torch2024.change(func(s *spelling) { s.storage = "float16" })},
	"NNCF, weights with zero points":       {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.ZeroPoints = true }), torch2023},
	"NNCF, weights with zero points in FQ": {testmodel.Variant{}.With(func(v *testmodel.Variant) { quantized(v); v.ZeroPoints = true }), torch2023.change(func(s *spelling) { s.storage = "fq256" })},
}

// fixtureNames in order.
func fixtureNames() []string {
	var names []string
	for name := range fixtures {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// model is a random one that the fixture can hold.
func (f *fixture) model(seed uint64) *jpqd.Compressed {
	c := testmodel.New(f.Variant, seed)
	f.fit(c)
	return c
}
