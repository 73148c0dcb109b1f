package onnx_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/onnx"
)

// A model whose only block has lost all heads and neurons.
func tinyModel() *jpqd.Compressed {
	config := bert.DefaultConfig()
	config.VocabSize, config.MaxPositionEmbeddings, config.HiddenSize = 3, 4, 2
	config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize = 1, 1, 4
	norm := jpqd.CompressedNorm{Gamma: []float32{1, 1}, Beta: []float32{0, 0}}
	nothing := jpqd.CompressedLinear{Bias: []float32{0, 0}}
	table := func(rows int) jpqd.CompressedMatrix {
		return jpqd.CompressedMatrix{Rows: rows, Cols: 2, F32: make([]float32, 2*rows)}
	}
	identity := jpqd.CompressedLinear{
		Weight: jpqd.CompressedMatrix{Rows: 2, Cols: 2, I8: []int8{127, 0, 0, 127}, Scale: []float32{1. / 127, 1. / 127}},
		Bias:   []float32{0, 0},
		Input:  &jpqd.ActivationRange{Low: -128. / 127, High: 1, Levels: 256, Symmetric: true},
	}
	return &jpqd.Compressed{
		Config:     config,
		Embeddings: jpqd.CompressedEmbeddings{Word: table(3), Position: table(4), TokenType: table(2), Norm: norm},
		Layers:     []jpqd.CompressedLayer{{Output: nothing, AttentionNorm: norm, FFNOut: nothing, OutputNorm: norm}},
		Pooler:     identity,
		Classifier: identity,
	}
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "onnx")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	// Any number of sequences, of 4 tokens each.
	if err := onnx.Write(dir, tinyModel(), onnx.Options{Sequence: 4}); err != nil {
		log.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, onnx.Name))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Name(), info.Mode())
	// Output: model.onnx -rw-r--r--
}
