package ir

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// unary applies f to every element.
func unary(c *call, f func(float64) float64) ([]*Tensor, error) {
	x, err := c.float(0)
	if err != nil {
		return nil, err
	}
	y, err := c.tensor(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	for i, v := range x.F32 {
		y.F32[i] = x.Type.round(float32(f(float64(v))))
	}
	return []*Tensor{y}, nil
}

func erf(c *call) ([]*Tensor, error)     { return unary(c, math.Erf) }
func tanh(c *call) ([]*Tensor, error)    { return unary(c, math.Tanh) }
func sqrt(c *call) ([]*Tensor, error)    { return unary(c, math.Sqrt) }
func geluErf(c *call) ([]*Tensor, error) { return unary(c, exactGelu) }

func relu(c *call) ([]*Tensor, error) {
	return unary(c, func(x float64) float64 { return max(x, 0) })
}

// exactGelu is x·Φ(x).
func exactGelu(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }

func tanhGelu(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func gelu(c *call) ([]*Tensor, error) {
	mode, err := c.choice("approximation_mode", "ERF", "TANH")
	if err != nil {
		return nil, err
	}
	if mode == "TANH" {
		return unary(c, tanhGelu)
	}
	return unary(c, exactGelu)
}

// pairwise applies f to pairs of floats, or i to pairs of integers, broadcasting as numpy does.
func pairwise(c *call, f func(a, b float64) float64, i func(a, b int64) (int64, error)) ([]*Tensor, error) {
	a, b := c.in[0], c.in[1]
	var failure error
	y, err := c.pairs(a.Type, func(y *Tensor, r pairRow) {
		if y.Type.isFloat() {
			row := y.F32[r.at : r.at+r.n]
			for j := range row {
				row[j] = float32(f(float64(a.F32[r.a+j*r.stepA]), float64(b.F32[r.b+j*r.stepB])))
			}
			y.Type.roundAll(row)
			return
		}
		for j := range r.n {
			v, err := i(a.I64[r.a+j*r.stepA], b.I64[r.b+j*r.stepB])
			if err != nil {
				failure = err
			}
			y.I64[r.at+j] = y.Type.wrap(v)
		}
	})
	if err == nil {
		err = failure
	}
	return []*Tensor{y}, err
}

// pairRow is n elements of a result, from place at on, and where their pairs lie
// in the inputs a and b, and how far apart.
type pairRow struct{ at, n, a, stepA, b, stepB int }

// pairs makes a tensor of type typ from both inputs, broadcast as numpy does. f
// is called for every row of the result.
func (c *call) pairs(typ ElementType, f func(y *Tensor, r pairRow)) (*Tensor, error) {
	a, b := c.in[0], c.in[1]
	if mode, err := c.choice("auto_broadcast", "numpy", "none"); err != nil {
		return nil, err
	} else if a.Type != b.Type || mode == "none" && !slices.Equal(a.Shape, b.Shape) {
		return nil, fmt.Errorf("found operands %s %v and %s %v, want one type and shapes that broadcast", a.Type, a.Shape, b.Type, b.Shape)
	}
	shape, err := broadcastShapes(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	y, err := c.tensor(typ, shape)
	if err != nil {
		return nil, err
	}
	with := [][]int{spread(a.Shape, shape), spread(b.Shape, shape)}
	stepA, stepB, n := lastStride(with[0]), lastStride(with[1]), rowLength(shape)
	eachRow(shape, with, func(first int, at []int) {
		f(y, pairRow{at: first, n: n, a: at[0], stepA: stepA, b: at[1], stepB: stepB})
	})
	return y, nil
}

// rowLength is the last dimension, 1 for a scalar.
func rowLength(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return shape[len(shape)-1]
}

func add(c *call) ([]*Tensor, error) {
	return pairwise(c, func(a, b float64) float64 { return a + b }, func(a, b int64) (int64, error) { return a + b, nil })
}

func subtract(c *call) ([]*Tensor, error) {
	return pairwise(c, func(a, b float64) float64 { return a - b }, func(a, b int64) (int64, error) { return a - b, nil })
}

func multiply(c *call) ([]*Tensor, error) {
	return pairwise(c, func(a, b float64) float64 { return a * b }, func(a, b int64) (int64, error) { return a * b, nil })
}

func power(c *call) ([]*Tensor, error) {
	return pairwise(c, math.Pow, func(a, b int64) (int64, error) { return toInt(math.Pow(float64(a), float64(b))), nil })
}

// divide rounds quotients of integers down, or with m_pythondiv="false" towards zero.
func divide(c *call) ([]*Tensor, error) {
	floor, err := c.boolean("m_pythondiv", true)
	if err != nil {
		return nil, err
	}
	return pairwise(c, func(a, b float64) float64 { return a / b }, func(a, b int64) (int64, error) {
		if b == 0 {
			return 0, errors.New("division of a whole number by 0")
		}
		q := a / b
		if floor && a%b != 0 && (a < 0) != (b < 0) {
			q--
		}
		return q, nil
	})
}

func convert(c *call) ([]*Tensor, error) {
	typ, err := parseElementType(c.attributes.get("destination_type"))
	if err != nil {
		return nil, fmt.Errorf("destination_type: %w", err)
	}
	x := c.in[0]
	y, err := c.tensor(typ, x.Shape)
	if err != nil {
		return nil, err
	}
	if typ.isFloat() {
		copy(y.F32, x.F32)
		for i, v := range x.I64 {
			y.F32[i] = float32(v)
		}
		typ.roundAll(y.F32)
		return []*Tensor{y}, nil
	}
	for i, v := range x.F32 {
		switch {
		case typ == Boolean && v != 0:
			y.I64[i] = 1
		case typ != Boolean:
			y.I64[i] = typ.wrap(toInt(float64(v)))
		}
	}
	for i, v := range x.I64 {
		y.I64[i] = typ.wrap(v)
	}
	return []*Tensor{y}, nil
}

// toInt drops the fraction; values out of range become the nearest in range, NaN 0.
func toInt(v float64) int64 {
	switch {
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	case v != v:
		return 0
	}
	return int64(v)
}

// choose is Select: then where the condition holds, else otherwise.
func choose(c *call) ([]*Tensor, error) {
	cond, yes, no := c.in[0], c.in[1], c.in[2]
	if cond.Type != Boolean || yes.Type != no.Type {
		return nil, fmt.Errorf("found %s, %s and %s, want boolean and twice one type", cond.Type, yes.Type, no.Type)
	}
	shape, err := broadcastShapes(yes.Shape, no.Shape)
	if err != nil {
		return nil, err
	}
	if shape, err = broadcastShapes(shape, cond.Shape); err != nil {
		return nil, err
	}
	y, err := c.tensor(yes.Type, shape)
	if err != nil {
		return nil, err
	}
	with := [][]int{spread(cond.Shape, shape), spread(yes.Shape, shape), spread(no.Shape, shape)}
	eachRow(shape, with, func(first int, at []int) {
		for j := range rowLength(shape) {
			from, k := no, at[2]+j*lastStride(with[2])
			if cond.I64[at[0]+j*lastStride(with[0])] != 0 {
				from, k = yes, at[1]+j*lastStride(with[1])
			}
			if y.F32 != nil {
				y.F32[first+j] = from.F32[k]
			} else {
				y.I64[first+j] = from.I64[k]
			}
		}
	})
	return []*Tensor{y}, nil
}
