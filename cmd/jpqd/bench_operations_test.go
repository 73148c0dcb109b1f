package main

import (
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
)

// Two layers of width 32 with 2 heads of 16 and 64 neurons, on sequences of 3
// and 5 tokens. A Linear 32×32 has 1,024 weights, 64×32 2,048. The first layer
// does 8 rows of 4·1,024 + 2·2,048 = 8,192 weights; the second 8 rows of key and
// value, 2,048, and 2 rows of the rest, 6,144; pooler and classifier 2 rows of
// 1,024 + 2·32. In all 8·8,192 + 8·2,048 + 2·6,144 + 2·1,088 = 96,384, twice
// that in operations. QKᵀ is 32 wide: 9 + 25 pairs and 3 + 5, and PV the same.
func TestCountOperations(t *testing.T) {
	c := bert.DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize, c.MaxPositionEmbeddings = 10, 32, 2, 2, 64, 8
	b := &newBenchLoad(2, 0, []jpqd.Example{{IDs: make([]int32, 3)}, {IDs: make([]int32, 5)}}).batches[0]
	const linear, attention = 2 * 96_384, 2 * 32 * 42
	m := synthetic.Compressed(c, synthetic.None, 1)
	if got, want := countOperations(m)(b), (operations{Int8: linear, AttentionInt8: attention, AttentionFloat: attention}); got != want {
		t.Errorf("quantized: found %+v, want %+v", got, want)
	}
	if got, want := countOperations(synthetic.Float(c, synthetic.None, 1))(b), (operations{Float: linear, AttentionFloat: 2 * attention}); got != want {
		t.Errorf("float: found %+v, want %+v", got, want)
	}
	// The query of the first layer loses half of its inputs: 8 rows of 512 weights.
	for r := range 32 {
		clear(m.Layers[0].Query.Weight.I8[r*32+16:][:16])
	}
	if got, want := countOperations(m)(b), (operations{Int8: linear - 2*8*512, AttentionInt8: attention, AttentionFloat: attention}); got != want {
		t.Errorf("with zero blocks: found %+v, want %+v", got, want)
	}
}
