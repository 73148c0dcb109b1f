package ir

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Compressed recognises a BERT-shaped encoder with a head for classification or
// question answering, whoever wrote the file, and returns what it computes:
// weights as integers where they are stored as such or quantized by a
// FakeQuantize, every quantizer of activations, heads and neurons per layer.
// Normalisations and GELU may be one operation or spelled out, attention fused
// or not, shapes constant or computed.
//
// config tells family, labels and the sizes before pruning; nil stands for what
// the graph tells, which is all that its values depend on. Errors name the
// layer at which the graph is something else.
//
// Sizes that the graph computes are not looked at, and
// the ids of heads and neurons count up from 0: a graph does not tell which of
// those there were are left. A normalisation of tokens that are masked is the
// business of the graph; what is recognised computes no such tokens.
func (m *Model) Compressed(config *bert.Config) (*jpqd.Compressed, error) {
	fixed := findConstants(m)
	if config != nil {
		return recognise(m, fixed, *config, false)
	}
	// DistilBERT differs in its pooler and in where the query is divided, which
	// matters for its quantizers.
	var first error
	for _, modelType := range []string{"bert", "distilbert"} {
		family, err := bert.DefaultConfigFor(modelType)
		if err != nil {
			return nil, err
		}
		c, err := recognise(m, fixed, family, true)
		if err == nil {
			return c, nil
		}
		if first == nil || errors.Is(first, errPooler) {
			first = err
		}
	}
	return nil, first
}

// recognise recognises a model of the family of config. Where infer is set, the
// rest of the configuration is made of what is found.
func recognise(m *Model, fixed constants, config bert.Config, infer bool) (*jpqd.Compressed, error) {
	r := &recogniser{constants: fixed, model: m, config: config, checked: map[maskUse]bool{}, turns: map[*layer]bool{}, sizes: map[source][]int{}}
	if err := r.inputs(); err != nil {
		return nil, err
	}
	c, err := r.compressed(infer)
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("graph of the IR: %w", err)
	}
	return c, nil
}

// errPooler is the pooler of another family.
var errPooler = errors.New("activation of the pooler")

// recogniser is a graph that is being recognised, from the results back.
type recogniser struct {
	constants
	model      *Model
	config     bert.Config
	ids, types *layer // Parameters; types may be nil

	// Of the sample whose positions and masks are looked at: one of three tokens,
	// or what the inputs are fixed to.
	sequences, tokens int
	cut               bool // of the positions only those of the sample are there

	hidden, headDim, offset int // 0: not known yet
	eps                     float64
	checked                 map[maskUse]bool // masks that are as they should be
	turns                   map[*layer]bool  // Transposes on the ways, and whether an order allows for them
	sizes                   map[source][]int // what partial knows
}

// inputs finds the Parameters by their names.
func (r *recogniser) inputs() error {
	for _, p := range r.model.parameters {
		for _, name := range (source{p, 0}).names() {
			switch name {
			case "input_ids":
				r.ids = p
			case "token_type_ids":
				r.types = p
			}
		}
	}
	if r.ids == nil {
		return fmt.Errorf("inputs of the IR: found %q, want input_ids among them", r.model.Inputs())
	}
	r.sequences, r.tokens = 1, 3
	if dims := r.ids.dims; len(dims) == 2 {
		for i, size := range []*int{&r.sequences, &r.tokens} {
			if dims[i].min == dims[i].max {
				*size = dims[i].min
			}
		}
	}
	const most = 1 << 16
	if r.sequences < 1 || r.tokens < 1 || r.sequences > most || r.tokens > most/r.sequences {
		return fmt.Errorf("%s: found room for %d sequences of %d tokens, want 1 to %d tokens in all", r.ids.describe(), r.sequences, r.tokens, most)
	}
	return nil
}

// sample are inputs of sequences that have the given mask each, one for a token.
func (r *recogniser) sample(mask []int64) map[source]*Tensor {
	given := map[source]*Tensor{}
	for _, p := range r.model.parameters {
		value := func(int) int64 { return 0 }
		for _, name := range (source{p, 0}).names() {
			switch name {
			case "input_ids":
				value = func(int) int64 { return 5 } // no padding in any family
			case "attention_mask":
				value = func(token int) int64 { return mask[token] }
			case "position_ids":
				value = func(token int) int64 { return int64(token) }
			}
		}
		if p.typ.isFloat() { // only a mask may be of floats
			value = func(token int) int64 { return mask[token] }
		}
		t := &Tensor{Type: p.typ, Shape: []int{r.sequences, r.tokens}}
		for i := range r.sequences * r.tokens {
			if v := value(i % r.tokens); p.typ.isFloat() {
				t.F32 = append(t.F32, float32(v))
			} else {
				t.I64 = append(t.I64, v)
			}
		}
		given[source{p, 0}] = t
	}
	return given
}

// seen is a mask that hides no token, but for those given.
func (r *recogniser) seen(but ...int) []int64 {
	mask := make([]int64, r.tokens)
	for i := range mask {
		if !slices.Contains(but, i) {
			mask[i] = 1
		}
	}
	return mask
}

// compressed recognises the whole.
func (r *recogniser) compressed(infer bool) (*jpqd.Compressed, error) {
	c := &jpqd.Compressed{}
	x, relu, answering, err := r.head(c)
	if err != nil {
		return nil, err
	}
	if !answering && relu != r.config.PoolerReLU() {
		return nil, fmt.Errorf("%w: configuration: model_type: found %q, want one with ReLU in its pooler: %v, as in the graph", errPooler, r.config.ModelType, relu)
	}
	for {
		norm, in, err := r.norm(x)
		if err != nil {
			return nil, err
		}
		if !r.isBlock(in) {
			if err := r.embeddings(&c.Embeddings, in); err != nil {
				return nil, err
			}
			c.Embeddings.Norm = *norm
			break
		}
		l := jpqd.CompressedLayer{OutputNorm: *norm}
		if x, err = r.block(&l, in); err != nil {
			return nil, err
		}
		c.Layers = append(c.Layers, l)
		if len(c.Layers) > maxBlocks {
			return nil, fmt.Errorf("found more than %d blocks", maxBlocks)
		}
	}
	for _, l := range r.model.order {
		if allowedFor, passed := r.turns[l]; passed && !allowedFor {
			return nil, wanted(source{l, 0}, "no Transpose outside of attention")
		}
	}
	slices.Reverse(c.Layers)
	return c, r.configure(c, infer, answering)
}

// maxBlocks is many times what any published BERT has.
const maxBlocks = 1000

// head recognises what lies behind the last block, and gives the block's output.
func (r *recogniser) head(c *jpqd.Compressed) (x source, relu, answering bool, err error) {
	outputs := map[string]source{}
	for _, result := range r.model.results {
		for _, name := range result.inputs[0].names() {
			outputs[name] = result.inputs[0]
		}
	}
	if logits, ok := outputs["logits"]; ok {
		x, relu, err = r.classes(c, logits)
		return x, relu, false, err
	}
	start, end := outputs["start_logits"], outputs["end_logits"]
	if start.layer == nil || end.layer == nil {
		return x, false, false, fmt.Errorf("found outputs %q, want logits, or start_logits and end_logits", r.model.Outputs())
	}
	x, err = r.answers(c, start, end)
	return x, false, true, err
}

// classes recognises a head for classification.
func (r *recogniser) classes(c *jpqd.Compressed, logits source) (x source, relu bool, err error) {
	out := r.back(logits, false)
	if c.Logits, err = r.oneRange(out); err != nil {
		return x, false, err
	}
	classifier, pooled, err := r.linear(out.base)
	if err != nil {
		return x, false, err
	}
	c.Classifier = *classifier
	switch {
	case pooled.base.is("Tanh"):
	case pooled.base.is("ReLU"):
		relu = true
	default:
		return x, false, wanted(pooled.base, "Tanh or ReLU of the pooler")
	}
	inside, err := r.plain(pooled.base.inputs[0])
	if err != nil {
		return x, false, err
	}
	pooler, first, err := r.linear(inside)
	if err != nil {
		return x, false, err
	}
	c.Pooler = *pooler
	token := first.base
	if err := r.firstToken(token, c.Pooler.Weight.Cols); err != nil {
		return x, false, err
	}
	behind := r.back(token.inputs[0], false)
	input, err := r.oneRange(behind) // on all tokens is as on the first
	if err != nil {
		return x, false, err
	}
	if c.Pooler.Input == nil {
		c.Pooler.Input = input
	} else if input != nil && *input != *c.Pooler.Input {
		return x, false, wanted(token, "one quantizer of the first token")
	}
	return behind.base, relu, nil
}

// isPart tells whether s takes a part of its first input.
func (s source) isPart() bool {
	return s.is("Gather") || s.is("StridedSlice") || s.is("Slice") || s.is("Split") || s.is("VariadicSplit")
}

// partOf is what s takes of a sample in place of its first input, of the given
// shape, the elements of which count up from 0.
func (r *recogniser) partOf(s source, shape ...int) ([]float32, error) {
	n, err := elementCount(shape, r.most)
	if err != nil {
		return nil, err
	}
	all := &Tensor{Type: F32, Shape: shape, F32: make([]float32, n)}
	for i := range all.F32 {
		all.F32[i] = float32(i)
	}
	given := r.sample(r.seen())
	given[s.inputs[0]] = all
	part, err := r.evaluate(s, given, r.most)
	if err != nil {
		return nil, err
	}
	return part.F32, nil
}

// firstToken wants the first of the tokens of a given width: Gather, or a slice.
func (r *recogniser) firstToken(s source, width int) error {
	const what = "the first token of each sequence"
	if !s.isPart() {
		return wanted(s, what)
	}
	first, err := r.partOf(s, r.sequences, r.tokens, width)
	if err != nil {
		return err
	}
	if len(first) != r.sequences*width {
		return wanted(s, what)
	}
	for i, v := range first {
		if v != float32(i/width*r.tokens*width+i%width) {
			return wanted(s, what)
		}
	}
	return nil
}

// answers recognises a head for question answering.
func (r *recogniser) answers(c *jpqd.Compressed, start, end source) (x source, err error) {
	var logits [2]source
	for i, s := range []source{start, end} {
		s = r.back(s, false).base
		if !s.isPart() {
			return x, wanted(s, "one of two logits")
		}
		part, err := r.partOf(s, r.sequences, r.tokens, 2)
		if err != nil {
			return x, err
		}
		every := len(part) == r.sequences*r.tokens
		for j, v := range part {
			every = every && v == float32(2*j+i)
		}
		if !every {
			return x, fmt.Errorf("%s: want logit %d of every token", s.describe(), i)
		}
		logits[i] = s.inputs[0]
	}
	if logits[0] != logits[1] {
		return x, wanted(logits[1], "start_logits and end_logits of one value")
	}
	out := r.back(logits[0], false)
	if c.Logits, err = r.oneRange(out); err != nil {
		return x, err
	}
	classifier, in, err := r.linear(out.base)
	if err != nil {
		return x, err
	}
	c.Classifier = *classifier
	return in.base, nil
}

// isBlock tells whether s is the sum of a block, not that of the embeddings.
func (r *recogniser) isBlock(s source) bool {
	a, b, ok := summands(s)
	if !ok {
		return false
	}
	a, b = r.back(a, false).base, r.back(b, false).base
	return r.isLinear(a) || r.isLinear(b) || r.has(a) && r.isNorm(b) || r.has(b) && r.isNorm(a)
}

// isNorm tells whether s looks like a normalisation with weight and bias.
func (r *recogniser) isNorm(s source) bool {
	a, b, ok := summands(s)
	return ok && (r.has(a) && b.is("Multiply") || r.has(b) && a.is("Multiply"))
}

// block recognises a block of which s is the last sum, and gives its input.
func (r *recogniser) block(l *jpqd.CompressedLayer, s source) (x source, err error) {
	inner, h, err := r.residual(s, &l.FFNOut, &l.OutputAdd)
	if err != nil {
		return x, err
	}
	if inner.base.layer != nil {
		in, err := r.gelu(inner.base)
		if err != nil {
			return x, err
		}
		if in, err = r.plain(in); err != nil {
			return x, err
		}
		ffnIn, from, err := r.linear(in)
		if err != nil {
			return x, err
		}
		l.FFNIn = *ffnIn
		l.Neurons = countUp(ffnIn.Weight.Rows)
		if from.base != h {
			return x, fmt.Errorf("%s: is made of %s, want the normalisation that is added to it", in.describe(), from.base.describe())
		}
	}
	norm, in, err := r.norm(h)
	if err != nil {
		return x, err
	}
	l.AttentionNorm = *norm
	context, x, err := r.residual(in, &l.Output, &l.AttentionAdd)
	if err != nil {
		return x, err
	}
	if context.base.layer != nil {
		from, err := r.attention(l, context)
		if err == nil {
			err = scaleRows(l, context)
		}
		if err != nil {
			return x, err
		}
		if from != x {
			return x, fmt.Errorf("%s: is projected from %s, want the normalisation that is added to it", context.base.describe(), from.describe())
		}
	}
	return x, nil
}

// residual takes apart a sum of a Linear, or of a constant where its block is
// empty, and what the block began with. inner is the way to the Linear's input.
func (r *recogniser) residual(s source, l *jpqd.CompressedLinear, ranges *[2]*jpqd.ActivationRange) (inner way, x source, err error) {
	a, b, ok := summands(s)
	if !ok {
		return inner, x, wanted(s, "the sum of a block and its input")
	}
	branch, rest := r.back(a, false), r.back(b, false)
	if !r.isLinear(branch.base) && (!r.has(branch.base) || r.isLinear(rest.base)) {
		branch, rest = rest, branch
	}
	if ranges[0], err = r.oneRange(branch); err != nil {
		return inner, x, err
	}
	if ranges[1], err = r.oneRange(rest); err != nil {
		return inner, x, err
	}
	if r.has(branch.base) { // an empty block
		l.Bias, err = r.vector(branch.base, r.hidden)
		return inner, rest.base, err
	}
	found, inner, err := r.linear(branch.base)
	if err != nil {
		return inner, x, err
	}
	*l = *found
	return inner, rest.base, nil
}

// configure completes the configuration and holds it against what was found.
func (r *recogniser) configure(c *jpqd.Compressed, infer, answering bool) error {
	f := &r.config
	e := &c.Embeddings
	if r.headDim == 0 { // no layer has a head: any width does
		r.headDim = r.hidden
		if !infer {
			r.headDim = f.HeadDim()
		}
	}
	if r.hidden%r.headDim != 0 {
		return fmt.Errorf("found heads of %d in a model of %d columns, want a divisor", r.headDim, r.hidden)
	}
	if infer {
		if err := r.infer(c, answering); err != nil {
			return err
		}
	}
	if r.cut {
		f.MaxPositionEmbeddings = e.Position.Rows + f.PositionOffset()
	}
	for _, check := range []struct {
		key          string
		found, graph int
	}{
		{"hidden_size", f.HiddenSize, r.hidden}, {"num_attention_heads", f.NumAttentionHeads, r.hidden / r.headDim},
		{"num_hidden_layers", f.NumHiddenLayers, len(c.Layers)}, {"vocab_size", f.VocabSize, e.Word.Rows},
		{"max_position_embeddings", f.MaxLength(), e.Position.Rows},
	} {
		if check.found != check.graph {
			return fmt.Errorf("configuration: %s: found %d, want %d as in the graph", check.key, check.found, check.graph)
		}
	}
	if f.QuestionAnswering() != answering {
		return fmt.Errorf("configuration: architectures: found %q, want one for question answering: %v, as in the graph", f.Architecture, answering)
	}
	if r.types != nil && !f.HasTokenTypes() {
		return fmt.Errorf("%s: found token types, which the model_type %q of the configuration has not", r.types.describe(), f.ModelType)
	}
	if f.HasTokenTypes() && e.TokenType.Rows == 0 {
		rows := max(1, f.TypeVocabSize)
		e.TokenType = jpqd.CompressedMatrix{Rows: rows, Cols: r.hidden, F32: make([]float32, rows*r.hidden)}
	}
	if e.TokenType.Rows > 0 {
		f.TypeVocabSize = e.TokenType.Rows
	}
	f.LayerNormEps = r.eps
	c.Config = *f
	return nil
}

// infer makes the configuration of what was found.
func (r *recogniser) infer(c *jpqd.Compressed, answering bool) (err error) {
	f := &r.config
	e := &c.Embeddings
	if answering && f.HasTokenTypes() && e.TokenType.Rows == 0 {
		return errors.New("found no token types")
	}
	if r.offset > 0 { // the first rows of the table stand for no position
		if *f, err = bert.DefaultConfigFor("roberta"); err != nil {
			return err
		}
	}
	if answering {
		*f = f.WithHead(true)
	}
	f.HiddenSize, f.NumHiddenLayers, f.NumAttentionHeads = r.hidden, len(c.Layers), r.hidden/r.headDim
	f.IntermediateSize = 1
	for i := range c.Layers {
		f.IntermediateSize = max(f.IntermediateSize, len(c.Layers[i].Neurons))
	}
	f.VocabSize, f.MaxPositionEmbeddings = e.Word.Rows, e.Position.Rows+f.PositionOffset()
	f.Labels = make([]string, c.Classifier.Weight.Rows)
	for i := range f.Labels {
		f.Labels[i] = fmt.Sprintf("LABEL_%d", i)
	}
	return nil
}

// countUp lists 0 to n − 1.
func countUp(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
