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
	attributes attributeText
	inputs     []source
	outputs    []string   // names of the tensor at each output, separated by commas
	ports      []int32    // numbers of the inputs, then of the outputs
	operation  *operation // nil: Parameter, Const or Result
	*value                // noValue: no Parameter or Const, or not needed
}

// value is what the attributes of a Parameter or Const say.
type value struct {
	typ   ElementType
	dims  []bounds // of a Parameter
	shape []int    // of a Const
	raw   []byte   // of a Const
}

var noValue = new(value)

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
	return fmt.Sprintf("layer %d %.200q (%.80s of %.80s)", l.id, l.name, l.kind, l.opset)
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
	if names := splitNames(s.outputs[s.output]); len(names) > 0 {
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

// fieldCount is the number of values in a comma separated list, which dimensions
// and what belongs to them are.
func fieldCount(s string) (int, error) {
	if strings.TrimSpace(s) == "" {
		return 0, nil
	}
	n := 1 + strings.Count(s, ",")
	if n > maxRank {
		return 0, fmt.Errorf("found %d dimensions, want at most %d", n, maxRank)
	}
	return n, nil
}

// parseList reads a comma separated list of whole numbers; "" is none.
func parseList(s string) ([]int, error) {
	n, err := fieldCount(s)
	list := make([]int, 0, n)
	if n == 0 {
		return list, err
	}
	for field := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil {
			return nil, fmt.Errorf("found %.80q, want whole numbers separated by commas", s)
		}
		list = append(list, n)
	}
	return list, nil
}

// parseBounds reads the shape of a Parameter: "?", "-1", "8", "1..8", "1..".
func parseBounds(s string) ([]bounds, error) {
	n, err := fieldCount(s)
	if n == 0 {
		return nil, err
	}
	dims := make([]bounds, 0, n)
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
			return nil, fmt.Errorf("found %.80q in %.80q, want a size, a range such as 1..8, or ?", field, s)
		}
		dims = append(dims, b)
	}
	return dims, nil
}
