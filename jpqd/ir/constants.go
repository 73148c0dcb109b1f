package ir

import (
	"errors"
	"fmt"
)

// constants tells what of a model is constant, and evaluates parts of it.
type constants struct {
	fixed map[*layer]bool // depends on no Parameter
}

func findConstants(m *Model) constants {
	fixed := map[*layer]bool{}
	for _, l := range m.order {
		is := l.kind == "Const" || len(l.inputs) > 0 && l.kind != "Parameter"
		for _, in := range l.inputs {
			is = is && fixed[in.layer]
		}
		fixed[l] = is
	}
	return constants{fixed}
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
// elements. given are the values of Parameters.
func (c constants) evaluate(s source, given map[*layer]*Tensor, limit int) (*Tensor, error) {
	values := map[source]*Tensor{}
	var visit func(l *layer, depth int) error
	visit = func(l *layer, depth int) error {
		if depth > maxDepth {
			return fmt.Errorf("%s: depends on more than %d layers in a row", l.describe(), maxDepth)
		}
		k := &call{layer: l, limit: limit}
		for _, in := range l.inputs {
			if values[in] == nil {
				if err := visit(in.layer, depth+1); err != nil {
					return err
				}
			}
			k.in = append(k.in, values[in])
		}
		var out []*Tensor
		var err error
		switch {
		case given[l] != nil:
			out = []*Tensor{given[l]}
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
		}
		return nil
	}
	if err := visit(s.layer, 0); err != nil {
		return nil, err
	}
	return values[s], nil
}
