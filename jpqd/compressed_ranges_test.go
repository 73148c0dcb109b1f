package jpqd

import (
	"fmt"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// oneLayerConfig has one layer of two heads, of a family and with a head.
func oneLayerConfig(t *testing.T, family, architecture string) bert.Config {
	t.Helper()
	cfg, err := bert.DefaultConfigFor(family)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Architecture = architecture
	cfg.VocabSize, cfg.HiddenSize, cfg.NumHiddenLayers, cfg.NumAttentionHeads = 9, 4, 1, 2
	cfg.IntermediateSize, cfg.MaxPositionEmbeddings = 6, 7
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestCompressedRanges gives every hook of a model a quantizer of its own and
// looks for it where the comments of Compressed have it.
func TestCompressedRanges(t *testing.T) {
	for _, test := range []struct{ family, architecture string }{
		{"bert", "BertForSequenceClassification"}, {"bert", "BertForQuestionAnswering"},
		{"roberta", "RobertaForSequenceClassification"}, {"roberta", "RobertaForQuestionAnswering"},
		{"distilbert", "DistilBertForSequenceClassification"}, {"distilbert", "DistilBertForQuestionAnswering"},
	} {
		t.Run(test.architecture, func(t *testing.T) {
			cfg := oneLayerConfig(t, test.family, test.architecture)
			m := bert.New(cfg, 1)
			var made []*quantizer
			hook := func() bert.OperandHook {
				q := &quantizer{name: "q", symmetric: true, signed: true, channels: 1}
				q.init()
				q.scale.Data[0] = float32(len(made) + 1)
				made = append(made, q)
				return operandHook{q: q}
			}
			// where lists, in the order in which hooks are made, what their ranges become.
			l := m.Layers[0]
			var where []func(*Compressed) *ActivationRange
			set := func(h *bert.OperandHook, at func(*Compressed) *ActivationRange) {
				*h = hook()
				where = append(where, at)
			}
			pair := func(o *bert.Op, at func(*Compressed) [2]*ActivationRange) {
				for i := range o.Hooks {
					set(&o.Hooks[i], func(c *Compressed) *ActivationRange { return at(c)[i] })
				}
			}
			if m.SumTypes != nil {
				pair(m.SumTypes, func(c *Compressed) [2]*ActivationRange { return c.Embeddings.AddTypes })
			}
			pair(m.SumPositions, func(c *Compressed) [2]*ActivationRange { return c.Embeddings.AddInputs })
			set(&m.EmbeddingNorm.Input, func(c *Compressed) *ActivationRange { return c.Embeddings.Norm.Input })
			set(&l.Query.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].Query.Input })
			set(&l.Key.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].Key.Input })
			set(&l.Value.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].Value.Input })
			pair(l.Scores, func(c *Compressed) [2]*ActivationRange {
				return [2]*ActivationRange{c.Layers[0].QueryOut, c.Layers[0].KeyOut}
			})
			set(&l.Scale.Hooks[0], func(c *Compressed) *ActivationRange { return c.Layers[0].ScaleIn })
			set(&l.MaskAdd.Hooks[0], func(c *Compressed) *ActivationRange { return c.Layers[0].ScoresIn })
			pair(l.Context, func(c *Compressed) [2]*ActivationRange {
				return [2]*ActivationRange{c.Layers[0].ProbsOut, c.Layers[0].ValueOut}
			})
			set(&l.AttentionOutput.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].Output.Input })
			pair(l.AttentionAdd, func(c *Compressed) [2]*ActivationRange { return c.Layers[0].AttentionAdd })
			set(&l.AttentionNorm.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].AttentionNorm.Input })
			set(&l.Intermediate.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].FFNIn.Input })
			set(&l.Output.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].FFNOut.Input })
			pair(l.OutputAdd, func(c *Compressed) [2]*ActivationRange { return c.Layers[0].OutputAdd })
			set(&l.OutputNorm.Input, func(c *Compressed) *ActivationRange { return c.Layers[0].OutputNorm.Input })
			if m.Pooler != nil {
				set(&m.Pooler.Input, func(c *Compressed) *ActivationRange { return c.Pooler.Input })
			}
			set(&m.Classifier.Input, func(c *Compressed) *ActivationRange { return c.Classifier.Input })
			set(&m.Logits.Hooks[0], func(c *Compressed) *ActivationRange { return c.Logits })

			c := compress(m)
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			for i, at := range where {
				if r := at(c); r == nil || r.High != float32(i+1) || r.Levels != 256 || !r.Symmetric {
					t.Errorf("range %d of the forward pass: found %+v, want one up to %d", i, r, i+1)
				}
			}
			if err := samePositions(c, m); err != nil {
				t.Error(err)
			}
		})
	}
}

// samePositions wants row 0 of the compressed table to be that of the first token.
func samePositions(c *Compressed, m *bert.Model) error {
	p, offset := c.Embeddings.Position, m.Config.PositionOffset()
	if p.Rows != 7-offset {
		return fmt.Errorf("found %d positions, want 7 - %d", p.Rows, offset)
	}
	for i, v := range p.F32 {
		if want := m.Position.Weight.Data[4*offset+i]; v != want {
			return fmt.Errorf("positions: value %d: found %v, want %v", i, v, want)
		}
	}
	return nil
}

// A row of the pooler goes if it and its bias are zero, or the classifier's
// column; something is left in any case.
func TestCompressedPooler(t *testing.T) {
	m := bert.New(oneLayerConfig(t, "bert", "BertForSequenceClassification"), 1)
	clear(m.Pooler.Weight.Row(0))
	m.Pooler.Bias.Data[0] = 0.5
	clear(m.Pooler.Weight.Row(1))
	for r := range 2 {
		m.Classifier.Weight.Row(r)[2] = 0
	}
	c := compress(m)
	if p, k := c.Pooler.Weight, c.Classifier.Weight; p.Rows != 2 || p.Cols != 4 || k.Rows != 2 || k.Cols != 2 {
		t.Fatalf("found a pooler of %d × %d and a classifier of %d × %d, want 2 × 4 and 2 × 2", p.Rows, p.Cols, k.Rows, k.Cols)
	}
	for i, row := range []int{0, 3} {
		if c.Pooler.Bias[i] != m.Pooler.Bias.Data[row] || c.Pooler.Weight.F32[4*i+1] != m.Pooler.Weight.Row(row)[1] ||
			c.Classifier.Weight.F32[i] != m.Classifier.Weight.Row(0)[row] {
			t.Errorf("row %d: found other values than those of row %d", i, row)
		}
	}
	clear(m.Classifier.Weight.Data)
	if c = compress(m); c.Pooler.Weight.Rows != 1 || c.Classifier.Weight.Cols != 1 {
		t.Errorf("found %d rows and %d columns where nothing contributes, want 1", c.Pooler.Weight.Rows, c.Classifier.Weight.Cols)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
