package int8

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// table is an embedding table, in 8 bits where it is quantized.
type table struct{ jpqd.CompressedMatrix }

// lookup writes entry id to y (cols).
func (t *table) lookup(id int32, y []float32) {
	at := int(id) * t.Cols
	if t.I8 == nil {
		copy(y, t.F32[at:at+t.Cols])
		return
	}
	q := kernels.Quantizer{Scale: t.Scale[id], ZeroPoint: int32(t.ZeroPoint(int(id)))}
	kernels.Dequantize(1, t.Cols, t.I8[at:at+t.Cols], t.Cols, q, y, t.Cols)
}

// embeddings are the tables with the sums of their rows.
type embeddings struct {
	word, position, tokenType table
	types                     [2]*quantizer // operands of word + type
	sum                       sum           // … + position
}

func newEmbeddings(c *jpqd.Compressed) embeddings {
	e := &c.Embeddings
	return embeddings{
		word: table{e.Word}, position: table{e.Position}, tokenType: table{e.TokenType},
		types: [2]*quantizer{newQuantizer(e.AddTypes[0]), newQuantizer(e.AddTypes[1])},
		sum:   newSum(e.AddInputs, &e.Norm, c.Config.LayerNormEps),
	}
}

// embed writes the embedding output to g.x and its copies.
func (e *embeddings) embed(g *group, c chunk, wanted forms) {
	cols := e.word.Cols
	n := len(c.ids) * cols
	words, others := g.x[:n], g.product[:n]
	for r, id := range c.ids {
		e.word.lookup(id, words[r*cols:][:cols])
	}
	if e.tokenType.Rows > 0 {
		for r, id := range c.typeIDs {
			e.tokenType.lookup(id, others[r*cols:][:cols])
		}
		if q := e.types[0]; q != nil {
			q.fake(words, words)
		}
		if q := e.types[1]; q != nil {
			q.fake(others, others)
		}
		kernels.Add(words, others, words)
	}
	for r, id := range c.positions {
		e.position.lookup(id, others[r*cols:][:cols])
	}
	e.sum.apply(len(c.ids), cols, words, others, words, g.spare, wanted, &g.copies)
}
