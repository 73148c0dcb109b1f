package onnx

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// Logits reads a file that [Write] made and computes the logits of a batch, node
// by node as ONNX defines the operations: (sequences, labels), or (tokens, 2) for
// question answering. It is there to check what was written, and knows no other
// operations and types. Sequences shorter than the longest, or than the length
// that the file is fixed to, are padded; a fixed number of them must be that of
// the batch.
func Logits(path string, b *bert.Batch) ([]float32, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	logits, err := logitsOf(data, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return logits, nil
}

func logitsOf(data []byte, b *bert.Batch) ([]float32, error) {
	var model onnxpb.ModelProto
	if err := proto.Unmarshal(data, &model); err != nil {
		return nil, err
	}
	if v := model.GetOpsetImport(); len(v) != 1 || v[0].GetDomain() != "" || v[0].GetVersion() != opset {
		return nil, fmt.Errorf("operations: found %v, want opset %d", v, opset)
	}
	e := &evaluator{graph: model.GetGraph(), values: map[string]*tensor{}, uses: map[string]int{}}
	if err := e.inputs(b); err != nil {
		return nil, err
	}
	if err := e.run(); err != nil {
		return nil, err
	}
	return e.logits(b)
}

// evaluator computes a graph.
type evaluator struct {
	graph  *onnxpb.GraphProto
	values map[string]*tensor // of what is still needed
	uses   map[string]int     // of each value, by nodes and outputs that are to come
	length int                // of the padded sequences
}

// inputs pads the batch, (sequences, length).
func (e *evaluator) inputs(b *bert.Batch) error {
	for i := range b.Len() {
		e.length = max(e.length, b.Offsets[i+1]-b.Offsets[i])
	}
	for _, in := range e.graph.GetInput() {
		dims := in.GetType().GetTensorType().GetShape().GetDim()
		if len(dims) != 2 {
			return fmt.Errorf("input %q: found %d dimensions, want 2", in.GetName(), len(dims))
		}
		if n := int(dims[0].GetDimValue()); n != 0 && n != b.Len() {
			return fmt.Errorf("input %q: found room for %d sequences, want %d", in.GetName(), n, b.Len())
		}
		if n := int(dims[1].GetDimValue()); n != 0 {
			if n < e.length || n > 1<<16 {
				return fmt.Errorf("input %q: found room for %d tokens, want %d", in.GetName(), n, e.length)
			}
			e.length = n
		}
	}
	for _, in := range e.graph.GetInput() {
		values := make([]int64, b.Len()*e.length)
		for i := range b.Len() {
			for row := b.Offsets[i]; row < b.Offsets[i+1]; row++ {
				at := &values[i*e.length+row-b.Offsets[i]]
				switch in.GetName() {
				case "input_ids":
					*at = int64(b.IDs[row])
				case "attention_mask":
					*at = 1
				case "token_type_ids":
					*at = int64(b.TypeIDs[row])
				default:
					return fmt.Errorf("input %q: want input_ids, attention_mask and token_type_ids", in.GetName())
				}
			}
		}
		e.values[in.GetName()] = &tensor{[]int{b.Len(), e.length}, values}
	}
	return nil
}

// run computes the nodes in their order. A constant is decoded where it is first
// used, and a value forgotten behind its last user.
func (e *evaluator) run() error {
	constants := map[string]*onnxpb.TensorProto{}
	for _, c := range e.graph.GetInitializer() {
		constants[c.GetName()] = c
	}
	for _, n := range e.graph.GetNode() {
		for _, name := range n.GetInput() {
			e.uses[name]++
		}
	}
	for _, out := range e.graph.GetOutput() {
		e.uses[out.GetName()]++
	}
	for _, n := range e.graph.GetNode() {
		c := &call{node: n}
		for _, name := range n.GetInput() {
			if e.values[name] == nil && constants[name] != nil {
				t, err := decode(constants[name])
				if err != nil {
					return fmt.Errorf("constant %q: %w", name, err)
				}
				e.values[name] = t
			}
			t := e.values[name]
			if t == nil {
				return fmt.Errorf("node %q (%s): found no value %q before it", n.GetName(), n.GetOpType(), name)
			}
			c.in = append(c.in, t)
			if e.uses[name]--; e.uses[name] == 0 {
				delete(e.values, name)
			}
		}
		y, err := c.evaluate()
		if err != nil {
			return fmt.Errorf("node %q (%s): %w", n.GetName(), n.GetOpType(), err)
		}
		if len(n.GetOutput()) != 1 {
			return fmt.Errorf("node %q (%s): found %d outputs, want one", n.GetName(), n.GetOpType(), len(n.GetOutput()))
		}
		e.values[n.GetOutput()[0]] = y
	}
	return nil
}

// logits puts the outputs into the order of package int8.
func (e *evaluator) logits(b *bert.Batch) ([]float32, error) {
	outputs := map[string]*tensor{}
	for _, out := range e.graph.GetOutput() {
		outputs[out.GetName()] = e.values[out.GetName()]
	}
	output := func(name string, columns int) ([]float32, error) {
		t := outputs[name]
		if t == nil {
			return nil, fmt.Errorf("output %q: not found", name)
		}
		x, ok := t.values.([]float32)
		if !ok || len(t.shape) != 2 || t.shape[0] != b.Len() || columns != 0 && t.shape[1] != columns {
			return nil, fmt.Errorf("output %q: found %T of shape %v, want floats of %d sequences", name, t.values, t.shape, b.Len())
		}
		return x, nil
	}
	if outputs["start_logits"] == nil {
		return output("logits", 0)
	}
	start, err := output("start_logits", e.length)
	if err != nil {
		return nil, err
	}
	end, err := output("end_logits", e.length)
	if err != nil {
		return nil, err
	}
	var logits []float32
	for i := range b.Len() {
		for token := range b.Offsets[i+1] - b.Offsets[i] {
			logits = append(logits, start[i*e.length+token], end[i*e.length+token])
		}
	}
	return logits, nil
}
