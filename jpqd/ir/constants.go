package ir

import (
	"errors"
	"fmt"
	"maps"
)

// constants tells what of a model is constant, and evaluates parts of it. The
// model may come from anyone: what that takes is bounded.
type constants struct {
	fixed    map[*layer]bool // depends on no Parameter
	products map[*layer]bool // depends on a product of matrices, which is not evaluated
	most     int             // elements that one evaluation may make
	left     *int            // those that all may still make
}

// Masks and positions take few elements, and all else a few times the constants
// of the file. Some are evaluated several times.
const (
	fewElements = 1 << 20
	fewTimes    = 8
)

func findConstants(m *Model) constants {
	c := constants{fixed: map[*layer]bool{}, products: map[*layer]bool{}}
	for _, l := range m.order {
		products := l.is("MatMul") || l.is("ScaledDotProductAttention")
		for _, in := range l.inputs {
			products = products || c.products[in.layer]
		}
		c.products[l] = products
		is := l.kind == "Const" || len(l.inputs) > 0 && l.kind != "Parameter"
		for _, in := range l.inputs {
			is = is && c.fixed[in.layer]
		}
		c.fixed[l] = is
	}
	c.most = fewElements + fewTimes*m.constantElements()
	left := fewTimes * c.most
	c.left = &left
	return c
}

// constantElements is how many elements the constants have, of those that share
// bytes not more than there are bytes.
func (m *Model) constantElements() int {
	elements, bytes := 0, 0
	for _, l := range m.order {
		if l.kind == "Const" {
			elements += len(l.raw) / elementTypes[l.typ].size
			bytes = max(bytes, cap(l.raw)) // up to the end of the file
		}
	}
	return min(elements, bytes)
}

// has tells whether s is constant.
func (c constants) has(s source) bool { return c.fixed[s.layer] }

// small is the value of a constant of at most limit elements; nil for others.
func (c constants) small(s source, limit int) *Tensor {
	if !c.has(s) {
		return nil
	}
	t, err := c.evaluate(s, nil, limit)
	if err != nil {
		return nil
	}
	return t
}

// scalar is the value of a constant of one float.
func (c constants) scalar(s source) (float64, bool) {
	if t := c.small(s, 1); t != nil && len(t.F32) == 1 {
		return float64(t.F32[0]), true
	}
	return 0, false
}

// maxDepth bounds how many layers lie between a value to be evaluated and what it
// is made of. Positions and masks are made by some twenty.
const maxDepth = 200

// evaluate computes what s depends on, and no more, with tensors of at most limit
// elements. given are the values of Parameters, and of what is not to be evaluated.
func (c constants) evaluate(s source, given map[source]*Tensor, limit int) (*Tensor, error) {
	values := map[source]*Tensor{}
	maps.Copy(values, given)
	room := min(c.most, *c.left)
	defer func(before int) { *c.left -= before - room }(room)
	var visit func(l *layer, depth int) error
	visit = func(l *layer, depth int) error {
		switch {
		case depth > maxDepth:
			return fmt.Errorf("%s: depends on more than %d layers in a row", l.describe(), maxDepth)
		case l.is("MatMul") || l.is("ScaledDotProductAttention"):
			return fmt.Errorf("%s: want no product of matrices here", l.describe())
		case room <= 0:
			return fmt.Errorf("%s: takes more than is computed of what a file depends on", l.describe())
		}
		room--
		k := &call{layer: l}
		for _, in := range l.inputs {
			if values[in] == nil {
				if err := visit(in.layer, depth+1); err != nil {
					return err
				}
			}
			k.in = append(k.in, values[in])
		}
		k.limit = min(limit, max(0, room))
		var out []*Tensor
		var err error
		switch {
		case l.kind == "Const":
			out, err = k.constant()
		case l.operation != nil:
			out, err = l.operation.eval(k)
		default:
			err = errors.New("has no value")
		}
		if err == nil && len(out) != len(l.outputs) {
			err = fmt.Errorf("found %d output ports, want %d", len(l.outputs), len(out))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.describe(), err)
		}
		for i, t := range out {
			values[source{l, i}] = t
			room -= t.Len()
		}
		return nil
	}
	if values[s] == nil {
		if err := visit(s.layer, 0); err != nil {
			return nil, err
		}
	}
	return values[s], nil
}
