package ir

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

var update = flag.Bool("update", false, "write testdata/tiny.xml and testdata/tiny.bin anew")

// tinyCompressed is an integer model of two blocks, the first without heads and
// the second without neurons. All its numbers are few halves, so that every
// machine computes the same from them.
func tinyCompressed() *jpqd.Compressed {
	const hidden, headDim = 8, 4
	config := bert.DefaultConfig()
	config.VocabSize, config.MaxPositionEmbeddings, config.HiddenSize = 16, 4, hidden
	config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize = 2, hidden/headDim, 6
	config.Labels = []string{"no", "yes"}

	signed := &jpqd.ActivationRange{Low: -2, High: 2 - 1.0/64, Levels: 256, Symmetric: true}
	unsigned := &jpqd.ActivationRange{High: 255.0 / 256, Levels: 256, Symmetric: true}
	next := 0 // of all integers
	integer := func() int8 {
		next = (next*37 + 11) % 255
		return int8(next - 127)
	}
	vector := func(n int, mean float32) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = mean + float32(integer())/256
		}
		return v
	}
	matrix := func(rows, cols int) jpqd.CompressedMatrix {
		m := jpqd.CompressedMatrix{Rows: rows, Cols: cols, I8: make([]int8, rows*cols), Scale: vector(rows, 1)}
		for i := range m.I8 {
			m.I8[i] = integer()
		}
		return m
	}
	linear := func(rows, cols int) jpqd.CompressedLinear {
		return jpqd.CompressedLinear{Weight: matrix(rows, cols), Bias: vector(rows, 0), Input: signed}
	}
	norm := func() jpqd.CompressedNorm {
		return jpqd.CompressedNorm{Gamma: vector(hidden, 1), Beta: vector(hidden, 0)}
	}
	block := func(heads, neurons []int) jpqd.CompressedLayer {
		width := headDim * len(heads)
		return jpqd.CompressedLayer{
			Heads: heads, Neurons: neurons,
			Query: linear(width, hidden), Key: linear(width, hidden), Value: linear(width, hidden),
			QueryOut: signed, KeyOut: signed, ProbsOut: unsigned, ValueOut: signed,
			Output: linear(hidden, width), AttentionNorm: norm(),
			FFNIn: linear(len(neurons), hidden), FFNOut: linear(hidden, len(neurons)), OutputNorm: norm(),
		}
	}
	return &jpqd.Compressed{
		Config: config,
		Embeddings: jpqd.CompressedEmbeddings{
			Word: matrix(config.VocabSize, hidden), Position: matrix(4, hidden), TokenType: matrix(config.TypeVocabSize, hidden),
			AddInputs: [2]*jpqd.ActivationRange{signed, signed}, Norm: norm(),
		},
		Layers: []jpqd.CompressedLayer{block(nil, []int{0, 4}), block([]int{1}, nil)},
		Pooler: linear(hidden, hidden), Classifier: linear(config.NumLabels(), hidden),
	}
}

// The two files are what they were. After an intended change:
//
//	go test ./jpqd/ir -run Golden -update
func TestGolden(t *testing.T) {
	w := write(t, tinyCompressed(), Options{})
	for name, got := range map[string][]byte{"tiny.xml": []byte(w.text), "tiny.bin": w.bin} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s: found %d bytes, want %d, which differ first at %d, line %d; write it anew with -update if that is intended",
				path, len(got), len(want), at, 1+strings.Count(string(got[:at]), "\n"))
		}
	}
}

// The golden files are a model that runs.
func TestGoldenRuns(t *testing.T) {
	m, err := Read(filepath.Join("testdata", "tiny.xml"))
	if err != nil {
		t.Fatal(err)
	}
	logits := sequenceLogits(t, m, sequence{[]int64{1, 4, 2}, []int64{0, 0, 1}}, sequence{[]int64{3}, []int64{0}})
	for i, l := range logits {
		if len(l) != 2 || l[0] == l[1] || l[0] != l[0] {
			t.Errorf("sequence %d: found logits %v, want two numbers", i, l)
		}
	}
}
