package jpqd

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// The trained model is the same to the bit with and without checkpoints of
// layers, with masks and quantizers too; BF16 trains another one.
func TestGradientCheckpointing(t *testing.T) {
	train := func(change func(*Trainer)) []float32 {
		tr := newTrainer(func(tr *Trainer) {
			tr.NNCF = tinyNNCF(t, "")
			tr.Args.SaveStrategy = No
			change(tr)
		})
		if _, err := tr.Train(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, p := range tr.Model.Parameters() {
			all = append(all, p.Data...)
		}
		return all
	}
	var log bytes.Buffer
	want := train(func(tr *Trainer) { tr.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if !strings.Contains(log.String(), `msg="memory in MiB"`) || strings.Count(log.String(), "largest batch") != 1 {
		t.Errorf("found no line about memory in the log, or several:\n%s", &log)
	}
	if !slices.Equal(train(func(tr *Trainer) { tr.Args.GradientCheckpointing = true }), want) {
		t.Error("found other parameters with gradient_checkpointing")
	}
	if slices.Equal(train(func(tr *Trainer) { tr.Args.BF16 = true }), want) {
		t.Error("found the same parameters with bf16")
	}
}
