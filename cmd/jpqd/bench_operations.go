package main

import (
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// operations are multiplications and additions of a product's two factors, the
// blocks that are skipped left out: 2·M·N·K of a product M×N×K.
type operations struct {
	Int8           float64 // of Linears
	Float          float64
	AttentionInt8  float64 // QKᵀ and PV
	AttentionFloat float64
}

func (o *operations) add(p operations) {
	o.Int8 += p.Int8
	o.Float += p.Float
	o.AttentionInt8 += p.AttentionInt8
	o.AttentionFloat += p.AttentionFloat
}

func (o *operations) linear(w weightCount, rows int) {
	if w.integers {
		o.Int8 += 2 * float64(w.weights) * float64(rows)
	} else {
		o.Float += 2 * float64(w.weights) * float64(rows)
	}
}

func (o *operations) attention(integers bool, heads, headDim, queries, keys int) {
	n := 2 * float64(heads*headDim) * float64(queries) * float64(keys)
	if integers {
		o.AttentionInt8 += n
	} else {
		o.AttentionFloat += n
	}
}

// weightCount is what a product with a Linear's weight multiplies per row.
type weightCount struct {
	weights  int
	integers bool // input and weight are quantized
}

// countOperations returns what counts a batch's operations, as the engine of
// jpqd/int8 does them: where the first token is classified, the last block has
// its queries, and what follows them, for first tokens alone.
func countOperations(m *jpqd.Compressed) func(b *benchBatch) operations {
	type layer struct {
		every, query             []weightCount // key and value; the other four
		heads                    int
		byteScores, byteContexts bool
	}
	var layers []layer
	for i := range m.Layers {
		l := &m.Layers[i]
		counted := layer{heads: len(l.Heads), byteScores: l.QueryOut != nil && l.KeyOut != nil, byteContexts: l.ProbsOut != nil && l.ValueOut != nil}
		for _, w := range []*jpqd.CompressedLinear{&l.Key, &l.Value} {
			counted.every = append(counted.every, countWeights(w))
		}
		for _, w := range []*jpqd.CompressedLinear{&l.Query, &l.Output, &l.FFNIn, &l.FFNOut} {
			counted.query = append(counted.query, countWeights(w))
		}
		layers = append(layers, counted)
	}
	pooler, classifier := countWeights(&m.Pooler), countWeights(&m.Classifier)
	answering, headDim := m.Config.QuestionAnswering(), m.Config.HeadDim()
	return func(b *benchBatch) operations {
		var o operations
		rows, sequences := b.tokens.Rows(), b.tokens.Len()
		heads := sequences
		if answering {
			heads = rows
		}
		for i := range layers {
			l := &layers[i]
			firstOnly := !answering && i == len(layers)-1
			queries := rows
			if firstOnly {
				queries = sequences
			}
			for _, w := range l.every {
				o.linear(w, rows)
			}
			for _, w := range l.query {
				o.linear(w, queries)
			}
			for s := range sequences {
				keys := b.tokens.Offsets[s+1] - b.tokens.Offsets[s]
				n := keys
				if firstOnly {
					n = 1
				}
				o.attention(l.byteScores, l.heads, headDim, n, keys)
				o.attention(l.byteContexts, l.heads, headDim, n, keys)
			}
		}
		o.linear(pooler, sequences)
		o.linear(classifier, heads)
		return o
	}
}

// countWeights counts the elements of a weight in blocks of 32 outputs and 16
// inputs that are not zero altogether; all of them, where it has no whole
// number of blocks.
func countWeights(l *jpqd.CompressedLinear) weightCount {
	const down, across = 32, 16
	w := &l.Weight
	c := weightCount{weights: w.Rows * w.Cols, integers: l.Input != nil && w.I8 != nil && w.Zero == nil}
	if w.Rows%down != 0 || w.Cols%across != 0 {
		return c
	}
	zero := func(i int) bool {
		if w.I8 != nil {
			return !slices.ContainsFunc(w.I8[i:i+across], func(v int8) bool { return v != 0 })
		}
		return !slices.ContainsFunc(w.F32[i:i+across], func(v float32) bool { return v != 0 })
	}
	for i := 0; i < w.Rows; i += down {
		for j := 0; j < w.Cols; j += across {
			empty := true
			for r := i; empty && r < i+down; r++ {
				empty = zero(r*w.Cols + j)
			}
			if empty {
				c.weights -= down * across
			}
		}
	}
	return c
}
