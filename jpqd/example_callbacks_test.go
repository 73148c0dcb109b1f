package jpqd_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// tinyBERT is a model of one layer for the examples' vocabulary of 8 tokens.
func tinyBERT() bert.Config {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers = 8, 32, 1
	config.NumAttentionHeads, config.IntermediateSize, config.MaxPositionEmbeddings = 2, 64, 8
	config.InitializerRange = 0.1
	return config
}

// pruning is an NNCF configuration that prunes during the second epoch.
const pruning = `{
	"algorithm": "movement_sparsity",
	"params": {"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.005},
	"sparse_structure_by_scopes": [
		{"mode": "block", "sparse_factors": [16, 16], "target_scopes": "{re}.*BertAttention.*"},
		{"mode": "per_dim", "axis": 0, "target_scopes": "{re}.*BertIntermediate.*"},
		{"mode": "per_dim", "axis": 1, "target_scopes": "{re}.*BertOutput.*"}
	],
	"ignored_scopes": ["{re}.*pooler.*", "{re}.*classifier.*"]
}`

// The whole of it: configuration, model, teacher, data, arguments and
// callbacks; train for a sparsity of 40 %, evaluate, save.
func ExampleTrainer_callbacks() {
	nncf, err := jpqd.ParseNNCFConfig([]byte(pruning))
	if err != nil {
		log.Fatal(err)
	}
	var examples []jpqd.Example
	for i := range int32(128) {
		examples = append(examples, jpqd.Example{IDs: []int32{1, 2 + i%3, 6 + i%2, 2 + i%4}, Label: i % 2})
	}
	dir, err := os.MkdirTemp("", "jpqd-example-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	arguments := jpqd.DefaultTrainingArguments()
	arguments.OutputDir, arguments.SaveStrategy = dir, jpqd.Epoch
	arguments.NumTrainEpochs, arguments.LearningRate, arguments.LoggingSteps = 4, 2e-3, 16
	arguments.DistillationWeight, arguments.TargetSparsity = 0.5, 0.4
	steps, logged, saved := 0, 0, 0
	trainer := &jpqd.Trainer{
		Args: arguments, Model: bert.New(tinyBERT(), 1), Teacher: bert.New(tinyBERT(), 2), NNCF: nncf,
		TrainData: examples, Log: slog.New(slog.DiscardHandler),
		OnStep: func(jpqd.Progress) { steps++ },
		OnLog:  func(jpqd.LogEntry) { logged++ },
		OnSave: func(string) error { saved++; return nil },
		OnStage: func(e jpqd.StageEvent) {
			fmt.Printf("step %d: %v\n", e.Step, e.Stage)
			for _, g := range e.Groups {
				fmt.Printf("layer %d, %s: some of %d are gone: %v\n", g.Layer, g.Name, g.Units, len(g.Kept) < g.Units)
			}
		},
	}
	if _, err := trainer.Train(context.Background(), ""); err != nil {
		log.Fatal(err)
	}
	metrics, err := trainer.Evaluate(context.Background(), examples)
	if err != nil {
		log.Fatal(err)
	}
	if err := trainer.SaveModel(filepath.Join(dir, "model")); err != nil {
		log.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(dir, "model", "structured_sparsity.csv"))
	statistics, _ := trainer.Statistics()
	fmt.Println(steps, "steps,", logged, "log entries,", saved, "checkpoints")
	fmt.Println("distillation loss above 0:", metrics["eval_distillation_loss"] > 0, "and regularisation of final masks:", metrics["eval_compression_loss"])
	fmt.Printf("sparsity %.1f, report written: %v\n", statistics.LinearLayerSparsity, err == nil)
	// Output:
	// step 16: warmup
	// step 32: post-warmup
	// layer 0, attention: some of 2 are gone: false
	// layer 0, feed_forward: some of 64 are gone: true
	// 64 steps, 5 log entries, 4 checkpoints
	// distillation loss above 0: true and regularisation of final masks: 0
	// sparsity 0.4, report written: true
}

// A model for question answering finds token 7.
func ExampleTrainer_questionAnswering() {
	config := tinyBERT()
	config.Architecture = "BertForQuestionAnswering"
	var examples []jpqd.Example
	for i := range int32(128) {
		e := jpqd.Example{IDs: []int32{1, 3, 4, 5, 6, 2}, Start: 1 + i%4, End: 1 + i%4}
		e.IDs[e.Start] = 7
		examples = append(examples, e)
	}
	trainer := &jpqd.Trainer{
		Args: jpqd.DefaultTrainingArguments(), Model: bert.New(config, 1), TrainData: examples, Log: slog.New(slog.DiscardHandler),
		// Two logits for each token of the first example, then of the second, and so on.
		Metrics: func(logits []float32, examples []jpqd.Example) map[string]float64 {
			found := 0.0
			for _, e := range examples {
				start := 0
				for token := range e.IDs {
					if logits[2*token] > logits[2*start] {
						start = token
					}
				}
				if int32(start) == e.Start {
					found++
				}
				logits = logits[2*len(e.IDs):]
			}
			return map[string]float64{"start": found / float64(len(examples))}
		},
	}
	trainer.Args.LearningRate, trainer.Args.NumTrainEpochs, trainer.Args.SaveStrategy = 2e-3, 4, jpqd.No
	if _, err := trainer.Train(context.Background(), ""); err != nil {
		log.Fatal(err)
	}
	metrics, err := trainer.Evaluate(context.Background(), examples)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("starts found:", metrics["eval_start"])
	// Output: starts found: 1
}
