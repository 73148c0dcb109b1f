//go:build linux

package main

import (
	"slices"

	"github.com/go-jpqd/jpqd/benchmarks/internal/lengths"
)

// load is a model and batches, each the lengths of its sequences.
type load struct {
	name                                string
	layers, hidden, heads, intermediate int
	batches                             [][]int
}

// The names of the loads.
const (
	loadMini   = "4 layers, 256 hidden, 32×64"
	loadMiniLM = "6 layers, 384 hidden, 32×64"
	loadBase   = "BERT-base, 8×128"
	loadSST2   = "4 layers, 256 hidden, SST-2 by 32"
)

// loads are all loads, in the order of the table. Of the last batch of SST-2,
// which is not full, nothing is run.
func (o *options) loads() ([]load, error) {
	all, err := lengths.Read(o.lengths)
	if err != nil {
		return nil, err
	}
	uniform := func(batch, length int) [][]int { return [][]int{slices.Repeat([]int{length}, batch)} }
	sst2 := slices.Collect(slices.Chunk(all[:len(all)/32*32], 32))
	return []load{
		{loadMini, 4, 256, 4, 1024, uniform(32, 64)},
		{loadMiniLM, 6, 384, 12, 1536, uniform(32, 64)},
		{loadBase, 12, 768, 12, 3072, uniform(8, 128)},
		{loadSST2, 4, 256, 4, 1024, sst2},
	}, nil
}

// tokens is the mean number of a batch's tokens, padding left out.
func (l *load) tokens() float64 {
	n := 0
	for _, batch := range l.batches {
		for _, length := range batch {
			n += length
		}
	}
	return float64(n) / float64(len(l.batches))
}

// operations is the mean number of a step's multiplications and additions of
// real tokens, three times those of the forward pass: for a token of each layer
// four products with hidden×hidden and two with hidden×intermediate weights, and
// two of length·hidden in the attention; but in the last layer only keys and values
// are of all tokens, and the rest of the first one.
func (l *load) operations() float64 {
	sum := 0
	square := l.hidden * l.hidden
	rest := 2*square + 2*l.hidden*l.intermediate
	for _, batch := range l.batches {
		for _, length := range batch {
			token := 2*square + rest + 2*length*l.hidden
			sum += (l.layers-1)*length*token + length*2*square + rest + 2*length*l.hidden
		}
	}
	return 3 * 2 * float64(sum) / float64(len(l.batches))
}
