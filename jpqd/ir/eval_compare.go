package ir

import "fmt"

// compare applies f to pairs of floats, or i to pairs of integers or booleans,
// broadcasting as numpy does.
func compare(f func(a, b float32) bool, i func(a, b int64) bool) func(*call) ([]*Tensor, error) {
	return func(c *call) ([]*Tensor, error) {
		a, b := c.in[0], c.in[1]
		y, err := c.pairs(Boolean, func(y *Tensor, r pairRow) {
			for j := range r.n {
				atA, atB := r.a+j*r.stepA, r.b+j*r.stepB
				if a.F32 != nil && f(a.F32[atA], b.F32[atB]) || a.F32 == nil && i(a.I64[atA], b.I64[atB]) {
					y.I64[r.at+j] = 1
				}
			}
		})
		return []*Tensor{y}, err
	}
}

func isEqual[T float32 | int64](a, b T) bool        { return a == b }
func isNotEqual[T float32 | int64](a, b T) bool     { return a != b }
func isLess[T float32 | int64](a, b T) bool         { return a < b }
func isLessEqual[T float32 | int64](a, b T) bool    { return a <= b }
func isGreater[T float32 | int64](a, b T) bool      { return a > b }
func isGreaterEqual[T float32 | int64](a, b T) bool { return a >= b }

// logical applies f to pairs of booleans.
func logical(f func(a, b bool) bool) func(*call) ([]*Tensor, error) {
	pairs := compare(nil, func(a, b int64) bool { return f(a != 0, b != 0) })
	return func(c *call) ([]*Tensor, error) {
		if t := c.in[0].Type; t != Boolean {
			return nil, fmt.Errorf("found %s, want booleans", t)
		}
		return pairs(c)
	}
}

func isBoth(a, b bool) bool   { return a && b }
func isEither(a, b bool) bool { return a || b }

func logicalNot(c *call) ([]*Tensor, error) {
	x := c.in[0]
	if x.Type != Boolean {
		return nil, fmt.Errorf("found %s, want booleans", x.Type)
	}
	y, err := c.tensor(Boolean, x.Shape)
	if err != nil {
		return nil, err
	}
	for i, v := range x.I64 {
		y.I64[i] = 1 - v
	}
	return []*Tensor{y}, nil
}
