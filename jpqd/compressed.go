package jpqd

import "github.com/go-jpqd/jpqd/bert"

// Compressed is the one artefact of a compression run: the model with its
// physical shapes after pruning, its integer weights and the ranges of its
// activations. The IR writer, the INT8 engine, the sizes and the report read
// this value and nothing else. It describes a post-norm transformer encoder
// with a classification head; layers may differ in shape.
type Compressed struct {
	Config     bert.Config // the uncompressed model's; sizes of single layers are in Layers
	Embeddings CompressedEmbeddings
	Layers     []CompressedLayer
	Pooler     CompressedLinear // (hidden, hidden), tanh follows
	Classifier CompressedLinear // (labels, hidden)
}

// CompressedEmbeddings is Norm(a(word[id] + type[t]) + b(position[p])), where a
// and b are the fake quantizers of AddInputs.
type CompressedEmbeddings struct {
	Word      CompressedMatrix // (vocabulary, hidden)
	Position  CompressedMatrix // (positions, hidden)
	TokenType CompressedMatrix // (types, hidden)
	// AddInputs quantize the two operands of the second sum, word + type and
	// position, in this order; nil where there is none.
	AddInputs [2]*ActivationRange
	Norm      CompressedNorm
}

// CompressedLayer is one transformer block:
//
//	q, k, v = Query(x), Key(x), Value(x)
//	p       = softmax(QueryOut(q)·KeyOut(k)ᵀ / √head_dim)        per head
//	h       = AttentionNorm(Output(p·v) + x)
//	y       = OutputNorm(FFNOut(gelu(FFNIn(h))) + h)
//
// A block that lost all heads (len(Heads) == 0) has h = AttentionNorm(Output.Bias + x);
// one that lost all neurons has y = OutputNorm(FFNOut.Bias + h).
type CompressedLayer struct {
	Heads         []int            // original ids of the heads kept, ascending
	Neurons       []int            // original ids of the intermediate neurons kept, ascending
	Query         CompressedLinear // (heads·head_dim, hidden)
	Key           CompressedLinear // (heads·head_dim, hidden)
	Value         CompressedLinear // (heads·head_dim, hidden)
	QueryOut      *ActivationRange // left operand of q·kᵀ; nil: not quantized
	KeyOut        *ActivationRange // right operand of q·kᵀ
	ProbsOut      *ActivationRange // left operand of p·v
	ValueOut      *ActivationRange // right operand of p·v
	Output        CompressedLinear // (hidden, heads·head_dim)
	AttentionNorm CompressedNorm
	FFNIn         CompressedLinear // (neurons, hidden)
	FFNOut        CompressedLinear // (hidden, neurons)
	OutputNorm    CompressedNorm
}

// CompressedLinear is y = Input(x)·Weightᵀ + Bias.
type CompressedLinear struct {
	Weight CompressedMatrix
	Bias   []float32        // (rows)
	Input  *ActivationRange // nil: the input is not quantized
}

// CompressedMatrix is a matrix of Rows × Cols in row order, either as floats or
// as integers with one scale a row: w[i, j] = (I8[i, j] − Zero[i])·Scale[i].
type CompressedMatrix struct {
	Rows, Cols int
	F32        []float32 // nil where the matrix is quantized
	I8         []int8
	Scale      []float32 // (Rows)
	Zero       []int8    // (Rows); nil: 0 for all, as signed symmetric weights have it
}

// CompressedNorm is a layer normalisation over the last dimension.
type CompressedNorm struct {
	Gamma, Beta []float32 // (hidden)
}

// ActivationRange is a per-tensor fake quantizer of 8 bits:
//
//	s = (Levels−1)/(High−Low);  zp = round(−Low·s)
//	y = round((clamp(x, Low, High)−Low)·s − zp)/s      rounding half to even
type ActivationRange struct {
	Low, High float32
	Levels    int  // 256
	Symmetric bool // the kind it was trained as; Low = −High·128/127, or 0 when unsigned
}

// Step is the distance of two neighbouring levels; 1 for no quantizer (nil).
func (r *ActivationRange) Step() float64 {
	if r == nil {
		return 1
	}
	return 1 / float64(float32(r.Levels-1)/(r.High-r.Low))
}
