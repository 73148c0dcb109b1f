package bert

// Batch is a batch of sequences without padding: the rows are the real tokens
// of all sequences, one after another; sequence s has rows Offsets[s] to
// Offsets[s+1]−1.
type Batch struct {
	IDs       []int32 // (rows) token ids
	TypeIDs   []int32 // (rows) token type ids
	Positions []int32 // (rows) position within the sequence
	Offsets   []int   // (sequences+1)

	first []int32 // kept between steps by firsts
	rows  []int32 // and by shifted

	picked  picked  // kept between steps by pick
	segment segment // of the layer at hand
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.IDs, b.TypeIDs, b.Positions = b.IDs[:0], b.TypeIDs[:0], b.Positions[:0]
	b.Offsets = append(b.Offsets[:0], 0)
}

// Append adds a sequence. typeIDs may be nil: all zero.
func (b *Batch) Append(ids, typeIDs []int32) {
	if len(b.Offsets) == 0 {
		b.Offsets = append(b.Offsets, 0)
	}
	b.IDs = append(b.IDs, ids...)
	for i := range ids {
		var typ int32
		if typeIDs != nil {
			typ = typeIDs[i]
		}
		b.TypeIDs = append(b.TypeIDs, typ)
		b.Positions = append(b.Positions, int32(i))
	}
	b.Offsets = append(b.Offsets, len(b.IDs))
}

// Rows is the number of tokens.
func (b *Batch) Rows() int { return len(b.IDs) }

// Len is the number of sequences.
func (b *Batch) Len() int { return max(0, len(b.Offsets)-1) }
