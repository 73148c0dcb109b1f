package main

import (
	"context"
	"slices"
	"time"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

// measureSpeed runs every engine over the examples in turn, rounds times, so
// that a machine that slows down slows all of them. It returns for each the
// median of its sequences per second, and its logits.
func measureSpeed(ctx context.Context, engines []*int8.Engine, examples []jpqd.Example, batchSize, rounds int) (speeds []float64, logits [][]float32, err error) {
	var batches []*bert.Batch
	for chunk := range slices.Chunk(examples, batchSize) {
		batch := &bert.Batch{}
		for i := range chunk {
			batch.Append(chunk[i].IDs, chunk[i].TypeIDs)
		}
		batches = append(batches, batch)
	}
	const labels = 2
	samples := make([][]float64, len(engines))
	logits = make([][]float32, len(engines))
	var workspace int8.Workspace
	for round := range rounds + 1 {
		for i, engine := range engines {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			logits[i] = make([]float32, labels*len(examples))
			done := 0
			start := time.Now()
			for _, batch := range batches {
				if err := engine.Logits(&workspace, batch, logits[i][labels*done:labels*(done+batch.Len())]); err != nil {
					return nil, nil, err
				}
				done += batch.Len()
			}
			if round > 0 { // the first round warms up
				samples[i] = append(samples[i], float64(len(examples))/time.Since(start).Seconds())
			}
		}
	}
	for _, s := range samples {
		slices.Sort(s)
		speeds = append(speeds, s[len(s)/2])
	}
	return speeds, logits, nil
}
