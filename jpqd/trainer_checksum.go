package jpqd

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"math"

	"github.com/go-jpqd/jpqd/bert"
)

// checksum is a CRC-32C of numbers: enough to notice that a resumed run was
// given other data or another teacher.
type checksum struct {
	hash.Hash32
	buf []byte
}

func newChecksum() *checksum {
	return &checksum{Hash32: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
}

func (c *checksum) ints(v ...int32) {
	c.buf = c.buf[:0]
	for _, x := range v {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(x))
	}
	c.Write(c.buf)
}

func (c *checksum) floats(v []float32) {
	c.buf = c.buf[:0]
	for _, x := range v {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, math.Float32bits(x))
	}
	c.Write(c.buf)
}

func (c *checksum) String() string { return fmt.Sprintf("%08x", c.Sum32()) }

// dataSum is the checksum of examples in their order.
func dataSum(examples []Example) string {
	c := newChecksum()
	for i := range examples {
		e := &examples[i]
		c.ints(int32(len(e.IDs)), int32(len(e.TypeIDs)), e.Label, int32(math.Float32bits(e.Target)), e.Start, e.End)
		c.ints(e.IDs...)
		c.ints(e.TypeIDs...)
	}
	return c.String()
}

// modelSum is the checksum of a model's weights; "" for no model.
func modelSum(m *bert.Model) string {
	if m == nil {
		return ""
	}
	c := newChecksum()
	for _, p := range m.Parameters() {
		c.floats(p.Data)
	}
	return c.String()
}
