package ir

import (
	"encoding/xml"
	"math"
	"strconv"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// masked is added to the scores of padding. It is BERT's own value: softmax
// makes an exact zero of it, and it survives in bf16 and f16, where the lowest
// float32 would become an infinity and its product with 0 a NaN.
const masked = -10000

// encoder builds the graph of a compressed model.
type encoder struct {
	*graph
	config *bert.Config
	mask   *node // attention_mask, (batch, sequence)
	bias   *node // of the scores, (batch, 1, 1, sequence); nil until a layer needs it
}

// newEncoder is the graph of c, which [jpqd.Compressed.Validate] has accepted.
func newEncoder(c *jpqd.Compressed) *graph {
	e := &encoder{graph: newGraph("bert"), config: &c.Config}
	ids := e.parameter("input_ids", I64, dynamic, dynamic)
	e.mask = e.parameter("attention_mask", I64, dynamic, dynamic)
	types := e.parameter("token_type_ids", I64, dynamic, dynamic)

	x := e.embeddings("bert.embeddings", &c.Embeddings, ids, types)
	var heads, neurons []int
	for i := range c.Layers {
		x = e.block("bert.encoder.layer."+strconv.Itoa(i), &c.Layers[i], x)
		heads = append(heads, len(c.Layers[i].Heads))
		neurons = append(neurons, len(c.Layers[i].Neurons))
	}
	first := e.gather("bert.pooler/first_token", x, e.int("bert.pooler/first_token/index", 0), 1)
	pooled := e.tanh("bert.pooler", e.linear("bert.pooler.dense", &c.Pooler, first))
	e.result("logits", e.linear("classifier", &c.Classifier, pooled))

	e.info = []xmlInfo{{XMLName: xml.Name{Local: "jpqd"}, Children: []xmlInfo{
		infoLeaf("heads", joinInts(heads)), infoLeaf("neurons", joinInts(neurons)),
	}}}
	return e.graph
}

// embeddings is (batch, sequence) -> (batch, sequence, hidden).
func (e *encoder) embeddings(path string, c *jpqd.CompressedEmbeddings, ids, types *node) *node {
	word := e.gather(path+".word_embeddings", e.matrix(path+".word_embeddings.weight", &c.Word), ids, 0)
	typ := e.gather(path+".token_type_embeddings", e.matrix(path+".token_type_embeddings.weight", &c.TokenType), types, 0)

	all := make([]int64, c.Position.Rows)
	for i := range all {
		all[i] = int64(i)
	}
	shape := e.shapeOf(path+"/shape", ids)
	length := e.gather(path+"/sequence_length", shape, e.ints(path+"/sequence_length/index", 1), 0)
	positionIDs := e.head(path+"/position_ids/slice", e.constant(path+"/position_ids", values[int64](all), 1, len(all)), length, 1)
	position := e.gather(path+".position_embeddings", e.matrix(path+".position_embeddings.weight", &c.Position), positionIDs, 0)

	left := e.fakeQuantize(path+"/add_1/fq_input_0", e.plus(path+"/add_0", word, typ), c.AddInputs[0])
	right := e.fakeQuantize(path+"/add_1/fq_input_1", position, c.AddInputs[1])
	return e.norm(path+".LayerNorm", &c.Norm, e.plus(path+"/add_1", left, right))
}

// block is one transformer block, (batch, sequence, hidden) -> the same.
func (e *encoder) block(path string, c *jpqd.CompressedLayer, x *node) *node {
	dense := path + ".attention.output.dense"
	h := x
	if len(c.Heads) > 0 {
		h = e.linear(dense, &c.Output, e.attention(path+".attention.self", c, x))
		h = e.plus(path+".attention.output/residual", h, x)
	} else {
		h = e.plus(path+".attention.output/residual", e.row(dense+".bias", c.Output.Bias, 3), x)
	}
	h = e.norm(path+".attention.output.LayerNorm", &c.AttentionNorm, h)

	dense = path + ".output.dense"
	var y *node
	if len(c.Neurons) > 0 {
		y = e.gelu(path+".intermediate/gelu", e.linear(path+".intermediate.dense", &c.FFNIn, h))
		y = e.linear(dense, &c.FFNOut, y)
	} else {
		y = e.row(dense+".bias", c.FFNOut.Bias, 3)
	}
	return e.norm(path+".output.LayerNorm", &c.OutputNorm, e.plus(path+".output/residual", y, h))
}

// attention is (batch, sequence, hidden) -> (batch, sequence, heads·head_dim).
func (e *encoder) attention(path string, c *jpqd.CompressedLayer, x *node) *node {
	headDim := e.config.HeadDim()
	query := scaleLinear(&c.Query, queryScale(headDim))

	q := e.linear(path+".query", query, x)
	k := e.linear(path+".key", &c.Key, x)
	v := e.linear(path+".value", &c.Value, x)
	q = e.fakeQuantize(path+".query/fq_output", q, scaleRange(c.QueryOut, queryScale(headDim)))
	k = e.fakeQuantize(path+".key/fq_output", k, c.KeyOut)
	v = e.fakeQuantize(path+".value/fq_output", v, c.ValueOut)
	q = e.splitHeads(path+".query", q, headDim)
	k = e.splitHeads(path+".key", k, headDim)
	v = e.splitHeads(path+".value", v, headDim)

	scores := e.plus(path+"/masked_scores", e.matMul(path+"/scores", q, k, true), e.scoreBias())
	probs := e.fakeQuantize(path+"/probs/fq_output", e.softMax(path+"/probs", scores), c.ProbsOut)
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
	if e.bias == nil {
		const path = "attention_mask"
		m := e.unsqueeze(path+"/unsqueeze", e.convert(path+"/convert", e.mask, F32), 1, 2)
		m = e.arithmetic(path+"/inverted", "Subtract", e.float(path+"/one", 1), m)
		e.bias = e.times(path+"/bias", m, e.float(path+"/masked", masked))
	}
	return e.bias
}

// linear is Input(x)·Weightᵀ + Bias.
func (e *encoder) linear(path string, l *jpqd.CompressedLinear, x *node) *node {
	x = e.fakeQuantize(path+"/fq_input", x, l.Input)
	y := e.matMul(path+"/matmul", x, e.matrix(path+".weight", &l.Weight), true)
	return e.plus(path, y, e.row(path+".bias", l.Bias, len(y.dims)))
}

// matrix is the float value of m, (rows, cols).
func (e *encoder) matrix(path string, m *jpqd.CompressedMatrix) *node {
	if m.F32 != nil {
		return e.constant(path, values[float32](m.F32), m.Rows, m.Cols)
	}
	integers := e.constant(path+"/int8", values[int8](m.I8), m.Rows, m.Cols)
	scale := e.constant(path+"/scale", values[float32](m.Scale), m.Rows, 1)
	return e.times(path, e.convert(path+"/convert", integers, F32), scale)
}

// norm is the layer normalisation of the last dimension of x.
func (e *encoder) norm(path string, n *jpqd.CompressedNorm, x *node) *node {
	y := e.mvn(path+"/mvn", x, e.config.LayerNormEps)
	y = e.times(path+"/scaled", y, e.row(path+".weight", n.Gamma, len(x.dims)))
	return e.plus(path, y, e.row(path+".bias", n.Beta, len(x.dims)))
}

// row is a constant that spreads over all but the last of rank dimensions.
func (e *encoder) row(name string, v []float32, rank int) *node {
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = 1
	}
	dims[rank-1] = len(v)
	return e.constant(name, values[float32](v), dims...)
}

// queryScale is 1/√head_dim.
func queryScale(headDim int) float32 { return float32(1 / math.Sqrt(float64(headDim))) }

// scaleLinear is l with its output multiplied by f.
func scaleLinear(l *jpqd.CompressedLinear, f float32) *jpqd.CompressedLinear {
	scaled := *l
	scaled.Weight.F32 = scaleValues(l.Weight.F32, f)
	scaled.Weight.Scale = scaleValues(l.Weight.Scale, f)
	scaled.Bias = scaleValues(l.Bias, f)
	return &scaled
}

// scaleRange is r for values multiplied by f; nil stays nil.
func scaleRange(r *jpqd.ActivationRange, f float32) *jpqd.ActivationRange {
	if r == nil {
		return nil
	}
	scaled := *r
	scaled.Low *= f
	scaled.High *= f
	return &scaled
}

func scaleValues(v []float32, f float32) []float32 {
	if v == nil {
		return nil
	}
	scaled := make([]float32, len(v))
	for i := range v {
		scaled[i] = v[i] * f
	}
	return scaled
}
