package ir

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a graph, so that no part of it takes more memory than a few times
// its text: far above what models have.
const (
	maxPorts  = 512 // inputs of a layer, and outputs
	maxNames  = 32  // of a tensor
	maxInputs = 512 // of a model, and outputs
)

// reader turns the elements of a file into connected layers.
type reader struct {
	*scanner
	bin    []byte
	model  Model
	layers []*layer // by id once all are read

	inputs, outputs []int32  // port numbers of the layer being read
	names           []string // of its outputs
}

// net reads the root element and refuses versions whose meaning differs.
func (r *reader) net() error {
	if !r.child() {
		return cmp.Or(r.err, errors.New("XML: unexpected EOF, want <net>"))
	}
	if r.name() != "net" {
		return fmt.Errorf("XML: found the root element <%.80s>, want <net>", r.name())
	}
	r.model.name = r.attributes.get("name")
	if version := r.attributes.get("version"); version != "10" && version != "11" {
		return fmt.Errorf("net version: found %.80q, want \"10\" or \"11\"", version)
	}
	var hasLayers, hasEdges bool
	for r.child() {
		var err error
		switch name := r.name(); {
		case name == "layers" && !hasLayers && !hasEdges:
			hasLayers = true
			err = r.readLayers()
		case name == "edges" && !hasEdges:
			hasEdges = true
			err = r.readEdges()
		case name == "layers" || name == "edges":
			err = fmt.Errorf("XML: found another <%s>, want one <layers> and then one <edges>", name)
		default: // such as rt_info
			r.skip()
		}
		if err != nil {
			return err
		}
	}
	return r.err
}

func (r *reader) readLayers() error {
	for r.child() {
		if r.name() != "layer" {
			return fmt.Errorf("XML: found <%.80s> in <layers>, want <layer>", r.name())
		}
		if err := r.readLayer(); err != nil {
			return err
		}
	}
	return cmp.Or(r.err, r.index())
}

// structural are the layers that are no operations.
var structural = []string{"Parameter", "Const", "Result"}

// readLayer checks what can be said about one layer alone, and keeps it.
func (r *reader) readLayer() error {
	a := r.attributes
	id, err := parseID("layer id", a.get("id"))
	if err != nil {
		return err
	}
	l := &layer{id: id, name: a.get("name"), kind: a.get("type"), opset: a.get("version"), value: noValue}
	for _, kind := range structural {
		if strings.EqualFold(l.kind, kind) || kind == "Const" && strings.EqualFold(l.kind, "Constant") {
			l.kind = kind
		}
	}
	r.layers = append(r.layers, l)
	switch l.kind {
	case "Parameter":
		r.model.parameters = append(r.model.parameters, l)
	case "Result":
		r.model.results = append(r.model.results, l)
	}
	if max(len(r.model.parameters), len(r.model.results)) > maxInputs {
		return fmt.Errorf("%s: found more than %d such layers", l.describe(), maxInputs)
	}
	if err := r.readParts(l); err != nil {
		return fmt.Errorf("%s: %w", l.describe(), err)
	}
	return r.err
}

// readParts reads the children of a layer.
func (r *reader) readParts(l *layer) error {
	var hasData, hasInput, hasOutput bool
	r.inputs, r.outputs, r.names = r.inputs[:0], r.outputs[:0], r.names[:0]
	for r.child() {
		var err error
		switch name := r.name(); {
		case name == "data" && !hasData:
			hasData = true
			l.attributes = r.attributes
			r.skip()
		case name == "input" && !hasInput:
			hasInput = true
			err = r.readPorts(r.readInput)
		case name == "output" && !hasOutput:
			hasOutput = true
			err = r.readPorts(r.readOutput)
		case name == "data" || name == "input" || name == "output":
			err = fmt.Errorf("found a second <%s>, want one", name)
		default: // such as rt_info
			r.skip()
		}
		if err != nil {
			return err
		}
	}
	l.inputs = make([]source, len(r.inputs))
	l.outputs = slices.Clone(r.names)
	l.ports = slices.Concat(r.inputs, r.outputs)
	return cmp.Or(r.err, l.checkPorts())
}

// checkPorts wants as many ports as the kind of the layer has.
func (l *layer) checkPorts() error {
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
	if len(l.inputs)+len(l.outputs) == 0 {
		return errors.New("found no inputs and no outputs, want at least one")
	}
	return nil
}

// readPorts reads an <input> or <output>.
func (r *reader) readPorts(read func() error) error {
	for r.child() {
		if r.name() != "port" {
			return fmt.Errorf("XML: found <%.80s> among the ports, want <port>", r.name())
		}
		if err := read(); err != nil {
			return err
		}
	}
	return r.err
}

func (r *reader) readInput() error {
	id, err := parseID("input port id", r.attributes.get("id"))
	switch {
	case err != nil:
		return err
	case slices.Contains(r.inputs, int32(id)):
		return fmt.Errorf("input port %d: found twice, want unique ids", id)
	case len(r.inputs) == maxPorts:
		return fmt.Errorf("found more than %d input ports", maxPorts)
	}
	r.inputs = append(r.inputs, int32(id))
	if err := r.readDims(); err != nil {
		return fmt.Errorf("input port %d: %w", id, err)
	}
	return nil
}

func (r *reader) readOutput() error {
	id, err := parseID("output port id", r.attributes.get("id"))
	if err != nil {
		return err
	}
	precision, names := r.attributes.get("precision"), r.attributes.get("names")
	switch n := 1 + strings.Count(names, ","); {
	case slices.Contains(r.outputs, int32(id)):
		return fmt.Errorf("output port %d: found twice, want unique ids", id)
	case len(r.outputs) == maxPorts:
		return fmt.Errorf("found more than %d output ports", maxPorts)
	case !precisions[strings.ToUpper(precision)]:
		return fmt.Errorf("precision of output port %d: found %.80q, want a name such as FP32 or I64", id, precision)
	case n > maxNames:
		return fmt.Errorf("names of output port %d: found %d, want at most %d", id, n, maxNames)
	}
	r.outputs, r.names = append(r.outputs, int32(id)), append(r.names, names)
	if err := r.readDims(); err != nil {
		return fmt.Errorf("output port %d: %w", id, err)
	}
	return nil
}

// readDims reads the dimensions of a port, which tell nothing that does not
// follow from Parameters and Consts: they are not kept.
func (r *reader) readDims() error {
	for n := 0; r.child(); {
		if r.name() != "dim" {
			r.skip()
			continue
		}
		text := strings.Trim(r.content(), blanks)
		if d, err := strconv.Atoi(text); (err != nil || d < -1) && r.err == nil {
			return fmt.Errorf("dim: found %.80q, want a number of at least -1", text)
		}
		if n++; n > maxRank {
			return fmt.Errorf("found more than %d dimensions", maxRank)
		}
	}
	return r.err
}

// parseID reads the number of a layer or port.
func parseID(what, s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: found %.80q, want a number of at least 0", what, s)
	}
	return int(n), nil
}
