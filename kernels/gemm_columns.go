package kernels

import "unsafe"

// columnData is what the panels need of their columns, from cache lines on. A
// panel's is written while the one before is multiplied: reading numbers just
// written as vectors would make the processor wait.
type columnData [columnSlots]struct {
	from        [panelCols]int32 // what sums begin with: the compensation of A's zero point
	scale, bias [panelCols]float32
}

// columnSlots is how many are needed at a time, of the tile that waits, of the
// panel at hand and of the next, and a power of two.
const columnSlots = 4

// fillColumns sets the columns of the panel of a turn: panels of a part come one
// after the other, chunk by chunk.
func (t *packedTask) fillColumns(s *strip, turn int, q *panel) {
	c := &s.columns[turn%columnSlots]
	if t.zeroA != 0 {
		all := int32(t.p.k) * t.zeroB
		x := (*[panelCols]int32)(t.colSums[q.col:])
		for j := range c.from {
			c.from[j] = t.zeroA * (all - x[j])
		}
	}
	if t.direct {
		return
	}
	switch len(t.e.Scale) {
	case 0:
		c.scale = epilogueOnes
	case 1:
		for j := range c.scale {
			c.scale[j] = t.e.Scale[0]
		}
	default:
		copy(c.scale[:], t.e.Scale[q.col:q.col+q.cols])
	}
	if t.e.Bias != nil {
		copy(c.bias[:], t.e.Bias[q.col:q.col+q.cols])
	} else {
		c.bias = epilogueZeros
	}
}

// fetchColumns fetches what filling the columns of a panel will read: with few rows,
// waiting for it takes a tenth of the time of the whole product.
func (t *packedTask) fetchColumns(q *panel) {
	nothing := unsafe.Pointer(&epilogueZeros)
	sums, scale, bias := nothing, nothing, nothing
	if t.zeroA != 0 {
		sums = unsafe.Pointer(&t.colSums[q.col])
	}
	if len(t.e.Scale) > 1 {
		scale = unsafe.Pointer(&t.e.Scale[q.col])
	}
	if t.e.Bias != nil {
		bias = unsafe.Pointer(&t.e.Bias[q.col])
	}
	fetchColumns(sums, scale, bias)
}

// from is what the sums of the panel of a turn begin with: nil for zeros.
func (t *packedTask) from(s *strip, turn int, q *panel) unsafe.Pointer {
	if t.direct && t.e.Bias != nil {
		return unsafe.Pointer(&t.e.Bias[q.col])
	}
	if t.zeroA == 0 {
		return nil
	}
	return unsafe.Pointer(&s.columns[turn%columnSlots].from)
}
