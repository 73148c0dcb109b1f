package ir

import (
	"slices"
	"strconv"
)

// parameter is an input of the model; its name is also its tensor's.
func (g *graph) parameter(name string, typ ElementType, dims ...int) *node {
	shape := ""
	for i, n := range dims {
		if i > 0 {
			shape += ","
		}
		if n == dynamic {
			shape += "?"
		} else {
			shape += strconv.Itoa(n)
		}
	}
	return g.add(&node{
		name: name, kind: "Parameter", opset: "opset1", tensor: name, typ: typ, dims: dims,
		attributes: attributes("shape", shape, "element_type", string(typ)),
	})
}

// constant is a value of the file; no dims: a scalar.
func (g *graph) constant(name string, value elements, dims ...int) *node {
	return g.add(&node{name: name, kind: "Const", opset: "opset1", constant: value, typ: value.elementType(), dims: dims})
}

// largestHalf is the largest finite value of f16.
const largestHalf = 65504

// weights is a constant of the precision of the graph, f32 to its users. Values
// beyond the range of f16 are stored as f32.
func (g *graph) weights(name string, v []float32, dims ...int) *node {
	if g.precision != F16 || slices.ContainsFunc(v, func(x float32) bool { return x < -largestHalf || x > largestHalf }) {
		return g.constant(name, values[float32](v), dims...)
	}
	n := g.convert(name, g.constant(name+"/compressed", halves(v), dims...), F32)
	n.decompression = true
	return n
}

// ints is a list of integers such as axes or a shape.
func (g *graph) ints(name string, v ...int64) *node {
	return g.constant(name, values[int64](v), len(v))
}

// int is a scalar integer such as one axis.
func (g *graph) int(name string, v int64) *node { return g.constant(name, values[int64]{v}) }

// float is a scalar.
func (g *graph) float(name string, v float32) *node { return g.constant(name, values[float32]{v}) }

// result makes x an output of the model that programs address as tensor.
func (g *graph) result(tensor string, x *node) {
	x.tensor = tensor
	g.add(&node{name: tensor + "/sink_port_0", kind: "Result", opset: "opset1", inputs: []*node{x}})
}

func (g *graph) convert(name string, x *node, typ ElementType) *node {
	return g.add(&node{
		name: name, kind: "Convert", opset: "opset1", inputs: []*node{x}, typ: typ, dims: x.dims,
		attributes: attributes("destination_type", string(typ)),
	})
}

// arithmetic is Add, Subtract or Multiply with numpy broadcasting.
func (g *graph) arithmetic(name, kind string, a, b *node) *node {
	return g.add(&node{
		name: name, kind: kind, opset: "opset1", inputs: []*node{a, b}, typ: a.typ, dims: broadcastDims(a.dims, b.dims),
		attributes: attributes("auto_broadcast", "numpy"),
	})
}

func (g *graph) plus(name string, a, b *node) *node { return g.arithmetic(name, "Add", a, b) }

func (g *graph) times(name string, a, b *node) *node { return g.arithmetic(name, "Multiply", a, b) }

// gather takes the entries of data along axis that indices name.
func (g *graph) gather(name string, data, indices *node, axis int) *node {
	dims := slices.Concat(data.dims[:axis], indices.dims, data.dims[axis+1:])
	return g.add(&node{
		name: name, kind: "Gather", opset: "opset8", inputs: []*node{data, indices, g.int(name+"/axis", int64(axis))}, typ: data.typ, dims: dims,
		attributes: attributes("batch_dims", "0"),
	})
}

// mvn is (x − mean) / √(variance + eps) over the last dimension.
func (g *graph) mvn(name string, x *node, eps float64) *node {
	return g.add(&node{
		name: name, kind: "MVN", opset: "opset6", inputs: []*node{x, g.ints(name+"/axes", -1)}, typ: x.typ, dims: x.dims,
		attributes: attributes("eps", strconv.FormatFloat(eps, 'g', -1, 64), "normalize_variance", "true", "eps_mode", "INSIDE_SQRT"),
	})
}

// matMul is a·b, or a·bᵀ.
func (g *graph) matMul(name string, a, b *node, transposeB bool) *node {
	rank := len(b.dims)
	inner, columns := b.dims[rank-2], b.dims[rank-1]
	if transposeB {
		inner, columns = columns, inner
	}
	if last := a.dims[len(a.dims)-1]; last != inner {
		panic("ir: " + name + " multiplies rows of " + strconv.Itoa(last) + " by columns of " + strconv.Itoa(inner))
	}
	dims := append(broadcastDims(a.dims[:len(a.dims)-2], b.dims[:rank-2]), a.dims[len(a.dims)-2], columns)
	return g.add(&node{
		name: name, kind: "MatMul", opset: "opset1", inputs: []*node{a, b}, typ: a.typ, dims: dims,
		attributes: attributes("transpose_a", "false", "transpose_b", strconv.FormatBool(transposeB)),
	})
}

// reshape gives x the shape pattern, in which 0 keeps the dimension of x at that place.
func (g *graph) reshape(name string, x *node, pattern ...int64) *node {
	dims := make([]int, len(pattern))
	for i, n := range pattern {
		dims[i] = int(n)
		if n == 0 {
			dims[i] = x.dims[i]
		}
	}
	return g.add(&node{
		name: name, kind: "Reshape", opset: "opset1", inputs: []*node{x, g.ints(name+"/pattern", pattern...)}, typ: x.typ, dims: dims,
		attributes: attributes("special_zero", "true"),
	})
}

func (g *graph) transpose(name string, x *node, order ...int64) *node {
	dims := make([]int, len(order))
	for i, axis := range order {
		dims[i] = x.dims[axis]
	}
	return g.add(&node{
		name: name, kind: "Transpose", opset: "opset1", inputs: []*node{x, g.ints(name+"/order", order...)}, typ: x.typ, dims: dims,
	})
}

// unsqueeze inserts dimensions of 1 at the places axes of the result, ascending.
func (g *graph) unsqueeze(name string, x *node, axes ...int64) *node {
	dims := x.dims
	for _, axis := range axes {
		dims = slices.Concat(dims[:axis], []int{1}, dims[axis:])
	}
	return g.add(&node{
		name: name, kind: "Unsqueeze", opset: "opset1", inputs: []*node{x, g.ints(name+"/axes", axes...)}, typ: x.typ, dims: dims,
	})
}

// softMax is over the last dimension.
func (g *graph) softMax(name string, x *node) *node {
	return g.add(&node{
		name: name, kind: "SoftMax", opset: "opset8", inputs: []*node{x}, typ: x.typ, dims: x.dims,
		attributes: attributes("axis", "-1"),
	})
}

func (g *graph) gelu(name string, x *node) *node {
	return g.add(&node{
		name: name, kind: "Gelu", opset: "opset7", inputs: []*node{x}, typ: x.typ, dims: x.dims,
		attributes: attributes("approximation_mode", "ERF"),
	})
}

func (g *graph) tanh(name string, x *node) *node {
	return g.add(&node{name: name, kind: "Tanh", opset: "opset1", inputs: []*node{x}, typ: x.typ, dims: x.dims})
}

func (g *graph) relu(name string, x *node) *node {
	return g.add(&node{name: name, kind: "ReLU", opset: "opset1", inputs: []*node{x}, typ: x.typ, dims: x.dims})
}

func (g *graph) shapeOf(name string, x *node) *node {
	return g.add(&node{
		name: name, kind: "ShapeOf", opset: "opset3", inputs: []*node{x}, typ: I64, dims: []int{len(x.dims)},
		attributes: attributes("output_type", string(I64)),
	})
}

// head is x[:stop] along axis; stop is a list of one number.
func (g *graph) head(name string, x, stop *node, axis int) *node {
	dims := slices.Clone(x.dims)
	dims[axis] = dynamic
	return g.add(&node{
		name: name, kind: "Slice", opset: "opset8", typ: x.typ, dims: dims,
		inputs: []*node{x, g.ints(name+"/start", 0), stop, g.ints(name+"/step", 1), g.ints(name+"/axes", int64(axis))},
	})
}
