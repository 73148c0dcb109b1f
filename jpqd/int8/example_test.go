package int8_test

import (
	"fmt"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

func Example() {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = 100, 32, 2
	config.NumAttentionHeads, config.IntermediateSize = 2, 64
	trainer := &jpqd.Trainer{Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1)}

	compressed, err := trainer.Compressed()
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := int8.New(compressed)
	if err != nil {
		fmt.Println(err)
		return
	}

	var batch bert.Batch
	batch.Append([]int32{2, 17, 42, 3}, nil)
	batch.Append([]int32{2, 99, 3}, nil)
	logits := make([]float32, batch.Len()*config.NumLabels())
	w := engine.NewWorkspace() // one for each goroutine, kept between calls
	if err := engine.Logits(w, &batch, logits); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d sequences, %d logits, first %.3f\n", batch.Len(), len(logits), logits[0])

	batch.IDs[1] = 100
	fmt.Println(engine.Logits(w, &batch, logits))
	// Output:
	// 2 sequences, 4 logits, first -0.002
	// int8: token 1: found id 100, want 0 to 99 (vocab_size = 100)
}
