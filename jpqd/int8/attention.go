package int8

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// attention is the plan of a block's attention. Each of its two products is one
// of bytes where both operands are quantized, and of float32 otherwise.
type attention struct {
	heads, headDim, width    int // width = heads·headDim
	firstOnly                bool
	scalesQuery              bool    // the query is scaled, not the scores
	scale                    float32 // 1/√headDim
	query, key, value        linear
	forms                    forms // of all rows; with firstOnly: of key and value
	firstForms               forms // with firstOnly: of the query
	queryOut, keyOut         *quantizer
	scaleIn, scoresIn        *quantizer
	probsOut, valueOut       *quantizer
	context                  form // that the output Linear wants
	byteScores, byteContexts bool
	scoreScale, contextScale [1]float32 // of the products of bytes
	keyZero, valueZero       int32
}

func newAttention(l *jpqd.CompressedLayer, c *jpqd.Compressed, firstOnly bool) attention {
	d, hidden := c.Config.HeadDim(), c.Config.HiddenSize
	a := attention{heads: len(l.Heads), headDim: d, width: len(l.Heads) * d, firstOnly: firstOnly, scalesQuery: c.Config.ScalesQuery()}
	if a.heads == 0 {
		return a
	}
	a.scale = float32(1 / math.Sqrt(float64(d)))
	a.query, a.key, a.value = newLinear(&l.Query, hidden), newLinear(&l.Key, hidden), newLinear(&l.Value, hidden)
	if firstOnly {
		a.forms, a.firstForms = newForms(&a.key, &a.value), newForms(&a.query)
	} else {
		a.forms = newForms(&a.query, &a.key, &a.value)
	}
	a.queryOut, a.keyOut = newQuantizer(l.QueryOut), newQuantizer(l.KeyOut)
	a.scaleIn, a.scoresIn = newQuantizer(l.ScaleIn), newQuantizer(l.ScoresIn)
	a.probsOut, a.valueOut = newQuantizer(l.ProbsOut), newQuantizer(l.ValueOut)
	output := newLinear(&l.Output, a.width)
	a.context = output.form()
	if a.byteScores = exact(a.queryOut, a.keyOut); a.byteScores {
		scale := a.queryOut.step * a.keyOut.step
		if !a.scalesQuery {
			scale /= math.Sqrt(float64(d))
		}
		if a.scaleIn != nil && !a.scalesQuery {
			scale = a.queryOut.step * a.keyOut.step // the scores are quantized before they are scaled
		}
		a.scoreScale[0], a.keyZero = float32(scale), a.keyOut.signed().ZeroPoint
	}
	if a.byteContexts = exact(a.probsOut, a.valueOut); a.byteContexts {
		a.contextScale[0], a.valueZero = float32(a.probsOut.step*a.valueOut.step), a.valueOut.signed().ZeroPoint
	}
	return a
}

// exact says whether the product of two operands can be one of bytes.
func exact(a, b *quantizer) bool { return a != nil && b != nil && a.aligned && b.aligned }

// gather copies the first row of each sequence from g.x to g.first, and its
// copies for the query.
func (a *attention) gather(g *group, c chunk, cols int) {
	for s := range c.len() {
		first := c.offsets[s]
		copy(g.first[s*cols:][:cols], g.x[first*cols:])
	}
	g.firstCopies.fill(a.firstForms, 0, c.len(), cols, g.first)
}

// forward computes the context of the queries in the form that the output Linear
// wants.
func (a *attention) forward(g *group, c chunk) {
	if a.heads == 0 {
		return
	}
	rows, all, x, from := len(c.ids), a.forms, g.x, &g.copies
	if a.firstOnly {
		rows, all, x, from = c.len(), a.firstForms, g.first, &g.firstCopies
	}
	a.queries(g, rows, all, x, from)
	bytes, floats := a.key.operand(a.forms, &g.copies, g.x)
	project(g, &a.key, a.keyOut, a.byteScores, len(c.ids), bytes, floats, g.keyBytes, g.key)
	bytes, floats = a.value.operand(a.forms, &g.copies, g.x)
	project(g, &a.value, a.valueOut, a.byteContexts, len(c.ids), bytes, floats, g.valueBytes, g.value)

	t := &g.heads
	t.attention, t.group, t.chunk = a, g, c
	t.next.Store(0)
	kernels.Parallel(min(len(g.scratches), c.len()*a.heads), t)
}

// queries computes the rows of queries. One that is scaled before it is
// quantized takes its steps one by one.
func (a *attention) queries(g *group, rows int, all forms, x []float32, from *copies) {
	bytes, floats := a.query.operand(all, from, x)
	g.epilogue = kernels.Epilogue{}
	if !a.scalesQuery {
		into(g, form{a.queryOut, a.byteScores}, &a.query, rows, bytes, floats, g.queryBytes, g.query, a.width)
		return
	}
	into(g, form{a.scaleIn, false}, &a.query, rows, bytes, floats, nil, g.query, a.width)
	q := g.query[:rows*a.width]
	kernels.Scale(a.scale, q, q)
	switch {
	case a.byteScores:
		kernels.Quantize(rows, a.width, q, a.width, a.queryOut.bytes, g.queryBytes, a.width)
	case a.queryOut != nil:
		a.queryOut.fake(q, q)
	}
}

// project computes keys or values, as int8 where their product is one of bytes.
func project(g *group, l *linear, q *quantizer, asBytes bool, rows int, bytes []uint8, floats []float32, toBytes []int8, toFloats []float32) {
	g.epilogue = kernels.Epilogue{}
	if asBytes {
		g.epilogue.Quantizer = q.signed()
		multiply(l, rows, bytes, floats, toBytes, l.rows, &g.epilogue)
		return
	}
	into(g, form{q, false}, l, rows, bytes, floats, nil, toFloats, l.rows)
}

// queryBlock is how many queries of a head are attended to at a time. Their
// probabilities, up to 512 keys, stay in the second-level cache.
const queryBlock = 128

// scratch is a thread's memory of one block of queries of a head.
type scratch struct {
	scores   []float32 // (queryBlock, longest)
	bytes    []uint8   // the same, probabilities
	context  []float32 // (queryBlock, headDim)
	epilogue kernels.Epilogue
}

// attentionParts is how many threads attend at the same time.
func attentionParts(sequences, heads int) int {
	return max(1, min(runtime.GOMAXPROCS(0), sequences*heads))
}

// headTask attends all heads of all sequences of a chunk. Heads are shared among
// threads: a part has its own scratch and takes heads from a counter.
type headTask struct {
	*attention
	group *group
	chunk chunk
	next  atomic.Int64
}

// Run does heads until none is left.
func (t *headTask) Run(part int) {
	w := &t.group.scratches[part]
	for {
		i := int(t.next.Add(1) - 1)
		if i >= t.chunk.len()*t.attention.heads {
			return
		}
		t.head(w, i/t.attention.heads, i%t.attention.heads)
	}
}

// head attends head h of sequence s.
func (t *headTask) head(w *scratch, s, h int) {
	first, end := t.chunk.offsets[s], t.chunk.offsets[s+1]
	keys, query, queries := end-first, first, end-first
	if t.firstOnly {
		query, queries = s, 1
	}
	for done := 0; done < queries; done += queryBlock {
		n := min(queryBlock, queries-done)
		at, kv := (query+done)*t.width+h*t.headDim, first*t.width+h*t.headDim
		t.scores(w, n, keys, at, kv)
		t.contexts(w, n, keys, at, kv)
	}
}

// scores fills the scratch with n queries' probabilities of all keys, as bytes
// where the next product is one of bytes.
func (t *headTask) scores(w *scratch, n, keys, at, kv int) {
	g, d, ld := t.group, t.headDim, t.width
	p := w.scores[:n*keys]
	scaled := t.scalesQuery
	if t.byteScores {
		w.epilogue = kernels.Epilogue{ZeroA: t.queryOut.bytes.ZeroPoint, ZeroB: t.keyZero, Scale: t.scoreScale[:]}
		kernels.GemmInt8Batch(kernels.Batch{Outer: 1, Inner: 1}, kernels.NT, n, keys, d, g.queryBytes[at:], ld, g.keyBytes[kv:], ld, p, keys, &w.epilogue)
		scaled = scaled || t.scaleIn == nil
	} else {
		kernels.GemmF32(kernels.NT, n, keys, d, g.query[at:], ld, g.key[kv:], ld, p, keys, false)
	}
	if !t.scalesQuery && t.scaleIn != nil {
		t.scaleIn.fake(p, p)
	}
	if !scaled {
		kernels.Scale(t.scale, p, p)
	}
	if t.scoresIn != nil {
		t.scoresIn.fake(p, p)
	}
	if t.byteContexts {
		kernels.SoftmaxQ8(n, keys, keys, p, keys, t.probsOut.bytes, w.bytes, keys)
		return
	}
	kernels.Softmax(n, keys, p, keys, p, keys)
	if t.probsOut != nil {
		t.probsOut.fake(p, p)
	}
}

// contexts multiplies the probabilities with the values and leaves the result in
// the form that the output Linear wants.
func (t *headTask) contexts(w *scratch, n, keys, at, kv int) {
	g, d, ld := t.group, t.headDim, t.width
	y, ldy := g.context[at:], ld
	if t.context.bytes { // floats are a step on the way
		y, ldy = w.context, d
	}
	if t.byteContexts {
		w.epilogue = kernels.Epilogue{ZeroA: t.probsOut.bytes.ZeroPoint, ZeroB: t.valueZero, Scale: t.contextScale[:]}
		one := kernels.Batch{Outer: 1, Inner: 1}
		if t.context.bytes {
			w.epilogue.Quantizer = t.context.quantizer.bytes
			kernels.GemmInt8Batch(one, kernels.NN, n, d, keys, w.bytes, keys, g.valueBytes[kv:], ld, g.contextBytes[at:], ld, &w.epilogue)
			return
		}
		kernels.GemmInt8Batch(one, kernels.NN, n, d, keys, w.bytes, keys, g.valueBytes[kv:], ld, y, ldy, &w.epilogue)
	} else {
		kernels.GemmF32(kernels.NN, n, d, keys, w.scores, keys, g.value[kv:], ld, y, ldy, false)
	}
	switch {
	case t.context.bytes:
		kernels.Quantize(n, d, y, ldy, t.context.quantizer.bytes, g.contextBytes[at:], ld)
	case t.context.quantizer != nil:
		for r := range n {
			row := y[r*ldy:][:d]
			t.context.quantizer.fake(row, row)
		}
	}
}
