package ir

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/modules"
)

// masked is added to the scores of padding. It is BERT's own value: softmax
// makes an exact zero of it, and it survives in bf16 and f16, where the lowest
// float32 would become an infinity and its product with 0 a NaN.
const masked = -10000

// encoder builds the graph of a compressed model.
type encoder struct {
	*graph
	config *bert.Config
	names  *modules.Names
	mask   *node // attention_mask, (batch, sequence)
	added  *node // to the scores, (batch, 1, 1, sequence); nil until a layer needs it
}

// newEncoder is the graph of c, which [jpqd.Compressed.Validate] has accepted.
func newEncoder(c *jpqd.Compressed, o Options) (*graph, error) {
	names, err := modules.Find(&c.Config)
	if err != nil {
		return nil, fmt.Errorf("model for OpenVINO IR: Config: %w", err)
	}
	if err := o.check(c); err != nil {
		return nil, err
	}
	e := &encoder{graph: newGraph(names.Graph, o.Precision), config: &c.Config, names: names}
	batch, sequence := dynamic, dynamic
	if o.Batch > 0 {
		batch = o.Batch
	}
	if o.Sequence > 0 {
		sequence = o.Sequence
	}
	ids := e.parameter("input_ids", I64, batch, sequence)
	e.mask = e.parameter("attention_mask", I64, batch, sequence)
	// With one type there is nothing to choose: Hugging Face's RoBERTa has no
	// such input.
	var types *node
	if c.Config.TypeVocabSize > 1 {
		types = e.parameter("token_type_ids", I64, batch, sequence)
	}
	x := e.embeddings(names.Embeddings, &c.Embeddings, ids, types)
	for i := range c.Layers {
		x = e.block(fmt.Sprintf(names.Layer, i), &c.Layers[i], x)
	}
	if c.Config.QuestionAnswering() {
		e.answers(c, x)
	} else {
		e.classes(c, x)
	}
	e.describe(c)
	return e.graph, nil
}

// embeddings is (batch, sequence) -> (batch, sequence, hidden). types is nil for
// at most one type.
func (e *encoder) embeddings(path string, c *jpqd.CompressedEmbeddings, ids, types *node) *node {
	x := e.gather(path+".word_embeddings", e.matrix(path+".word_embeddings.weight", &c.Word), ids, 0)
	if e.config.HasTokenTypes() {
		if types == nil {
			types = e.int(path+"/token_type_ids", 0)
		}
		typ := e.gather(path+".token_type_embeddings", e.matrix(path+".token_type_embeddings.weight", &c.TokenType), types, 0)
		x = e.sum(path+"/add_0", x, typ, c.AddTypes)
	}

	positionIDs := e.positionIDs(path, ids, c.Position.Rows)
	position := e.gather(path+".position_embeddings", e.matrix(path+".position_embeddings.weight", &c.Position), positionIDs, 0)
	return e.norm(path+".LayerNorm", &c.Norm, e.sum(path+"/add_1", x, position, c.AddInputs))
}

// positionIDs are 0, 1, 2, …, (1, sequence): a constant where the sequences have a
// fixed length, so that no shape of the graph is open, else a part of all.
func (e *encoder) positionIDs(path string, ids *node, all int) *node {
	count := func(n int) *node {
		list := make([]int64, n)
		for i := range list {
			list[i] = int64(i)
		}
		return e.constant(path+"/position_ids", values[int64](list), 1, n)
	}
	if length := ids.dims[1]; length != dynamic {
		return count(length)
	}
	shape := e.shapeOf(path+"/shape", ids)
	length := e.gather(path+"/sequence_length", shape, e.ints(path+"/sequence_length/index", 1), 0)
	return e.head(path+"/position_ids/slice", count(all), length, 1)
}

// block is one transformer block, (batch, sequence, hidden) -> the same.
func (e *encoder) block(path string, c *jpqd.CompressedLayer, x *node) *node {
	dense := path + e.names.Output
	var attended *node
	if len(c.Heads) > 0 {
		attended = e.linear(dense, &c.Output, e.attention(path, c, x))
	} else {
		attended = e.bias(dense, &c.Output, 3)
	}
	h := e.norm(path+e.names.AttentionNorm, &c.AttentionNorm, e.sum(dense+"/residual", attended, x, c.AttentionAdd))

	dense = path + e.names.FFNOut
	var y *node
	if len(c.Neurons) > 0 {
		in := path + e.names.FFNIn
		y = e.gelu(in+"/gelu", e.linear(in, &c.FFNIn, h))
		y = e.linear(dense, &c.FFNOut, y)
	} else {
		y = e.bias(dense, &c.FFNOut, 3)
	}
	return e.norm(path+e.names.OutputNorm, &c.OutputNorm, e.sum(dense+"/residual", y, h, c.OutputAdd))
}

// sum is a + b, each quantized to its range.
func (e *encoder) sum(path string, a, b *node, ranges [2]*jpqd.ActivationRange) *node {
	a = e.fakeQuantize(path+"/fq_input_0", a, ranges[0])
	return e.plus(path, a, e.fakeQuantize(path+"/fq_input_1", b, ranges[1]))
}

// attention is (batch, sequence, hidden) -> (batch, sequence, heads·head_dim).
func (e *encoder) attention(layer string, c *jpqd.CompressedLayer, x *node) *node {
	headDim := e.config.HeadDim()
	path, query, key, value := layer+e.names.Attention, layer+e.names.Query, layer+e.names.Key, layer+e.names.Value

	// Everything from the query to the scores is times 1/√head_dim: ranges too.
	factor := e.config.ScoreScale()
	scaleIn, queryOut := c.ScaleIn.Scaled(factor), c.QueryOut
	q := e.linear(query, c.Query.Scaled(factor), x)
	k := e.linear(key, &c.Key, x)
	v := e.linear(value, &c.Value, x)
	if e.config.ScalesQuery() {
		q = e.fakeQuantize(query+"/fq_scale_input", q, scaleIn)
		scaleIn = nil
	} else {
		queryOut = queryOut.Scaled(factor)
	}
	q = e.fakeQuantize(query+"/fq_output", q, queryOut)
	k = e.fakeQuantize(key+"/fq_output", k, c.KeyOut)
	v = e.fakeQuantize(value+"/fq_output", v, c.ValueOut)
	q = e.splitHeads(query, q, headDim)
	k = e.splitHeads(key, k, headDim)
	v = e.splitHeads(value, v, headDim)

	scores := e.matMul(path+"/scores", q, k, true)
	scores = e.fakeQuantize(path+"/scores/fq_output", scores, scaleIn)
	scores = e.fakeQuantize(path+"/masked_scores/fq_input_0", scores, c.ScoresIn)
	probs := e.softMax(path+"/probs", e.plus(path+"/masked_scores", scores, e.scoreBias()))
	probs = e.fakeQuantize(path+"/probs/fq_output", probs, c.ProbsOut)
	context := e.matMul(path+"/context", probs, v, false)
	context = e.transpose(path+"/context/transpose", context, 0, 2, 1, 3)
	return e.reshape(path+"/context/merge_heads", context, 0, 0, int64(len(c.Heads)*headDim))
}

// splitHeads is (batch, sequence, heads·head_dim) -> (batch, heads, sequence, head_dim).
func (e *encoder) splitHeads(path string, x *node, headDim int) *node {
	heads := x.dims[2] / headDim
	return e.transpose(path+"/transpose", e.reshape(path+"/split_heads", x, 0, 0, int64(heads), int64(headDim)), 0, 2, 1, 3)
}

// scoreBias is 0 for tokens and masked for padding, (batch, 1, 1, sequence).
func (e *encoder) scoreBias() *node {
	if e.added == nil {
		const path = "attention_mask"
		m := e.unsqueeze(path+"/unsqueeze", e.convert(path+"/convert", e.mask, F32), 1, 2)
		m = e.arithmetic(path+"/inverted", "Subtract", e.float(path+"/one", 1), m)
		e.added = e.times(path+"/bias", m, e.float(path+"/masked", masked))
	}
	return e.added
}

// linear is Input(x·Smooth)·Weightᵀ + Bias.
func (e *encoder) linear(path string, l *jpqd.CompressedLinear, x *node) *node {
	x = e.smooth(path+"/smooth_quant", x, l.Smooth)
	x = e.fakeQuantize(path+"/fq_input", x, l.Input)
	y := e.matMul(path+"/matmul", x, e.matrix(path+".weight", &l.Weight), true)
	return e.plus(path, y, e.bias(path, l, len(y.dims)))
}

// bias is that of l, spread over all but the last of rank dimensions.
func (e *encoder) bias(path string, l *jpqd.CompressedLinear, rank int) *node {
	return e.weights(path+".bias", l.Bias, rowDims(len(l.Bias), rank)...)
}

// matrix is the float value of m, (rows, cols).
func (e *encoder) matrix(path string, m *jpqd.CompressedMatrix) *node {
	if m.F32 != nil {
		return e.weights(path, m.F32, m.Rows, m.Cols)
	}
	w := e.convert(path+"/convert", e.constant(path+"/int8", values[int8](m.I8), m.Rows, m.Cols), F32)
	if m.Zero != nil {
		zero := e.constant(path+"/zero_point", values[int8](m.Zero), m.Rows, 1)
		w = e.arithmetic(path+"/shifted", "Subtract", w, e.convert(path+"/zero_point/convert", zero, F32))
	}
	return e.times(path, w, e.constant(path+"/scale", values[float32](m.Scale), m.Rows, 1))
}

// norm is the layer normalisation of the last dimension of x.
func (e *encoder) norm(path string, n *jpqd.CompressedNorm, x *node) *node {
	x = e.fakeQuantize(path+"/fq_input", x, n.Input)
	y := e.mvn(path+"/mvn", x, e.config.LayerNormEps)
	y = e.times(path+"/scaled", y, e.row(path+".weight", n.Gamma, len(x.dims)))
	return e.plus(path, y, e.row(path+".bias", n.Beta, len(x.dims)))
}

// row is a constant in f32 that spreads over all but the last of rank dimensions.
func (e *encoder) row(name string, v []float32, rank int) *node {
	return e.constant(name, values[float32](v), rowDims(len(v), rank)...)
}

// rowDims is n behind ones.
func rowDims(n, rank int) []int {
	dims := slices.Repeat([]int{1}, rank)
	dims[rank-1] = n
	return dims
}
