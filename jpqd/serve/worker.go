package serve

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

// engine is what a worker needs of [int8.Engine].
type engine interface {
	Logits(w *int8.Workspace, b *bert.Batch, logits []float32) error
	NumLogits(b *bert.Batch) int
}

// worker computes batches until the queue is closed and empty.
type worker struct {
	*Server
	workspace *int8.Workspace
	batch     bert.Batch
	places    []place
}

func (w *worker) work() {
	for {
		w.places = w.queue.collect(w.places[:0])
		if len(w.places) == 0 {
			return
		}
		begun := time.Now()
		err := w.compute(w.places)
		w.metrics.batch(len(w.places), w.batch.Rows(), time.Since(begun))
		if err != nil {
			w.separately(err)
		}
		clear(w.places) // keeps no request alive
	}
}

// separately computes the sequences of a batch that failed one by one: one that
// fails does so alone.
func (w *worker) separately(err error) {
	if len(w.places) == 1 {
		w.queue.finish(w.places[0], nil, err)
		return
	}
	for i := range w.places {
		if err := w.compute(w.places[i : i+1]); err != nil {
			w.queue.finish(w.places[i], nil, err)
		}
	}
}

// compute computes sequences together. A panic is an error; nothing is finished then.
func (w *worker) compute(places []place) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.workspace = new(int8.Workspace) // the old one may be in any state
			w.metrics.panicked()
			w.log.Error("panic in a batch", slog.Any("panic", p), slog.Int("sequences", len(places)), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	w.batch.Reset()
	for _, p := range places {
		s := &p.sequences[p.index]
		w.batch.Append(s.ids, s.typeIDs)
	}
	logits := make([]float32, w.engine.NumLogits(&w.batch))
	if err := w.engine.Logits(w.workspace, &w.batch, logits); err != nil {
		w.log.Error("a batch failed", slog.Any("error", err))
		return err
	}
	each := len(logits) / len(places) // of a sequence, where it is classified
	for _, p := range places {
		n := each
		if w.head.ofTokens() {
			n = 2 * len(p.sequences[p.index].ids)
		}
		w.queue.finish(p, logits[:n:n], nil)
		logits = logits[n:]
	}
	return nil
}
