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
		{func(m *jpqd.Compressed) { m.Layers[0].Output.Smooth = make([]float32, 12) }, "Layers[0].Output.Smooth: found factors, want them in the rows of Value"},
		{func(m *jpqd.Compressed) { m.Layers[0].Key.Smooth = make([]float32, 15) }, "Layers[0].Key.Smooth: found 15 values, want 16"},
		{func(m *jpqd.Compressed) { m.Layers[0].FFNIn.Smooth = slices.Repeat([]float32{inf}, 16) }, "Layers[0].FFNIn.Smooth[0]: found +Inf"},
		{func(m *jpqd.Compressed) { m.Classifier.Smooth, m.Classifier.Input = make([]float32, 16), nil }, "Classifier.Smooth: found factors of an input that is not quantized"},
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

// TestNewRefusesOfHeads has what only some heads and families refuse.
func TestNewRefusesOfHeads(t *testing.T) {
	nan := float32(math.NaN())
	r := func() *jpqd.ActivationRange { return &jpqd.ActivationRange{High: 1, Levels: 256} }
	quantized := tinyForm([]int{3, 1}, []int{7, 15}).quantized()
	quantized.zeroPoints = true
	answering, roberta, distilbert := quantized, quantized, quantized
	answering.answering, roberta.family, distilbert.family = true, "roberta", "distilbert"
	for _, c := range []struct {
		form   form
		change func(m *jpqd.Compressed)
		want   string
	}{
		{quantized, func(m *jpqd.Compressed) { m.Embeddings.AddTypes[1].Levels = 300 }, "Embeddings.AddTypes[1].Levels: found 300"},
		{quantized, func(m *jpqd.Compressed) { m.Embeddings.Norm.Input.High = nan }, "Embeddings.Norm.Input: found range"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[0].ScaleIn.Low = 1 }, "Layers[0].ScaleIn: found range 1 to"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[1].ScoresIn.Levels = 0 }, "Layers[1].ScoresIn.Levels: found 0"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[1].AttentionAdd[0].High = nan }, "Layers[1].AttentionAdd[0]: found range"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[1].OutputAdd[1].Levels = -1 }, "Layers[1].OutputAdd[1].Levels: found -1"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[0].AttentionNorm.Input.Levels = 1 }, "Layers[0].AttentionNorm.Input.Levels: found 1"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[0].OutputNorm.Input.Low = nan }, "Layers[0].OutputNorm.Input: found range NaN"},
		{quantized, func(m *jpqd.Compressed) { m.Logits.High = -1 }, "Logits: found range"},
		{quantized, func(m *jpqd.Compressed) { m.Embeddings.Word.Zero = m.Embeddings.Word.Zero[1:] }, "Embeddings.Word.Zero: found 39 values, want 40 or none"},
		{quantized, func(m *jpqd.Compressed) { m.Layers[0].Query.Weight.Zero = m.Layers[0].Query.Weight.Zero[:0] }, "Layers[0].Query.Weight.Zero: found 0 values"},
		{quantized, func(m *jpqd.Compressed) {
			w := &m.Layers[0].Query.Weight
			w.I8, w.Scale, w.F32 = nil, nil, make([]float32, 192)
		}, "Layers[0].Query.Weight.Zero: found 12 values, want none of a matrix in F32"},
		{quantized, func(m *jpqd.Compressed) { m.Pooler.Weight.Rows = 17 }, "Pooler.Weight: found 17 rows, want 1 to hidden_size = 16"},
		{quantized, func(m *jpqd.Compressed) { m.Pooler = jpqd.CompressedLinear{} }, "Pooler.Weight: found 0 rows"},
		{quantized, func(m *jpqd.Compressed) {
			p := &m.Pooler
			p.Weight.Rows, p.Weight.I8, p.Weight.Scale, p.Weight.Zero, p.Bias = 2, p.Weight.I8[:32], p.Weight.Scale[:2], p.Weight.Zero[:2], p.Bias[:2]
		}, "Classifier.Weight: found 3 × 16, want 3 × 2"},
		{quantized, func(m *jpqd.Compressed) { m.Config.Architecture = "GPT2LMHeadModel" }, "Config: architectures: found"},
		{quantized, func(m *jpqd.Compressed) { m.Config.ModelType = "gpt2" }, "Config: model_type: found"},
		{answering, func(m *jpqd.Compressed) { m.Pooler.Bias = []float32{1} }, "Pooler: found a bias, factors or a range, want none in a model for question answering"},
		{answering, func(m *jpqd.Compressed) { m.Pooler.Input = r() }, "Pooler: found a bias, factors or a range"},
		{answering, func(m *jpqd.Compressed) { m.Pooler.Smooth = []float32{1} }, "Pooler: found a bias, factors or a range"},
		{answering, func(m *jpqd.Compressed) { m.Pooler.Weight = m.Classifier.Weight }, "Pooler.Weight: found 2 × 16, want no elements in a model for question answering"},
		{answering, func(m *jpqd.Compressed) { m.Config.Labels = []string{"a", "b", "c"} }, "Config: id2label: found 3 labels"},
		{answering, func(m *jpqd.Compressed) { m.Classifier.Weight.Rows = 3 }, "Classifier.Weight: found 3 × 16, want 2 × 16"},
		{roberta, func(m *jpqd.Compressed) { m.Embeddings.Position.Rows = 14 }, "Embeddings.Position: found 14 × 16, want 12 × 16"},
		{roberta, func(m *jpqd.Compressed) { m.Config.PadTokenID = 13 }, "Config: max_position_embeddings: found 14, want more than"},
		{distilbert, func(m *jpqd.Compressed) { m.Embeddings.TokenType = m.Embeddings.Word }, "Embeddings.TokenType: found 40 × 16, want no elements in a model without token types"},
		{distilbert, func(m *jpqd.Compressed) { m.Embeddings.AddTypes[0] = r() }, "Embeddings.AddTypes: found a range, want none"},
		{distilbert, func(m *jpqd.Compressed) { m.Config.TypeVocabSize = 2 }, "Config: type_vocab_size: found 2"},
	} {
		m := randomModel(c.form, 1)
		c.change(m)
		if e, err := int8.New(m); e != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %q", err, c.want)
		}
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

// TestLogitsOfFamilies has batches that only some families and heads refuse.
func TestLogitsOfFamilies(t *testing.T) {
	f := tinyForm([]int{3, 1}, []int{7, 15})
	for _, c := range []struct {
		family    string
		answering bool
		typ       int32 // of one token
		length    int
		room      int
		want      string // "": no error
	}{
		{"bert", true, 1, 12, 24, ""},
		{"bert", true, 1, 12, 2, "logits: found room for 2, want 12 tokens · 2 labels = 24"},
		{"roberta", false, 0, 12, 3, ""}, // as many as the table of 14 has room for
		{"roberta", false, 0, 13, 3, "found 13 tokens, want 1 to 12, as many as max_position_embeddings = 14 has room for"},
		{"roberta", false, 1, 12, 3, "token 3: found type 1, want 0 to 0"},
		{"distilbert", false, 1, 12, 3, ""}, // has no types that could be wrong
	} {
		f.family, f.answering = c.family, c.answering
		e, b := engine(t, randomModel(f, 1)), &bert.Batch{}
		b.Append(make([]int32, c.length), nil)
		b.TypeIDs[3] = c.typ
		err := e.Logits(e.NewWorkspace(), b, make([]float32, c.room))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: found %v, want %q", c.family, err, c.want)
		}
	}
}
