package ir

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// reader turns the elements of a file into connected layers.
type reader struct {
	bin    []byte
	layers map[int]*layer
	ports  map[int]*portNumbers // by layer
	names  map[string]int       // id of the layer with each name
}

// portNumbers tell which input or output a port number of a layer is.
type portNumbers struct{ inputs, outputs map[int]int }

// structural are the layers that are no operations, by their name in lower case.
var structural = map[string]string{
	"parameter": "Parameter", "const": "Const", "constant": "Const", "result": "Result",
}

// layer checks what can be said about one layer alone, and keeps it.
func (r *reader) layer(x *xmlLayer) (*layer, error) {
	id, err := parseID("layer id", x.ID)
	if err != nil {
		return nil, err
	}
	l := &layer{id: id, name: x.Name, kind: x.Type, opset: x.Version, attributes: map[string]string{}}
	if kind, ok := structural[strings.ToLower(x.Type)]; ok {
		l.kind = kind
	}
	if _, ok := r.layers[id]; ok {
		return nil, fmt.Errorf("layer id %d: found twice, want unique ids", id)
	}
	if other, ok := r.names[l.name]; ok && l.kind != "Result" {
		return nil, fmt.Errorf("layers %d and %d: both are named %q, want unique names", other, id, l.name)
	}
	if l.kind != "Result" {
		r.names[l.name] = id
	}
	if x.Data != nil {
		for _, a := range x.Data.Attributes {
			l.attributes[a.Name.Local] = a.Value
		}
	}
	r.layers[id] = l
	if err := r.number(l, x); err != nil {
		return nil, fmt.Errorf("%s: %w", l.describe(), err)
	}
	return l, nil
}

// number takes the ports of a layer in the order of the file.
func (r *reader) number(l *layer, x *xmlLayer) error {
	numbers := &portNumbers{map[int]int{}, map[int]int{}}
	r.ports[l.id] = numbers
	if x.Input != nil {
		for i, p := range x.Input.Ports {
			id, err := parseID("input port id", p.ID)
			if err != nil {
				return err
			}
			if _, ok := numbers.inputs[id]; ok {
				return fmt.Errorf("input port %d: found twice, want unique ids", id)
			}
			numbers.inputs[id] = i
		}
	}
	if x.Output != nil {
		for i, p := range x.Output.Ports {
			id, err := parseID("output port id", p.ID)
			if err != nil {
				return err
			}
			if _, ok := numbers.outputs[id]; ok {
				return fmt.Errorf("output port %d: found twice, want unique ids", id)
			}
			if !precisions[strings.ToUpper(p.Precision)] {
				return fmt.Errorf("precision of output port %d: found %q, want a name such as FP32 or I64", id, p.Precision)
			}
			numbers.outputs[id] = i
			l.outputs = append(l.outputs, splitNames(p.Names))
		}
	}
	l.inputs = make([]source, len(numbers.inputs))
	inputs, outputs := -1, -1 // any number
	switch l.kind {
	case "Parameter", "Const":
		inputs, outputs = 0, 1
	case "Result":
		inputs = 1 // old files give it an output too
	}
	if inputs >= 0 && len(l.inputs) != inputs || outputs >= 0 && len(l.outputs) != outputs {
		return fmt.Errorf("found %d inputs and %d outputs, want %d and %d", len(l.inputs), len(l.outputs), inputs, max(outputs, 0))
	}
	return nil
}

// edge connects an output to an input.
func (r *reader) edge(x *xmlEdge) error {
	var number [4]int
	for i, field := range [4]struct{ name, value string }{
		{"from-layer", x.FromLayer}, {"from-port", x.FromPort}, {"to-layer", x.ToLayer}, {"to-port", x.ToPort},
	} {
		n, err := parseID("edge "+field.name, field.value)
		if err != nil {
			return err
		}
		number[i] = n
	}
	path := fmt.Sprintf("edge from port %d of layer %d to port %d of layer %d", number[1], number[0], number[3], number[2])
	from, to := r.layers[number[0]], r.layers[number[2]]
	if from == nil || to == nil {
		return fmt.Errorf("%s: there is no such layer", path)
	}
	output, ok := r.ports[from.id].outputs[number[1]]
	if !ok {
		return fmt.Errorf("%s: layer %d has no such output port", path, from.id)
	}
	input, ok := r.ports[to.id].inputs[number[3]]
	if !ok {
		return fmt.Errorf("%s: layer %d has no such input port", path, to.id)
	}
	if to.inputs[input].layer != nil {
		return fmt.Errorf("%s: the input has an edge already", path)
	}
	to.inputs[input] = source{from, output}
	return nil
}

// resolve lists the layers that the results need, inputs before their users
// and otherwise in the order in which they are found, with their details.
func (r *reader) resolve(results []*layer) ([]*layer, error) {
	const open, done = 1, 2
	state := map[*layer]int{}
	var order []*layer
	type step struct {
		*layer
		input int // the next one to look at
	}
	var stack []step
	visit := func(l *layer) error {
		for i, in := range l.inputs {
			if in.layer == nil {
				return fmt.Errorf("%s: input %d has no edge", l.describe(), i)
			}
		}
		state[l] = open
		stack = append(stack, step{l, 0})
		return nil
	}
	for _, result := range results {
		if err := visit(result); err != nil {
			return nil, err
		}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.input < len(top.inputs) {
				next := top.inputs[top.input].layer
				top.input++
				switch state[next] {
				case open:
					return nil, fmt.Errorf("%s: depends on itself", next.describe())
				case done:
				default:
					if err := visit(next); err != nil {
						return nil, err
					}
				}
				continue
			}
			l := top.layer
			stack = stack[:len(stack)-1]
			state[l] = done
			if err := r.details(l); err != nil {
				return nil, fmt.Errorf("%s: %w", l.describe(), err)
			}
			order = append(order, l)
		}
	}
	return order, nil
}

// details reads what the kind of a layer asks for.
func (r *reader) details(l *layer) (err error) {
	switch l.kind {
	case "Result":
		return nil
	case "Parameter":
		if l.typ, err = parseElementType(l.attributes["element_type"]); err != nil {
			return err
		}
		shape, ok := l.attributes["shape"]
		if !ok {
			return errors.New("found no shape")
		}
		l.dims, err = parseBounds(shape)
		return err
	case "Const":
		return r.constant(l)
	}
	if l.operation, err = findOperation(l.kind, l.opset); err != nil {
		return err
	}
	if n := len(l.inputs); n < l.operation.least || n > l.operation.most {
		return fmt.Errorf("found %d inputs, want %d to %d", n, l.operation.least, l.operation.most)
	}
	return nil
}

// constant finds the bytes of a Const in the file of constants.
func (r *reader) constant(l *layer) (err error) {
	if l.typ, err = parseElementType(l.attributes["element_type"]); err != nil {
		return err
	}
	shape, ok := l.attributes["shape"]
	if !ok {
		return errors.New("found no shape")
	}
	if l.shape, err = parseList(shape); err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	offset, err := strconv.ParseUint(l.attributes["offset"], 10, 63)
	if err != nil {
		return fmt.Errorf("offset: found %q, want a number of bytes", l.attributes["offset"])
	}
	size, err := strconv.ParseUint(l.attributes["size"], 10, 63)
	if err != nil {
		return fmt.Errorf("size: found %q, want a number of bytes", l.attributes["size"])
	}
	if length := uint64(len(r.bin)); offset > length || size > length-offset {
		return fmt.Errorf("found %d bytes at offset %d, want them inside the %d bytes of the .bin file", size, offset, length)
	}
	n, err := elementCount(l.shape, maxElements)
	if err != nil {
		return err
	}
	if want := uint64(n) * uint64(elementTypes[l.typ].size); size < want {
		return fmt.Errorf("found %d bytes, want %d for %s of shape %v", size, want, l.typ, l.shape)
	}
	l.raw = r.bin[offset : offset+size]
	return nil
}

func parseID(what, s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: found %q, want a number of at least 0", what, s)
	}
	return n, nil
}
