package ir

import (
	"fmt"
	"math/bits"
)

// Tensor is a value of a model, its elements in row order.
type Tensor struct {
	Type  ElementType
	Shape []int     // no dimensions: a scalar
	F32   []float32 // the elements of f32, f16 and bf16
	I64   []int64   // the elements of integers and booleans (0 or 1)
}

// maxElements of one tensor: 2 GiB of integers, ten times the word embeddings of
// BERT-base; a small file may ask for any number.
const maxElements = 1 << 28

// maxRank is how many dimensions a tensor may have, far above any model's.
const maxRank = 32

// Len is the number of elements.
func (t *Tensor) Len() int { return len(t.F32) + len(t.I64) }

// check refuses a tensor whose elements do not fit its type and shape.
func (t *Tensor) check() error {
	if _, err := parseElementType(string(t.Type)); err != nil {
		return err
	}
	n, err := elementCount(t.Shape, maxElements)
	if err != nil {
		return err
	}
	floats, ints := 0, n
	if t.Type.isFloat() {
		floats, ints = n, 0
	}
	if len(t.F32) != floats || len(t.I64) != ints {
		return fmt.Errorf("tensor of %s and shape %v: found %d F32 and %d I64 elements, want %d and %d",
			t.Type, t.Shape, len(t.F32), len(t.I64), floats, ints)
	}
	return nil
}

// elementCount is the product of the dimensions, refused above limit
// or for more than maxRank dimensions.
func elementCount(shape []int, limit int) (int, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("shape: found %d dimensions, want at most %d", len(shape), maxRank)
	}
	n, empty := uint64(1), false
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v: found dimension %d, want at least 0", shape, d)
		}
		if d == 0 {
			empty = true
			continue
		}
		high, low := bits.Mul64(n, uint64(d))
		if high != 0 || low > uint64(limit) {
			return 0, fmt.Errorf("shape %v: want at most %d elements", shape, limit)
		}
		n = low
	}
	if empty {
		return 0, nil
	}
	return int(n), nil
}

// strides of a shape in row order: how far apart neighbours of each dimension lie.
func strides(shape []int) []int {
	s := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = step
		step *= shape[i]
	}
	return s
}

// broadcastShapes is numpy's rule: aligned at the last dimension, each pair
// equal or one of the two 1.
func broadcastShapes(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	shape := append([]int(nil), a...)
	shift := len(a) - len(b)
	for i, n := range b {
		switch have := shape[shift+i]; {
		case have == n || n == 1:
		case have == 1:
			shape[shift+i] = n
		default:
			return nil, fmt.Errorf("shapes %v and %v: want equal dimensions or 1", a, b)
		}
	}
	return shape, nil
}

// spread are the strides with which a tensor of shape from is read as one of
// shape to, into which it broadcasts: 0 where a dimension repeats.
func spread(from, to []int) []int {
	s := make([]int, len(to))
	shift := len(to) - len(from)
	for i, step := range strides(from) {
		if from[i] != 1 {
			s[shift+i] = step
		}
	}
	return s
}

// eachRow walks over a tensor of the given shape in row order. For every run of
// its last dimension it calls f with the index of the first element, and the
// places at which tensors with the given strides hold that element. (A scalar
// is one run of one element.)
func eachRow(shape []int, with [][]int, f func(first int, at []int)) {
	outer, length := shape, 1
	if n := len(shape); n > 0 {
		outer, length = shape[:n-1], shape[n-1]
	}
	rows := 1
	for _, d := range outer {
		rows *= d
	}
	if length == 0 {
		return
	}
	at, index := make([]int, len(with)), make([]int, len(outer))
	for r := range rows {
		f(r*length, at)
		for d := len(outer) - 1; d >= 0; d-- {
			index[d]++
			for i, s := range with {
				at[i] += s[d]
			}
			if index[d] < outer[d] {
				break
			}
			for i, s := range with {
				at[i] -= s[d] * outer[d]
			}
			index[d] = 0
		}
	}
}

// lastStride is the stride of the last dimension, 0 for a scalar.
func lastStride(s []int) int {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1]
}
