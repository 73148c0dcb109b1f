package int8_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

func TestNewRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		change func(m *jpqd.Compressed)
		want   string
	}{
		{func(m *jpqd.Compressed) { m.Config.HiddenSize = 0 }, "Config: hidden_size: found 0, want 1 to 65536"},
		{func(m *jpqd.Compressed) { m.Config.HiddenSize = 32 }, "Embeddings.Word: found 40 × 16, want 40 × 32"},
		{func(m *jpqd.Compressed) { m.Config.NumAttentionHeads = 3 }, "want a multiple of num_attention_heads = 3"},
		{func(m *jpqd.Compressed) { m.Layers = m.Layers[:1] }, "Layers: found 1, want num_hidden_layers = 2"},
		{func(m *jpqd.Compressed) { m.Embeddings.Word.Rows-- }, "Embeddings.Word: found 39 × 16, want 40 × 16"},
		{func(m *jpqd.Compressed) { m.Embeddings.Position = jpqd.CompressedMatrix{} }, "Embeddings.Position: found 0 × 0, want 12 × 16"},
		{func(m *jpqd.Compressed) { m.Embeddings.TokenType.Scale[1] = 0 }, "Embeddings.TokenType.Scale[1]: found 0, want a normal float32 above 0"},
		{func(m *jpqd.Compressed) { m.Embeddings.AddInputs[1].High = nan }, "Embeddings.AddInputs[1]: found range"},
		{func(m *jpqd.Compressed) { m.Embeddings.Norm.Gamma[2] = inf }, "Embeddings.Norm.Gamma[2]: found +Inf, want a finite value"},
		{func(m *jpqd.Compressed) { m.Layers[0].Heads = []int{1, 0, 2} }, "Layers[0].Heads[1]: found 0, want ascending ids from 0 to 3"},
		{func(m *jpqd.Compressed) { m.Layers[0].Heads = []int{0, 1, 4} }, "Layers[0].Heads[2]: found 4"},
		{func(m *jpqd.Compressed) { m.Layers[0].Neurons[0] = -1 }, "Layers[0].Neurons[0]: found -1"},
		{func(m *jpqd.Compressed) { m.Layers[1].Heads = nil }, "Layers[1].Query.Weight: found 4 × 16, want no elements"},
		{func(m *jpqd.Compressed) { m.Layers[1].Neurons = nil }, "Layers[1].FFNIn.Weight: found 15 × 16, want no elements"},
		{func(m *jpqd.Compressed) { m.Layers[0].Query.Weight.Cols = 15 }, "Layers[0].Query.Weight: found 12 × 15, want 12 × 16"},
		{func(m *jpqd.Compressed) { m.Layers[0].Key.Weight.I8 = m.Layers[0].Key.Weight.I8[1:] }, "Layers[0].Key.Weight.I8: found 191 values, want 192"},
		{func(m *jpqd.Compressed) { m.Layers[0].Value.Weight.Scale = nil }, "Layers[0].Value.Weight.Scale: found 0 values, want 12"},
		{func(m *jpqd.Compressed) { m.Layers[0].Value.Weight.Scale[3] = -1 }, "Layers[0].Value.Weight.Scale[3]: found -1"},
		{func(m *jpqd.Compressed) { m.Layers[0].Value.Weight.Scale[3] = 1e-45 }, "Layers[0].Value.Weight.Scale[3]: found 1e-45"},
		{func(m *jpqd.Compressed) { m.Layers[0].Value.Weight.Scale[3] = 1e-38 * 2 }, "Layers[0].Value.Weight.Scale[3]: found 2e-38, times the input's step"},
		{func(m *jpqd.Compressed) { m.Layers[0].Output.Weight.F32 = make([]float32, 192) }, "Layers[0].Output.Weight: found both F32 and I8"},
		{func(m *jpqd.Compressed) { m.Layers[0].Output.Weight.I8 = nil }, "Layers[0].Output.Weight.F32: found 0 values, want 192"},
		{func(m *jpqd.Compressed) { m.Layers[0].Output.Bias = nil }, "Layers[0].Output.Bias: found 0 values, want 16"},
		{func(m *jpqd.Compressed) { m.Layers[0].FFNIn.Bias[6] = nan }, "Layers[0].FFNIn.Bias[6]: found NaN"},
		{func(m *jpqd.Compressed) { m.Layers[0].FFNIn.Input.Levels = 257 }, "Layers[0].FFNIn.Input.Levels: found 257, want 2 to 256"},
		{func(m *jpqd.Compressed) { m.Layers[0].FFNOut.Input.Levels = 1 }, "Layers[0].FFNOut.Input.Levels: found 1"},
		{func(m *jpqd.Compressed) { m.Layers[0].QueryOut.Low = 0.5 }, "Layers[0].QueryOut: found range 0.5 to"},
		{func(m *jpqd.Compressed) { m.Layers[0].KeyOut.High = -0.5 }, "Layers[0].KeyOut: found range"},
		{func(m *jpqd.Compressed) { *m.Layers[0].ProbsOut = jpqd.ActivationRange{Levels: 256} }, "Layers[0].ProbsOut: found range 0 to 0"},
		{func(m *jpqd.Compressed) { m.Layers[0].ProbsOut.High = 1e-37 }, "Layers[0].ProbsOut: found range 0 to 1e-37"},
		{func(m *jpqd.Compressed) { m.Layers[0].ValueOut.Low = -inf }, "Layers[0].ValueOut: found range -Inf"},
		{func(m *jpqd.Compressed) { m.Layers[0].ValueOut.Low, m.Layers[0].ValueOut.High = -3e38, 3e38 }, "Layers[0].ValueOut: found range -3e+38"},
		{func(m *jpqd.Compressed) {
			tiny := &jpqd.ActivationRange{High: 1e-30, Levels: 256}
			m.Layers[0].QueryOut, m.Layers[0].KeyOut = tiny, tiny
		}, "Layers[0].QueryOut and KeyOut: found a product of steps"},
		{func(m *jpqd.Compressed) { m.Layers[1].AttentionNorm.Beta = nil }, "Layers[1].AttentionNorm.Beta: found 0 values, want 16"},
		{func(m *jpqd.Compressed) { m.Layers[1].OutputNorm.Gamma[0] = nan }, "Layers[1].OutputNorm.Gamma[0]: found NaN"},
		{func(m *jpqd.Compressed) { m.Pooler.Bias = m.Pooler.Bias[1:] }, "Pooler.Bias: found 15 values, want 16"},
		{func(m *jpqd.Compressed) { m.Classifier.Weight.Rows = 2 }, "Classifier.Weight: found 2 × 16, want 3 × 16"},
		{func(m *jpqd.Compressed) { m.Config.Labels = nil }, "Config: id2label: found 0"},
	} {
		m := randomModel(tinyForm([]int{3, 1}, []int{7, 15}).quantized(), 1)
		c.change(m)
		if e, err := int8.New(m); e != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %q", err, c.want)
		}
	}
	if _, err := int8.New(nil); err == nil {
		t.Error("no model: found no error")
	}
}

// TestNewOfEmptyParts accepts what is missing of a block that lost everything.
func TestNewOfEmptyParts(t *testing.T) {
	f := tinyForm([]int{0, 0}, []int{0, 0}).quantized()
	m, b := randomModel(f, 1), randomBatch(f, 1, 3, 4)
	want := run(t, engine(t, m), b)
	for i := range m.Layers {
		l := &m.Layers[i]
		l.Heads, l.Neurons = nil, nil
		l.Query, l.Key, l.Value, l.FFNIn = jpqd.CompressedLinear{}, jpqd.CompressedLinear{}, jpqd.CompressedLinear{}, jpqd.CompressedLinear{}
		l.Output, l.FFNOut = jpqd.CompressedLinear{Bias: l.Output.Bias}, jpqd.CompressedLinear{Bias: l.FFNOut.Bias}
	}
	if got := run(t, engine(t, m), b); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v as with empty matrices", got, want)
	}
}

func TestLogitsRefuses(t *testing.T) {
	e := engine(t, randomModel(tinyForm([]int{3, 1}, []int{7, 15}), 1))
	for _, c := range []struct {
		change func(b *bert.Batch)
		room   int
		want   string
	}{
		{func(*bert.Batch) {}, 5, "logits: found room for 5, want 2 sequences · 3 labels = 6"},
		{func(*bert.Batch) {}, 7, "logits: found room for 7"},
		{func(b *bert.Batch) { b.IDs[1] = 40 }, 6, "token 1: found id 40, want 0 to 39 (vocab_size = 40)"},
		{func(b *bert.Batch) { b.IDs[1] = -1 }, 6, "token 1: found id -1"},
		{func(b *bert.Batch) { b.TypeIDs[2] = 2 }, 6, "token 2: found type 2, want 0 to 1"},
		{func(b *bert.Batch) { b.Positions[0] = 12 }, 6, "token 0: found position 12, want 0 to 11"},
		{func(b *bert.Batch) { b.Positions = nil }, 6, "found 7 ids, 7 types and 0 positions"},
		{func(b *bert.Batch) { b.TypeIDs = b.TypeIDs[1:] }, 6, "found 7 ids, 6 types"},
		{func(b *bert.Batch) { b.Offsets[1] = 0 }, 6, "sequence 0: found 0 tokens"},
		{func(b *bert.Batch) { b.Offsets[1] = 8 }, 6, "sequence 1: found -1 tokens"},
		{func(b *bert.Batch) { b.Offsets[0] = 1 }, 6, "first offset 1, want 0"},
		{func(b *bert.Batch) { b.Offsets[2] = 6 }, 6, "found 6 tokens in sequences, want all 7"},
		{func(b *bert.Batch) { b.Offsets = nil }, 6, "found 0 tokens in sequences, want all 7"},
		{func(b *bert.Batch) { b.Append(make([]int32, 13), nil) }, 9, "sequence 2: found 13 tokens, want 1 to 12, as many as max_position_embeddings = 12 has room for"},
	} {
		b := &bert.Batch{}
		b.Append([]int32{1, 2, 3}, nil)
		b.Append([]int32{4, 5, 6, 7}, nil)
		c.change(b)
		if err := e.Logits(e.NewWorkspace(), b, make([]float32, c.room)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %q", err, c.want)
		}
	}
	if err := e.Logits(e.NewWorkspace(), &bert.Batch{}, nil); err != nil {
		t.Errorf("no sequences: %v", err)
	}
}
