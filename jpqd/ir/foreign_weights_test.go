package ir

import (
	"slices"
	"strings"

	"github.com/go-jpqd/jpqd/jpqd"
)

// matrix is the float value of m, (rows, cols), or (cols, rows) if turned.
// module is the name of the parameter, quantizer that of its quantizer.
func (e *exporter) matrix(module, quantizer string, m *jpqd.CompressedMatrix, turned bool) foreignTensor {
	w := &exportedMatrix{e, m, turned, []int{m.Rows, m.Cols}, []int{m.Rows, 1}}
	if turned {
		w.dims, w.column = []int{m.Cols, m.Rows}, []int{1, m.Rows}
	}
	if e.torch {
		module = "self." + module
	}
	switch {
	case m.F32 != nil:
		return e.compressedFloats(module, w.values(func(i, j int) float64 { return float64(m.F32[i*m.Cols+j]) }), w.dims...)
	case strings.HasPrefix(e.storage, "fq") || e.storage == "half":
		return w.fakeQuantize(module, quantizer)
	}
	return w.integers(quantizer)
}

// exportedMatrix is a matrix with the shapes of its constants.
type exportedMatrix struct {
	*exporter
	m            *jpqd.CompressedMatrix
	turned       bool
	dims, column []int
}

// values are those of all elements in the order of the constant.
func (w *exportedMatrix) values(at func(i, j int) float64) []float32 {
	var v []float32
	if w.turned {
		for j := range w.m.Cols {
			for i := range w.m.Rows {
				v = append(v, float32(at(i, j)))
			}
		}
		return v
	}
	for i := range w.m.Rows {
		for j := range w.m.Cols {
			v = append(v, float32(at(i, j)))
		}
	}
	return v
}

// rows are a value for each row of m.
func (w *exportedMatrix) rows(at func(i int) float64) []float64 {
	v := make([]float64, w.m.Rows)
	for i := range v {
		v[i] = at(i)
	}
	return v
}

// level is what integer q of row i stands for.
func (w *exportedMatrix) level(q, i int) float64 {
	return float64(q-w.m.ZeroPoint(i)) * float64(w.m.Scale[i])
}

// fakeQuantize has floats in front of a quantizer: trained ones that lie between
// its levels, and on half its range ones that lie on them.
func (w *exportedMatrix) fakeQuantize(module, quantizer string) foreignTensor {
	low, levels := -128, "256"
	if w.storage == "fq" {
		low, levels = -127, "255"
	}
	x := w.constant(module, F32, widen(w.values(func(i, j int) float64 {
		q := int(w.m.I8[i*w.m.Cols+j])
		v := w.level(q, i)
		if w.storage != "half" {
			v += (w.Float64() - 0.5) * 0.8 * float64(w.m.Scale[i])
		}
		return v
	})), w.dims...)
	lows, highs := w.rows(func(i int) float64 { return w.level(low, i) }), w.rows(func(i int) float64 { return w.level(127, i) })
	in := []foreignTensor{x}
	for i, limit := range []string{"input_low", "input_high", "output_low", "output_high"} {
		in = append(in, w.constant(quantizer+"/"+limit, F32, [][]float64{lows, highs}[i%2], w.column...))
	}
	y := w.op(quantizer, "FakeQuantize-1", []string{"levels", levels, "auto_broadcast", "numpy"}, in...).shaped(F32, w.dims...).called("")
	y.info = []string{"fused_names", module}
	return y
}

// integers are stored as such: Const → Convert → Subtract → Multiply, which has
// the name of the quantizer that it stands for.
func (w *exportedMatrix) integers(quantizer string) foreignTensor {
	typ, shift, float := I8, 0.0, F32
	switch w.storage {
	case "uint8":
		typ, shift = U8, 128
	case "float16":
		typ, shift, float = U8, 128, F16
	}
	convert := func(name string, x foreignTensor, to ElementType) foreignTensor {
		return w.op(name, "Convert-1", []string{"destination_type", string(to)}, x).shaped(to, x.dims()...).called("")
	}
	x := w.constant("", typ, widen(w.values(func(i, j int) float64 { return float64(w.m.I8[i*w.m.Cols+j]) + shift })), w.dims...)
	x = convert(strings.Replace(x.name, "Constant", "Convert", 1), x, float)
	if w.m.Zero != nil {
		zero := w.rows(func(i int) float64 { return float64(w.m.Zero[i]) + shift })
		var z foreignTensor
		if shift == 0 { // a constant of floats
			z = w.constant("", float, zero, w.column...)
		} else {
			z = w.constant("", typ, zero, w.column...)
			z = convert(strings.Replace(z.name, "Constant", "Convert", 1), z, float)
		}
		x = w.op(quantizer+"/zero_point/subtract", "Subtract-1", numpy, x, z).called("")
	}
	scale := w.constant("", float, w.rows(func(i int) float64 { return float64(w.m.Scale[i]) }), w.column...)
	y := w.op(quantizer, "Multiply-1", numpy, x, scale).shaped(float, w.dims...).called("")
	if float == F16 {
		y = convert(quantizer+"/convert", y, F32)
	}
	return y
}

// heading makes the outputs of x (batch, sequence, hidden).
func (e *exporter) heading(x foreignTensor) {
	m, c := &e.modules, e.c
	if c.Config.QuestionAnswering() {
		e.answers(e.linearOf(m.classifier, &c.Classifier, x))
		return
	}
	early := e.early && !e.smooth // a quantizer stays behind the product with factors
	if early {
		x = e.quantize(x, c.Pooler.Input, x.name+"/fq_output_0")
	}
	var first foreignTensor
	dims := []int{-1, c.Config.HiddenSize}
	if e.first == "strided" {
		masks := []string{"begin_mask", "1,0", "end_mask", "1,0", "new_axis_mask", "0,0", "shrink_axis_mask", "0,1", "ellipsis_mask", "0,0"}
		first = e.op(e.at(m.head, "aten::select/Slice", "Gather"), "StridedSlice-1", masks, x, e.ints(0, 0), e.ints(0, 1), e.ints(1, 1)).shaped(F32, dims...)
	} else {
		first = e.op(e.at(m.head, "aten::select/Gather", "Gather"), "Gather-8", []string{"batch_dims", "0"}, x, e.int(0), e.int(1)).shaped(F32, dims...)
	}
	if !early {
		first = e.smoothed(first, c.Pooler.Smooth)
		first = e.quantize(first, c.Pooler.Input, first.name+"/fq_output_0")
	}
	y := e.linearOn(m.pooler, &c.Pooler, first)
	if c.Config.PoolerReLU() {
		y = e.op(e.at(m.activation, "aten::relu/Relu", "Relu"), "ReLU-1", nil, y)
	} else {
		y = e.op(e.at(m.activation, "aten::tanh/Tanh", "Tanh"), "Tanh-1", nil, y)
	}
	y = e.linearOf(m.classifier, &c.Classifier, y)
	y = e.quantize(y, c.Logits, y.name+"/fq_output_0")
	e.result(y.called("logits"))
}

// answers splits the logits of every token in two.
func (e *exporter) answers(x foreignTensor) {
	x = e.quantize(x, e.c.Logits, x.name+"/fq_output_0")
	name := e.at("", "prim::ListUnpack/Split", "Split")
	parts := e.op(name, "Split-1", []string{"num_splits", "2"}, x, e.int(-1)).shaped(F32, -1, -1, 1)
	parts.outputs = append(slices.Clone(parts.outputs), parts.outputs[0])
	parts.outputs[0].names, parts.outputs[1].names = name+".1", name+".2"
	for i, output := range []string{"start_logits", "end_logits"} {
		part := foreignTensor{parts.foreignLayer, i}
		y := e.op(e.at("", "aten::squeeze/Squeeze", "Squeeze"), "Squeeze-1", nil, part, e.int(-1)).shaped(F32, -1, -1)
		e.result(y.called(output))
	}
}
