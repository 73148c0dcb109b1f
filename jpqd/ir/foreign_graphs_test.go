package ir

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jpqd/jpqd/jpqd"
)

// exporter writes a model as others do.
type exporter struct {
	*foreignNet
	*spelling
	*rand.Rand
	c       *jpqd.Compressed
	modules foreignModules

	ids, mask, types foreignTensor // inputs
	bias             foreignTensor // what is added to the scores, or the mask of fused attention
	shared           map[string]foreignTensor
}

// foreignModules are paths of modules of transformers.
type foreignModules struct {
	backbone, embeddings, layer, self               string
	query, key, value, output, attentionNorm        string
	ffn, ffnIn, gelu, ffnOut, outputNorm, add, head string
	pooler, activation, classifier                  string
}

func modulesOf(c *jpqd.Compressed) foreignModules {
	m := foreignModules{
		backbone: "bert", embeddings: "bert.embeddings", layer: "bert.encoder.layer.%d", self: ".attention.self",
		query: ".attention.self.query", key: ".attention.self.key", value: ".attention.self.value",
		output: ".attention.output.dense", attentionNorm: ".attention.output.LayerNorm", add: ".attention.output",
		ffnIn: ".intermediate.dense", gelu: ".intermediate.intermediate_act_fn", ffnOut: ".output.dense", outputNorm: ".output.LayerNorm", ffn: ".output",
		head: "bert.pooler", pooler: "bert.pooler.dense", activation: "bert.pooler.activation", classifier: "classifier",
	}
	switch c.Config.ModelType {
	case "roberta":
		m.backbone, m.embeddings, m.layer = "roberta", "roberta.embeddings", "roberta.encoder.layer.%d"
		m.head, m.pooler, m.activation, m.classifier = "classifier", "classifier.dense", "classifier", "classifier.out_proj"
	case "distilbert":
		m = foreignModules{
			backbone: "distilbert", embeddings: "distilbert.embeddings", layer: "distilbert.transformer.layer.%d", self: ".attention",
			query: ".attention.q_lin", key: ".attention.k_lin", value: ".attention.v_lin",
			output: ".attention.out_lin", attentionNorm: ".sa_layer_norm", ffnIn: ".ffn.lin1", gelu: ".ffn.activation", ffnOut: ".ffn.lin2", outputNorm: ".output_layer_norm",
			pooler: "pre_classifier", classifier: "classifier",
		}
	}
	if c.Config.QuestionAnswering() {
		m.classifier = "qa_outputs"
	}
	return m
}

// export is the file of c in the fixture's spelling.
func (f *fixture) export(c *jpqd.Compressed, seed uint64) (text, bin []byte) {
	e := f.exporter(c, seed)
	e.encoder()
	if f.shuffled {
		return e.file(e.Rand)
	}
	return e.file(nil)
}

func (f *fixture) exporter(c *jpqd.Compressed, seed uint64) *exporter {
	e := &exporter{
		foreignNet: newForeignNet(f.torch), spelling: &f.spelling, Rand: rand.New(rand.NewPCG(seed, 3)),
		c: c, modules: modulesOf(c), shared: map[string]foreignTensor{},
	}
	if f.shuffled {
		e.bin = []byte{0} // nothing lies on a multiple of its size
	}
	return e
}

// at is the name of a layer in a module: that of the PyTorch frontend or that
// of ONNX.
func (e *exporter) at(module, torch, onnx string) string {
	if e.torch {
		if module == "" {
			return torch
		}
		return "__module." + module + "/" + torch
	}
	return strings.ReplaceAll("/"+strings.ReplaceAll(module, ".", "/")+"/"+onnx, "layer/", "layer.")
}

var numpy = []string{"auto_broadcast", "numpy"}

func (e *exporter) encoder() {
	e.ids, e.mask = e.parameter("input_ids"), e.parameter("attention_mask")
	if e.c.Config.TypeVocabSize > 1 && !e.noTypes {
		e.types = e.parameter("token_type_ids")
	}
	x := e.embeddings()
	for i := range e.c.Layers {
		x = e.layer(fmt.Sprintf(e.modules.layer, i), &e.c.Layers[i], x)
	}
	e.heading(x)
}

func (e *exporter) embeddings() foreignTensor {
	module, w := e.modules.embeddings, &e.c.Embeddings
	x := e.lookUp(module+".word_embeddings", &w.Word, e.ids)
	if e.c.Config.HasTokenTypes() {
		types := e.types
		if types.foreignLayer == nil {
			types = e.bufferedTypes()
		}
		x = e.sum(e.at(module, "aten::add/Add", "Add"), x, e.lookUp(module+".token_type_embeddings", &w.TokenType, types), w.AddTypes)
	}
	position := w.Position
	if offset := e.c.Config.PositionOffset(); offset > 0 { // rows of padding and before it
		position = positionTable(e.Rand, position, offset)
	}
	p := e.lookUp(module+".position_embeddings", &position, e.positionIDs(x))
	return e.layerNorm(module+".LayerNorm", &w.Norm, e.sum(e.at(module, "aten::add_/Add", "Add_1"), x, p, w.AddInputs))
}

// positionTable is m behind offset more rows.
func positionTable(r *rand.Rand, m jpqd.CompressedMatrix, offset int) jpqd.CompressedMatrix {
	for range offset {
		if m.I8 == nil {
			m.F32 = slices.Concat(m.F32[:m.Cols], m.F32)
			continue
		}
		m.I8, m.Scale = slices.Concat(m.I8[:m.Cols], m.I8), slices.Concat([]float32{m.Scale[r.IntN(len(m.Scale))]}, m.Scale)
		if m.Zero != nil {
			m.Zero = slices.Concat(m.Zero[:1], m.Zero)
		}
	}
	m.Rows += offset
	return m
}

// lookUp takes rows of a table.
func (e *exporter) lookUp(module string, table *jpqd.CompressedMatrix, ids foreignTensor) foreignTensor {
	name := e.at(module, "aten::embedding/Gather", "Gather")
	w := e.matrix(module+".weight", name+"/fq_weights_0", table, false)
	axis := e.constant(e.at(module, "aten::embedding/Constant", "Constant"), I32, []float64{0})
	if e.torch && ids.typ() != I32 {
		ids = e.op(e.at(module, "aten::embedding/Convert", "Cast"), "Convert-1", []string{"destination_type", "i32"}, ids).shaped(I32, ids.dims()...)
	}
	return e.op(name, "Gather-8", []string{"batch_dims", "0"}, w, ids, axis).shaped(F32, append(slices.Clone(ids.dims()), table.Cols)...)
}

// size is dimension i of x, as a list of one.
func (e *exporter) size(x foreignTensor, i int, typ ElementType) foreignTensor {
	shape := e.op("", "ShapeOf-3", []string{"output_type", string(typ)}, x).shaped(typ, len(x.dims()))
	return e.op("", "Gather-8", []string{"batch_dims", "0"}, shape, e.constant("", typ, []float64{float64(i)}, 1), e.constant("", typ, []float64{0})).shaped(typ, 1)
}

// positionIDs are (1, sequence), and RoBERTa's (batch, sequence).
func (e *exporter) positionIDs(x foreignTensor) foreignTensor {
	module := e.modules.embeddings
	if e.c.Config.PositionOffset() > 0 {
		return e.countedPositions()
	}
	all := e.constant(e.at(module, "aten::slice/Slice", "Constant"), I64, widen(countUp(e.c.Config.MaxPositionEmbeddings)), 1, e.c.Config.MaxPositionEmbeddings)
	return e.head(module, all, x)
}

// head is all[:, :sequence].
func (e *exporter) head(module string, all, x foreignTensor) foreignTensor {
	name := e.at(module, "aten::slice/Slice_1", "Slice")
	masks := []string{"begin_mask", "1, 0", "end_mask", "1, 0", "new_axis_mask", "", "shrink_axis_mask", "", "ellipsis_mask", ""}
	switch e.positions {
	case "strided":
		end := e.op("", "Concat-1", []string{"axis", "0"}, e.ints(0), e.size(e.ids, 1, I64)).shaped(I64, 2)
		return e.op(name, "StridedSlice-1", masks, all, e.ints(0, 0), end, e.ints(1, 1)).shaped(I64, 1, -1)
	case "scattered":
		end := e.op("", "ScatterUpdate-3", nil, e.ints32(0, 0), e.ints(1), e.size(x, 1, I32), e.ints32(0)).shaped(I32, 2)
		return e.op(name, "StridedSlice-1", masks, all, e.ints32(0, 0), end, e.ints32(1, 1)).shaped(I64, 1, -1)
	}
	return e.op(name, "Slice-8", nil, all, e.ints(0), e.size(e.ids, 1, I64), e.ints(1), e.ints(1)).shaped(I64, 1, -1)
}

// countedPositions count the tokens that are not padding:
//
//	cumsum(ids ≠ pad)·(ids ≠ pad) + pad
//
// ONNX has an Equal and a Not for ≠, and adds the tokens of the past, none.
func (e *exporter) countedPositions() foreignTensor {
	module := e.modules.embeddings
	pad := e.constant("", I64, []float64{float64(e.c.Config.PadTokenID)}, 1, 1)
	var m foreignTensor
	if e.torch {
		m = e.op(e.at(module, "aten::ne/NotEqual", ""), "NotEqual-1", numpy, e.ids, pad).shaped(Boolean, -1, -1)
	} else {
		m = e.op(e.at(module, "", "Equal"), "Equal-1", numpy, e.ids, pad).shaped(Boolean, -1, -1)
		m = e.op(e.at(module, "", "Not"), "LogicalNot-1", nil, m)
	}
	m = e.op(e.at(module, "aten::to/Convert", "Cast"), "Convert-1", []string{"destination_type", "i32"}, m).shaped(I32, -1, -1)
	p := e.op(e.at(module, "aten::cumsum/CumSum", "CumSum"), "CumSum-3", []string{"exclusive", "false", "reverse", "false"}, m, e.int(1)).shaped(I32, -1, -1)
	if !e.torch {
		p = e.op(e.at(module, "", "Add"), "Add-1", numpy, p, e.constant("", I32, []float64{0}))
	}
	p = e.op(e.at(module, "aten::mul/Multiply", "Mul"), "Multiply-1", numpy, p, m)
	p = e.op(e.at(module, "aten::to/Convert", "Cast"), "Convert-1", []string{"destination_type", "i64"}, p).shaped(I64, -1, -1)
	return e.op(e.at(module, "aten::add/Add", "Add"), "Add-1", numpy, p, pad)
}

// bufferedTypes are a buffer of zeros, cut and expanded to the shape of the
// ids. ONNX looks for sizes of −1 in that shape.
func (e *exporter) bufferedTypes() foreignTensor {
	module, n := e.modules.backbone, e.c.Config.MaxPositionEmbeddings
	zeros := e.constant(e.at(module, "aten::slice/Slice", "Constant"), I64, make([]float64, n), 1, n)
	shape := e.op(e.at(module, "aten::size/ShapeOf", "Shape"), "ShapeOf-3", []string{"output_type", "i64"}, e.ids).shaped(I64, 2)
	if !e.torch {
		free := e.op(e.at(module, "", "Equal"), "Equal-1", numpy, shape, e.ints(-1, -1)).shaped(Boolean, 2)
		ones := e.op(e.at(module, "", "ConstantOfShape"), "Broadcast-3", []string{"mode", "numpy"}, e.int(1), e.ints(2)).shaped(I64, 2)
		shape = e.op(e.at(module, "", "Where"), "Select-1", numpy, free, ones, shape).shaped(I64, 2)
	}
	cut := e.head(module, zeros, e.ids)
	return e.op(e.at(module, "aten::expand/Broadcast", "Expand"), "Broadcast-3", []string{"mode", "bidirectional"}, cut, shape).shaped(I64, -1, -1)
}

// sum is a + b, each quantized.
func (e *exporter) sum(name string, a, b foreignTensor, ranges [2]*jpqd.ActivationRange) foreignTensor {
	a, b = e.quantize(a, ranges[0], name+"/fq_input_0"), e.quantize(b, ranges[1], name+"/fq_input_1")
	return e.op(name, "Add-1", numpy, a, b)
}

// quantize is x through a quantizer with equal limits in and out. One of equal
// limits on the same tensor serves all.
func (e *exporter) quantize(x foreignTensor, r *jpqd.ActivationRange, name string) foreignTensor {
	if r == nil {
		return x
	}
	key := fmt.Sprintf("%p %d %v %v", x.foreignLayer, x.output, r.Low, r.High)
	if q, ok := e.shared[key]; ok {
		return q
	}
	in := []foreignTensor{x}
	for i, limit := range []string{"input_low", "input_high", "output_low", "output_high"} {
		in = append(in, e.constant(name+"/"+limit, F32, []float64{float64([]float32{r.Low, r.High}[i%2])}, e.limits[:min(len(e.limits), len(x.dims()))]...))
	}
	q := e.op(name, "FakeQuantize-1", []string{"levels", strconv.Itoa(r.Levels), "auto_broadcast", "numpy"}, in...).shaped(F32, x.dims()...).called("")
	e.shared[key] = q
	return q
}

// linearOf is Input(x)·wᵀ + bias.
func (e *exporter) linearOf(module string, l *jpqd.CompressedLinear, x foreignTensor) foreignTensor {
	x = e.smoothed(x, l.Smooth)
	return e.linearOn(module, l, e.quantize(x, l.Input, x.name+"/fq_output_0"))
}

// linearOn is linearOf on an input that is quantized already. ONNX has the bias
// on the left, but for Gemm on matrices, which keeps its weights (out, in), too.
func (e *exporter) linearOn(module string, l *jpqd.CompressedLinear, x foreignTensor) foreignTensor {
	rank := len(x.dims())
	gemm := !e.torch && rank == 2
	name := e.at(module, "aten::linear/MatMul", "MatMul")
	if gemm {
		name = e.at(module, "", "Gemm/WithoutBiases")
	}
	w := e.matrix(module+".weight", name+"/fq_weights_1", &l.Weight, e.linear == "input" && !gemm)
	if e.linear == "layer" && !gemm {
		w = e.op(e.at(module, "aten::linear/Transpose", "Transpose"), "Transpose-1", nil, w, e.ints(1, 0)).shaped(F32, l.Weight.Cols, l.Weight.Rows)
	}
	dims := slices.Clone(x.dims())
	dims[rank-1] = l.Weight.Rows
	y := e.op(name, "MatMul-1", []string{"transpose_a", "false", "transpose_b", strconv.FormatBool(e.linear == "" || gemm)}, x, w).shaped(F32, dims...)
	bias := e.row(l.Bias, rank)
	switch {
	case gemm:
		return e.op(e.at(module, "", "Gemm"), "Add-1", numpy, y, bias)
	case e.torch:
		return e.op(e.at(module, "aten::linear/Add", "Add"), "Add-1", numpy, y, bias)
	}
	return e.op(e.at(module, "", "Add"), "Add-1", numpy, bias, y)
}

// smoothed is x with each channel multiplied by a factor, if there are any, as
// SmoothQuant does it: once for all that read x.
func (e *exporter) smoothed(x foreignTensor, factors []float32) foreignTensor {
	if factors == nil {
		return x
	}
	name := x.name + "_0_0/nncf_smooth_quant"
	y, ok := e.shared[name]
	if !ok {
		dims := rowDims(len(factors), len(x.dims()))
		y = e.op(name, "Multiply-1", numpy, x, e.constant(name+"/scale", F32, widen(factors), dims...)).called("")
		e.shared[name] = y
	}
	return y
}

// smoothing are powers of 2, by which nothing is rounded.
func smoothing(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = []float32{0.5, 1, 2}[i*i%3]
	}
	return v
}

// row is a vector along the last of rank dimensions: ONNX leaves it a vector.
func (e *exporter) row(v []float32, rank int) foreignTensor {
	dims := []int{len(v)}
	for e.torch && len(dims) < rank {
		dims = append([]int{1}, dims...)
	}
	return e.compressedFloats("", v, dims...)
}

// compressedFloats is a constant, in float16 where that is how they are stored.
func (e *exporter) compressedFloats(name string, v []float32, dims ...int) foreignTensor {
	if e.storage != "float16" {
		return e.constant(name, F32, widen(v), dims...)
	}
	x := e.constant("", F16, widen(v), dims...)
	if name == "" {
		name = strings.Replace(x.name, "Constant", "Convert", 1)
	}
	y := e.op(name, "Convert-1", []string{"destination_type", "f32"}, x).shaped(F32, dims...).called("")
	y.info = []string{"decompression", ""}
	return y
}

func (e *exporter) layerNorm(module string, n *jpqd.CompressedNorm, x foreignTensor) foreignTensor {
	x = e.quantize(x, n.Input, x.name+"/fq_output_0")
	gamma, beta := e.row(n.Gamma, 3), e.row(n.Beta, 3)
	eps := strconv.FormatFloat(float64(float32(e.c.Config.LayerNormEps)), 'g', -1, 64)
	var y foreignTensor
	if e.norm == "spelled" {
		one := append(slices.Clone(x.dims()[:2]), 1)
		mean := func(x foreignTensor) foreignTensor {
			return e.op(e.at(module, "", "ReduceMean"), "ReduceMean-1", []string{"keep_dims", "true"}, x, e.ints(-1)).shaped(F32, one...)
		}
		d := e.op(e.at(module, "", "Sub"), "Subtract-1", numpy, x, mean(x))
		variance := mean(e.op(e.at(module, "", "Pow"), "Power-1", numpy, d, e.float(2)))
		sum := e.op(e.at(module, "", "Add"), "Add-1", numpy, variance, e.float(e.c.Config.LayerNormEps))
		y = e.op(e.at(module, "", "Div"), "Divide-1", []string{"auto_broadcast", "numpy", "m_pythondiv", "true"}, d, e.op(e.at(module, "", "Sqrt"), "Sqrt-1", nil, sum))
	} else {
		axes := e.constant(e.at(module, "aten::layer_norm/Multiply", "Constant"), I32, []float64{-1}, 1)
		y = e.op(e.at(module, "aten::layer_norm/MVN", "MVN"), "MVN-6", []string{"eps", eps, "normalize_variance", "true", "eps_mode", "INSIDE_SQRT"}, x, axes).shaped(F32, x.dims()...)
	}
	y = e.op(e.at(module, "aten::layer_norm/Multiply", "Mul"), "Multiply-1", numpy, y, gamma)
	return e.op(e.at(module, "aten::layer_norm/Add", "Add_1"), "Add-1", numpy, y, beta)
}

func (e *exporter) layer(module string, l *jpqd.CompressedLayer, x foreignTensor) foreignTensor {
	m := &e.modules
	attended := e.linearOn(module+m.output, &l.Output, e.attention(module, l, x))
	h := e.layerNorm(module+m.attentionNorm, &l.AttentionNorm, e.sum(e.at(module+m.add, "aten::add/Add", "Add"), attended, x, l.AttentionAdd))
	y := e.gelus(module+m.gelu, e.linearOf(module+m.ffnIn, &l.FFNIn, h))
	y = e.linearOf(module+m.ffnOut, &l.FFNOut, y)
	return e.layerNorm(module+m.outputNorm, &l.OutputNorm, e.sum(e.at(module+m.ffn, "aten::add/Add", "Add"), y, h, l.OutputAdd))
}

func (e *exporter) gelus(module string, x foreignTensor) foreignTensor {
	switch e.gelu {
	case "2":
		return e.op(e.at(module, "aten::gelu/Gelu", "Gelu"), "Gelu-2", nil, x)
	case "spelled":
		y := e.op(e.at(module, "", "Div"), "Divide-1", []string{"auto_broadcast", "numpy", "m_pythondiv", "true"}, x, e.float(math.Sqrt2))
		y = e.op(e.at(module, "", "Erf"), "Erf-1", nil, y)
		y = e.op(e.at(module, "", "Add"), "Add-1", numpy, y, e.float(1))
		y = e.op(e.at(module, "", "Mul"), "Multiply-1", numpy, x, y)
		return e.op(e.at(module, "", "Mul_1"), "Multiply-1", numpy, y, e.float(0.5))
	}
	return e.op(e.at(module, "aten::gelu/Gelu", "Gelu"), "Gelu-7", []string{"approximation_mode", "ERF"}, x)
}
