package ir

import (
	"fmt"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// Kinds of embeddings.
type tableKind int

const (
	ofWords tableKind = iota
	ofTypes
	ofPositions
)

// embedded is one summand of the embeddings.
type embedded struct {
	kind  tableKind
	table jpqd.CompressedMatrix // rows of positions from the first in use
	first int                   // row of the table that is position 0
	way
}

// embeddings recognises the sum of tables in front of the first block.
func (r *recogniser) embeddings(e *jpqd.CompressedEmbeddings, s source) error {
	left, right, ok := summands(s)
	if !ok {
		return wanted(s, "the sum of embeddings")
	}
	outer := []way{r.back(left, false), r.back(right, false)}
	inner := -1
	for i, w := range outer {
		if w.base.is("Add") && !r.has(w.base) {
			inner = i
		}
	}
	if inner < 0 { // without token types
		return r.twoTables(e, outer)
	}
	a, b, _ := summands(outer[inner].base)
	summands := []way{r.back(a, false), r.back(b, false), outer[1-inner]}
	var found [3]*embedded
	for _, w := range summands {
		t, err := r.embedding(w)
		if err != nil {
			return err
		}
		if found[t.kind] != nil {
			return wanted(w.base, "embeddings of words, token types and positions, once each")
		}
		found[t.kind] = t
	}
	quantized := slices.ContainsFunc(append(summands, outer[inner]), func(w way) bool {
		return slices.ContainsFunc(w.layers, func(l *layer) bool { return l.is("FakeQuantize") })
	})
	if quantized && found[ofPositions].base != outer[1-inner].base {
		return wanted(outer[inner].base, "quantized embeddings to be added as words, token types, positions")
	}
	e.Word, e.TokenType, e.Position = found[ofWords].table, found[ofTypes].table, found[ofPositions].table
	r.offset = found[ofPositions].first
	var err error
	for i, range_ := range []struct {
		at **jpqd.ActivationRange
		w  way
	}{{&e.AddTypes[0], found[ofWords].way}, {&e.AddTypes[1], found[ofTypes].way}, {&e.AddInputs[0], outer[inner]}, {&e.AddInputs[1], found[ofPositions].way}} {
		if *range_.at, err = r.oneRange(range_.w); err != nil {
			return fmt.Errorf("summand %d of the embeddings: %w", i, err)
		}
	}
	return nil
}

// twoTables are embeddings of words and positions alone.
func (r *recogniser) twoTables(e *jpqd.CompressedEmbeddings, summands []way) error {
	var found [3]*embedded
	for _, w := range summands {
		t, err := r.embedding(w)
		if err != nil {
			return err
		}
		found[t.kind] = t
	}
	if found[ofWords] == nil || found[ofPositions] == nil {
		return wanted(summands[0].base, "embeddings of words and of positions")
	}
	e.Word, e.Position = found[ofWords].table, found[ofPositions].table
	r.offset = found[ofPositions].first
	var err error
	if e.AddInputs[0], err = r.oneRange(found[ofWords].way); err != nil {
		return err
	}
	e.AddInputs[1], err = r.oneRange(found[ofPositions].way)
	return err
}

// embedding recognises one summand: rows of a table that ids name, a table cut
// off at the number of tokens, or one row for all.
func (r *recogniser) embedding(w way) (*embedded, error) {
	t := &embedded{way: w}
	s := w.base
	var err error
	switch {
	case s.is("Gather"):
		if err := r.rowsOf(t, s); err != nil {
			return nil, err
		}
	case r.has(s): // one row for all tokens, or one for each of a fixed number
		t.kind = ofTypes
		rows, err := r.evaluate(s, nil, r.most)
		if err != nil {
			return nil, err
		}
		n := len(rows.F32) / max(1, r.hidden)
		if n > 1 {
			t.kind, r.cut = ofPositions, true
		}
		if n < 1 || n*r.hidden != rows.Len() || rowLength(rows.Shape) != r.hidden || n > 1 && n != r.tokens {
			return nil, fmt.Errorf("%s: found a constant of shape %v, want one row of %d, or one for each of %d tokens", s.describe(), rows.Shape, r.hidden, r.tokens)
		}
		t.table = jpqd.CompressedMatrix{Rows: n, Cols: r.hidden, F32: rows.F32}
		return t, nil
	case s.is("Slice"), s.is("StridedSlice"):
		t.kind = ofPositions
		if t.table, err = r.weights(s.inputs[0], false); err != nil {
			return nil, err
		}
		if t.first, err = r.firstRow(s, &t.table); err != nil {
			return nil, err
		}
	default:
		return nil, wanted(s, "rows of an embedding table")
	}
	if t.kind == ofPositions {
		if t.first < 0 || t.first >= t.table.Rows {
			return nil, fmt.Errorf("%s: found position %d of a table of %d first", s.describe(), t.first, t.table.Rows)
		}
		t.table = skipRows(t.table, t.first)
	}
	return t, nil
}

// firstRow is the first of the rows that a slice of a table takes for the sample.
func (r *recogniser) firstRow(s source, table *jpqd.CompressedMatrix) (int, error) {
	rows, err := r.partOf(s, table.Rows, table.Cols)
	if err != nil { // some keep the dimension of sequences
		if rows, err = r.partOf(s, 1, table.Rows, table.Cols); err != nil {
			return 0, err
		}
	}
	if len(rows) != r.tokens*table.Cols || table.Cols == 0 {
		return 0, wanted(s, "one row of a table for each token")
	}
	first := int(rows[0]) / table.Cols
	for i, v := range rows {
		if v != float32(first*table.Cols+i) {
			return 0, wanted(s, "consecutive rows of a table")
		}
	}
	return first, nil
}

// rowsOf recognises a Gather of rows, by what its indices are for a sample.
func (r *recogniser) rowsOf(t *embedded, s source) error {
	axis := r.small(s.inputs[2], 1)
	if axis == nil || len(axis.I64) != 1 || axis.I64[0] != 0 {
		return fmt.Errorf("%s: want rows of a table: axis 0", s.describe())
	}
	var err error
	if t.table, err = r.weights(s.inputs[0], false); err != nil {
		return err
	}
	ids := s.inputs[1]
	for typ := ids.attributes.get("destination_type"); ids.is("Convert") && (typ == string(I32) || typ == string(I64)); {
		ids = ids.inputs[0]
		typ = ids.attributes.get("destination_type")
	}
	switch ids.layer {
	case r.ids:
		t.kind = ofWords
		return nil
	case r.types:
		t.kind = ofTypes
		return nil
	}
	index, err := r.evaluate(s.inputs[1], r.sample(r.seen()), r.most)
	if err != nil {
		return fmt.Errorf("ids of an embedding: %w", err)
	}
	zeros, ascending := true, len(index.I64) >= r.tokens
	for i, v := range index.I64 {
		zeros = zeros && v == 0
		ascending = ascending && v == index.I64[0]+int64(i%r.tokens)
	}
	switch {
	case len(index.I64) > 0 && zeros:
		t.kind = ofTypes
	case ascending:
		t.kind, t.first = ofPositions, int(index.I64[0])
	default:
		return fmt.Errorf("%s: found rows %v for %d tokens, want those of input_ids, token_type_ids or positions", s.describe(), index.I64, r.tokens)
	}
	return nil
}

// skipRows is m from row first on.
func skipRows(m jpqd.CompressedMatrix, first int) jpqd.CompressedMatrix {
	if first == 0 {
		return m
	}
	m.Rows -= first
	if m.F32 != nil {
		m.F32 = m.F32[first*m.Cols:]
		return m
	}
	m.I8, m.Scale = m.I8[first*m.Cols:], m.Scale[first:]
	if m.Zero != nil {
		m.Zero = m.Zero[first:]
	}
	return m
}
