package ir_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
)

// A model whose only block has lost all heads and neurons.
func tinyModel() *jpqd.Compressed {
	config := bert.DefaultConfig()
	config.VocabSize, config.MaxPositionEmbeddings, config.HiddenSize = 3, 4, 2
	config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize = 1, 1, 4
	norm := jpqd.CompressedNorm{Gamma: []float32{1, 1}, Beta: []float32{0, 0}}
	nothing := jpqd.CompressedLinear{Bias: []float32{0, 0}}
	table := func(rows int) jpqd.CompressedMatrix {
		m := jpqd.CompressedMatrix{Rows: rows, Cols: 2, I8: make([]int8, 2*rows), Scale: make([]float32, rows)}
		for i := range rows {
			m.I8[2*i], m.Scale[i] = int8(i+1), 0.5
		}
		return m
	}
	identity := jpqd.CompressedLinear{
		Weight: jpqd.CompressedMatrix{Rows: 2, Cols: 2, F32: []float32{1, 0, 0, 1}},
		Bias:   []float32{0, 0},
		Input:  &jpqd.ActivationRange{Low: -128.0 / 127, High: 1, Levels: 256, Symmetric: true},
	}
	return &jpqd.Compressed{
		Config:     config,
		Embeddings: jpqd.CompressedEmbeddings{Word: table(3), Position: table(4), TokenType: table(2), Norm: norm},
		Layers:     []jpqd.CompressedLayer{{Output: nothing, AttentionNorm: norm, FFNOut: nothing, OutputNorm: norm}},
		Pooler:     identity,
		Classifier: identity,
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "ir")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := ir.Write(dir, tinyModel(), ir.Options{}); err != nil {
		log.Fatal(err)
	}

	model, err := ir.Read(filepath.Join(dir, ir.XMLName))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Inputs(), model.Outputs())

	ids := &ir.Tensor{Type: ir.I64, Shape: []int{1, 2}, I64: []int64{2, 1}}
	mask := &ir.Tensor{Type: ir.I64, Shape: []int{1, 2}, I64: []int64{1, 1}}
	types := &ir.Tensor{Type: ir.I64, Shape: []int{1, 2}, I64: []int64{0, 0}}
	outputs, err := model.Run(map[string]*ir.Tensor{"input_ids": ids, "attention_mask": mask, "token_type_ids": types})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", outputs["logits"].F32)
	// Output:
	// [input_ids attention_mask token_type_ids] [logits]
	// [0.764 -0.764]
}
