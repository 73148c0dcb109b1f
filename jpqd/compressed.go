package jpqd

import "github.com/go-jpqd/jpqd/bert"

// Compressed is the one artefact of a compression run: the model with its
// physical shapes after pruning, its integer weights and the ranges of its
// activations. The IR writer, the INT8 engine, the sizes and the report read
// this value and nothing else. It describes a post-norm transformer encoder
// with one of two heads; layers may differ in shape. Every *ActivationRange is
// a fake quantizer, nil where nothing is quantized.
//
// Classification picks the first token of each sequence:
//
//	logits = Logits(Classifier(tanh(Pooler(y₀))))
//
// with ReLU in place of tanh where Config.PoolerReLU(). Question answering has
// no pooler and gives every token the logits of start and end:
//
//	logits = Logits(Classifier(y))
type Compressed struct {
	Config     bert.Config // the uncompressed model's; sizes of single layers are in Layers
	Embeddings CompressedEmbeddings
	Layers     []CompressedLayer
	Pooler     CompressedLinear // (rows kept, hidden); the zero value for question answering
	Classifier CompressedLinear // (labels, rows of the pooler); question answering: (2, hidden)
	Logits     *ActivationRange
}

// CompressedEmbeddings is
//
//	Norm(AddInputs[0](AddTypes[0](word[id]) + AddTypes[1](type[t])) + AddInputs[1](position[p]))
//
// and without token types Norm(AddInputs[0](word[id]) + AddInputs[1](position[p])).
type CompressedEmbeddings struct {
	Word      CompressedMatrix // (vocabulary, hidden)
	Position  CompressedMatrix // (positions, hidden); row i is position i, so the table starts at the model's Config.PositionOffset()
	TokenType CompressedMatrix // (types, hidden); 0 × 0 without token types
	AddTypes  [2]*ActivationRange
	AddInputs [2]*ActivationRange
	Norm      CompressedNorm
}

// CompressedLayer is one transformer block:
//
//	q, k, v = Query(x), Key(x), Value(x)
//	s       = ScaleIn(QueryOut(q)·KeyOut(k)ᵀ) / √head_dim        per head
//	p       = softmax(ScoresIn(s) + mask)
//	h       = AttentionNorm(AttentionAdd[0](Output(ProbsOut(p)·ValueOut(v))) + AttentionAdd[1](x))
//	y       = OutputNorm(OutputAdd[0](FFNOut(gelu(FFNIn(h)))) + OutputAdd[1](h))
//
// Where Config.ScalesQuery() the query is scaled instead of the scores:
//
//	s = QueryOut(ScaleIn(q) / √head_dim)·KeyOut(k)ᵀ
//
// Output has no Smooth: its factors are those of Value's rows.
//
// A block that lost all heads (len(Heads) == 0) has Output.Bias in place of
// Output(…); one that lost all neurons has FFNOut.Bias in place of FFNOut(…).
type CompressedLayer struct {
	Heads         []int            // original ids of the heads kept, ascending
	Neurons       []int            // original ids of the intermediate neurons kept, ascending
	Query         CompressedLinear // (heads·head_dim, hidden)
	Key           CompressedLinear // (heads·head_dim, hidden)
	Value         CompressedLinear // (heads·head_dim, hidden)
	QueryOut      *ActivationRange // left operand of q·kᵀ
	KeyOut        *ActivationRange // right operand of q·kᵀ
	ScaleIn       *ActivationRange // the scores before the division by √head_dim, or the query where Config.ScalesQuery()
	ScoresIn      *ActivationRange // the scaled scores, operand of the mask's addition
	ProbsOut      *ActivationRange // left operand of p·v
	ValueOut      *ActivationRange // right operand of p·v
	Output        CompressedLinear // (hidden, heads·head_dim)
	AttentionAdd  [2]*ActivationRange
	AttentionNorm CompressedNorm
	FFNIn         CompressedLinear // (neurons, hidden)
	FFNOut        CompressedLinear // (hidden, neurons)
	OutputAdd     [2]*ActivationRange
	OutputNorm    CompressedNorm
}

// CompressedLinear is y = Input(x·Smooth)·Weightᵀ + Bias.
type CompressedLinear struct {
	Weight CompressedMatrix
	Bias   []float32        // (rows)
	Smooth []float32        // (cols) SmoothQuant's factors of the input's columns, by which the weight's are divided; nil: 1
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

// ZeroPoint is the integer of row i that stands for 0.
func (m *CompressedMatrix) ZeroPoint(i int) int {
	if m.Zero == nil {
		return 0
	}
	return int(m.Zero[i])
}

// CompressedNorm is a layer normalisation of Input(x) over the last dimension.
type CompressedNorm struct {
	Input       *ActivationRange
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
