package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
	"github.com/go-jpqd/jpqd/kernels"
)

// call is the evaluation of a node.
type call struct {
	node *onnxpb.NodeProto
	in   []*tensor
}

// operands are how many the operations have.
var operands = map[string]int{
	"Add": 2, "Sub": 2, "Mul": 2, "Div": 2, "Erf": 1, "Tanh": 1, "Relu": 1, "Clip": 3, "Cast": 1, "Softmax": 1, "LayerNormalization": 3,
	"MatMul": 2, "Gather": 2, "Shape": 1, "Slice": 3, "Reshape": 2, "Squeeze": 2, "Unsqueeze": 2, "Transpose": 1, "QuantizeLinear": 3, "DequantizeLinear": 3,
}

// evaluate computes the node's output.
func (c *call) evaluate() (*tensor, error) {
	op := c.node.GetOpType()
	if n, known := operands[op]; !known || len(c.in) != n {
		return nil, fmt.Errorf("found %d inputs, want %d of an operation that is written here", len(c.in), n)
	}
	x := c.in[0]
	switch op {
	case "Add":
		return c.arithmetic(func(a, b float32) float32 { return a + b })
	case "Sub":
		return c.arithmetic(func(a, b float32) float32 { return a - b })
	case "Mul":
		return c.arithmetic(func(a, b float32) float32 { return a * b })
	case "Div":
		return c.arithmetic(func(a, b float32) float32 { return a / b })
	case "Erf":
		return c.each(math.Erf)
	case "Tanh":
		return c.each(math.Tanh)
	case "Relu":
		return c.each(func(v float64) float64 { return max(v, 0) })
	case "Clip":
		low, err := c.scalar(1)
		if err != nil {
			return nil, err
		}
		high, err := c.scalar(2)
		if err != nil {
			return nil, err
		}
		return c.each(func(v float64) float64 { return min(max(v, low), high) })
	case "Cast":
		if to := c.integer("to", 0); to != int64(onnxpb.TensorProto_FLOAT) {
			return nil, fmt.Errorf("to: found %d, want floats", to)
		}
		return &tensor{x.shape, x.floats()}, nil
	case "Softmax":
		return c.rows(softmax)
	case "LayerNormalization":
		return c.layerNormalization()
	case "MatMul":
		return c.matMul()
	case "Gather":
		return c.gather()
	case "Shape":
		dims := make([]int64, len(x.shape))
		for i, d := range x.shape {
			dims[i] = int64(d)
		}
		return &tensor{[]int{len(dims)}, dims}, nil
	case "Slice":
		return c.slice()
	case "Reshape":
		return c.reshape()
	case "Squeeze", "Unsqueeze":
		return c.withAxes(op == "Unsqueeze")
	case "Transpose":
		return c.transpose()
	case "QuantizeLinear":
		return c.quantizeLinear()
	default:
		return c.dequantizeLinear()
	}
}

// integer is an attribute, or otherwise where the node has none.
func (c *call) integer(name string, otherwise int64) int64 {
	for _, a := range c.node.GetAttribute() {
		if a.GetName() == name {
			return a.GetI()
		}
	}
	return otherwise
}

// number is an input of floats.
func (c *call) number(i int) ([]float32, error) {
	x, ok := c.in[i].values.([]float32)
	if !ok {
		return nil, fmt.Errorf("input %d: found %T, want floats", i, c.in[i].values)
	}
	return x, nil
}

// numbers are two inputs of floats.
func (c *call) numbers(i, j int) (a, b []float32, err error) {
	if a, err = c.number(i); err == nil {
		b, err = c.number(j)
	}
	return a, b, err
}

func (c *call) scalar(i int) (float64, error) {
	x, err := c.number(i)
	if err != nil || len(x) != 1 {
		return 0, fmt.Errorf("input %d: found %d values, want one float", i, len(x))
	}
	return float64(x[0]), nil
}

// list is an input of a few integers.
func (c *call) list(i int) ([]int, error) {
	x, ok := c.in[i].values.([]int64)
	if !ok || len(c.in[i].shape) != 1 {
		return nil, fmt.Errorf("input %d: found %T of shape %v, want a list of integers", i, c.in[i].values, c.in[i].shape)
	}
	list := make([]int, len(x))
	for j, v := range x {
		list[j] = int(v)
	}
	return list, nil
}

func (c *call) arithmetic(f func(a, b float32) float32) (*tensor, error) {
	a, b, err := c.numbers(0, 1)
	if err != nil {
		return nil, err
	}
	shape, stridesA, stridesB, err := broadcast(c.in[0].shape, c.in[1].shape)
	if err != nil {
		return nil, err
	}
	y, err := zeros(shape)
	if err != nil {
		return nil, err
	}
	walk(shape, [][]int{stridesA, stridesB}, func(i int, at []int) { y[i] = f(a[at[0]], b[at[1]]) })
	return &tensor{shape, y}, nil
}

// each computes f of every element.
func (c *call) each(f func(float64) float64) (*tensor, error) {
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(f(float64(v)))
	}
	return &tensor{c.in[0].shape, y}, nil
}

// rows computes f of every row of the last dimension.
func (c *call) rows(f func(x, y []float32)) (*tensor, error) {
	x, err := c.number(0)
	shape := c.in[0].shape
	if err != nil || len(shape) == 0 || c.integer("axis", -1) != -1 {
		return nil, fmt.Errorf("input 0: found %T of shape %v, want floats; axis: found %d, want −1", c.in[0].values, shape, c.integer("axis", -1))
	}
	y := make([]float32, len(x))
	if n := shape[len(shape)-1]; n > 0 {
		for at := 0; at < len(x); at += n {
			f(x[at:at+n], y[at:at+n])
		}
	}
	return &tensor{shape, y}, nil
}

func softmax(x, y []float32) {
	most, total := slices.Max(x), 0.0
	for _, v := range x {
		total += math.Exp(float64(v) - float64(most))
	}
	for i, v := range x {
		y[i] = float32(math.Exp(float64(v)-float64(most)) / total)
	}
}

func (c *call) layerNormalization() (*tensor, error) {
	gamma, beta, err := c.numbers(1, 2)
	if err != nil {
		return nil, err
	}
	epsilon := 1e-5
	for _, a := range c.node.GetAttribute() {
		if a.GetName() == "epsilon" {
			epsilon = float64(a.GetF())
		}
	}
	if shape := c.in[0].shape; len(shape) == 0 || len(gamma) != shape[len(shape)-1] || len(beta) != len(gamma) {
		return nil, fmt.Errorf("found shape %v with %d factors and %d summands", shape, len(gamma), len(beta))
	}
	return c.rows(func(x, y []float32) {
		mean, variance := 0.0, 0.0
		for _, v := range x {
			mean += float64(v) / float64(len(x))
		}
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
		}
		for i, v := range x {
			y[i] = float32((float64(v)-mean)/math.Sqrt(variance+epsilon)*float64(gamma[i]) + float64(beta[i]))
		}
	})
}

// matMul multiplies matrices, those of the right one for all of the left if it
// is only one.
func (c *call) matMul() (*tensor, error) {
	a, b, err := c.numbers(0, 1)
	if err != nil {
		return nil, err
	}
	left, right := c.in[0].shape, c.in[1].shape
	if len(left) < 2 || len(right) != 2 && len(right) != len(left) {
		return nil, fmt.Errorf("found shapes %v and %v, want matrices", left, right)
	}
	outer, m, k, n := left[:len(left)-2], left[len(left)-2], left[len(left)-1], right[len(right)-1]
	if right[len(right)-2] != k || len(right) > 2 && !slices.Equal(outer, right[:len(right)-2]) {
		return nil, fmt.Errorf("found shapes %v and %v, want as many columns as rows", left, right)
	}
	step, count := k*n, size(outer)
	if len(right) == 2 {
		step, m, count = 0, m*count, 1
	}
	shape := slices.Concat(left[:len(left)-1], []int{n})
	y, err := zeros(shape)
	if err != nil {
		return nil, err
	}
	for i := range count {
		kernels.GemmF32(kernels.NN, m, n, k, a[i*m*k:], k, b[i*step:], n, y[i*m*n:], n, false)
	}
	return &tensor{shape, y}, nil
}

func (c *call) gather() (*tensor, error) {
	x, axis := c.in[0], int(c.integer("axis", 0))
	indices, ok := c.in[1].values.([]int64)
	if !ok || axis < 0 || axis >= len(x.shape) {
		return nil, fmt.Errorf("found %T and the axis %d of shape %v", c.in[1].values, axis, x.shape)
	}
	for _, i := range indices {
		if i < 0 || i >= int64(x.shape[axis]) {
			return nil, fmt.Errorf("found the index %d, want 0 to %d", i, x.shape[axis]-1)
		}
	}
	y := &tensor{shape: slices.Concat(x.shape[:axis], c.in[1].shape, x.shape[axis+1:])}
	if size(y.shape) > maxElements {
		return nil, fmt.Errorf("found shape %v, want at most %d elements", y.shape, maxElements)
	}
	outer, inner := size(x.shape[:axis]), size(x.shape[axis+1:])
	switch v := x.values.(type) {
	case []float32:
		y.values = taken(v, outer, x.shape[axis], inner, indices)
	case []int64:
		y.values = taken(v, outer, x.shape[axis], inner, indices)
	case []int8:
		y.values = taken(v, outer, x.shape[axis], inner, indices)
	default:
		return nil, fmt.Errorf("input 0: found %T", v)
	}
	return y, nil
}

// taken are the entries of x (outer, entries, inner) that indices name.
func taken[T any](x []T, outer, entries, inner int, indices []int64) []T {
	y := make([]T, 0, outer*len(indices)*inner)
	for o := range outer {
		for _, i := range indices {
			y = append(y, x[(o*entries+int(i))*inner:][:inner]...)
		}
	}
	return y
}

// slice is a part of a list, from its start.
func (c *call) slice() (*tensor, error) {
	x, ok := c.in[0].values.([]int64)
	start, err := c.list(1)
	if err != nil {
		return nil, err
	}
	end, err := c.list(2)
	if err != nil {
		return nil, err
	}
	if !ok || len(c.in[0].shape) != 1 || len(start) != 1 || start[0] != 0 || len(end) != 1 || end[0] < 0 {
		return nil, fmt.Errorf("found %T of shape %v from %v to %v, want the first of a list of integers", c.in[0].values, c.in[0].shape, start, end)
	}
	n := min(end[0], len(x))
	return &tensor{[]int{n}, x[:n]}, nil
}

// reshape takes the dimensions that are 0 from the input.
func (c *call) reshape() (*tensor, error) {
	shape, err := c.list(1)
	if err != nil {
		return nil, err
	}
	for i, d := range shape {
		if d == 0 && i < len(c.in[0].shape) {
			shape[i] = c.in[0].shape[i]
		}
		if shape[i] < 0 {
			return nil, fmt.Errorf("found shape %v", shape)
		}
	}
	return c.shaped(shape)
}

func (c *call) shaped(shape []int) (*tensor, error) {
	if size(shape) != size(c.in[0].shape) {
		return nil, fmt.Errorf("found shape %v for %v", shape, c.in[0].shape)
	}
	return &tensor{shape, c.in[0].values}, nil
}

// withAxes inserts dimensions of 1, or removes them.
func (c *call) withAxes(insert bool) (*tensor, error) {
	axes, err := c.list(1)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(c.in[0].shape)
	for _, axis := range axes {
		switch {
		case axis < 0 || axis > len(shape) || !insert && (axis == len(shape) || len(axes) > 1):
			return nil, fmt.Errorf("found the axes %v of shape %v", axes, shape)
		case insert:
			shape = slices.Insert(shape, axis, 1)
		default:
			shape = slices.Delete(shape, axis, axis+1)
		}
	}
	return c.shaped(shape)
}

func (c *call) transpose() (*tensor, error) {
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	var order []int64
	for _, a := range c.node.GetAttribute() {
		order = a.GetInts()
	}
	from := c.in[0].shape
	all := strides(from)
	var shape, steps []int
	for axis := range from {
		if len(order) != len(from) || !slices.Contains(order, int64(axis)) {
			return nil, fmt.Errorf("perm: found %v for shape %v", order, from)
		}
	}
	for _, axis := range order {
		shape, steps = append(shape, from[axis]), append(steps, all[axis])
	}
	y := make([]float32, len(x))
	walk(shape, [][]int{steps}, func(i int, at []int) { y[i] = x[at[0]] })
	return &tensor{shape, y}, nil
}

// quantizeLinear is saturate(round(x/scale) + zero point), rounding half to even.
func (c *call) quantizeLinear() (*tensor, error) {
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	scale, err := c.scalar(1)
	if err != nil {
		return nil, err
	}
	switch zero := c.in[2].values.(type) {
	case []int8:
		if len(zero) == 1 {
			return &tensor{c.in[0].shape, saturated(x, float32(scale), zero[0], -128, 127)}, nil
		}
	case []uint8:
		if len(zero) == 1 {
			return &tensor{c.in[0].shape, saturated(x, float32(scale), zero[0], 0, 255)}, nil
		}
	}
	return nil, fmt.Errorf("zero point: found %T, want one byte", c.in[2].values)
}

func saturated[T int8 | uint8](x []float32, scale float32, zero T, low, high float64) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(min(max(math.RoundToEven(float64(v/scale))+float64(zero), low), high))
	}
	return y
}

// dequantizeLinear is (x − zero point)·scale, with one of each or those of each
// index along axis.
func (c *call) dequantizeLinear() (*tensor, error) {
	scale, err := c.number(1)
	if err != nil {
		return nil, err
	}
	if _, ok := c.in[0].values.([]float32); ok {
		return nil, errors.New("input 0: found floats, want integers")
	}
	y, zero, shape := c.in[0].floats(), c.in[2].floats(), c.in[0].shape
	count, inner := 1, len(scale)
	if len(scale) != 1 {
		axis := c.integer("axis", 1)
		if axis < 0 || axis >= int64(len(shape)) {
			return nil, fmt.Errorf("axis: found %d for shape %v", axis, shape)
		}
		count, inner = shape[axis], size(shape[axis+1:])
	}
	if len(scale) != count || len(zero) != count {
		return nil, fmt.Errorf("found %d scales and %d zero points for %d", len(scale), len(zero), count)
	}
	for i := range y {
		at := i / inner % count
		y[i] = (y[i] - zero[at]) * scale[at]
	}
	return &tensor{shape, y}, nil
}
