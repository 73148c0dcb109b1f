package jpqd

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/internal/golden"
)

// The Trainer's groups of parameters, schedule and clipping are those of Hugging
// Face's: an epoch gives PyTorch's losses and weights.
func TestTrainerIsThatOfPyTorch(t *testing.T) {
	g := golden.ReadTraining(t)
	c, err := bert.ParseConfig(g.Config)
	if err != nil {
		t.Fatal(err)
	}
	args := DefaultTrainingArguments()
	args.PerDeviceTrainBatchSize, args.NumTrainEpochs, args.SaveStrategy = len(g.Batches[0]), 1, No
	args.LearningRate, args.WarmupSteps, args.WeightDecay, args.MaxGradNorm = g.LearningRate, g.WarmupSteps, g.WeightDecay, g.MaxGradNorm

	var examples []Example // in the order of the steps
	for _, batch := range g.Batches {
		for _, s := range batch {
			examples = append(examples, Example{IDs: s.IDs, TypeIDs: s.Types, Label: s.Label})
		}
	}
	data := make([]Example, len(examples)) // that the first epoch shuffles into that order
	for i, j := range rand.New(rand.NewPCG(args.Seed, 0)).Perm(len(data)) {
		data[j] = examples[i]
	}
	m := bert.New(c, 1)
	g.SetWeights(m.Parameters())
	trainer := &Trainer{Args: args, Model: m, TrainData: data, Log: slog.New(slog.DiscardHandler)}
	steps := 0
	trainer.OnStep = func(p Progress) {
		if want := g.Float64.Loss[steps]; !(math.Abs(p.Loss-want) <= 1e-5*want) {
			t.Errorf("step %d: loss %.9g, PyTorch %.9g", steps, p.Loss, want)
		}
		steps++
	}
	if _, err := trainer.Train(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if steps != len(g.Batches) {
		t.Errorf("found %d steps, want %d", steps, len(g.Batches))
	}
	g.CheckNorms(t, m.Parameters())
}
