package ir

import (
	"math"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/jpqd"
)

// attention is the input of the output projection, quantized.
func (e *exporter) attention(layer string, l *jpqd.CompressedLayer, x foreignTensor) foreignTensor {
	m, module := &e.modules, layer+e.modules.self
	heads, headDim := len(l.Heads), e.c.Config.HeadDim()
	root := math.Sqrt(float64(headDim))
	width, value := l.Value.Weight.Rows, &l.Value
	if e.smoothContext {
		value = divideRows(value, smoothing(width))
	}
	q, k, v := e.linearOf(layer+m.query, &l.Query, x), e.linearOf(layer+m.key, &l.Key, x), e.linearOf(layer+m.value, value, x)

	fused := e.scale == "fused" || e.scale == "fused scale"
	scalesQuery := e.c.Config.ScalesQuery() && !fused
	queryOut := q.name + "/fq_output_0"
	if scalesQuery {
		q = e.quantize(q, l.ScaleIn, queryOut)
	} else {
		q = e.quantize(q, l.QueryOut, queryOut)
	}
	k, v = e.quantize(k, l.KeyOut, k.name+"/fq_output_0"), e.quantize(v, l.ValueOut, v.name+"/fq_output_0")
	q, v = e.split(module, q, x, heads, 0, 2, 1, 3), e.split(module, v, x, heads, 0, 2, 1, 3)
	if scalesQuery {
		q = e.quantize(e.divided(module, q, root), l.QueryOut, e.at(module, "aten::div/Divide", "Div")+"/fq_output_0")
	}
	transposed := e.key != ""
	switch e.key {
	case "once":
		k = e.split(module, k, x, heads, 0, 2, 3, 1)
	default:
		k = e.split(module, k, x, heads, 0, 2, 1, 3)
		if e.key == "twice" {
			k = e.transposed(module, k, 0, 1, 3, 2)
		}
	}

	var context foreignTensor
	if fused {
		context = e.fused(module, q, k, v)
	} else {
		if e.scale == "both" {
			quarter := math.Pow(float64(headDim), -0.25)
			q = e.op(e.at(module, "", "Mul"), "Multiply-1", numpy, q, e.float(quarter))
			k = e.op(e.at(module, "", "Mul_1"), "Multiply-1", numpy, k, e.float(quarter))
		}
		scores := e.op(e.at(module, "aten::matmul/MatMul", "MatMul"), "MatMul-1", []string{"transpose_a", "false", "transpose_b", strconv.FormatBool(!transposed)}, q, k).
			shaped(F32, -1, heads, -1, -1)
		if !scalesQuery && e.scale != "both" {
			scores = e.divided(module, e.quantize(scores, l.ScaleIn, scores.name+"/fq_output_0"), root)
		}
		probs := e.op(e.at(module, "aten::softmax/Softmax", "Softmax"), "SoftMax-8", []string{"axis", "-1"}, e.masks(module, scores, l.ScoresIn))
		probs = e.quantize(probs, l.ProbsOut, probs.name+"/fq_output_0")
		context = e.op(e.at(module, "aten::matmul/MatMul_1", "MatMul_1"), "MatMul-1", []string{"transpose_a", "false", "transpose_b", "false"}, probs, v).
			shaped(F32, -1, heads, -1, width/heads)
	}
	if e.early && !e.smoothContext {
		context = e.quantize(context, l.Output.Input, context.name+"/fq_output_0")
	}
	context = e.merge(module, e.transposed(module, context, 0, 2, 1, 3), x, width)
	if e.smoothContext {
		context = e.smoothed(context, smoothing(width))
	}
	if !e.early || e.smoothContext {
		context = e.quantize(context, l.Output.Input, context.name+"/fq_output_0")
	}
	return context
}

// divideRows is l with each row's output divided by a factor.
func divideRows(l *jpqd.CompressedLinear, by []float32) *jpqd.CompressedLinear {
	d := *l
	d.Bias, d.Weight.Scale, d.Weight.F32 = slices.Clone(l.Bias), slices.Clone(l.Weight.Scale), slices.Clone(l.Weight.F32)
	for i, f := range by {
		d.Bias[i] /= f
		if d.Weight.Scale != nil {
			d.Weight.Scale[i] /= f
			continue
		}
		for j := range d.Weight.Cols {
			d.Weight.F32[i*d.Weight.Cols+j] /= f
		}
	}
	return &d
}

// divided is x/root, or x·1/root.
func (e *exporter) divided(module string, x foreignTensor, root float64) foreignTensor {
	var dims []int
	if e.torch {
		dims = []int{1, 1, 1, 1}
	}
	if e.scale == "multiply" {
		return e.op(e.at(module, "aten::mul/Multiply", "Mul"), "Multiply-1", numpy, x, e.float(1/root, dims...))
	}
	return e.op(e.at(module, "aten::div/Divide", "Div"), "Divide-1", []string{"auto_broadcast", "numpy", "m_pythondiv", "true"}, x, e.float(root, dims...))
}

// fused is the operation that newer exporters make of all of attention.
func (e *exporter) fused(module string, q, k, v foreignTensor) foreignTensor {
	in := []foreignTensor{q, k, v, e.scoreBias(module)}
	if e.scale == "fused scale" {
		in = append(in, e.float(1/math.Sqrt(float64(e.c.Config.HeadDim()))))
	}
	name := e.at(module, "aten::scaled_dot_product_attention/ScaledDotProductAttention", "ScaledDotProductAttention")
	return e.op(name, "ScaledDotProductAttention-13", []string{"causal", "false"}, in...).shaped(F32, -1, q.dims()[1], -1, v.dims()[3])
}

// split is (batch, sequence, heads·head_dim) as (batch, sequence, heads,
// head_dim), its dimensions in another order.
func (e *exporter) split(module string, x, hidden foreignTensor, heads int, order ...int) foreignTensor {
	return e.transposed(module, e.reshaped(module, x, hidden, heads, x.dims()[2]/heads), order...)
}

func (e *exporter) transposed(module string, x foreignTensor, order ...int) foreignTensor {
	dims := make([]int, len(order))
	for i, axis := range order {
		dims[i] = x.dims()[axis]
	}
	typ := I64
	if e.torch {
		typ = I32
	}
	by := e.constant("", typ, widen(order), len(order))
	return e.op(e.at(module, "aten::permute/Transpose", "Transpose"), "Transpose-1", nil, x, by).shaped(F32, dims...)
}

// merge is (batch, sequence, heads, head_dim) as (batch, sequence, width).
func (e *exporter) merge(module string, x, hidden foreignTensor, width int) foreignTensor {
	if e.heads == "merged" { // sizes of the layer's input
		shape := e.op(e.at(module, "aten::size/ShapeOf", "Shape"), "ShapeOf-3", []string{"output_type", "i64"}, hidden).shaped(I64, 3)
		sizes := e.op("", "Gather-8", []string{"batch_dims", "0"}, shape, e.ints(0, 1), e.int(0)).shaped(I64, 2)
		pattern := e.op(e.at(module, "prim::ListConstruct/Concat", "Concat"), "Concat-1", []string{"axis", "0"}, sizes, e.ints(width)).shaped(I64, 3)
		return e.op(e.at(module, "aten::reshape/Reshape", "Reshape"), "Reshape-1", []string{"special_zero", "false"}, x, pattern).shaped(F32, -1, -1, width)
	}
	return e.reshaped(module, x, hidden, width)
}

// reshaped has the first two dimensions of x and the others given.
func (e *exporter) reshaped(module string, x, hidden foreignTensor, last ...int) foreignTensor {
	name := e.at(module, "aten::view/Reshape", "Reshape")
	zero, count := "true", 2+len(last)
	var pattern foreignTensor
	switch e.heads {
	case "shapes": // each of the sizes by itself
		parts := []foreignTensor{}
		for i := range 2 {
			shape := e.op(e.at(module, "", "Shape"), "ShapeOf-3", []string{"output_type", "i64"}, x).shaped(I64, len(x.dims()))
			one := e.op(e.at(module, "", "Gather"), "Gather-8", []string{"batch_dims", "0"}, shape, e.int(i), e.int(0)).shaped(I64)
			parts = append(parts, e.op(e.at(module, "", "Unsqueeze"), "Unsqueeze-1", nil, one, e.ints(0)).shaped(I64, 1))
		}
		for _, d := range last {
			parts = append(parts, e.ints(d))
		}
		pattern = e.op(e.at(module, "", "Concat"), "Concat-1", []string{"axis", "0"}, parts...).shaped(I64, count)
	case "batch": // (batch, −1, …)
		zero = "false"
		parts := []foreignTensor{e.size(hidden, 0, I32), e.ints32(-1)}
		for _, d := range last {
			parts = append(parts, e.ints32(d))
		}
		pattern = e.op(e.at(module, "prim::ListConstruct/Concat", "Concat"), "Concat-1", []string{"axis", "0"}, parts...).shaped(I32, count)
	default:
		pattern = e.constant(e.at(module, "prim::ListConstruct/Concat", "Constant"), I64, widen(append([]int{0, 0}, last...)), count)
	}
	return e.op(name, "Reshape-1", []string{"special_zero", zero}, x, pattern).shaped(F32, append([]int{-1, -1}, last...)...)
}

// masks is the scores with those of padding out of the way.
func (e *exporter) masks(module string, scores foreignTensor, in *jpqd.ActivationRange) foreignTensor {
	if e.spelling.mask == "filled" {
		return e.filled(module, e.quantize(scores, in, scores.name+"/fq_output_0"))
	}
	name := e.at(module, "aten::add/Add", "Add")
	return e.op(name, "Add-1", numpy, e.quantize(scores, in, name+"/fq_input_0"), e.scoreBias(module))
}

// filled replaces the scores of padding: the mask is expanded to their shape.
func (e *exporter) filled(module string, scores foreignTensor) foreignTensor {
	heads := scores.dims()[1]
	padding := e.op(e.at(module, "aten::eq/Equal", "Equal"), "Equal-1", numpy, e.mask, e.constant("", I64, []float64{0}, 1, 1)).shaped(Boolean, -1, -1)
	parts := []foreignTensor{e.size(e.mask, 0, I32), e.ints32(1), e.ints32(1), e.size(e.mask, 1, I32)}
	pattern := e.op(e.at(module, "prim::ListConstruct/Concat", "Concat"), "Concat-1", []string{"axis", "0"}, parts...).shaped(I32, 4)
	padding = e.op(e.at(module, "aten::view/Reshape", "Reshape"), "Reshape-1", []string{"special_zero", "false"}, padding, pattern).shaped(Boolean, -1, 1, 1, -1)

	shape := e.op(e.at(module, "aten::expand_as/ShapeOf", "Shape"), "ShapeOf-3", []string{"output_type", "i32"}, scores).shaped(I32, 4)
	free := e.op(e.at(module, "aten::expand_as/Equal", "Equal"), "Equal-1", numpy, shape, e.ints32(-1, -1, -1, -1)).shaped(Boolean, 4)
	target := e.op(e.at(module, "aten::expand_as/Select", "Where"), "Select-1", numpy, free, e.ints32(1, 1, 1, 1), shape).shaped(I32, 4)
	padding = e.op(e.at(module, "aten::expand_as/Broadcast", "Expand"), "Broadcast-3", []string{"mode", "bidirectional"}, padding, target).shaped(Boolean, -1, heads, -1, -1)
	return e.op(e.at(module, "aten::masked_fill/Select", "Where"), "Select-1", numpy, padding, e.float(e.masked), scores).shaped(F32, -1, heads, -1, -1)
}

// scoreBias is what the mask adds to the scores, or for fused attention the mask
// itself. All layers share it.
func (e *exporter) scoreBias(string) foreignTensor {
	if e.bias.foreignLayer != nil {
		return e.bias
	}
	base := e.modules.backbone
	m := e.mask
	for i, axis := range []int{1, 2} {
		m = e.op(e.at(base, "aten::unsqueeze/Unsqueeze", "Unsqueeze"), "Unsqueeze-1", nil, m, e.int(axis)).shaped(I64, slices.Insert([]int{-1, -1}, 1, []int{1, 1}[i:]...)...)
	}
	m.shaped(I64, -1, 1, 1, -1)
	wide := func() { // one row for every query
		parts := []foreignTensor{e.size(e.mask, 0, I64), e.ints(1), e.size(e.mask, 1, I64), e.size(e.mask, 1, I64)}
		target := e.op(e.at(base, "prim::ListConstruct/Concat", "Concat"), "Concat-1", []string{"axis", "0"}, parts...).shaped(I64, 4)
		m = e.op(e.at(base, "aten::expand/Broadcast", "Expand"), "Broadcast-3", []string{"mode", "bidirectional"}, m, target).shaped(m.typ(), -1, 1, -1, -1)
	}
	toFloat := func() {
		m = e.op(e.at(base, "aten::to/Convert", "Cast"), "Convert-1", []string{"destination_type", "f32"}, m).shaped(F32, m.dims()...)
	}
	toBoolean := func() {
		m = e.op(e.at(base, "aten::to/Convert", "Cast"), "Convert-1", []string{"destination_type", "boolean"}, m).shaped(Boolean, m.dims()...)
	}
	var ones []int
	if e.torch {
		ones = []int{1, 1, 1, 1}
	}
	binary := &jpqd.ActivationRange{High: 1, Levels: 256} // what training leaves on the arithmetic of masks: 0 and 1 stay
	inverted := func(multiplied bool) {
		toFloat()
		if e.quantizedMask {
			m = e.quantize(m, binary, m.name+"/fq_output_0")
		}
		if multiplied { // by alpha
			m = e.op(e.at(base, "aten::rsub/Multiply", "Mul"), "Multiply-1", numpy, m, e.float(1, ones...))
		}
		m = e.op(e.at(base, "aten::rsub/Subtract", "Sub"), "Subtract-1", numpy, e.float(1, ones...), m)
	}
	switch e.spelling.mask {
	case "expanded":
		wide()
		inverted(true)
		x := m
		toBoolean()
		m = e.op(e.at(base, "aten::masked_fill/Select", "Where"), "Select-1", numpy, m, e.float(e.masked), x).shaped(F32, x.dims()...)
	case "boolean":
		toBoolean()
		wide()
	case "where":
		toBoolean()
		m = e.op(e.at(base, "aten::bitwise_not/LogicalNot", "Not"), "LogicalNot-1", nil, m)
		m = e.op(e.at(base, "aten::where/Select", "Where"), "Select-1", numpy, m, e.float(e.masked), e.float(0)).shaped(F32, m.dims()...)
	default:
		inverted(e.spelling.mask == "rsub")
		if e.quantizedMask {
			m = e.quantize(m, binary, m.name+"/fq_output_0")
		}
		m = e.op(e.at(base, "aten::mul/Multiply", "Mul"), "Multiply-1", numpy, m, e.float(e.masked, ones...))
		if e.torch { // as the exporter names it, and the input too
			m.called("47,attention_mask")
		}
	}
	e.bias = m
	return m
}
