package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// TestMeasureShares has a model of hidden size 64 with one head and 96 neurons,
// of which 40 are kept. Its query keeps one of 2 × 2 blocks.
func TestMeasureShares(t *testing.T) {
	cfg := bert.DefaultConfig()
	cfg.HiddenSize, cfg.NumAttentionHeads, cfg.NumHiddenLayers = 64, 1, 1
	cfg.VocabSize, cfg.IntermediateSize, cfg.MaxPositionEmbeddings, cfg.TypeVocabSize = 10, 96, 4, 2
	floats := func(rows, cols int) jpqd.CompressedMatrix {
		m := jpqd.CompressedMatrix{Rows: rows, Cols: cols, F32: make([]float32, rows*cols)}
		for i := range m.F32 {
			m.F32[i] = 1
		}
		return m
	}
	bytes := func(rows, cols int) jpqd.CompressedLinear {
		m := jpqd.CompressedMatrix{Rows: rows, Cols: cols, I8: make([]int8, rows*cols), Scale: make([]float32, rows)}
		for i := range m.I8 {
			m.I8[i] = 1
		}
		return jpqd.CompressedLinear{Weight: m, Bias: make([]float32, rows)}
	}
	norm := jpqd.CompressedNorm{Gamma: make([]float32, 64), Beta: make([]float32, 64)}
	c := &jpqd.Compressed{
		Config:     cfg,
		Embeddings: jpqd.CompressedEmbeddings{Word: floats(10, 64), Position: floats(4, 64), TokenType: floats(2, 64), Norm: norm},
		Layers: []jpqd.CompressedLayer{{
			Query: bytes(64, 64), Key: bytes(64, 64), Value: bytes(64, 64), Output: bytes(64, 64), AttentionNorm: norm,
			FFNIn: bytes(40, 64), FFNOut: bytes(64, 40), OutputNorm: norm,
		}},
		Pooler: bytes(64, 64), Classifier: bytes(2, 64),
	}
	query := &c.Layers[0].Query.Weight
	for i := range query.I8 {
		if i/64 >= 32 || i%64 >= 32 {
			query.I8[i] = 0
		}
	}
	want := Shares{
		// (10 + 4 + 2 + 2)·64 floats
		Embeddings: Share{Bytes: 4608, Float: 4608, Full: 4608},
		Layers: []Share{{
			// Query: 1024 of values, 4 of the index, 256 of scales. Key, value and output: 4096 + 256 each.
			// FFN: 40·64 + 40·4 and 64·40 + 64·4. Biases: 4·(5·64 + 40). Norms: 4·4·64.
			Bytes: 1284 + 3*4352 + 2720 + 2816 + 1440 + 1024,
			Float: 4*(4*64*64+2*40*64) + 1440 + 1024,
			Full:  4*(4*64*64+2*96*64) + 4*(5*64+96) + 1024,
			// 2 × 2 each but for the query's one; 40 neurons are 2 × 2 blocks, 96 are 3 × 2.
			Blocks: 1 + 3*4 + 2*4, All: 4*4 + 2*6,
		}},
		// (64 + 2)·64 bytes and as many scales and biases as rows
		Head: Share{Bytes: 66*64 + 8*66, Float: 4*66*64 + 4*66, Full: 4*66*64 + 4*66, Blocks: 4 + 2, All: 4 + 2},
	}
	got := MeasureShares(c)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +found)\n%s", diff)
	}
	total := got.Total()
	if bytes := 4608 + want.Layers[0].Bytes + want.Head.Bytes; total.Bytes != bytes || total.Ratio() != float64(total.Full)/float64(bytes) {
		t.Errorf("found %+v in all, want %d bytes", total, bytes)
	}
}
