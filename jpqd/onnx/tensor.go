package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// tensor is a value of an [evaluator], its elements in row order.
type tensor struct {
	shape  []int // no dimensions: a scalar
	values any   // []float32, []int64, []int8 or []uint8
}

// decode reads a constant.
func decode(c *onnxpb.TensorProto) (*tensor, error) {
	t := &tensor{}
	raw := c.GetRawData()
	n := uint64(1)
	for _, d := range c.GetDims() {
		if d < 0 || d > 0 && n > uint64(len(raw))/uint64(d) {
			return nil, fmt.Errorf("found shape %v for %d bytes", c.GetDims(), len(raw))
		}
		n *= uint64(d)
		t.shape = append(t.shape, int(d))
	}
	width := map[onnxpb.TensorProto_DataType]int{onnxpb.TensorProto_FLOAT: 4, onnxpb.TensorProto_INT64: 8, onnxpb.TensorProto_INT8: 1, onnxpb.TensorProto_UINT8: 1}
	typ := onnxpb.TensorProto_DataType(c.GetDataType())
	if width[typ] == 0 || uint64(len(raw)) != n*uint64(width[typ]) {
		return nil, fmt.Errorf("found %d bytes of %s for shape %v", len(raw), typ, t.shape)
	}
	switch typ {
	case onnxpb.TensorProto_FLOAT:
		x := make([]float32, n)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		t.values = x
	case onnxpb.TensorProto_INT64:
		x := make([]int64, n)
		for i := range x {
			x[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		t.values = x
	case onnxpb.TensorProto_INT8:
		x := make([]int8, n)
		for i := range x {
			x[i] = int8(raw[i])
		}
		t.values = x
	default:
		t.values = raw
	}
	return t, nil
}

// floats are the elements as numbers.
func (t *tensor) floats() []float32 {
	switch x := t.values.(type) {
	case []int64:
		return converted(x)
	case []int8:
		return converted(x)
	case []uint8:
		return converted(x)
	}
	return t.values.([]float32)
}

func converted[T int64 | int8 | uint8](x []T) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// maxElements of a tensor, far above those of a sample.
const maxElements = 1 << 28

// size is the number of elements of a shape; more than maxElements are
// maxElements + 1.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		if d > 0 && n > maxElements/d {
			return maxElements + 1
		}
		n *= d
	}
	return n
}

// zeros are the elements of a tensor to be computed.
func zeros(shape []int) ([]float32, error) {
	n := size(shape)
	if n > maxElements {
		return nil, fmt.Errorf("found shape %v, want at most %d elements", shape, maxElements)
	}
	return make([]float32, n), nil
}

// strides of a shape in row order: how far apart neighbours of each dimension lie.
func strides(shape []int) []int {
	s, step := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = step
		step *= shape[i]
	}
	return s
}

// broadcast is numpy's shape of two operands, with the strides by which they are
// read: 0 where they repeat.
func broadcast(a, b []int) (shape, stridesA, stridesB []int, err error) {
	shape = make([]int, max(len(a), len(b)))
	for i := range shape {
		shape[i] = 1
	}
	for _, from := range [][]int{a, b} {
		for i, d := range from {
			switch at := &shape[len(shape)-len(from)+i]; {
			case *at == 1:
				*at = d
			case d != 1 && d != *at:
				return nil, nil, nil, fmt.Errorf("found shapes %v and %v, want equal dimensions or 1", a, b)
			}
		}
	}
	repeating := func(from []int) []int {
		s := make([]int, len(shape))
		for i, step := range strides(from) {
			if from[i] != 1 {
				s[len(shape)-len(from)+i] = step
			}
		}
		return s
	}
	return shape, repeating(a), repeating(b), nil
}

// walk visits the elements of a shape in row order: number i, and where that is
// in tensors of the given strides.
func walk(shape []int, strides [][]int, visit func(i int, at []int)) {
	at, index := make([]int, len(strides)), make([]int, len(shape))
	for i := range size(shape) {
		visit(i, at)
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			for j, s := range strides {
				at[j] += s[d]
			}
			if index[d] < shape[d] {
				break
			}
			for j, s := range strides {
				at[j] -= s[d] * shape[d]
			}
			index[d] = 0
		}
	}
}
