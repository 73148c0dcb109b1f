package int8

import (
	"math"

	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// layer is the plan of one transformer block.
type layer struct {
	last           bool // only the first token of each sequence is wanted, as classification does
	heads, headDim int
	neurons        int

	query, key, value                    linear
	inputs                               inputs // of all rows; last block: of key and value
	firstInputs                          inputs // last block: of the query
	queryOut, keyOut, probsOut, valueOut *quantizer
	queryIn                              *quantizer // before its scaling by queryScale
	queryScale                           float32    // 1/√head_dim where the query is scaled and not the scores, or 1
	scaleIn                              *quantizer // of the scores before their scaling
	scoreStep                            float32    // what the integers 1 of query and key are worth; 1/√head_dim in it unless scaleIn comes between
	scoreScale                           float32    // 1/√head_dim behind scaleIn
	scoresIn                             *quantizer
	contextScale                         float32 // what the integers 1 of probabilities and value are worth

	output        linear
	attentionSum  [2]*quantizer
	attentionNorm norm
	ffnIn         linear
	ffnInputs     inputs
	ffnOut        linear
	outputSum     [2]*quantizer
	outputNorm    norm
}

// newLayer plans a block that has passed the check.
func newLayer(l *jpqd.CompressedLayer, c *jpqd.Compressed, last bool) layer {
	headDim, hidden := c.Config.HeadDim(), c.Config.HiddenSize
	p := layer{
		last: last, heads: len(l.Heads), headDim: headDim, neurons: len(l.Neurons),
		output: newLinear(&l.Output, len(l.Heads)*headDim), ffnOut: newLinear(&l.FFNOut, len(l.Neurons)),
		attentionSum: newQuantizers(l.AttentionAdd), attentionNorm: newNorm(&l.AttentionNorm, c),
		outputSum: newQuantizers(l.OutputAdd), outputNorm: newNorm(&l.OutputNorm, c),
	}
	if p.heads > 0 {
		p.query, p.key, p.value = newLinear(&l.Query, hidden), newLinear(&l.Key, hidden), newLinear(&l.Value, hidden)
		if last {
			p.inputs, p.firstInputs = newInputs(&p.key, &p.value), newInputs(&p.query)
		} else {
			p.inputs = newInputs(&p.query, &p.key, &p.value)
		}
		p.planProducts(l, c)
	}
	if p.neurons > 0 {
		p.ffnIn = newLinear(&l.FFNIn, hidden)
		p.ffnInputs = newInputs(&p.ffnIn)
	}
	return p
}

// planProducts plans the two products of attention and what is between them.
func (p *layer) planProducts(l *jpqd.CompressedLayer, c *jpqd.Compressed) {
	p.queryOut, p.keyOut = newQuantizer(l.QueryOut), newQuantizer(l.KeyOut)
	p.probsOut, p.valueOut = newQuantizer(l.ProbsOut), newQuantizer(l.ValueOut)
	p.scoresIn = newQuantizer(l.ScoresIn)
	step, scale := p.queryOut.step()*p.keyOut.step(), 1/math.Sqrt(float64(p.headDim))
	p.queryScale = 1
	switch {
	case c.Config.ScalesQuery():
		p.queryIn, p.queryScale = newQuantizer(l.ScaleIn), float32(scale)
	case l.ScaleIn != nil:
		p.scaleIn, p.scoreScale = newQuantizer(l.ScaleIn), float32(scale)
	default:
		step *= scale
	}
	p.scoreStep = float32(step)
	p.contextScale = float32(p.probsOut.step() * p.valueOut.step())
}

func newNorm(n *jpqd.CompressedNorm, c *jpqd.Compressed) norm {
	return norm{input: newQuantizer(n.Input), gamma: n.Gamma, beta: n.Beta, eps: float32(c.Config.LayerNormEps)}
}

// forward replaces the block's input in w.x, whose quantized copies are in
// w.copies, by its output, and the copies by those that the next inputs want.
// The last block leaves only the rows of first tokens.
func (l *layer) forward(w *Workspace, c chunk, next inputs) {
	rows, residual := len(c.ids), w.x
	if l.last {
		rows, residual = c.len(), w.first
		l.gather(w, c)
	}
	if l.heads > 0 {
		l.attend(w, c, rows)
	}
	l.output.multiply(rows, w.context, w.h)
	t := w.after(&l.output, rows, w.h)
	t.add(residual, l.attentionSum)
	t.norm = &l.attentionNorm
	t.copyTo(l.ffnInputs, &w.copies)
	t.run()
	if l.neurons > 0 {
		l.ffnIn.multiply(rows, l.ffnInputs.operand(&l.ffnIn, w.h, &w.copies), w.neurons)
		t = w.after(&l.ffnIn, rows, w.neurons)
		t.activation = kernels.GELU
		t.inPlace(l.ffnOut.input)
		t.run()
	}
	l.ffnOut.multiply(rows, w.neurons, w.x)
	t = w.after(&l.ffnOut, rows, w.x)
	t.add(w.h, l.outputSum)
	t.norm = &l.outputNorm
	t.copyTo(next, &w.copies)
	t.run()
}

// gather copies the first row of each sequence from w.x to w.first, quantized
// copies to w.firstCopies.
func (l *layer) gather(w *Workspace, c chunk) {
	cols := l.output.rows
	for s := range c.len() {
		first, _ := c.rows(s)
		copy(w.first[s*cols:][:cols], w.x[first*cols:])
	}
	t := w.rowTask(c.len(), cols, w.first)
	t.copyTo(l.firstInputs, &w.firstCopies)
	t.run()
}

// attend computes the context of as many queries as there are rows into
// w.context, quantized for the output.
func (l *layer) attend(w *Workspace, c chunk, rows int) {
	all, x, copies := l.inputs, w.x, &w.copies
	if l.last {
		all, x, copies = l.firstInputs, w.first, &w.firstCopies
	}
	l.query.multiply(rows, all.operand(&l.query, x, copies), w.query)
	t := w.after(&l.query, rows, w.query)
	t.result, t.times = l.queryIn, l.queryScale
	t.inPlace(l.queryOut)
	t.run()
	l.project(w, &l.key, len(c.ids), l.inputs.operand(&l.key, w.x, &w.copies), l.keyOut, w.key)
	l.project(w, &l.value, len(c.ids), l.inputs.operand(&l.value, w.x, &w.copies), l.valueOut, w.value)
	w.attend(l, c)
	if l.output.input != nil || l.contextScale != 1 {
		t := w.rowTask(rows, l.output.cols, w.context)
		t.factor = l.contextScale
		t.inPlace(l.output.input)
		t.run()
	}
}

// project computes the key or value y of n rows of x.
func (l *layer) project(w *Workspace, p *linear, n int, x []float32, q *quantizer, y []float32) {
	p.multiply(n, x, y)
	t := w.after(p, n, y)
	t.inPlace(q)
	t.run()
}
