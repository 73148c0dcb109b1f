package ir

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// index puts the layers in the order of their ids and wants unique ids, and
// names that only Results share with others.
func (r *reader) index() error {
	slices.SortFunc(r.layers, func(a, b *layer) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
	var last *layer // that is no Result
	for _, l := range r.layers {
		if l.kind == "Result" {
			continue
		}
		if last != nil && last.name == l.name && last.id != l.id {
			return fmt.Errorf("layers %d and %d: both are named %.80q, want unique names", last.id, l.id, l.name)
		}
		last = l
	}
	slices.SortFunc(r.layers, func(a, b *layer) int { return cmp.Compare(a.id, b.id) })
	for i, l := range r.layers[min(1, len(r.layers)):] {
		if r.layers[i].id == l.id {
			return fmt.Errorf("layer id %d: found twice, want unique ids", l.id)
		}
	}
	return nil
}

// find is the place of the layer with the given id.
func (r *reader) find(id int) (i int, ok bool) {
	return slices.BinarySearchFunc(r.layers, id, func(l *layer, id int) int { return cmp.Compare(l.id, id) })
}

func (r *reader) readEdges() error {
	for r.child() {
		if r.name() != "edge" {
			return fmt.Errorf("XML: found <%.80s> in <edges>, want <edge>", r.name())
		}
		if err := r.readEdge(); err != nil {
			return err
		}
		r.skip()
	}
	return r.err
}

// readEdge connects an output to an input.
func (r *reader) readEdge() error {
	var number [4]int
	for i, name := range [...]string{"from-layer", "from-port", "to-layer", "to-port"} {
		n, err := parseID("edge "+name, r.attributes.get(name))
		if err != nil {
			return err
		}
		number[i] = n
	}
	fail := func(format string, a ...any) error {
		path := fmt.Sprintf("edge from port %d of layer %d to port %d of layer %d", number[1], number[0], number[3], number[2])
		return fmt.Errorf("%s: %w", path, fmt.Errorf(format, a...))
	}
	fromIndex, fromOK := r.find(number[0])
	toIndex, toOK := r.find(number[2])
	if !fromOK || !toOK {
		return fail("there is no such layer")
	}
	from, to := r.layers[fromIndex], r.layers[toIndex]
	out := slices.Index(from.ports[len(from.inputs):], int32(number[1]))
	if out < 0 {
		return fail("layer %d has no such output port", from.id)
	}
	in := slices.Index(to.ports[:len(to.inputs)], int32(number[3]))
	if in < 0 {
		return fail("layer %d has no such input port", to.id)
	}
	if to.inputs[in].layer != nil {
		return fail("the input has an edge already")
	}
	to.inputs[in] = source{from, out}
	return nil
}

// resolve lists the layers that the results need, inputs before their users
// and otherwise in the order in which they are found, with their details.
func (r *reader) resolve() error {
	const open, done = 1, 2
	states := make([]uint8, len(r.layers))
	state := func(l *layer) *uint8 {
		i, _ := r.find(l.id)
		return &states[i]
	}
	order := make([]*layer, 0, len(r.layers))
	type step struct {
		*layer
		input int // the next one to look at
	}
	var stack []step
	visit := func(l *layer) error {
		for i, in := range l.inputs {
			if in.layer == nil {
				return fmt.Errorf("%s: input port %d has no edge", l.describe(), l.ports[i])
			}
		}
		*state(l) = open
		stack = append(stack, step{l, 0})
		return nil
	}
	for _, result := range r.model.results {
		if err := visit(result); err != nil {
			return err
		}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.input < len(top.inputs) {
				next := top.inputs[top.input].layer
				top.input++
				switch *state(next) {
				case open:
					return fmt.Errorf("%s: depends on itself", next.describe())
				case done:
				default:
					if err := visit(next); err != nil {
						return err
					}
				}
				continue
			}
			l := top.layer
			stack = stack[:len(stack)-1]
			*state(l) = done
			if err := r.details(l); err != nil {
				return fmt.Errorf("%s: %w", l.describe(), err)
			}
			order = append(order, l)
		}
	}
	r.model.order = order
	return nil
}
