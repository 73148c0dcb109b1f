package int8

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// table is an embedding table, in 8 bits where it is quantized.
type table struct{ *jpqd.CompressedMatrix }

// lookup writes entry id to y (cols), quantized by q unless that is nil.
func (t table) lookup(id int32, y []float32, q *quantizer) {
	at := int(id) * t.Cols
	if t.I8 == nil {
		copy(y, t.F32[at:at+t.Cols])
	} else {
		scale, zero := t.Scale[id], t.ZeroPoint(int(id))
		for j, v := range t.I8[at : at+t.Cols] {
			y[j] = float32(int(v)-zero) * scale
		}
	}
	if q != nil {
		q.fake(y, y)
	}
}

// embeddings are the tables with the quantizers of their sums' operands.
type embeddings struct {
	cols                      int
	word, position, tokenType table // no types: a table of nothing
	types, sums               [2]*quantizer
	norm                      norm
}

func newEmbeddings(c *jpqd.Compressed) embeddings {
	in := &c.Embeddings
	e := embeddings{
		cols: c.Config.HiddenSize, word: table{&in.Word}, position: table{&in.Position},
		types: newQuantizers(in.AddTypes), sums: newQuantizers(in.AddInputs), norm: newNorm(&in.Norm, c),
	}
	if c.Config.HasTokenTypes() {
		e.tokenType = table{&in.TokenType}
	}
	return e
}

// embeddingTask looks up the operands of the second sum.
type embeddingTask struct {
	*embeddings
	chunk  chunk
	totals []float32 // (rows, hidden) word + type
	places []float32 // (rows, hidden) position
}

// Run does the i-th group of rows.
func (t *embeddingTask) Run(i int) {
	cols, group := t.cols, rowsPerPart(t.cols)
	first, end := i*group, min((i+1)*group, len(t.chunk.ids))
	for r := first; r < end; r++ {
		total, place := t.totals[r*cols:][:cols], t.places[r*cols:][:cols]
		t.word.lookup(t.chunk.ids[r], total, t.types[0])
		if t.tokenType.CompressedMatrix != nil {
			t.tokenType.lookup(t.chunk.typeIDs[r], place, t.types[1])
			kernels.Add(total, place, total)
		}
		t.position.lookup(t.chunk.positions[r], place, nil)
	}
}

// embed fills w.x with the embedding output and w.copies with its quantized copies.
func (e *embeddings) embed(w *Workspace, c chunk, next inputs) {
	cols, n := e.cols, len(c.ids)*e.cols
	w.embedding = embeddingTask{embeddings: e, chunk: c, totals: w.x[:n], places: w.h[:n]}
	kernels.Parallel(parts(len(c.ids), cols), &w.embedding)
	t := w.rowTask(len(c.ids), cols, w.x)
	t.add(w.h[:n], e.sums)
	t.norm = &e.norm
	t.copyTo(next, &w.copies)
	t.run()
}
