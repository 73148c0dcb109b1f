package ir

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
)

// Logits evaluates a model with the inputs and outputs of BERT, for a batch that
// it pads: (sequences, labels), or (tokens, 2), start and end, where the outputs
// are start_logits and end_logits. It is [Model.Run], a reference and slow.
func (m *Model) Logits(b *bert.Batch) ([]float32, error) {
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
		t, err := paddedInput(p, b, longest)
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
		if len(logits.Shape) != 2 || logits.Shape[0] != b.Len() || !logits.Type.isFloat() {
			return nil, fmt.Errorf("output logits: found %s of shape %v, want floats of shape [%d labels]", logits.Type, logits.Shape, b.Len())
		}
		return logits.F32, nil
	}
	start, end := out["start_logits"], out["end_logits"]
	if start == nil || end == nil {
		return nil, fmt.Errorf("outputs: found %q, want logits, or start_logits and end_logits", m.Outputs())
	}
	logits := make([]float32, 0, 2*b.Rows())
	for _, t := range []*Tensor{start, end} {
		if want := []int{b.Len(), longest}; !slices.Equal(t.Shape, want) || !t.Type.isFloat() {
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

// paddedInput is the input p for a batch, (sequences, longest).
func paddedInput(p *layer, b *bert.Batch, longest int) (*Tensor, error) {
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
	t := &Tensor{Type: p.typ, Shape: []int{b.Len(), longest}, I64: make([]int64, b.Len()*longest)}
	for i := range b.Len() {
		for row := b.Offsets[i]; row < b.Offsets[i+1]; row++ {
			position := row - b.Offsets[i]
			t.I64[i*longest+position] = from(row, position)
		}
	}
	return t, nil
}
