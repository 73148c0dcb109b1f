package ir

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/jpqd"
)

// fixtureSequences are some of different lengths.
func fixtureSequences(f *fixture, c *jpqd.Compressed, seed uint64) []sequence {
	r := rand.New(rand.NewPCG(seed, 2))
	var list []sequence
	for _, length := range []int{4, 1, 2} {
		s := randomSequence(r, c, length)
		for i, id := range s.ids {
			if c.Config.PositionOffset() > 0 && id == int64(c.Config.PadTokenID) {
				s.ids[i]++ // padding has no position of its own
			}
			if f.noTypes {
				s.types[i] = 0
			}
		}
		list = append(list, s)
	}
	return list
}

// fixtureLogits are those that the file gives for a padded batch. RoBERTa is
// padded with its token for that, by which it counts positions.
func fixtureLogits(t testing.TB, m *Model, c *jpqd.Compressed, sequences ...sequence) [][]float32 {
	t.Helper()
	in := inputsOf(m, sequences...)
	if c.Config.PositionOffset() > 0 {
		for i, real := range in["attention_mask"].I64 {
			if real == 0 {
				in["input_ids"].I64[i] = int64(c.Config.PadTokenID)
			}
		}
	}
	return batchLogits(t, m, in, sequences)
}

// clearModel is a fixture's model of which no value of the sequences is closer
// to a rounding boundary than clear levels: two ways to compute it differ by
// rounding errors alone, which are far below that, and not by whole levels.
// Every such model has a seed of its own, from seed on.
func clearModel(t testing.TB, f *fixture, seed uint64) (c *jpqd.Compressed, sequences []sequence, want [][]float64, found uint64) {
	t.Helper()
	const clear, draws = 1e-4, 600
	for found = seed; found < seed+draws; found++ {
		c = f.model(found)
		sequences, want = fixtureSequences(f, c, found), nil
		reference := &forward{Compressed: c, margin: 1}
		for _, s := range sequences {
			want = append(want, reference.logits(s.ids, s.types))
		}
		if reference.margin >= clear {
			return c, sequences, want, found
		}
	}
	t.Fatalf("every one of %d models has a value within %v of a rounding boundary", draws, clear)
	return nil, nil, nil, 0
}

// fixtureTolerance is of logits of a size of about 1. Values of this file
// format are float32, each operation's result is rounded to 6e-8 of it, and
// two layers of sums of 40 products lose two digits of that.
const fixtureTolerance = 2e-5

func closeLogits(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: found %d logits, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i])-want[i]) <= fixtureTolerance) {
			t.Fatalf("%s: found logits %v, want %v", what, got, want)
		}
	}
}

// Files in other writers' spelling mean what was put into them, for padded
// batches and for sequences alone.
func TestForeignModels(t *testing.T) {
	for _, name := range fixtureNames() {
		f := fixtures[name]
		t.Run(name, func(t *testing.T) {
			seed := uint64(0)
			for range 2 {
				c, sequences, want, found := clearModel(t, &f, seed)
				seed = found + 1
				m, err := parse(f.export(c, found))
				if err != nil {
					t.Fatal(err)
				}
				if inputs := m.Inputs(); !slices.Equal(inputs, f.inputs(c)) {
					t.Errorf("found inputs %v, want %v", inputs, f.inputs(c))
				}
				batch := fixtureLogits(t, m, c, sequences...)
				for i, s := range sequences {
					closeLogits(t, "padded batch", batch[i], want[i])
					closeLogits(t, "alone", fixtureLogits(t, m, c, s)[0], want[i])
				}
			}
		})
	}
}

func (f *fixture) inputs(c *jpqd.Compressed) []string {
	if c.Config.TypeVocabSize > 1 && !f.noTypes {
		return []string{"input_ids", "attention_mask", "token_type_ids"}
	}
	return []string{"input_ids", "attention_mask"}
}
