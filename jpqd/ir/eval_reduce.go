package ir

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// mean over axes. The result keeps them as dimensions of 1; with are the
// strides with which it is read beside x.
func (c *call) mean(axes []int, shape []int, value func(i, group int) float64) (means []float64, with []int, err error) {
	kept := slices.Clone(shape)
	count := 1
	for _, axis := range axes {
		count *= shape[axis]
		kept[axis] = 1
	}
	n, err := elementCount(kept, c.limit)
	if err != nil {
		return nil, nil, err
	}
	means, with = make([]float64, n), spread(kept, shape)
	step := lastStride(with)
	eachRow(shape, [][]int{with}, func(first int, at []int) {
		for j := range rowLength(shape) {
			group := at[0] + j*step
			means[group] += value(first+j, group)
		}
	})
	for i := range means {
		means[i] /= float64(count)
	}
	return means, with, nil
}

func reduceMean(c *call) ([]*Tensor, error) {
	x, err := c.float(0)
	if err != nil {
		return nil, err
	}
	axes, err := c.axesInput(1, len(x.Shape))
	if err != nil {
		return nil, err
	}
	keep, err := c.boolean("keep_dims", false)
	if err != nil {
		return nil, err
	}
	means, _, err := c.mean(axes, x.Shape, func(i, _ int) float64 { return float64(x.F32[i]) })
	if err != nil {
		return nil, err
	}
	var shape []int
	for axis, d := range x.Shape {
		if !slices.Contains(axes, axis) {
			shape = append(shape, d)
		} else if keep {
			shape = append(shape, 1)
		}
	}
	y, err := c.tensor(x.Type, shape)
	if err != nil {
		return nil, err
	}
	for i, m := range means {
		y.F32[i] = y.Type.round(float32(m))
	}
	return []*Tensor{y}, nil
}

// mvn is (x − mean) / √(variance + eps), or / (√variance + eps), with the
// variance of the population.
func mvn(c *call) ([]*Tensor, error) {
	x, err := c.float(0)
	if err != nil {
		return nil, err
	}
	axes, err := c.axesInput(1, len(x.Shape))
	if err != nil {
		return nil, err
	}
	divide, err := c.boolean("normalize_variance", true)
	if err != nil {
		return nil, err
	}
	mode, err := c.choice("eps_mode", "INSIDE_SQRT", "OUTSIDE_SQRT")
	if err != nil {
		return nil, err
	}
	eps, err := c.eps()
	if err != nil {
		return nil, err
	}
	y, err := c.tensor(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	means, with, err := c.mean(axes, x.Shape, func(i, _ int) float64 { return float64(x.F32[i]) })
	if err != nil {
		return nil, err
	}
	deviations, _, err := c.mean(axes, x.Shape, func(i, group int) float64 {
		d := float64(x.F32[i]) - means[group]
		return d * d
	})
	if err != nil {
		return nil, err
	}
	for i, variance := range deviations {
		switch {
		case !divide:
			deviations[i] = 1
		case mode == "INSIDE_SQRT":
			deviations[i] = math.Sqrt(variance + eps)
		default:
			deviations[i] = math.Sqrt(variance) + eps
		}
	}
	eachRow(x.Shape, [][]int{with}, func(first int, at []int) {
		for j := range rowLength(x.Shape) {
			group := at[0] + j*lastStride(with)
			y.F32[first+j] = y.Type.round(float32((float64(x.F32[first+j]) - means[group]) / deviations[group]))
		}
	})
	return []*Tensor{y}, nil
}

// eps is the attribute that is added to a variance or a deviation.
func (c *call) eps() (float64, error) {
	eps, err := strconv.ParseFloat(c.attributes.get("eps"), 64)
	if err != nil || !(eps >= 0) || math.IsInf(eps, 0) {
		return 0, fmt.Errorf("eps: found %q, want a number of at least 0", c.attributes.get("eps"))
	}
	return eps, nil
}

// softMaxCounted is version 1, whose axis counts from the front.
func softMaxCounted(c *call) ([]*Tensor, error) {
	if axis, err := c.integer("axis", 1); err != nil {
		return nil, err
	} else if axis < 0 {
		return nil, fmt.Errorf("axis: found %d, want at least 0 before opset8", axis)
	}
	return softMax(c)
}

func softMax(c *call) ([]*Tensor, error) {
	x, err := c.float(0)
	if err != nil {
		return nil, err
	}
	axis, err := c.integer("axis", 1)
	if err != nil {
		return nil, err
	}
	if len(x.Shape) == 0 {
		return nil, errors.New("found a scalar, want at least one dimension")
	}
	if axis, err = normalAxis(axis, len(x.Shape)); err != nil {
		return nil, err
	}
	y, err := c.softMaxAlong(x, axis)
	return []*Tensor{y}, err
}

func (c *call) softMaxAlong(x *Tensor, axis int) (*Tensor, error) {
	y, err := c.tensor(x.Type, x.Shape)
	if err != nil || y.Len() == 0 {
		return y, err
	}
	n, step := x.Shape[axis], strides(x.Shape)[axis]
	for block := 0; block < y.Len(); block += n * step {
		for first := block; first < block+step; first++ {
			highest, sum := math.Inf(-1), 0.0
			for j := range n {
				highest = max(highest, float64(x.F32[first+j*step]))
			}
			for j := range n {
				sum += math.Exp(float64(x.F32[first+j*step]) - highest)
			}
			for j := range n {
				at := first + j*step
				y.F32[at] = y.Type.round(float32(math.Exp(float64(x.F32[at])-highest) / sum))
			}
		}
	}
	return y, nil
}

// cumSum adds up the elements along an axis, each with those before it, or in
// reverse after it; exclusive leaves the element itself out.
func cumSum(c *call) ([]*Tensor, error) {
	x := c.in[0]
	axis, err := c.axisInput(1, len(x.Shape))
	if err != nil {
		return nil, err
	}
	exclusive, err := c.boolean("exclusive", false)
	if err != nil {
		return nil, err
	}
	reverse, err := c.boolean("reverse", false)
	if err != nil {
		return nil, err
	}
	y, err := c.tensor(x.Type, x.Shape)
	if err != nil || y.Len() == 0 {
		return []*Tensor{y}, err
	}
	n, step := x.Shape[axis], strides(x.Shape)[axis]
	for block := 0; block < y.Len(); block += n * step {
		for first := block; first < block+step; first++ {
			var floats float64
			var ints int64
			for i := range n {
				at := first + i*step
				if reverse {
					at = first + (n-1-i)*step
				}
				if y.F32 != nil {
					before := floats
					if floats += float64(x.F32[at]); !exclusive {
						before = floats
					}
					y.F32[at] = y.Type.round(float32(before))
				} else {
					before := ints
					if ints += x.I64[at]; !exclusive {
						before = ints
					}
					y.I64[at] = y.Type.wrap(before)
				}
			}
		}
	}
	return []*Tensor{y}, nil
}
