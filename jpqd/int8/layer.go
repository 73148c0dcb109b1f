package int8

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// layer is the plan of one transformer block.
type layer struct {
	firstOnly bool // only the first token of each sequence is wanted
	neurons   int

	attention attention
	output    linear
	sum       sum // of the attention's half
	ffnIn     linear
	ffnForms  forms
	ffnOut    linear
	outSum    sum
}

// newLayer plans a block that has passed the check.
func newLayer(l *jpqd.CompressedLayer, c *jpqd.Compressed, firstOnly bool) layer {
	p := layer{
		firstOnly: firstOnly, neurons: len(l.Neurons), attention: newAttention(l, c, firstOnly),
		output: newLinear(&l.Output, len(l.Heads)*c.Config.HeadDim()), ffnOut: newLinear(&l.FFNOut, len(l.Neurons)),
		sum:    newSum(l.AttentionAdd, &l.AttentionNorm, c.Config.LayerNormEps),
		outSum: newSum(l.OutputAdd, &l.OutputNorm, c.Config.LayerNormEps),
	}
	if p.neurons > 0 {
		p.ffnIn = newLinear(&l.FFNIn, c.Config.HiddenSize)
		p.ffnForms = newForms(&p.ffnIn)
		p.ffnOut.distance = apart(p.neurons, p.ffnOut.form().size())
	}
	return p
}

// forward replaces the block's input in g.x, whose copies are in g.copies, by
// its output, and the copies by those that the next Linears want. Where only
// first tokens are wanted, their rows are all that is left.
func (l *layer) forward(g *group, c chunk, next forms) {
	rows := len(c.ids)
	if l.firstOnly {
		l.attention.gather(g, c, l.output.rows)
	}
	l.attention.forward(g, c)
	if l.firstOnly {
		rows, g.x, g.first = c.len(), g.first, g.x
	}
	l.half(g, rows, &l.output, g.contextBytes, g.context, &l.sum, l.ffnForms)
	if l.neurons > 0 {
		l.expand(g, rows)
	}
	l.half(g, rows, &l.ffnOut, g.neuronBytes, g.neurons, &l.outSum, next)
}

// halfRows is how many rows of half a block are multiplied before they are
// normalised, so that the second-level cache still has them: whole tiles of the
// products. Threads that share the work wait for each other once instead.
const halfRows = 132

// half multiplies the operand of the last Linear of half a block, adds the
// product to g.x and normalises that.
func (l *layer) half(g *group, rows int, last *linear, bytes []uint8, floats []float32, s *sum, wanted forms) {
	step := rows
	if len(g.scratches) == 1 {
		step = halfRows
	}
	for from := 0; from < rows; from += step {
		n := min(step, rows-from)
		copies := g.copies.from(from * last.rows)
		l.halfBlock(g, n, last, bytes[from*last.distance:], floats[from*last.distance:], g.x[from*last.rows:], s, wanted, &copies)
	}
}

// halfBlock does that for n rows that begin at x.
func (l *layer) halfBlock(g *group, n int, last *linear, bytes []uint8, floats, x []float32, s *sum, wanted forms, c *copies) {
	hidden := last.rows
	stream := x[:n*hidden]
	if last.cols > 0 && s.plain() {
		g.epilogue = kernels.Epilogue{Residual: stream, LDR: hidden}
		multiply(last, n, bytes, floats, stream, hidden, &g.epilogue)
		s.apply(n, hidden, stream, nil, stream, g.spare, wanted, c)
		return
	}
	a := g.product[:n*hidden]
	if last.cols == 0 { // all heads or neurons are pruned
		for at := 0; at < len(a); at += hidden {
			copy(a[at:at+hidden], last.bias)
		}
	} else {
		g.epilogue = kernels.Epilogue{}
		multiply(last, n, bytes, floats, a, hidden, &g.epilogue)
	}
	s.apply(n, hidden, a, stream, stream, g.spare, wanted, c)
}

// expand computes gelu(FFNIn(x)) in the form that the next Linear wants.
func (l *layer) expand(g *group, rows int) {
	bytes, floats := l.ffnIn.operand(l.ffnForms, &g.copies, g.x)
	g.epilogue = kernels.Epilogue{Activation: kernels.ActGELU}
	into(g, l.ffnOut.form(), &l.ffnIn, rows, bytes, floats, g.neuronBytes, g.neurons, l.ffnOut.distance)
}

// into multiplies and leaves the result (rows, l.rows) in the form that its
// reader wants, in one of two places, rows so many elements apart.
func into(g *group, f form, l *linear, rows int, bytes []uint8, floats []float32, toBytes []uint8, toFloats []float32, distance int) {
	switch {
	case f.bytes && f.quantizer.columns == nil:
		g.epilogue.Quantizer = f.quantizer.bytes
		multiply(l, rows, bytes, floats, toBytes, distance, &g.epilogue)
	case f.bytes:
		multiply(l, rows, bytes, floats, toFloats, l.rows, &g.epilogue)
		y := f.quantizer.smooth(rows, l.rows, toFloats, toFloats)
		kernels.Quantize(rows, l.rows, y, l.rows, f.quantizer.bytes, toBytes, distance)
	default:
		multiply(l, rows, bytes, floats, toFloats, distance, &g.epilogue)
		if f.quantizer == nil {
			return
		}
		for r := range rows {
			row := toFloats[r*distance:][:l.rows]
			f.quantizer.smooth(1, l.rows, row, row)
			f.quantizer.fake(row, row)
		}
	}
}
