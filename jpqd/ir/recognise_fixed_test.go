package ir

import (
	"cmp"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd/internal/testmodel"
	gocmp "github.com/google/go-cmp/cmp"
)

// fixedPositions is a graph of fixed sizes in which the first positions stand as a
// constant, as exporters leave them that fold what does not change.
func fixedPositions(t *testing.T, name string, o Options, rows int) *Model {
	t.Helper()
	c := testmodel.Named(name, 1)
	g, err := newEncoder(c, o)
	if err != nil {
		t.Fatal(err)
	}
	var positions []float32
	for i := range rows {
		for _, v := range matrixRow(&c.Embeddings.Position, i) {
			positions = append(positions, float32(v))
		}
	}
	folded := g.constant("positions", values[float32](positions), 1, rows, c.Config.HiddenSize)
	for _, n := range g.nodes {
		for i, in := range n.inputs {
			if strings.HasSuffix(in.name, ".position_embeddings") && in.kind == "Gather" {
				n.inputs[i] = folded
			}
		}
	}
	var bin binFile
	text, err := g.document(&bin)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(text, bin.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A model of fixed length has as many positions as it has room for tokens, whatever
// its configuration says, and gives the graph's logits for such sequences.
func TestRecogniseFixedSizes(t *testing.T) {
	for _, name := range []string{"float", "int8 pruned", "int8 RoBERTa", "float DistilBERT answering"} {
		t.Run(name, func(t *testing.T) {
			for _, o := range []Options{{Sequence: 5}, {Batch: 2, Sequence: 5}, {Batch: 3, Sequence: 2}, {Batch: 2}} {
				want := testmodel.Named(name, 1)
				m := fixedPositions(t, name, o, cmp.Or(o.Sequence, 3))
				if o.Sequence == 0 { // three positions, and room for any number of tokens
					if _, err := m.Compressed(nil); err != nil {
						t.Fatal(err)
					}
					continue
				}
				config := want.Config
				c, err := m.Compressed(&config)
				if err != nil {
					t.Fatal(err)
				}
				if c.Config.MaxLength() != o.Sequence {
					t.Errorf("%+v: found room for %d tokens, want %d", o, c.Config.MaxLength(), o.Sequence)
				}
				if d := gocmp.Diff(want.Embeddings.Word, c.Embeddings.Word); d != "" {
					t.Errorf("%+v: words (-want +got):\n%s", o, d)
				}
				r := rand.New(rand.NewPCG(1, 2))
				var sequences []sequence
				for range max(1, o.Batch) {
					sequences = append(sequences, randomSequence(r, want, o.Sequence))
				}
				graph := sequenceLogits(t, m, sequences...)
				for i, logits := range engineLogits(t, c, sequences...) {
					within(t, name, logits, graph[i], 0.3) // a value may be rounded the other way
				}
			}
		})
	}
}

func TestRecogniseRefusesHugeSamples(t *testing.T) {
	m := fixedPositions(t, "float", Options{Sequence: 5}, 5)
	for _, b := range []bounds{{1 << 40, 1 << 40}, {0, 0}} {
		for _, p := range m.parameters {
			p.dims[1] = b
		}
		if _, err := m.Compressed(nil); err == nil || !strings.Contains(err.Error(), "want 1 to 65536 tokens in all") {
			t.Errorf("found error %v", err)
		}
	}
}
