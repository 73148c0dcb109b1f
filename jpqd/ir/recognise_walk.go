package ir

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// way is what lies between a value and the operation that it is made of: layers
// that quantize it, move its elements or multiply all of them by one number.
type way struct {
	layers []*layer // from the value back
	base   source   // what it leads to
}

// back follows s to the operation that it is made of. Multiplications by a number
// are followed only where scaled says so.
func (r *recogniser) back(s source, scaled bool) way {
	w := way{base: s}
	for {
		l := w.base.layer
		switch {
		case l.is("FakeQuantize"):
			w.base = l.inputs[0]
		case r.has(w.base):
			return w
		case l.is("Convert") && !ElementType(l.attributes.get("destination_type")).isFloat():
			return w // it drops fractions
		case l.is("Convert"), l.is("Reshape"), l.is("Transpose"), l.is("Squeeze"), l.is("Unsqueeze"):
			w.base = l.inputs[0]
			if l.is("Transpose") && !r.turns[l] {
				r.turns[l] = false
			}
		case scaled && (l.is("Multiply") || l.is("Divide")):
			in := r.factorOf(l)
			if in < 0 {
				return w
			}
			w.base = l.inputs[in]
		default:
			return w
		}
		w.layers = append(w.layers, l)
	}
}

// factorOf is the input that a Multiply or Divide multiplies by one number; −1
// where it does something else.
func (r *recogniser) factorOf(l *layer) int {
	if _, ok := r.scalar(l.inputs[1]); ok {
		return 0
	}
	if _, ok := r.scalar(l.inputs[0]); ok && l.is("Multiply") {
		return 1
	}
	return -1
}

// factor is the number by which a Multiply or Divide multiplies.
func (r *recogniser) factor(l *layer) float64 {
	v, _ := r.scalar(l.inputs[1-r.factorOf(l)])
	if l.is("Divide") {
		return 1 / v
	}
	return v
}

// ranges are the quantizers on a way, from the value back.
func (r *recogniser) ranges(w way) ([]*jpqd.ActivationRange, error) {
	var list []*jpqd.ActivationRange
	for _, l := range w.layers {
		if !l.is("FakeQuantize") {
			continue
		}
		a, err := r.activation(l)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// oneRange is the only quantizer on a way; nil for none.
func (r *recogniser) oneRange(w way) (*jpqd.ActivationRange, error) {
	list, err := r.ranges(w)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	for _, a := range list[1:] {
		if *a != *list[0] {
			return nil, fmt.Errorf("%s: found %d quantizers of one value, want one", w.base.describe(), len(list))
		}
	}
	return list[0], nil
}

// plain follows s as back does, and wants no quantizer on the way.
func (r *recogniser) plain(s source) (source, error) {
	w := r.back(s, false)
	for _, l := range w.layers {
		if l.is("FakeQuantize") {
			return w.base, fmt.Errorf("%s: want no quantizer here", l.describe())
		}
	}
	return w.base, nil
}

// order is the permutation of a tensor of rank dimensions that the Transposes of
// a way make together.
func (r *recogniser) order(w way, rank int) ([]int, error) {
	order := make([]int, rank)
	for i := range order {
		order[i] = i
	}
	for _, l := range slices.Backward(w.layers) { // from the operation to the value
		if !l.is("Transpose") {
			continue
		}
		r.turns[l] = true
		t := r.small(l.inputs[1], rank)
		if t == nil || len(t.I64) != rank {
			return nil, fmt.Errorf("%s: found no constant order of %d dimensions", l.describe(), rank)
		}
		next := make([]int, rank)
		for i, from := range t.I64 {
			if from < 0 || from >= int64(rank) {
				return nil, fmt.Errorf("%s: order: found %d, want 0 to %d", l.describe(), from, rank-1)
			}
			next[i] = order[from]
		}
		order = next
	}
	return order, nil
}

// summands takes an Add apart.
func summands(s source) (a, b source, ok bool) {
	if !s.is("Add") {
		return a, b, false
	}
	return s.inputs[0], s.inputs[1], true
}

// wanted is the error for a layer of the wrong kind.
func wanted(s source, what string) error {
	return fmt.Errorf("%s: want %s", s.describe(), what)
}
