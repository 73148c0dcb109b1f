package onnx

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

func readModel(t *testing.T, path string) *onnxpb.ModelProto {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := new(onnxpb.ModelProto)
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// written is the graph of c's file.
func written(t *testing.T, c *jpqd.Compressed, o Options) *onnxpb.GraphProto {
	t.Helper()
	dir := t.TempDir()
	if err := Write(dir, c, o); err != nil {
		t.Fatal(err)
	}
	m := readModel(t, filepath.Join(dir, Name))
	if imports := m.OpsetImport; m.GetIrVersion() != 8 || m.GetProducerName() != "jpqd" || len(imports) != 1 || imports[0].GetDomain() != "" || imports[0].GetVersion() != 17 {
		t.Errorf("found version %d of %q and operations %v", m.GetIrVersion(), m.GetProducerName(), imports)
	}
	return m.Graph
}

// operations counts the nodes of each kind.
func operations(g *onnxpb.GraphProto) map[string]int {
	counts := map[string]int{}
	for _, n := range g.Node {
		counts[n.GetOpType()]++
	}
	return counts
}

// find returns the node or the constant of that name; what is absent is nil.
func find(g *onnxpb.GraphProto, name string) (*onnxpb.NodeProto, *onnxpb.TensorProto) {
	for _, n := range g.Node {
		if n.GetName() == name {
			return n, nil
		}
	}
	for _, c := range g.Initializer {
		if c.GetName() == name {
			return nil, c
		}
	}
	return nil, nil
}

// describe spells inputs or outputs as name type[dimensions].
func describe(values []*onnxpb.ValueInfoProto) string {
	var all []string
	for _, v := range values {
		tensor := v.Type.GetTensorType()
		var dims []string
		for _, d := range tensor.Shape.Dim {
			if d.GetDimParam() != "" {
				dims = append(dims, d.GetDimParam())
			} else {
				dims = append(dims, fmt.Sprint(d.GetDimValue()))
			}
		}
		all = append(all, fmt.Sprintf("%s %s[%s]", v.GetName(), onnxpb.TensorProto_DataType(tensor.GetElemType()), strings.Join(dims, " ")))
	}
	return strings.Join(all, ", ")
}

// Every tensor is made once, before it is used, and used; constants have the
// bytes that their shapes say.
func TestGraph(t *testing.T) {
	sizes := map[onnxpb.TensorProto_DataType]int{
		onnxpb.TensorProto_FLOAT: 4, onnxpb.TensorProto_INT64: 8, onnxpb.TensorProto_INT8: 1, onnxpb.TensorProto_UINT8: 1,
	}
	for name, v := range testmodel.Variants {
		t.Run(name, func(t *testing.T) {
			g := written(t, testmodel.New(v, 1), Options{})
			used := map[string]bool{}
			for _, in := range g.Input {
				used[in.GetName()] = false
			}
			for _, c := range g.Initializer {
				want := sizes[onnxpb.TensorProto_DataType(c.GetDataType())]
				for _, d := range c.Dims {
					want *= int(d)
				}
				if _, twice := used[c.GetName()]; twice || want == 0 || len(c.RawData) != want {
					t.Errorf("%s: found %d bytes of %v, or a name used before", c.GetName(), len(c.RawData), c.Dims)
				}
				used[c.GetName()] = false
			}
			for _, n := range g.Node {
				for _, in := range n.Input {
					if _, made := used[in]; !made {
						t.Errorf("%s: its input %s was not made before", n.GetName(), in)
					}
					used[in] = true
				}
				if _, twice := used[n.GetName()]; twice || len(n.Output) != 1 || n.Output[0] != n.GetName() {
					t.Errorf("%s: found outputs %v, or a name used before", n.GetName(), n.Output)
				}
				used[n.GetName()] = false
			}
			for _, out := range g.Output {
				used[out.GetName()] = true
			}
			for name, is := range used {
				if !is && (name != "attention_mask" || operations(g)["Softmax"] > 0) {
					t.Errorf("%s is not used", name)
				}
			}
		})
	}
}

func TestInputsAndOutputs(t *testing.T) {
	for _, test := range []struct {
		variant string
		options Options
		want    string
	}{
		{"int8", Options{}, "input_ids INT64[batch_size sequence_length], attention_mask INT64[batch_size sequence_length], token_type_ids INT64[batch_size sequence_length] -> logits FLOAT[batch_size 3]"},
		{"int8", Options{Batch: 2, Sequence: 12}, "input_ids INT64[2 12], attention_mask INT64[2 12], token_type_ids INT64[2 12] -> logits FLOAT[2 3]"},
		{"int8 RoBERTa", Options{Sequence: 4}, "input_ids INT64[batch_size 4], attention_mask INT64[batch_size 4] -> logits FLOAT[batch_size 3]"},
		{"int8 DistilBERT answering", Options{Batch: 1}, "input_ids INT64[1 sequence_length], attention_mask INT64[1 sequence_length] -> start_logits FLOAT[1 sequence_length], end_logits FLOAT[1 sequence_length]"},
	} {
		g := written(t, testmodel.Named(test.variant, 1), test.options)
		if got := describe(g.Input) + " -> " + describe(g.Output); got != test.want {
			t.Errorf("%s, %v: found %s, want %s", test.variant, test.options, got, test.want)
		}
	}
}

// What a model has is what its graph has.
func TestOperations(t *testing.T) {
	for _, test := range []struct {
		variant string
		want    map[string]int
	}{
		{"float", map[string]int{"MatMul": 18, "Softmax": 2, "LayerNormalization": 5, "Erf": 2}},
		{"float pruned", map[string]int{"MatMul": 4 + 2 + 2 + 2 + 2, "Softmax": 1, "LayerNormalization": 5, "Erf": 2}},
		{"int8", map[string]int{"MatMul": 18, "Softmax": 2, "QuantizeLinear": 2 + 2*(6+2) + 2, "DequantizeLinear": 20 + 14}},
		{"int8 pruned", map[string]int{"QuantizeLinear": 2 + 2*(4+2) + 2, "DequantizeLinear": 16 + 14}}, // query, key and value share one
		{"int8 weights", map[string]int{"QuantizeLinear": 0, "DequantizeLinear": 4 + 4 + 2 + 2}},
		{"float weights, quantized activations", map[string]int{"QuantizeLinear": 20, "DequantizeLinear": 20}},
		{"int8 off the grid", map[string]int{"QuantizeLinear": 20, "Sub": 1 + 20 - 4}},        // q and k are symmetric
		{"int8 everywhere, 100 levels", map[string]int{"QuantizeLinear": 44, "Clip": 44 - 2}}, // probabilities have 256
		{"nothing left", map[string]int{"MatMul": 2, "Softmax": 0, "Erf": 0, "QuantizeLinear": 4}},
	} {
		got := operations(written(t, testmodel.Named(test.variant, 1), Options{}))
		maps.DeleteFunc(got, func(op string, _ int) bool { _, asked := test.want[op]; return !asked })
		maps.DeleteFunc(test.want, func(_ string, n int) bool { return n == 0 })
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: want − and found +:\n%s", test.variant, diff)
		}
	}
}

func TestQuantize(t *testing.T) {
	for _, test := range []struct {
		r     jpqd.ActivationRange
		typ   onnxpb.TensorProto_DataType
		zero  int
		scale float64
		ops   []string // before the pair
	}{
		{jpqd.ActivationRange{Low: -128. / 127, High: 1, Levels: 256, Symmetric: true}, onnxpb.TensorProto_INT8, 0, 1. / 127, nil},
		{jpqd.ActivationRange{High: 1, Levels: 256, Symmetric: true}, onnxpb.TensorProto_UINT8, 0, 1. / 255, nil},
		{jpqd.ActivationRange{Low: -1, High: 1.55, Levels: 256}, onnxpb.TensorProto_UINT8, 100, 0.01, nil},
		{jpqd.ActivationRange{Low: -2.55, Levels: 256}, onnxpb.TensorProto_UINT8, 255, 0.01, nil},
		{jpqd.ActivationRange{Low: -0.004, High: 2.546, Levels: 256}, onnxpb.TensorProto_UINT8, 0, 0.01, []string{"Sub"}},
		{jpqd.ActivationRange{Low: -1, High: 1.55 - 1.6, Levels: 96}, onnxpb.TensorProto_UINT8, 100, 0.01, []string{"Clip"}},
		{jpqd.ActivationRange{Low: -8, High: 7, Levels: 16, Symmetric: true}, onnxpb.TensorProto_INT8, 0, 1, []string{"Clip"}},
	} {
		g := newGraph("")
		y := g.quantize("q", "x", &test.r)
		if again := g.quantize("other", "x", &jpqd.ActivationRange{Low: test.r.Low, High: test.r.High, Levels: test.r.Levels}); again != y || y != "q" {
			t.Errorf("%v: found %q and for an equal range %q, want %q twice", test.r, y, again, "q")
		}
		var ops []string
		for _, n := range g.proto.Node {
			ops = append(ops, n.GetOpType())
		}
		if want := append(slices.Clone(test.ops), "QuantizeLinear", "DequantizeLinear"); !slices.Equal(ops, want) {
			t.Errorf("%v: found %v, want %v", test.r, ops, want)
		}
		for _, c := range g.constants {
			switch e := c.elements.(type) {
			case values[int8]:
				if c.dataType() != test.typ || int(e[0]) != test.zero {
					t.Errorf("%v: found zero point %v of %s, want %d of %s", test.r, e, c.dataType(), test.zero, test.typ)
				}
			case values[uint8]:
				if c.dataType() != test.typ || int(e[0]) != test.zero {
					t.Errorf("%v: found zero point %v of %s, want %d of %s", test.r, e, c.dataType(), test.zero, test.typ)
				}
			case values[float32]:
				if c.name == "q/scale" && math.Abs(float64(e[0])/test.scale-1) > 1e-6 {
					t.Errorf("%v: found scale %v, want %v", test.r, e, test.scale)
				}
				if c.name == "q/shift" && math.Abs(float64(e[0])+0.004) > 1e-7 {
					t.Errorf("%v: found shift %v, want −0.004", test.r, e)
				}
			}
		}
	}
}

// The weight of a MatMul is (in, out), an embedding table as it is.
func TestConstants(t *testing.T) {
	c := testmodel.Named("int8 with zero points", 1)
	g := written(t, c, Options{})
	const query, word = "bert.encoder.layer.1.attention.self.query.weight", "bert.embeddings.word_embeddings.weight"
	w := &c.Layers[1].Query.Weight // 8 × 32
	_, weight := find(g, query+"/int8")
	_, zero := find(g, query+"/zero_point")
	if !slices.Equal(weight.Dims, []int64{32, 8}) || !slices.Equal(zero.Dims, []int64{8}) {
		t.Fatalf("%s: found %v and zero points %v, want 32 × 8 and 8", query, weight.Dims, zero.Dims)
	}
	for i := range w.Rows {
		if int8(zero.RawData[i]) != w.Zero[i] {
			t.Errorf("%s: found zero point %d, want %d", query, int8(zero.RawData[i]), w.Zero[i])
		}
		for j := range w.Cols {
			if got, want := int8(weight.RawData[j*w.Rows+i]), w.I8[i*w.Cols+j]; got != want {
				t.Fatalf("%s: found %d at column %d of row %d, want %d", query, got, i, j, want)
			}
		}
	}
	if n, _ := find(g, query); n.GetOpType() != "DequantizeLinear" || n.Attribute[0].GetName() != "axis" || n.Attribute[0].GetI() != 1 {
		t.Errorf("%s: found %v, want a DequantizeLinear of axis 1", query, n)
	}
	_, table := find(g, word+"/int8")
	if !slices.Equal(table.Dims, []int64{29, 32}) || int8(table.RawData[33]) != c.Embeddings.Word.I8[33] {
		t.Errorf("%s: found %v, want 29 × 32 in the order of the model", word, table.Dims)
	}
}

// Columns are encoded some at a time.
func TestTransposed(t *testing.T) {
	for _, size := range [][2]int{{1, 7}, {7, 1}, {300, 200}, {chunk + 1, 3}} {
		rows, cols := size[0], size[1]
		v := make([]float32, rows*cols)
		want := make(values[float32], rows*cols)
		for i := range rows {
			for j := range cols {
				v[i*cols+j], want[j*rows+i] = float32(i*cols+j), float32(i*cols+j)
			}
		}
		var got, expected bytes.Buffer
		if err := (transposed[float32]{v, cols}).encode(&got); err != nil {
			t.Fatal(err)
		}
		if err := want.encode(&expected); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), expected.Bytes()) || got.Len() != 4*rows*cols {
			t.Errorf("%d × %d: found %d bytes that differ from the transpose", rows, cols, got.Len())
		}
	}
}

// Every module of a model with parameters is a node of that name in the file.
func TestNames(t *testing.T) {
	for _, family := range []string{"", "bert", "roberta", "distilbert"} {
		for _, answering := range []bool{false, true} {
			c := testmodel.New(testmodel.Everywhere(testmodel.Variant{Family: family, Answering: answering}), 1)
			c.Config.ModelType = family
			g := written(t, c, Options{})
			m := bert.New(c.Config, 1)
			want := map[string]string{}
			for _, l := range m.Linears() {
				want[l.Name] = "Add"
			}
			for _, n := range m.Norms() {
				want[n.Name] = "LayerNormalization"
			}
			for _, e := range m.Embeddings() {
				want[e.Name] = "Mul"
			}
			for name, op := range want {
				if n, _ := find(g, name); n.GetOpType() != op {
					t.Errorf("%q, answering %t: found %q as the node %s, want %s", family, answering, n.GetOpType(), name, op)
				}
			}
		}
	}
	c := testmodel.Named("float", 1)
	c.Config.ModelType = "gpt2"
	if _, err := newEncoder(c, Options{}); err == nil || !strings.Contains(err.Error(), `model_type: found "gpt2", want one of ["" "bert" "distilbert" "roberta"]`) {
		t.Errorf("found error %v for an unknown family", err)
	}
}

// Of two quantizers in a row ONNX Runtime makes one: the factor of the scores
// stands between those before and behind it.
func TestScaleOfScores(t *testing.T) {
	for _, test := range []struct{ variant, name, input string }{
		{"int8 everywhere", "bert.encoder.layer.0.attention.self/scores/scaled", "bert.encoder.layer.0.attention.self/scores/scale_input"},
		{"int8 DistilBERT", "distilbert.transformer.layer.0.attention.q_lin/scaled", "distilbert.transformer.layer.0.attention.q_lin/scale_input"},
	} {
		g := written(t, testmodel.Named(test.variant, 1), Options{})
		if n, _ := find(g, test.name); n.GetOpType() != "Mul" || n.Input[0] != test.input {
			t.Errorf("%s: found %v as the node %s, want the product of %s", test.variant, n, test.name, test.input)
		}
	}
	if f := (&bert.Config{HiddenSize: 64, NumAttentionHeads: 1}).ScoreScale(); f != 0.125 {
		t.Errorf("1/√64: found %v", f)
	}
	r := &jpqd.ActivationRange{Low: -128.0 / 127, High: 1, Levels: 256}
	if s := r.Scaled(0.25); s.Low*4 != r.Low || s.High*4 != r.High || s.Levels != 256 {
		t.Errorf("found %v to %v, want a quarter of %v to %v", s.Low, s.High, r.Low, r.High)
	}
}
