package onnx

import (
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

func intAttribute(name string, v int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(v)}
}

func intsAttribute(name string, v ...int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: v}
}

func floatAttribute(name string, v float32) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_FLOAT.Enum(), F: proto.Float32(v)}
}

// ints is a list of integers such as axes or a shape.
func (g *graph) ints(name string, v ...int64) value {
	return g.constant(name, values[int64](v), int64(len(v)))
}

// int is a scalar integer such as one index.
func (g *graph) int(name string, v int64) value { return g.constant(name, values[int64]{v}) }

// float is a scalar.
func (g *graph) float(name string, v float32) value { return g.constant(name, values[float32]{v}) }

// row is a constant that spreads over all but the last dimension.
func (g *graph) row(name string, v []float32) value {
	return g.constant(name, values[float32](v), int64(len(v)))
}

// binary is Add, Sub, Mul or Div with numpy's broadcasting.
func (g *graph) binary(name, op string, a, b value) value { return g.node(name, op, []value{a, b}) }

// unary is an operation on each element.
func (g *graph) unary(name, op string, x value) value { return g.node(name, op, []value{x}) }

func (g *graph) cast(name string, x value, typ onnxpb.TensorProto_DataType) value {
	return g.node(name, "Cast", []value{x}, intAttribute("to", int64(typ)))
}

// gather takes the entries of data along axis that indices name.
func (g *graph) gather(name string, data, indices value, axis int64) value {
	return g.node(name, "Gather", []value{data, indices}, intAttribute("axis", axis))
}

func (g *graph) matMul(name string, a, b value) value { return g.node(name, "MatMul", []value{a, b}) }

// reshape gives x the shape pattern, in which 0 keeps the dimension of x at that place.
func (g *graph) reshape(name string, x value, pattern ...int64) value {
	return g.node(name, "Reshape", []value{x, g.ints(name+"/pattern", pattern...)})
}

func (g *graph) transpose(name string, x value, order ...int64) value {
	return g.node(name, "Transpose", []value{x}, intsAttribute("perm", order...))
}

// unsqueeze inserts dimensions of 1 at the places axes of the result.
func (g *graph) unsqueeze(name string, x value, axes ...int64) value {
	return g.node(name, "Unsqueeze", []value{x, g.ints(name+"/axes", axes...)})
}

// squeeze removes the dimensions axes, of 1.
func (g *graph) squeeze(name string, x value, axes ...int64) value {
	return g.node(name, "Squeeze", []value{x, g.ints(name+"/axes", axes...)})
}

// head is x[:stop] of a list; stop is a list of one number.
func (g *graph) head(name string, x, stop value) value {
	return g.node(name, "Slice", []value{x, g.ints(name+"/start", 0), stop})
}

// softmax is over the last dimension.
func (g *graph) softmax(name string, x value) value {
	return g.node(name, "Softmax", []value{x}, intAttribute("axis", -1))
}

// layerNormalization is of the last dimension.
func (g *graph) layerNormalization(name string, x, gamma, beta value, epsilon float64) value {
	return g.node(name, "LayerNormalization", []value{x, gamma, beta}, intAttribute("axis", -1), floatAttribute("epsilon", float32(epsilon)))
}

// gelu is x·(1 + erf(x/√2))·0.5, in the order of PyTorch's exporter, by which
// runtimes know it. The operator Gelu came with opset 20.
func (g *graph) gelu(name string, x value) value {
	erf := g.unary(name+"/erf", "Erf", g.binary(name+"/scaled", "Div", x, g.float(name+"/sqrt2", math.Sqrt2)))
	y := g.binary(name+"/gated", "Mul", x, g.binary(name+"/gate", "Add", erf, g.float(name+"/one", 1)))
	return g.binary(name, "Mul", y, g.float(name+"/half", 0.5))
}
