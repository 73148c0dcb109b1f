package onnx

import (
	"fmt"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/modules"
	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// masked is added to the scores of padding. It is BERT's own value: softmax
// makes an exact zero of it, and it survives in bf16 and f16, where the lowest
// float32 would become an infinity and its product with 0 a NaN.
const masked = -10000

// encoder builds the graph of a compressed model.
type encoder struct {
	*graph
	config          *bert.Config
	names           *modules.Names
	batch, sequence dimension
	mask            value // attention_mask, (batch, sequence)
	bias            value // of the scores, (batch, 1, 1, sequence); "" until a layer needs it
}

// newEncoder is the graph of c, which [jpqd.Compressed.Validate] has accepted.
func newEncoder(c *jpqd.Compressed, o Options) (*graph, error) {
	names, err := modules.Find(&c.Config)
	if err != nil {
		return nil, fmt.Errorf("model for ONNX: Config: %w", err)
	}
	e := &encoder{
		graph: newGraph(names.Graph), config: &c.Config, names: names,
		batch: dimension{o.Batch, "batch_size"}, sequence: dimension{o.Sequence, "sequence_length"},
	}
	ids := e.input("input_ids", onnxpb.TensorProto_INT64, e.batch, e.sequence)
	e.mask = e.input("attention_mask", onnxpb.TensorProto_INT64, e.batch, e.sequence)
	// With one type there is nothing to choose: Hugging Face's RoBERTa has no
	// such input.
	var types value
	if c.Config.TypeVocabSize > 1 {
		types = e.input("token_type_ids", onnxpb.TensorProto_INT64, e.batch, e.sequence)
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
	return e.graph, nil
}

// embeddings is (batch, sequence) -> (batch, sequence, hidden). types is "" for
// at most one type.
func (e *encoder) embeddings(path string, c *jpqd.CompressedEmbeddings, ids, types value) value {
	x := e.embedding(path+".word_embeddings", &c.Word, ids)
	if e.config.HasTokenTypes() {
		if types == "" {
			types = e.int(path+"/token_type_ids", 0)
		}
		x = e.sum(path+"/add_0", x, e.embedding(path+".token_type_embeddings", &c.TokenType, types), c.AddTypes)
	}
	all := make(values[int64], c.Position.Rows)
	for i := range all {
		all[i] = int64(i)
	}
	shape := e.unary(path+"/shape", "Shape", ids)
	length := e.gather(path+"/sequence_length", shape, e.ints(path+"/sequence_length/index", 1), 0)
	positions := e.head(path+"/position_ids", e.constant(path+"/all_position_ids", all, int64(len(all))), length)
	position := e.embedding(path+".position_embeddings", &c.Position, positions)
	return e.norm(path+".LayerNorm", &c.Norm, e.sum(path+"/add_1", x, position, c.AddInputs))
}

// block is one transformer block, (batch, sequence, hidden) -> the same.
func (e *encoder) block(path string, c *jpqd.CompressedLayer, x value) value {
	dense := path + e.names.Output
	var attended value
	if len(c.Heads) > 0 {
		attended = e.linear(dense, &c.Output, e.attention(path, c, x))
	} else {
		attended = e.row(dense+".bias", c.Output.Bias)
	}
	h := e.norm(path+e.names.AttentionNorm, &c.AttentionNorm, e.sum(dense+"/residual", attended, x, c.AttentionAdd))

	dense = path + e.names.FFNOut
	var y value
	if len(c.Neurons) > 0 {
		in := path + e.names.FFNIn
		y = e.gelu(in+"/gelu", e.linear(in, &c.FFNIn, h))
		y = e.linear(dense, &c.FFNOut, y)
	} else {
		y = e.row(dense+".bias", c.FFNOut.Bias)
	}
	return e.norm(path+e.names.OutputNorm, &c.OutputNorm, e.sum(dense+"/residual", y, h, c.OutputAdd))
}

// sum is a + b, each quantized to its range.
func (e *encoder) sum(path string, a, b value, ranges [2]*jpqd.ActivationRange) value {
	a = e.quantize(path+"/input_0", a, ranges[0])
	return e.binary(path, "Add", a, e.quantize(path+"/input_1", b, ranges[1]))
}

// attention is (batch, sequence, hidden) -> (batch, sequence, heads·head_dim).
func (e *encoder) attention(layer string, c *jpqd.CompressedLayer, x value) value {
	path, query, key, val := layer+e.names.Attention, layer+e.names.Query, layer+e.names.Key, layer+e.names.Value
	heads, headDim := int64(len(c.Heads)), int64(e.config.HeadDim())

	// The factor 1/√head_dim is a part of the query's projection, and of the range
	// of what that makes, unless a quantizer stands before the factor.
	projection, queryOut := &c.Query, c.QueryOut
	if c.ScaleIn == nil {
		factor := e.config.ScoreScale()
		projection = projection.Scaled(factor)
		if !e.config.ScalesQuery() {
			queryOut = queryOut.Scaled(factor)
		}
	}
	q := e.linear(query, projection, x)
	k := e.linear(key, &c.Key, x)
	v := e.linear(val, &c.Value, x)
	if e.config.ScalesQuery() {
		q = e.scaled(query, q, c.ScaleIn)
	}
	split := func(path string, x value, order ...int64) value {
		return e.transpose(path+"/transpose", e.reshape(path+"/split_heads", x, 0, 0, heads, headDim), order...)
	}
	q = split(query, q, 0, 2, 1, 3) // (batch, heads, sequence, head_dim)
	k = split(key, k, 0, 2, 3, 1)   // (batch, heads, head_dim, sequence)
	v = split(val, v, 0, 2, 1, 3)   // (batch, heads, sequence, head_dim)

	scores := e.matMul(path+"/scores", e.quantize(query+"/output", q, queryOut), e.quantize(key+"/output", k, c.KeyOut))
	if !e.config.ScalesQuery() {
		scores = e.scaled(path+"/scores", scores, c.ScaleIn)
	}
	scores = e.quantize(path+"/masked_scores/input_0", scores, c.ScoresIn)
	probs := e.softmax(path+"/probs", e.binary(path+"/masked_scores", "Add", scores, e.scoreBias()))
	context := e.matMul(path+"/context", e.quantize(path+"/probs/output", probs, c.ProbsOut), e.quantize(val+"/output", v, c.ValueOut))
	context = e.transpose(path+"/context/transpose", context, 0, 2, 1, 3)
	return e.reshape(path+"/context/merge_heads", context, 0, 0, heads*headDim)
}

// scaled is x, quantized to the range r, times 1/√head_dim. Without a range x is
// scaled already. ONNX Runtime makes one of two quantizers with nothing between them.
func (e *encoder) scaled(path string, x value, r *jpqd.ActivationRange) value {
	if r == nil {
		return x
	}
	factor := e.float(path+"/factor", e.config.ScoreScale())
	return e.binary(path+"/scaled", "Mul", e.quantize(path+"/scale_input", x, r), factor)
}

// scoreBias is 0 for tokens and masked for padding, (batch, 1, 1, sequence).
func (e *encoder) scoreBias() value {
	if e.bias == "" {
		const path = "attention_mask"
		m := e.unsqueeze(path+"/unsqueeze", e.cast(path+"/float", e.mask, onnxpb.TensorProto_FLOAT), 1, 2)
		m = e.binary(path+"/inverted", "Sub", e.float(path+"/one", 1), m)
		e.bias = e.binary(path+"/bias", "Mul", m, e.float(path+"/masked", masked))
	}
	return e.bias
}

// linear is Input(x·Smooth)·Weightᵀ + Bias of x (batch, sequence, in). The bias is
// (1, 1, out): with one of one dimension ONNX Runtime makes a Gemm of a product
// whose shape it knows, and computes that in float.
func (e *encoder) linear(path string, l *jpqd.CompressedLinear, x value) value {
	x = e.quantize(path+"/input", e.smooth(path+"/smooth_quant", x, l.Smooth), l.Input)
	y := e.matMul(path+"/matmul", x, e.weight(path+".weight", &l.Weight))
	return e.binary(path, "Add", y, e.constant(path+".bias", values[float32](l.Bias), 1, 1, int64(len(l.Bias))))
}

// norm is the layer normalisation of the last dimension of Input(x).
func (e *encoder) norm(path string, n *jpqd.CompressedNorm, x value) value {
	x = e.quantize(path+"/input", x, n.Input)
	return e.layerNormalization(path, x, e.row(path+".weight", n.Gamma), e.row(path+".bias", n.Beta), e.config.LayerNormEps)
}
