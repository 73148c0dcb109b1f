package jpqd

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// One layer of width 4, 2 heads of 2 and 3 neurons. Of the query the rows of
// head 0 with their biases are masked, of the first feed-forward Linear neuron 2
// with its bias and the column of the second; the rest is whole.
func TestLayerMasks(t *testing.T) {
	config := bert.DefaultConfig()
	config.VocabSize, config.HiddenSize, config.NumHiddenLayers, config.NumAttentionHeads, config.IntermediateSize = 10, 4, 1, 2, 3
	cfg, err := ParseNNCFConfig([]byte(`{"compression": {"algorithm": "movement_sparsity", "params": {
		"warmup_start_epoch": 1, "warmup_end_epoch": 2, "importance_regularization_factor": 0.1, "enable_structured_masking": true},
		"ignored_scopes": ["{re}pooler", "{re}classifier"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	trainer := &Trainer{Model: bert.New(config, 1), NNCF: cfg, Log: slog.New(slog.DiscardHandler)}
	if err := trainer.attach(); err != nil {
		t.Fatal(err)
	}
	for _, p := range trainer.compression.sparsifiers {
		switch p.linear.Name {
		case queryModule:
			fill(p.weight.mask[:2*4], 0)
			fill(p.bias.mask[:2], 0)
		case ffnInModule:
			fill(p.weight.mask[2*4:], 0)
			fill(p.bias.mask[2:], 0)
		case ffnOutModule:
			for row := range 4 {
				p.weight.mask[3*row+2] = 0
			}
		}
	}
	want := LayerMasks{
		Attention:   MaskCount{Kept: 4*(16+4) - 8 - 2, All: 4 * (16 + 4)},
		FeedForward: MaskCount{Kept: 12 + 3 + 12 + 4 - 5 - 4, All: 12 + 3 + 12 + 4},
	}
	if diff := cmp.Diff([]LayerMasks{want}, trainer.LayerMasks()); diff != "" {
		t.Errorf("in warm-up: %s", diff)
	}
	if got := want.Attention.Sparsity(); got != 0.125 {
		t.Errorf("sparsity: found %v, want 10 of 80", got)
	}
	// Head 0 is alive in key, value and output, so it comes back; the neuron is dead in both members.
	c := trainer.compression
	resolveStructuredMasks(c.groups)
	c.freeze()
	want.Attention.Kept = want.Attention.All
	want.Heads, want.Neurons = []int{0, 1}, []int{0, 1}
	if diff := cmp.Diff([]LayerMasks{want}, trainer.LayerMasks()); diff != "" {
		t.Errorf("after it: %s", diff)
	}
	if got := (&Trainer{Model: bert.New(config, 1)}).LayerMasks(); got != nil {
		t.Errorf("without movement sparsity: found %v, want nil", got)
	}
}
