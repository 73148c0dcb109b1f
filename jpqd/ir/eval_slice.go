package ir

import (
	"fmt"
	"math"
	"slices"
)

// gather takes entries of data along an axis by their indices, which may count
// from the end. The first batch_dims dimensions of both go together.
func gather(c *call) ([]*Tensor, error) {
	data, indices := c.in[0], c.in[1]
	if indices.Type.isFloat() {
		return nil, fmt.Errorf("indices: found %s, want integers", indices.Type)
	}
	axis, err := c.axisInput(2, len(data.Shape))
	if err != nil {
		return nil, err
	}
	batch, err := c.integer("batch_dims", 0)
	if err != nil {
		return nil, err
	}
	if batch < 0 {
		batch += len(indices.Shape)
	}
	if batch < 0 || batch > axis || batch > len(indices.Shape) || !slices.Equal(data.Shape[:batch], indices.Shape[:batch]) {
		return nil, fmt.Errorf("batch_dims: found %d for data %v, indices %v and axis %d", batch, data.Shape, indices.Shape, axis)
	}
	y, err := c.tensor(data.Type, slices.Concat(data.Shape[:axis], indices.Shape[batch:], data.Shape[axis+1:]))
	if err != nil || y.Len() == 0 {
		return []*Tensor{y}, err
	}
	entries, inner := data.Shape[axis], strides(data.Shape)[axis]
	if entries == 0 {
		return nil, fmt.Errorf("found indices %v into axis %d of shape %v, which has no entries", indices.Shape, axis, data.Shape)
	}
	batches, perBatch := 1, 1
	for i, d := range indices.Shape {
		if i < batch {
			batches *= d
		} else {
			perBatch *= d
		}
	}
	middle := data.Len() / (batches * entries * inner) // runs of the dimensions between batch and axis
	to := 0
	for b := range batches {
		for m := range middle {
			for _, i := range indices.I64[b*perBatch:][:perBatch] {
				if i < 0 {
					i += int64(entries)
				}
				if i < 0 || i >= int64(entries) {
					return nil, fmt.Errorf("index: found %d, want one below %d", i, entries)
				}
				from := ((b*middle+m)*entries + int(i)) * inner
				if y.F32 != nil {
					copy(y.F32[to:to+inner], data.F32[from:])
				} else {
					copy(y.I64[to:to+inner], data.I64[from:])
				}
				to += inner
			}
		}
	}
	return []*Tensor{y}, nil
}

// scatterUpdate replaces entries of data along an axis: update has the
// dimensions of the indices in place of that axis. The last of several updates
// of one entry holds.
func scatterUpdate(c *call) ([]*Tensor, error) {
	data, indices, update := c.in[0], c.in[1], c.in[2]
	axis, err := c.axisInput(3, len(data.Shape))
	if err != nil {
		return nil, err
	}
	want := slices.Concat(data.Shape[:axis], indices.Shape, data.Shape[axis+1:])
	if indices.Type.isFloat() || update.Type != data.Type || !slices.Equal(update.Shape, want) {
		return nil, fmt.Errorf("found indices of %s and updates %s %v, want integers and %s %v", indices.Type, update.Type, update.Shape, data.Type, want)
	}
	y, err := c.tensor(data.Type, data.Shape)
	if err != nil {
		return nil, err
	}
	copy(y.F32, data.F32)
	copy(y.I64, data.I64)
	entries, inner := data.Shape[axis], strides(data.Shape)[axis]
	for from := 0; from < update.Len(); from += inner {
		run := from / inner
		outer, i := run/indices.Len(), indices.I64[run%indices.Len()]
		if i < 0 {
			i += int64(entries)
		}
		if i < 0 || i >= int64(entries) {
			return nil, fmt.Errorf("index: found %d, want one below %d", i, entries)
		}
		to := (outer*entries + int(i)) * inner
		if y.F32 != nil {
			copy(y.F32[to:to+inner], update.F32[from:])
		} else {
			copy(y.I64[to:to+inner], update.I64[from:])
		}
	}
	return []*Tensor{y}, nil
}

// window is a part of a tensor, dimension by dimension.
type window struct {
	shape []int
	base  int
	with  []int // strides in the tensor
}

// take adds a dimension of n elements that start at index first of a dimension
// with the given stride and lie step apart.
func (w *window) take(n, first, step, stride int) {
	w.shape = append(w.shape, n)
	w.with = append(w.with, step*stride)
	if n > 0 {
		w.base += first * stride
	}
}

// span is the first index and the number of elements of start:stop:step in a
// dimension, as in Python: negative indices count from the end, and those
// outside are moved to the border. step is reduced to the size of the dimension.
func span(start, stop, step, dim int) (first, n, reduced int, err error) {
	if step == 0 {
		return 0, 0, 0, fmt.Errorf("step: found 0, want another number")
	}
	step = min(max(step, -dim-1), dim+1)
	low, high := 0, dim
	if step < 0 {
		low, high = -1, dim-1
	}
	place := func(i int) int {
		if i < 0 {
			i += dim
		}
		return min(max(i, low), high)
	}
	start, stop = place(start), place(stop)
	if step > 0 {
		return start, max(0, (stop-start+step-1)/step), step, nil
	}
	return start, max(0, (start-stop-step-1)/-step), step, nil
}

// slice takes start, stop, step and optionally axes as lists.
func slice(c *call) ([]*Tensor, error) {
	x := c.in[0]
	var lists [3][]int
	var err error
	for i := range lists {
		if lists[i], err = c.list(i + 1); err != nil {
			return nil, err
		}
	}
	var axes []int
	if len(c.in) > 4 {
		if axes, err = c.axesInput(4, len(x.Shape)); err != nil {
			return nil, err
		}
	} else {
		for axis := range lists[0] {
			axes = append(axes, axis)
		}
	}
	if n := len(axes); n > len(x.Shape) || len(lists[0]) != n || len(lists[1]) != n || len(lists[2]) != n {
		return nil, fmt.Errorf("found %d starts, %d stops and %d steps for %d axes of shape %v", len(lists[0]), len(lists[1]), len(lists[2]), n, x.Shape)
	}
	var w window
	stride := strides(x.Shape)
	for axis, d := range x.Shape {
		first, n, step := 0, d, 1
		if i := slices.Index(axes, axis); i >= 0 {
			if first, n, step, err = span(lists[0][i], lists[1][i], lists[2][i], d); err != nil {
				return nil, err
			}
		}
		w.take(n, first, step, stride[axis])
	}
	y, err := c.view(x, w.shape, w.base, w.with)
	return []*Tensor{y}, err
}

// stridedSlice takes begin, end and optionally stride as lists with one entry a
// dimension, on which the masks work.
func stridedSlice(c *call) ([]*Tensor, error) {
	x := c.in[0]
	lists := [3][]int{}
	var err error
	for i := range c.in[1:] {
		if lists[i], err = c.list(i + 1); err != nil {
			return nil, err
		}
	}
	begin, end, stride := lists[0], lists[1], lists[2]
	if stride == nil {
		stride = slices.Repeat([]int{1}, len(begin))
	}
	if len(end) != len(begin) || len(stride) != len(begin) {
		return nil, fmt.Errorf("found %d begins, %d ends and %d strides, want as many of each", len(begin), len(end), len(stride))
	}
	m, err := c.masks(len(begin))
	if err != nil {
		return nil, err
	}
	consumed := 0 // dimensions that entries name; an ellipsis covers the others
	for i := range begin {
		if !m.newAxis[i] && !m.ellipsis[i] {
			consumed++
		}
	}
	if consumed > len(x.Shape) {
		return nil, fmt.Errorf("found entries for %d dimensions of shape %v", consumed, x.Shape)
	}
	var w window
	axis, step := 0, strides(x.Shape)
	rest := func(n int) {
		for range n {
			w.take(x.Shape[axis], 0, 1, step[axis])
			axis++
		}
	}
	for i := range begin {
		switch {
		case m.ellipsis[i]:
			rest(len(x.Shape) - consumed)
			consumed = len(x.Shape) // one that follows is empty
		case m.newAxis[i]:
			w.take(1, 0, 0, 0)
		case m.shrink[i]:
			at := begin[i]
			if at < 0 {
				at += x.Shape[axis]
			}
			if at < 0 || at >= x.Shape[axis] {
				return nil, fmt.Errorf("index: found %d, want one inside a dimension of %d", begin[i], x.Shape[axis])
			}
			w.base += at * step[axis]
			axis++
		default:
			start, stop := begin[i], end[i]
			first, last := math.MinInt, math.MaxInt
			if stride[i] < 0 {
				first, last = last, first
			}
			if m.begin[i] {
				start = first
			}
			if m.end[i] {
				stop = last
			}
			from, n, every, err := span(start, stop, stride[i], x.Shape[axis])
			if err != nil {
				return nil, err
			}
			w.take(n, from, every, step[axis])
			axis++
		}
	}
	rest(len(x.Shape) - axis)
	y, err := c.view(x, w.shape, w.base, w.with)
	return []*Tensor{y}, err
}

// sliceMasks are the masks of StridedSlice, one entry a dimension.
type sliceMasks struct{ begin, end, newAxis, shrink, ellipsis []bool }

// masks reads them; entries that a list lacks are 0.
func (c *call) masks(n int) (*sliceMasks, error) {
	m := &sliceMasks{}
	for _, mask := range []struct {
		name string
		to   *[]bool
	}{
		{"begin_mask", &m.begin}, {"end_mask", &m.end}, {"new_axis_mask", &m.newAxis},
		{"shrink_axis_mask", &m.shrink}, {"ellipsis_mask", &m.ellipsis},
	} {
		list, err := parseList(c.attributes.get(mask.name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", mask.name, err)
		}
		*mask.to = make([]bool, n)
		for i := range min(n, len(list)) {
			(*mask.to)[i] = list[i] != 0
		}
	}
	return m, nil
}
