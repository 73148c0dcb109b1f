package int8

import (
	"fmt"

	"github.com/go-jpqd/jpqd/bert"
)

// chunk is some sequences of a batch.
type chunk struct {
	ids, typeIDs, positions []int32 // (rows)
	offsets                 []int   // (sequences+1)
}

// gather takes sequences from a batch.
func (c *chunk) gather(b *bert.Batch, sequences []int) {
	c.ids, c.typeIDs, c.positions = c.ids[:0], c.typeIDs[:0], c.positions[:0]
	c.offsets = append(c.offsets[:0], 0)
	for _, s := range sequences {
		from, to := b.Offsets[s], b.Offsets[s+1]
		c.ids = append(c.ids, b.IDs[from:to]...)
		c.typeIDs = append(c.typeIDs, b.TypeIDs[from:to]...)
		c.positions = append(c.positions, b.Positions[from:to]...)
		c.offsets = append(c.offsets, len(c.ids))
	}
}

// len is the number of sequences.
func (c *chunk) len() int { return len(c.offsets) - 1 }

// longest is the length of the longest sequence.
func (c *chunk) longest() int {
	longest := 0
	for s := range c.len() {
		longest = max(longest, c.offsets[s+1]-c.offsets[s])
	}
	return longest
}

// checkBatch refuses a batch that the engine cannot run.
func checkBatch(c *bert.Config, b *bert.Batch) error {
	rows := len(b.IDs)
	if len(b.TypeIDs) != rows || len(b.Positions) != rows {
		return fmt.Errorf("int8: batch: found %d ids, %d types and %d positions, want as many of each", rows, len(b.TypeIDs), len(b.Positions))
	}
	end := 0
	if len(b.Offsets) > 0 {
		end = b.Offsets[len(b.Offsets)-1]
		if b.Offsets[0] != 0 {
			return fmt.Errorf("int8: batch: found first offset %d, want 0", b.Offsets[0])
		}
	}
	if end != rows {
		return fmt.Errorf("int8: batch: found %d tokens in sequences, want all %d of the batch", end, rows)
	}
	for s := range b.Len() {
		if n := b.Offsets[s+1] - b.Offsets[s]; n < 1 || n > c.MaxLength() {
			return fmt.Errorf("int8: sequence %d: found %d tokens, want 1 to %d, as many as max_position_embeddings = %d has room for", s, n, c.MaxLength(), c.MaxPositionEmbeddings)
		}
	}
	for _, k := range []struct {
		name, key string
		found     []int32
		entries   int
	}{
		{"id", "vocab_size", b.IDs, c.VocabSize},
		{"type", "type_vocab_size", b.TypeIDs, c.TypeVocabSize},
		{"position", "the positions", b.Positions, c.MaxLength()},
	} {
		if k.key == "type_vocab_size" && !c.HasTokenTypes() {
			continue
		}
		for i, v := range k.found {
			if v < 0 || int(v) >= k.entries {
				return fmt.Errorf("int8: token %d: found %s %d, want 0 to %d (%s = %d)", i, k.name, v, k.entries-1, k.key, k.entries)
			}
		}
	}
	return nil
}
