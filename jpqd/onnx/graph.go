package onnx

import (
	"google.golang.org/protobuf/proto"

	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// value is the name of a tensor: of an input of the model, of a constant or of
// the node that makes it.
type value string

// graph is a model being written: nodes that stand before their users, and
// constants, which are kept apart from the message that describes the rest.
type graph struct {
	proto      *onnxpb.GraphProto
	constants  []constant
	names      map[value]bool
	quantizers map[quantizerKey]value
	smoothed   []smoothed
}

// constant is a tensor of the file.
type constant struct {
	name value
	dims []int64
	elements
}

func newGraph(name string) *graph {
	return &graph{
		proto: &onnxpb.GraphProto{Name: proto.String(name)},
		names: map[value]bool{}, quantizers: map[quantizerKey]value{},
	}
}

// define takes a name, which must be unique in a file.
func (g *graph) define(name string) value {
	v := value(name)
	if g.names[v] {
		panic("onnx: two tensors named " + name)
	}
	g.names[v] = true
	return v
}

// node adds an operation. Every one written here has one output, which bears
// the name of its node.
func (g *graph) node(name, op string, inputs []value, attributes ...*onnxpb.AttributeProto) value {
	v := g.define(name)
	n := &onnxpb.NodeProto{Name: proto.String(name), OpType: proto.String(op), Output: []string{name}, Attribute: attributes}
	for _, in := range inputs {
		n.Input = append(n.Input, string(in))
	}
	g.proto.Node = append(g.proto.Node, n)
	return v
}

// constant is a tensor of the file; no dims: a scalar.
func (g *graph) constant(name string, e elements, dims ...int64) value {
	v := g.define(name)
	g.constants = append(g.constants, constant{v, dims, e})
	return v
}

// dimension is the size of a dimension, or the name of one that is known only
// when the model runs.
type dimension struct {
	size int
	name string // where size is 0
}

// input is an input of the model.
func (g *graph) input(name string, typ onnxpb.TensorProto_DataType, dims ...dimension) value {
	v := g.define(name)
	g.proto.Input = append(g.proto.Input, valueInfo(name, typ, dims))
	return v
}

// output makes the value of a node an output of the model.
func (g *graph) output(v value, typ onnxpb.TensorProto_DataType, dims ...dimension) {
	g.proto.Output = append(g.proto.Output, valueInfo(string(v), typ, dims))
}

func valueInfo(name string, typ onnxpb.TensorProto_DataType, dims []dimension) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{}
	for _, d := range dims {
		dim := &onnxpb.TensorShapeProto_Dimension{}
		if d.size > 0 {
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d.size)}
		} else {
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: d.name}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	tensor := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(typ)), Shape: shape}
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: tensor}}}
}
