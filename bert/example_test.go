package bert_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// Two sequences of different lengths in one batch, without padding.
func ExampleModel_Forward() {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize = 100, 32, 2, 4, 64
	model := bert.New(config, 42)

	var batch bert.Batch
	batch.Append([]int32{2, 17, 31, 3}, nil)
	batch.Append([]int32{2, 55, 3}, nil)
	if err := model.Check(&batch); err != nil {
		fmt.Println(err)
		return
	}
	tape := autograd.NewTape()
	tape.Begin(autograd.Inference, 0, 0)
	logits := model.Forward(tape, &batch)
	fmt.Println(batch.Rows(), "rows,", logits.Rows, "sequences,", logits.Cols, "labels")
	// Output: 7 rows, 2 sequences, 2 labels
}
