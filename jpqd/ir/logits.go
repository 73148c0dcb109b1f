package ir

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
)

// Logits evaluates a model with the inputs and outputs of BERT, for a batch that
// it pads: (sequences, labels), or (tokens, 2), start and end, where the outputs
// are start_logits and end_logits. A model of a fixed number of sequences runs as
// often as that takes. It is [Model.Run], a reference and slow.
func (m *Model) Logits(b *bert.Batch) ([]float32, error) {
	fixed := 0
	for _, p := range m.parameters {
		if len(p.dims) == 2 && p.dims[0].min == p.dims[0].max {
			fixed = p.dims[0].max
		}
	}
	if fixed == 0 {
		return m.padded(b, b.Len())
	}
	var logits []float32
	for first := 0; first < b.Len(); first += fixed {
		part := &bert.Batch{}
		for i := first; i < min(first+fixed, b.Len()); i++ {
			from, to := b.Offsets[i], b.Offsets[i+1]
			part.Append(b.IDs[from:to], b.TypeIDs[from:to])
		}
		next, err := m.padded(part, fixed)
		if err != nil {
			return nil, err
		}
		logits = append(logits, next...)
	}
	return logits, nil
}

// padded is Logits of a model for so many sequences, at least those of b.
func (m *Model) padded(b *bert.Batch, sequences int) ([]float32, error) {
	longest := 0
	for i := range b.Len() {
		longest = max(longest, b.Offsets[i+1]-b.Offsets[i])
	}
	for _, p := range m.parameters {
		if len(p.dims) == 2 && p.dims[1].min > longest {
			longest = p.dims[1].min // a model of fixed length
		}
	}
	inputs := map[string]*Tensor{}
	for _, p := range m.parameters {
		name := source{p, 0}.names()[0]
		t, err := paddedInput(p, b, sequences, longest)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", name, err)
		}
		inputs[name] = t
	}
	out, err := m.Run(inputs)
	if err != nil {
		return nil, err
	}
	if logits := out["logits"]; logits != nil {
		if len(logits.Shape) != 2 || logits.Shape[0] != sequences || !logits.Type.isFloat() {
			return nil, fmt.Errorf("output logits: found %s of shape %v, want floats of shape [%d labels]", logits.Type, logits.Shape, sequences)
		}
		return logits.F32[:b.Len()*logits.Shape[1]], nil
	}
	start, end := out["start_logits"], out["end_logits"]
	if start == nil || end == nil {
		return nil, fmt.Errorf("outputs: found %q, want logits, or start_logits and end_logits", m.Outputs())
	}
	logits := make([]float32, 0, 2*b.Rows())
	for _, t := range []*Tensor{start, end} {
		if want := []int{sequences, longest}; !slices.Equal(t.Shape, want) || !t.Type.isFloat() {
			return nil, fmt.Errorf("output start_logits or end_logits: found %s of shape %v, want floats of shape %v", t.Type, t.Shape, want)
		}
	}
	for i := range b.Len() {
		for p := range b.Offsets[i+1] - b.Offsets[i] {
			logits = append(logits, start.F32[i*longest+p], end.F32[i*longest+p])
		}
	}
	return logits, nil
}

// paddedInput is the input p for a batch, (sequences, longest). The last sequence
// fills what the batch lacks.
func paddedInput(p *layer, b *bert.Batch, sequences, longest int) (*Tensor, error) {
	var from func(row, position int) int64
	for _, name := range (source{p, 0}).names() {
		switch name {
		case "input_ids":
			from = func(row, _ int) int64 { return int64(b.IDs[row]) }
		case "attention_mask":
			from = func(int, int) int64 { return 1 }
		case "token_type_ids":
			from = func(row, _ int) int64 { return int64(b.TypeIDs[row]) }
		case "position_ids":
			from = func(_, position int) int64 { return int64(position) }
		}
	}
	if from == nil {
		return nil, fmt.Errorf("found an input that BERT has not, want input_ids, attention_mask, token_type_ids or position_ids")
	}
	if p.typ.isFloat() {
		return nil, fmt.Errorf("found %s, want integers", p.typ)
	}
	t := &Tensor{Type: p.typ, Shape: []int{sequences, longest}, I64: make([]int64, sequences*longest)}
	for i := range sequences {
		last := min(i, b.Len()-1)
		for row := b.Offsets[last]; row < b.Offsets[last+1]; row++ {
			position := row - b.Offsets[last]
			t.I64[i*longest+position] = from(row, position)
		}
	}
	return t, nil
}
