package ir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Run computes the outputs of the model for the given inputs, both by their
// tensor names. Every input is wanted, under one of its names. Outputs come
// under all of theirs; a tensor may share memory with an input.
//
// Tensors have at most as many elements as the constants for each element of the
// inputs, a million more, and 2²⁸ in all. That is enough for models with a table
// of positions: a token's widest values are columns of some weight, or scores of
// as many tokens as there are positions.
func (m *Model) Run(inputs map[string]*Tensor) (map[string]*Tensor, error) {
	given := 0
	for _, t := range inputs {
		given = max(given, t.Len())
	}
	limit := maxElements
	if n := m.constantElements(); given == 0 || n <= (maxElements-fewElements)/given {
		limit = fewElements + given*n
	}
	return m.run(inputs, limit)
}

// run refuses tensors of more than limit elements.
func (m *Model) run(inputs map[string]*Tensor, limit int) (map[string]*Tensor, error) {
	given, err := m.match(inputs)
	if err != nil {
		return nil, err
	}
	uses := map[source]int{}
	for _, l := range m.order {
		for _, in := range l.inputs {
			uses[in]++
		}
	}
	values := map[source]*Tensor{}
	outputs := map[string]*Tensor{}
	for _, l := range m.order {
		c := &call{layer: l, limit: limit}
		for _, in := range l.inputs {
			c.in = append(c.in, values[in])
			if uses[in]--; uses[in] == 0 {
				delete(values, in)
			}
		}
		var out []*Tensor
		switch l.kind {
		case "Parameter":
			out = []*Tensor{given[l]}
		case "Const":
			out, err = c.constant()
		case "Result":
			for _, name := range l.inputs[0].names() {
				outputs[name] = c.in[0]
			}
			continue
		default:
			out, err = l.operation.eval(c)
		}
		if err == nil && len(out) != len(l.outputs) {
			err = fmt.Errorf("found %d output ports, want %d", len(l.outputs), len(out))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.describe(), err)
		}
		for i, t := range out {
			if s := (source{l, i}); uses[s] > 0 {
				values[s] = t
			}
		}
	}
	return outputs, nil
}

// match finds the tensor for each Parameter.
func (m *Model) match(inputs map[string]*Tensor) (map[*layer]*Tensor, error) {
	given := map[*layer]*Tensor{}
	used := map[string]bool{}
	for _, p := range m.parameters {
		names := source{p, 0}.names()
		for _, name := range names {
			t := inputs[name]
			if t == nil {
				continue
			}
			if given[p] != nil {
				return nil, fmt.Errorf("input %q: found under two names", name)
			}
			if err := t.check(); err != nil {
				return nil, fmt.Errorf("input %q: %w", name, err)
			}
			if t.Type != p.typ || !fits(t.Shape, p.dims) {
				return nil, fmt.Errorf("input %q: found %s of shape %v, want %s of shape %v", name, t.Type, t.Shape, p.typ, p.dims)
			}
			given[p], used[name] = t, true
		}
		if given[p] == nil {
			return nil, fmt.Errorf("input %q: not given", names[0])
		}
	}
	for name := range inputs {
		if !used[name] {
			return nil, fmt.Errorf("input %q: not of the model, whose inputs are %q", name, m.Inputs())
		}
	}
	return given, nil
}

func fits(shape []int, dims []bounds) bool {
	return slices.EqualFunc(shape, dims, func(n int, b bounds) bool {
		return n >= b.min && (b.max < 0 || n <= b.max)
	})
}

// call is one evaluation of a layer.
type call struct {
	*layer
	in    []*Tensor
	limit int // elements of one tensor
}

// tensor makes a tensor of zeros.
func (c *call) tensor(typ ElementType, shape []int) (*Tensor, error) {
	n, err := elementCount(shape, c.limit)
	if err != nil {
		return nil, err
	}
	t := &Tensor{Type: typ, Shape: slices.Clone(shape)}
	if typ.isFloat() {
		t.F32 = make([]float32, n)
	} else {
		t.I64 = make([]int64, n)
	}
	return t, nil
}

// constant decodes the values of a Const.
func (c *call) constant() ([]*Tensor, error) {
	t, err := c.tensor(c.typ, c.shape)
	if err != nil {
		return nil, err
	}
	decodeFloats(t.F32, c.typ, c.raw)
	decodeInts(t.I64, c.typ, c.raw)
	return []*Tensor{t}, nil
}

// boolean is an attribute, or otherwise where the layer has none.
func (c *call) boolean(name string, otherwise bool) (bool, error) {
	s, ok := c.attributes.lookup(name)
	switch strings.ToLower(s) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	if ok {
		return false, fmt.Errorf("%s: found %q, want true or false", name, s)
	}
	return otherwise, nil
}

// integer is an attribute, or otherwise where the layer has none.
func (c *call) integer(name string, otherwise int) (int, error) {
	s, ok := c.attributes.lookup(name)
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("%s: found %q, want a whole number", name, s)
	}
	return n, nil
}

// choice is an attribute out of a few values, in upper or lower case, or the
// first of them where the layer has none.
func (c *call) choice(name string, values ...string) (string, error) {
	s, ok := c.attributes.lookup(name)
	if !ok {
		return values[0], nil
	}
	for _, v := range values {
		if strings.EqualFold(s, v) {
			return v, nil
		}
	}
	return "", fmt.Errorf("%s: found %q, want one of %q", name, s, values)
}

// list is an input that holds a few integers, such as a shape.
func (c *call) list(input int) ([]int, error) {
	t := c.in[input]
	if t.Type.isFloat() || len(t.Shape) > 1 {
		return nil, fmt.Errorf("input %d: found %s of shape %v, want a list of integers", input, t.Type, t.Shape)
	}
	list := make([]int, len(t.I64))
	for i, v := range t.I64 {
		list[i] = int(v)
	}
	return list, nil
}

// axisInput is an input that holds one axis of rank dimensions.
func (c *call) axisInput(input, rank int) (int, error) {
	list, err := c.list(input)
	if err != nil {
		return 0, err
	}
	if len(list) != 1 {
		return 0, fmt.Errorf("input %d: found %d axes, want one", input, len(list))
	}
	return normalAxis(list[0], rank)
}

// axesInput is an input that holds different axes of rank dimensions.
func (c *call) axesInput(input, rank int) ([]int, error) {
	list, err := c.list(input)
	if err != nil {
		return nil, err
	}
	if len(list) > maxRank || rank > maxRank {
		return nil, fmt.Errorf("axes: found %d of %d dimensions, want at most %d", len(list), rank, maxRank)
	}
	for i := range list {
		if list[i], err = normalAxis(list[i], rank); err != nil {
			return nil, err
		}
		if slices.Contains(list[:i], list[i]) {
			return nil, fmt.Errorf("axes: found %d twice", list[i])
		}
	}
	return list, nil
}

// normalAxis counts a negative axis from the end.
func normalAxis(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("axis: found %d, want %d to %d", axis, -rank, rank-1)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// float wants an input of a float type.
func (c *call) float(input int) (*Tensor, error) {
	t := c.in[input]
	if !t.Type.isFloat() {
		return nil, fmt.Errorf("input %d: found %s, want floats", input, t.Type)
	}
	return t, nil
}
