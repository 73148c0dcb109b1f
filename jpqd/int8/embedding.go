package int8

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// table is an embedding table, in 8 bits where it is quantized.
type table struct {
	cols  int
	f32   []float32 // (entries, cols), or nil
	i8    []int8
	scale []float32 // (entries)
}

func newTable(m *jpqd.CompressedMatrix) table {
	return table{cols: m.Cols, f32: m.F32, i8: m.I8, scale: m.Scale}
}

// lookup writes entry id to y (cols).
func (t *table) lookup(id int32, y []float32) {
	at := int(id) * t.cols
	if t.i8 == nil {
		copy(y, t.f32[at:at+t.cols])
		return
	}
	scale := t.scale[id]
	for j, v := range t.i8[at : at+t.cols] {
		y[j] = float32(v) * scale
	}
}

// embeddings are the tables with the quantizers of the second sum's operands.
type embeddings struct {
	word, position, tokenType table
	sum, positions            *quantizer // nil: not quantized
	norm                      norm
}

// embeddingTask looks up the operands of the second sum.
type embeddingTask struct {
	*embeddings
	chunk  chunk
	sums   []float32 // (rows, hidden) word + type
	places []float32 // (rows, hidden) position
}

// Run does the i-th group of rows.
func (t *embeddingTask) Run(i int) {
	cols, group := t.word.cols, rowsPerPart(t.word.cols)
	first, end := i*group, min((i+1)*group, len(t.chunk.ids))
	for r := first; r < end; r++ {
		sum, place := t.sums[r*cols:][:cols], t.places[r*cols:][:cols]
		t.word.lookup(t.chunk.ids[r], sum)
		t.tokenType.lookup(t.chunk.typeIDs[r], place)
		kernels.Add(sum, place, sum)
		t.position.lookup(t.chunk.positions[r], place)
	}
	if sums := t.sums[first*cols : end*cols]; t.sum != nil {
		t.sum.fake(sums, sums)
	}
	if places := t.places[first*cols : end*cols]; t.positions != nil {
		t.positions.fake(places, places)
	}
}

// embed fills w.x with the embedding output and w.copies with its quantized copies.
func (e *embeddings) embed(w *Workspace, c chunk, next inputs) {
	cols, n := e.word.cols, len(c.ids)*e.word.cols
	w.embedding = embeddingTask{embeddings: e, chunk: c, sums: w.x[:n], places: w.h[:n]}
	kernels.Parallel(parts(len(c.ids), cols), &w.embedding)
	t := w.rowTask(len(c.ids), cols, w.x)
	t.residual, t.norm = w.h[:n], &e.norm
	t.copyTo(next, &w.copies)
	t.run()
}
