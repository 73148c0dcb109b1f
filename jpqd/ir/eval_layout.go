package ir

import (
	"fmt"
	"math"
	"slices"
)

// reshaped is x with another shape of as many elements; it shares them.
func reshaped(x *Tensor, shape []int) *Tensor {
	return &Tensor{Type: x.Type, Shape: shape, F32: x.F32, I64: x.I64}
}

// view copies the elements of x at base plus the given strides.
func (c *call) view(x *Tensor, shape []int, base int, with []int) (*Tensor, error) {
	y, err := c.tensor(x.Type, shape)
	if err != nil {
		return nil, err
	}
	step, n := lastStride(with), rowLength(shape)
	eachRow(shape, [][]int{with}, func(first int, at []int) {
		from := base + at[0]
		if y.F32 != nil {
			copyEvery(y.F32[first:first+n], x.F32, from, step)
		} else {
			copyEvery(y.I64[first:first+n], x.I64, from, step)
		}
	})
	return y, nil
}

func copyEvery[T any](dst, src []T, from, step int) {
	for i := range dst {
		dst[i] = src[from+i*step]
	}
}

// reshape takes the new shape from its second input: −1 is what remains, and
// with special_zero 0 is the old dimension.
func reshape(c *call) ([]*Tensor, error) {
	x := c.in[0]
	shape, err := c.list(1)
	if err != nil {
		return nil, err
	}
	keep, err := c.boolean("special_zero", false)
	if err != nil {
		return nil, err
	}
	free := -1
	for i, d := range shape {
		switch {
		case d == 0 && keep && i >= len(x.Shape), d < -1, d == -1 && free >= 0:
			return nil, fmt.Errorf("pattern %v: does not fit shape %v", shape, x.Shape)
		case d == 0 && keep:
			shape[i] = x.Shape[i]
		case d == -1:
			free = i
			shape[i] = 1
		}
	}
	n, err := elementCount(shape, c.limit)
	if err != nil {
		return nil, err
	}
	if free >= 0 && n > 0 && x.Len()%n == 0 {
		shape[free] = x.Len() / n
		n = x.Len()
	}
	if n != x.Len() {
		return nil, fmt.Errorf("pattern: found shape %v of %d elements, want %d as in %v", shape, n, x.Len(), x.Shape)
	}
	return []*Tensor{reshaped(x, shape)}, nil
}

func transpose(c *call) ([]*Tensor, error) {
	x := c.in[0]
	order, err := c.axesInput(1, len(x.Shape))
	if err != nil {
		return nil, err
	}
	if len(order) == 0 { // reversed
		for axis := len(x.Shape) - 1; axis >= 0; axis-- {
			order = append(order, axis)
		}
	}
	if len(order) != len(x.Shape) {
		return nil, fmt.Errorf("order: found %v for shape %v, want every axis once", order, x.Shape)
	}
	shape, with := make([]int, len(order)), make([]int, len(order))
	for i, axis := range order {
		shape[i], with[i] = x.Shape[axis], strides(x.Shape)[axis]
	}
	y, err := c.view(x, shape, 0, with)
	return []*Tensor{y}, err
}

func unsqueeze(c *call) ([]*Tensor, error) {
	x := c.in[0]
	axes, err := c.axesInput(1, len(x.Shape)+c.in[1].Len())
	if err != nil {
		return nil, err
	}
	slices.Sort(axes)
	shape := slices.Clone(x.Shape)
	for _, axis := range axes {
		shape = slices.Insert(shape, axis, 1)
	}
	return []*Tensor{reshaped(x, shape)}, nil
}

// squeeze removes the axes given, or all dimensions of 1.
func squeeze(c *call) ([]*Tensor, error) {
	x := c.in[0]
	var axes []int
	if len(c.in) > 1 {
		var err error
		if axes, err = c.axesInput(1, len(x.Shape)); err != nil {
			return nil, err
		}
	}
	all := len(axes) == 0
	shape := []int{}
	for axis, d := range x.Shape {
		switch {
		case all && d == 1:
		case !slices.Contains(axes, axis):
			shape = append(shape, d)
		case d != 1:
			return nil, fmt.Errorf("axis %d of shape %v: want a dimension of 1", axis, x.Shape)
		}
	}
	return []*Tensor{reshaped(x, shape)}, nil
}

func shapeOf(c *call) ([]*Tensor, error) {
	typ, err := c.choice("output_type", string(I64), string(I32))
	if err != nil {
		return nil, err
	}
	y := &Tensor{Type: ElementType(typ), Shape: []int{len(c.in[0].Shape)}, I64: []int64{}}
	for _, d := range c.in[0].Shape {
		y.I64 = append(y.I64, int64(d))
	}
	return []*Tensor{y}, nil
}

func broadcast(c *call) ([]*Tensor, error) {
	x := c.in[0]
	mode, err := c.choice("mode", "numpy", "bidirectional")
	if err != nil {
		return nil, err
	}
	target, err := c.list(1)
	if err != nil {
		return nil, err
	}
	if _, err := elementCount(target, c.limit); err != nil {
		return nil, err
	}
	shape, err := broadcastShapes(x.Shape, target)
	if err != nil {
		return nil, err
	}
	if mode == "numpy" && !slices.Equal(shape, target) {
		return nil, fmt.Errorf("found shape %v, want one that broadcasts to %v", x.Shape, target)
	}
	y, err := c.view(x, shape, 0, spread(x.Shape, shape))
	return []*Tensor{y}, err
}

func concat(c *call) ([]*Tensor, error) {
	first := c.in[0]
	axis, err := c.integer("axis", 0)
	if err != nil {
		return nil, err
	}
	if axis, err = normalAxis(axis, len(first.Shape)); err != nil {
		return nil, err
	}
	shape := slices.Clone(first.Shape)
	for i, t := range c.in[1:] {
		if t.Type != first.Type || len(t.Shape) != len(shape) || !slices.Equal(t.Shape[:axis], shape[:axis]) || !slices.Equal(t.Shape[axis+1:], shape[axis+1:]) {
			return nil, fmt.Errorf("input %d: found %s %v, want it to differ from %s %v in axis %d only", i+1, t.Type, t.Shape, first.Type, first.Shape, axis)
		}
		if t.Shape[axis] > c.limit-shape[axis] {
			return nil, fmt.Errorf("axis %d: want at most %d entries", axis, c.limit)
		}
		shape[axis] += t.Shape[axis]
	}
	y, err := c.tensor(first.Type, shape)
	if err != nil || y.Len() == 0 {
		return []*Tensor{y}, err
	}
	block := shape[axis] * strides(shape)[axis] // elements of y per run of the axes before
	at := 0
	for _, t := range c.in {
		part := t.Shape[axis] * strides(shape)[axis]
		for i := range y.Len() / block {
			if y.F32 != nil {
				copy(y.F32[i*block+at:], t.F32[i*part:][:part])
			} else {
				copy(y.I64[i*block+at:], t.I64[i*part:][:part])
			}
		}
		at += part
	}
	return []*Tensor{y}, nil
}

// split cuts an axis into as many equal parts as there are outputs.
func split(c *call) ([]*Tensor, error) {
	x := c.in[0]
	axis, err := c.axisInput(1, len(x.Shape))
	if err != nil {
		return nil, err
	}
	parts, err := c.integer("num_splits", 0)
	if err != nil {
		return nil, err
	}
	if parts < 1 || parts != len(c.outputs) || x.Shape[axis]%parts != 0 {
		return nil, fmt.Errorf("num_splits: found %d for axis %d of shape %v and %d outputs", parts, axis, x.Shape, len(c.outputs))
	}
	return c.cut(x, axis, slices.Repeat([]int{x.Shape[axis] / parts}, parts))
}

// variadicSplit cuts an axis into parts of given lengths; −1 is what remains.
func variadicSplit(c *call) ([]*Tensor, error) {
	x := c.in[0]
	axis, err := c.axisInput(1, len(x.Shape))
	if err != nil {
		return nil, err
	}
	lengths, err := c.list(2)
	if err != nil {
		return nil, err
	}
	rest, free := x.Shape[axis], -1
	for i, n := range lengths {
		switch {
		case n == -1 && free < 0:
			free = i
		case n < 0 || n > rest:
			return nil, fmt.Errorf("lengths: found %v for axis %d of shape %v", lengths, axis, x.Shape)
		default:
			rest -= n
		}
	}
	if free >= 0 {
		lengths[free], rest = rest, 0
	}
	if rest != 0 {
		return nil, fmt.Errorf("lengths: found %v, want a sum of %d", lengths, x.Shape[axis])
	}
	return c.cut(x, axis, lengths)
}

// cut copies consecutive parts of an axis.
func (c *call) cut(x *Tensor, axis int, lengths []int) ([]*Tensor, error) {
	var parts []*Tensor
	shape, with := slices.Clone(x.Shape), strides(x.Shape)
	base := 0
	for _, n := range lengths {
		shape[axis] = n
		part, err := c.view(x, shape, base, with)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		base += n * with[axis]
	}
	return parts, nil
}

// rangeOf is start, start + step, … before stop.
func rangeOf(c *call) ([]*Tensor, error) {
	typ, err := parseElementType(c.attributes.get("output_type"))
	if err != nil {
		return nil, fmt.Errorf("output_type: %w", err)
	}
	var v [3]float64
	for i, t := range c.in {
		switch {
		case t.Len() != 1:
			return nil, fmt.Errorf("input %d: found shape %v, want a scalar", i, t.Shape)
		case t.Type.isFloat():
			v[i] = float64(t.F32[0])
		default:
			v[i] = float64(t.I64[0])
		}
	}
	count := max(0, math.Ceil((v[1]-v[0])/v[2]))
	if !(count <= float64(c.limit)) {
		return nil, fmt.Errorf("found %v to %v in steps of %v, want at most %d values", v[0], v[1], v[2], c.limit)
	}
	y, err := c.tensor(typ, []int{int(count)})
	if err != nil {
		return nil, err
	}
	for i := range int(count) {
		if value := v[0] + float64(i)*v[2]; typ.isFloat() {
			y.F32[i] = typ.round(float32(value))
		} else {
			y.I64[i] = typ.wrap(toInt(value))
		}
	}
	return []*Tensor{y}, nil
}
