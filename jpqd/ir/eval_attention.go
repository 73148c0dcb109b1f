package ir

import (
	"fmt"
	"math"
	"slices"
)

// attention is softmax(q·kᵀ·scale + mask)·v over the last two dimensions of q
// (L, E), k (S, E) and v (S, Ev); those before broadcast. The scale is 1/√E
// where no input gives it. A mask of booleans keeps what is true; causal is a
// mask of its own, of keys behind the query.
func attention(c *call) ([]*Tensor, error) {
	causal, err := c.boolean("causal", false)
	if err != nil {
		return nil, err
	}
	for i := range 3 {
		x, err := c.float(i)
		if err != nil {
			return nil, err
		}
		if len(x.Shape) < 3 {
			return nil, fmt.Errorf("input %d: found shape %v, want at least 3 dimensions", i, x.Shape)
		}
	}
	q, k, v := c.in[0], c.in[1], c.in[2]
	scores, err := c.product(q, k)
	if err != nil {
		return nil, err
	}
	scale := 1 / math.Sqrt(float64(q.Shape[len(q.Shape)-1]))
	if len(c.in) > 4 {
		given, err := c.float(4)
		if err != nil {
			return nil, err
		}
		if given.Len() != 1 {
			return nil, fmt.Errorf("scale: found shape %v, want one number", given.Shape)
		}
		scale = float64(given.F32[0])
	}
	for i, s := range scores.F32 {
		scores.F32[i] = scores.Type.round(float32(float64(s) * scale))
	}
	switch {
	case causal:
		maskCausally(scores)
	case len(c.in) > 3:
		if err := maskScores(scores, c.in[3]); err != nil {
			return nil, err
		}
	}
	p, err := c.softMaxAlong(scores, len(scores.Shape)-1)
	if err != nil {
		return nil, err
	}
	if v, err = c.swapLast(v); err != nil {
		return nil, err
	}
	y, err := c.product(p, v)
	return []*Tensor{y}, err
}

// maskCausally hides the keys behind each query of scores (…, L, S).
func maskCausally(scores *Tensor) {
	n := rowLength(scores.Shape)
	queries := scores.Shape[len(scores.Shape)-2]
	eachRow(scores.Shape, nil, func(first int, _ []int) {
		for j := first/n%queries + 1; j < n; j++ {
			scores.F32[first+j] = float32(math.Inf(-1))
		}
	})
}

// maskScores adds a mask of floats, or hides what one of booleans does not keep.
func maskScores(scores, mask *Tensor) error {
	if mask.Type != scores.Type && mask.Type != Boolean {
		return fmt.Errorf("mask: found %s, want booleans or %s", mask.Type, scores.Type)
	}
	shape, err := broadcastShapes(scores.Shape, mask.Shape)
	if err != nil {
		return err
	}
	if !slices.Equal(shape, scores.Shape) {
		return fmt.Errorf("mask: found shape %v, want one that broadcasts to %v", mask.Shape, scores.Shape)
	}
	with := spread(mask.Shape, shape)
	eachRow(shape, [][]int{with}, func(first int, at []int) {
		for j := range rowLength(shape) {
			from, s := at[0]+j*lastStride(with), &scores.F32[first+j]
			switch {
			case mask.F32 != nil:
				*s = scores.Type.round(float32(float64(*s) + float64(mask.F32[from])))
			case mask.I64[from] == 0:
				*s = float32(math.Inf(-1))
			}
		}
	})
	return nil
}
