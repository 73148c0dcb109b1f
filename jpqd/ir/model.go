package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Model is a graph read from a file. It does not change, and may be run by
// several goroutines at a time.
type Model struct {
	name       string
	parameters []*layer // in the order of the file
	results    []*layer // in the order of the file
	order      []*layer // what the results need, inputs before their users
}

// layer is one operation of a model.
type layer struct {
	id         int
	name       string
	kind       string
	opset      string
	attributes map[string]string
	inputs     []source
	outputs    [][]string // names of the tensor at each output
	operation  *operation // nil: Parameter, Const or Result

	typ   ElementType // of a Parameter or Const
	dims  []bounds    // of a Parameter
	shape []int       // of a Const
	raw   []byte      // of a Const
}

// source is an output of a layer.
type source struct {
	*layer
	output int
}

// bounds of a dimension, both included; max −1: none.
type bounds struct{ min, max int }

func (b bounds) String() string {
	switch {
	case b.max < 0 && b.min == 0:
		return "?"
	case b.max < 0:
		return fmt.Sprintf("%d..", b.min)
	case b.min == b.max:
		return strconv.Itoa(b.min)
	}
	return fmt.Sprintf("%d..%d", b.min, b.max)
}

func (l *layer) describe() string {
	return fmt.Sprintf("layer %d %q (%s of %s)", l.id, l.name, l.kind, l.opset)
}

// Inputs are the names of the model's inputs in order. An input that has
// several goes by the first, one without by that of its layer.
func (m *Model) Inputs() []string {
	var names []string
	for _, p := range m.parameters {
		names = append(names, source{p, 0}.names()[0])
	}
	return names
}

// Outputs are the names of the model's outputs in order, chosen as those of [Model.Inputs].
func (m *Model) Outputs() []string {
	var names []string
	for _, r := range m.results {
		names = append(names, r.inputs[0].names()[0])
	}
	return names
}

// names by which programs address the tensor.
func (s source) names() []string {
	if names := s.outputs[s.output]; len(names) > 0 {
		return names
	}
	return []string{s.name}
}

// splitNames takes apart a list of tensor names, in which `\,` is a comma of a name.
func splitNames(list string) []string {
	if list == "" {
		return nil
	}
	const comma = "\x00"
	names := strings.Split(strings.ReplaceAll(list, `\,`, comma), ",")
	for i := range names {
		names[i] = strings.ReplaceAll(names[i], comma, ",")
	}
	return names
}

// parseList reads a comma separated list of whole numbers; "" is none.
func parseList(s string) ([]int, error) {
	if strings.TrimSpace(s) == "" {
		return []int{}, nil
	}
	var list []int
	for field := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil {
			return nil, fmt.Errorf("found %q, want whole numbers separated by commas", s)
		}
		list = append(list, n)
	}
	return list, nil
}

// parseBounds reads the shape of a Parameter: "?", "-1", "8", "1..8", "1..".
func parseBounds(s string) ([]bounds, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var dims []bounds
	for field := range strings.SplitSeq(s, ",") {
		field = strings.TrimSpace(field)
		low, high, isRange := strings.Cut(field, "..")
		b := bounds{0, -1}
		var err error
		switch {
		case field == "?" || field == "-1":
		case isRange:
			if low != "" {
				b.min, err = strconv.Atoi(low)
			}
			if high != "" && err == nil {
				b.max, err = strconv.Atoi(high)
			}
		default:
			b.min, err = strconv.Atoi(field)
			b.max = b.min
		}
		if err != nil || b.min < 0 || b.max < b.min && b.max != -1 {
			return nil, fmt.Errorf("shape: found %q in %q, want a size, a range such as 1..8, or ?", field, s)
		}
		dims = append(dims, b)
	}
	return dims, nil
}
