package jpqd_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// A model learns which of two tokens a sentence has, is pruned and quantized on
// the way, and comes out as one Compressed value.
func ExampleTrainer() {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = 8, 32, 1
	config.NumAttentionHeads, config.IntermediateSize, config.MaxPositionEmbeddings = 2, 64, 8
	config.InitializerRange = 0.1

	var examples []jpqd.Example
	for i := range int32(128) {
		examples = append(examples, jpqd.Example{IDs: []int32{1, 2 + i%3, 6 + i%2, 2 + i%4}, Label: i % 2})
	}
	nncf, err := jpqd.ParseNNCFConfig([]byte(`[
		{
			"algorithm": "movement_sparsity",
			"params": {"warmup_start_epoch": 4, "warmup_end_epoch": 6, "importance_regularization_factor": 0.005},
			"sparse_structure_by_scopes": [
				{"mode": "block", "sparse_factors": [16, 16], "target_scopes": "{re}.*BertAttention.*"},
				{"mode": "per_dim", "axis": 0, "target_scopes": "{re}.*BertIntermediate.*"},
				{"mode": "per_dim", "axis": 1, "target_scopes": "{re}.*BertOutput.*"}, // a trailing comma is fine
			],
			"ignored_scopes": ["{re}.*pooler.*", "{re}.*classifier.*"]
		},
		{
			"algorithm": "quantization", "preset": "mixed",
			"ignored_scopes": ["{re}.*__add___[0-1]", "{re}.*layer_norm_0", "{re}.*matmul_1", "{re}.*__truediv__*"]
		}
	]`))
	if err != nil {
		log.Fatal(err)
	}
	trainer := &jpqd.Trainer{
		Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1), NNCF: nncf,
		TrainData: examples, Log: slog.New(slog.DiscardHandler),
	}
	trainer.Args.NumTrainEpochs, trainer.Args.LearningRate, trainer.Args.SaveStrategy = 10, 2e-3, jpqd.No
	if _, err := trainer.Train(context.Background(), ""); err != nil {
		log.Fatal(err)
	}
	metrics, err := trainer.Evaluate(context.Background(), examples)
	if err != nil {
		log.Fatal(err)
	}
	compressed, err := trainer.Compressed()
	if err != nil {
		log.Fatal(err)
	}
	layer := compressed.Layers[0]
	fmt.Println("loss below 0.1:", metrics["eval_loss"] < 0.1)
	fmt.Println("neurons pruned:", len(layer.Neurons) < 64)
	fmt.Println("weights in 8 bits:", layer.FFNOut.Weight.I8 != nil)
	// Output:
	// loss below 0.1: true
	// neurons pruned: true
	// weights in 8 bits: true
}
