package ir

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd"
)

// mutant is a fixture changed into a graph that looks like an encoder's and is none.
type mutant struct {
	name        string
	of          string                 // the fixture
	model       func(*jpqd.Compressed) // before the file is made
	graph       func(*exporter)        // after
	spell       func(*spelling)
	expressible bool // another Compressed may mean the same
}

func (m *mutant) export(c *jpqd.Compressed, seed uint64) (text, bin []byte) {
	f := fixtures[m.of]
	if m.model != nil {
		m.model(c)
	}
	if m.spell != nil {
		m.spell(&f.spelling)
	}
	e := f.exporter(c, seed)
	e.encoder()
	if m.graph != nil {
		m.graph(e)
	}
	return e.file(nil)
}

// find is the layer whose name ends so.
func (e *exporter) find(suffix string) foreignTensor {
	for _, l := range e.layers {
		if strings.HasSuffix(l.name, suffix) {
			return foreignTensor{l, 0}
		}
	}
	panic("ir: found no layer " + suffix)
}

// instead makes all that read x read f(x).
func (e *exporter) instead(x foreignTensor, f func(foreignTensor) foreignTensor) {
	before := slices.Clone(e.layers)
	y := f(x)
	if names := x.outputs[0].names; names == "logits" || strings.HasSuffix(names, "_logits") {
		y.called(names)
		x.called("")
	}
	for _, l := range before {
		for i, in := range l.inputs {
			if in == x {
				l.inputs[i] = y
			}
		}
	}
}

// reads makes input i of the layer read x.
func (e *exporter) reads(suffix string, i int, x foreignTensor) { e.find(suffix).inputs[i] = x }

// sets gives the layer's attribute another value.
func (e *exporter) sets(suffix, name, value string) {
	l := e.find(suffix)
	l.attributes = slices.Clone(l.attributes)
	l.attributes[slices.Index(l.attributes, name)+1] = value
}

func unit(high float32) *jpqd.ActivationRange {
	return &jpqd.ActivationRange{Low: -high * 128 / 127, High: high, Levels: 256, Symmetric: true}
}

// quantizes puts a quantizer behind the layer.
func quantizes(suffix string) func(*exporter) {
	return func(e *exporter) {
		e.instead(e.find(suffix), func(x foreignTensor) foreignTensor { return e.quantize(x, unit(2), x.name+"/fq_output_0") })
	}
}

// turns exchanges the last two of four dimensions behind the layer.
func turns(suffix string) func(*exporter) {
	return func(e *exporter) {
		e.instead(e.find(suffix), func(x foreignTensor) foreignTensor { return e.op("", "Transpose-1", nil, x, e.ints(0, 1, 3, 2)) })
	}
}

const torchBERT, fusedBERT = "PyTorch of 2023", "PyTorch of 2024"

var mutants = []mutant{
	{name: "quantizer in front of GELU", of: torchBERT, graph: quantizes("layer.1.intermediate.dense/aten::linear/Add")},
	{name: "quantizer within a normalisation", of: torchBERT, graph: quantizes("layer.0.attention.output.LayerNorm/aten::layer_norm/MVN")},
	{name: "quantizer in front of a bias", of: torchBERT, graph: quantizes("layer.0.attention.self.query/aten::linear/MatMul")},
	{name: "quantizer in front of tanh", of: torchBERT, graph: quantizes("pooler.dense/aten::linear/Add")},
	{name: "quantizer behind the mask", of: torchBERT, graph: quantizes("layer.0.attention.self/aten::add/Add")},
	{name: "limits by channel", of: torchBERT, graph: func(e *exporter) {
		e.instead(e.find("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu"), func(x foreignTensor) foreignTensor {
			low, high := make([]float64, 40), make([]float64, 40)
			for i := range low {
				high[i] = 1 + float64(i)/40
				low[i] = -high[i] * 128 / 127
			}
			l, h := e.constant("", F32, low, 1, 1, 40), e.constant("", F32, high, 1, 1, 40)
			return e.op(x.name+"/fq_output_0", "FakeQuantize-1", []string{"levels", "256", "auto_broadcast", "numpy"}, x, l, h, l, h)
		})
	}},
	{name: "other limits out than in", of: torchBERT, graph: func(e *exporter) {
		e.instead(e.find("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu"), func(x foreignTensor) foreignTensor {
			return e.op(x.name+"/fq_output_0", "FakeQuantize-1", []string{"levels", "256"}, x, e.float(-1), e.float(2), e.float(-2), e.float(4))
		})
	}, expressible: true},
	{name: "65536 levels", of: torchBERT, graph: func(e *exporter) {
		quantizes("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu")(e)
		e.sets("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu/fq_output_0", "levels", "65536")
	}},
	{name: "SmoothQuant without quantizers", of: torchBERT, model: func(c *jpqd.Compressed) { c.Layers[0].FFNIn.Smooth = smoothing(32) }},
	{name: "SmoothQuant behind a quantizer", of: "NNCF of PyTorch, smoothed", graph: quantizes("layer.0.attention.output.LayerNorm/aten::layer_norm/Add")},
	{name: "values wider than keys", of: torchBERT, model: widerValues},
	{name: "fused, values wider than keys", of: fusedBERT, model: widerValues},
	{name: "GELU of tanh", of: torchBERT, graph: func(e *exporter) {
		e.sets("layer.1.intermediate.intermediate_act_fn/aten::gelu/Gelu", "approximation_mode", "TANH")
	}},
	{name: "ReLU for GELU", of: torchBERT, graph: func(e *exporter) { e.becomes("layer.1.intermediate.intermediate_act_fn/aten::gelu/Gelu", "ReLU-1") }},
	{name: "tanh for GELU", of: "ONNX, optimized", graph: func(e *exporter) { e.becomes("layer.0/intermediate/intermediate_act_fn/Gelu", "Tanh-1") }},
	{name: "another constant in GELU", of: "ONNX of 2022", graph: func(e *exporter) { e.reads("layer.0/intermediate/intermediate_act_fn/Div", 1, e.float(1.5)) }},
	{name: "ReLU in BERT's pooler", of: torchBERT, graph: func(e *exporter) { e.becomes("bert.pooler.activation/aten::tanh/Tanh", "ReLU-1") }},
	{name: "second token", of: torchBERT, graph: func(e *exporter) { e.reads("aten::select/Gather", 1, e.int(1)) }},
	{name: "no residual", of: torchBERT, graph: func(e *exporter) {
		e.reads("layer.1.output/aten::add/Add", 1, e.find("layer.1.output.dense/aten::linear/Add"))
	}},
	{name: "residual from the layer before", of: torchBERT, graph: func(e *exporter) {
		e.reads("layer.1.attention.output/aten::add/Add", 1, e.find("embeddings.LayerNorm/aten::layer_norm/Add"))
	}},
	{name: "value from the layer before", of: torchBERT, graph: func(e *exporter) {
		e.reads("layer.1.attention.self.value/aten::linear/MatMul", 0, e.find("embeddings.LayerNorm/aten::layer_norm/Add"))
	}},
	{name: "keys and values swapped", of: torchBERT, expressible: true, graph: func(e *exporter) {
		e.find("layer.0.attention.self/aten::matmul/MatMul").inputs[1], e.find("layer.0.attention.self/aten::matmul/MatMul_1").inputs[1] =
			e.find("layer.0.attention.self/aten::matmul/MatMul_1").inputs[1], e.find("layer.0.attention.self/aten::matmul/MatMul").inputs[1]
	}},
	{name: "mask of the other sign", of: torchBERT, graph: func(e *exporter) { e.reads("bert/aten::mul/Multiply", 0, e.find("bert/aten::to/Convert")) }},
	{name: "mask of ids", of: torchBERT, graph: func(e *exporter) { e.reads("bert/aten::unsqueeze/Unsqueeze", 0, e.ids) }},
	{name: "mask in one layer of two", of: torchBERT, expressible: true, graph: func(e *exporter) {
		e.reads("layer.1.attention.self/aten::softmax/Softmax", 0, e.find("layer.1.attention.self/aten::div/Divide"))
	}},
	{name: "types are the mask", of: torchBERT, graph: func(e *exporter) {
		e.reads("token_type_embeddings/aten::embedding/Convert", 0, e.mask)
	}},
	{name: "positions count down", of: torchBERT, expressible: true, graph: func(e *exporter) {
		down := countUp(12)
		slices.Reverse(down)
		e.reads("bert.embeddings/aten::slice/Slice_1", 0, e.constant("", I64, widen(down), 1, 12))
	}},
	{name: "positions from the second on", of: torchBERT, expressible: true, graph: func(e *exporter) {
		e.instead(e.find("bert.embeddings/aten::slice/Slice_1"), func(x foreignTensor) foreignTensor { return e.op("", "Add-1", numpy, x, e.int(1)) })
	}},
	{name: "scores divided by 3", of: torchBERT, expressible: true, graph: func(e *exporter) { e.reads("layer.1.attention.self/aten::div/Divide", 1, e.float(3)) }},
	{name: "fused, scale of 1", of: fusedBERT, expressible: true, graph: func(e *exporter) {
		l := e.find("layer.1.attention.self/aten::scaled_dot_product_attention/ScaledDotProductAttention")
		l.inputs = append(l.inputs, e.float(1))
	}},
	{name: "fused, causal", of: fusedBERT, graph: func(e *exporter) {
		e.sets("layer.0.attention.self/aten::scaled_dot_product_attention/ScaledDotProductAttention", "causal", "true")
	}},
	{name: "softmax over queries", of: torchBERT, graph: func(e *exporter) { e.sets("layer.0.attention.self/aten::softmax/Softmax", "axis", "2") }},
	{name: "normalisation over tokens", of: torchBERT, graph: func(e *exporter) {
		e.reads("layer.0.output.LayerNorm/aten::layer_norm/MVN", 1, e.ints(1))
	}},
	{name: "normalisation without variance", of: torchBERT, graph: func(e *exporter) {
		e.sets("layer.0.output.LayerNorm/aten::layer_norm/MVN", "normalize_variance", "false")
	}},
	{name: "normalisation with eps outside", of: torchBERT, graph: func(e *exporter) {
		e.sets("layer.0.output.LayerNorm/aten::layer_norm/MVN", "eps_mode", "OUTSIDE_SQRT")
		e.sets("layer.0.output.LayerNorm/aten::layer_norm/MVN", "eps", "0.1")
	}},
	{name: "one normalisation with another eps", of: torchBERT, graph: func(e *exporter) {
		e.sets("layer.0.output.LayerNorm/aten::layer_norm/MVN", "eps", "0.1")
	}},
	{name: "heads side by side in another order", of: torchBERT, expressible: true, graph: func(e *exporter) {
		e.reads("layer.0.attention.self/aten::view/Reshape", 1, e.ints(0, 0, 8, 4))
		e.reads("layer.0.attention.self/aten::permute/Transpose", 1, e.ints(0, 3, 1, 2))
	}},
	{name: "context not transposed", of: torchBERT, graph: func(e *exporter) {
		e.reads("layer.0.attention.self/aten::view/Reshape_3", 0, e.find("layer.0.attention.self/aten::matmul/MatMul_1"))
		e.reads("layer.0.attention.self/aten::view/Reshape_3", 1, e.ints(0, -1, 32))
	}},
	{name: "keys of absolute value", of: torchBERT, graph: func(e *exporter) {
		e.instead(e.find("layer.0.attention.self/aten::permute/Transpose_1"), func(x foreignTensor) foreignTensor { return e.op("relu", "ReLU-1", nil, x) })
	}},
	{name: "logits through softmax", of: torchBERT, graph: func(e *exporter) {
		e.instead(e.find("classifier/aten::linear/Add"), func(x foreignTensor) foreignTensor {
			return e.op("probabilities", "SoftMax-8", []string{"axis", "-1"}, x)
		})
	}},
	{name: "scores transposed", of: torchBERT, graph: turns("layer.0.attention.self/aten::matmul/MatMul")},
	{name: "probabilities transposed", of: torchBERT, graph: turns("layer.0.attention.self/aten::softmax/Softmax")},
	{name: "mask of queries", of: torchBERT, graph: func(e *exporter) { e.reads("bert/aten::unsqueeze/Unsqueeze_1", 1, e.int(3)) }},
	{name: "mask of positions", of: torchBERT, graph: func(e *exporter) {
		early := e.op("", "Less-1", numpy, e.find("bert.embeddings/aten::slice/Slice_1"), e.int(2))
		e.reads("bert/aten::unsqueeze/Unsqueeze", 0, e.op("", "Convert-1", []string{"destination_type", "i64"}, early))
	}},
	{name: "mask of the other sense in the second layer", of: "PyTorch of 2024 DistilBERT", graph: func(e *exporter) {
		first, second := e.find("layer.0.attention/aten::masked_fill/Select"), e.find("layer.1.attention/aten::masked_fill/Select")
		second.inputs[0], second.inputs[1], second.inputs[2] = first.inputs[0], second.inputs[2], second.inputs[1]
	}},
	{name: "positions are the table from its second row on", of: torchBERT, expressible: true, graph: func(e *exporter) {
		e.instead(e.find("position_embeddings/aten::embedding/Gather"), func(x foreignTensor) foreignTensor {
			end := e.op("", "Add-1", numpy, e.size(e.ids, 1, I64), e.ints(1))
			return e.op("", "Slice-8", nil, x.inputs[0], e.ints(1), end, e.ints(1), e.ints(0))
		})
	}},
	{name: "positions are the sixth row for all", of: torchBERT, graph: func(e *exporter) {
		e.instead(e.find("position_embeddings/aten::embedding/Gather"), func(x foreignTensor) foreignTensor {
			return e.op("", "Slice-8", nil, x.inputs[0], e.ints(5), e.ints(6), e.ints(1), e.ints(0))
		})
	}},
	{name: "spelled normalisation with the mean of tokens", of: "ONNX of 2022", graph: func(e *exporter) { e.reads("layer.0/output/LayerNorm/ReduceMean", 1, e.ints(1)) }},
	{name: "spelled normalisation with the variance of tokens", of: "ONNX of 2022", graph: func(e *exporter) { e.reads("layer.0/output/LayerNorm/ReduceMean_1", 1, e.ints(1)) }},
	{name: "spelled normalisation by the mean square", of: "ONNX of 2022", graph: func(e *exporter) {
		x := e.find("layer.0/output/LayerNorm/Sub").inputs[0]
		e.reads("layer.0/output/LayerNorm/Pow", 0, e.op("", "Subtract-1", numpy, x, e.float(1)))
	}},
	{name: "hidden values made whole", of: torchBERT, graph: func(e *exporter) {
		e.instead(e.find("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu"), func(x foreignTensor) foreignTensor {
			return e.op("", "Convert-1", []string{"destination_type", "f32"}, e.op("", "Convert-1", []string{"destination_type", "i32"}, x))
		})
	}},
	{name: "quantizer of no number", of: torchBERT, graph: func(e *exporter) {
		quantizes("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu")(e)
		e.reads("layer.0.intermediate.intermediate_act_fn/aten::gelu/Gelu/fq_output_0", 3, e.float(math.NaN()))
	}},
	{name: "answers swapped", of: "PyTorch of 2023 answering", expressible: true, graph: func(e *exporter) {
		start, end := e.find("aten::squeeze/Squeeze"), e.find("aten::squeeze/Squeeze_1")
		start.inputs[0], end.inputs[0] = end.inputs[0], start.inputs[0]
	}},
}

// becomes gives the layer another operation without attributes.
func (e *exporter) becomes(suffix, kind string) {
	l := e.find(suffix)
	kind, opset, _ := strings.Cut(kind, "-")
	l.kind, l.opset, l.attributes = kind, "opset"+opset, nil
}

// widerValues has twice as wide values in the second layer.
func widerValues(c *jpqd.Compressed) {
	l := &c.Layers[1]
	double := func(m *jpqd.CompressedMatrix) {
		m.F32, m.Rows = append(m.F32, m.F32...), 2*m.Rows
	}
	double(&l.Value.Weight)
	l.Value.Bias = append(l.Value.Bias, l.Value.Bias...)
	m := &l.Output.Weight
	wide := make([]float32, 0, 2*len(m.F32))
	for row := range slices.Chunk(m.F32, m.Cols) {
		wide = append(append(wide, row...), row...)
	}
	m.F32, m.Cols = wide, 2*m.Cols
}

// Mutants are good files of another meaning: they run, and give other logits
// than the models that they were.
func TestForeignMutants(t *testing.T) {
	for _, test := range mutants {
		t.Run(test.name, func(t *testing.T) {
			f := fixtures[test.of]
			c, sequences, want, seed := clearModel(t, &f, 0)
			m, err := parse(test.export(c, seed))
			if err != nil {
				t.Fatal(err)
			}
			same := true
			for i, got := range fixtureLogits(t, m, c, sequences...) {
				for j, x := range got {
					same = same && math.Abs(float64(x)-want[i][j]) < 2*fixtureTolerance
				}
			}
			if same {
				t.Errorf("found the logits of the model unchanged")
			}
		})
	}
}
