package int8_test

import (
	"math"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// reference computes what the comments of jpqd.Compressed say, in float64 and
// one sequence at a time.
type reference struct {
	model *jpqd.Compressed
	// margin is the least distance of a value from a rounding boundary of its
	// quantizer, in integers: an engine whose error stays below it rounds alike.
	margin float64
}

type rows [][]float64

// logits of a batch, (sequences, labels).
func (r *reference) logits(b *bert.Batch) []float64 {
	r.margin = 0.5
	var all []float64
	for s := range b.Len() {
		x := r.embed(b, b.Offsets[s], b.Offsets[s+1])
		for i := range r.model.Layers {
			x = r.layer(&r.model.Layers[i], x)
		}
		if !r.model.Config.QuestionAnswering() {
			x = r.linear(&r.model.Pooler, x[:1])
			if r.model.Config.PoolerReLU() {
				apply(x, func(v float64) float64 { return max(v, 0) })
			} else {
				apply(x, math.Tanh)
			}
		}
		for _, row := range r.fake(r.model.Logits, r.linear(&r.model.Classifier, x)) {
			all = append(all, row...)
		}
	}
	return all
}

// sum is the sum of two operands, each quantized.
func (r *reference) sum(ranges [2]*jpqd.ActivationRange, a, b rows) rows {
	return add(r.fake(ranges[0], a), r.fake(ranges[1], b))
}

func (r *reference) embed(b *bert.Batch, first, end int) rows {
	e := &r.model.Embeddings
	var x, types, places rows
	for i := first; i < end; i++ {
		x = append(x, matrixRow(&e.Word, int(b.IDs[i])))
		if r.model.Config.ModelType != "distilbert" {
			types = append(types, matrixRow(&e.TokenType, int(b.TypeIDs[i])))
		}
		places = append(places, matrixRow(&e.Position, i-first))
	}
	if types != nil {
		x = r.sum(e.AddTypes, x, types)
	}
	return r.norm(&e.Norm, r.sum(e.AddInputs, x, places))
}

func (r *reference) layer(l *jpqd.CompressedLayer, x rows) rows {
	h := r.norm(&l.AttentionNorm, r.sum(l.AttentionAdd, r.attention(l, x), x))
	ffn := broadcast(l.FFNOut.Bias, len(x))
	if len(l.Neurons) > 0 {
		mid := r.linear(&l.FFNIn, h)
		apply(mid, func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) / 2 })
		ffn = r.linear(&l.FFNOut, mid)
	}
	return r.norm(&l.OutputNorm, r.sum(l.OutputAdd, ffn, h))
}

func (r *reference) attention(l *jpqd.CompressedLayer, x rows) rows {
	if len(l.Heads) == 0 {
		return broadcast(l.Output.Bias, len(x))
	}
	d := r.model.Config.HeadDim()
	root := math.Sqrt(float64(d))
	q := r.linear(&l.Query, x)
	scaleIn := l.ScaleIn
	if r.model.Config.ScalesQuery() {
		q = r.fake(scaleIn, q)
		apply(q, func(v float64) float64 { return v / root })
		scaleIn, root = nil, 1
	}
	q, k := r.fake(l.QueryOut, q), r.fake(l.KeyOut, r.linear(&l.Key, x))
	v := r.fake(l.ValueOut, r.linear(&l.Value, x))
	context := make(rows, len(x))
	for h := range l.Heads {
		for i := range x {
			p := make([]float64, len(x))
			for j := range x {
				p[j] = dot(q[i][h*d:(h+1)*d], k[j][h*d:(h+1)*d])
			}
			scores := r.fake(scaleIn, rows{p})
			apply(scores, func(v float64) float64 { return v / root })
			p = r.fake(l.ProbsOut, rows{softmax(r.fake(l.ScoresIn, scores)[0])})[0]
			for c := h * d; c < (h+1)*d; c++ {
				var sum float64
				for j := range x {
					sum += p[j] * v[j][c]
				}
				context[i] = append(context[i], sum)
			}
		}
	}
	return r.linear(&l.Output, context)
}

func (r *reference) linear(l *jpqd.CompressedLinear, x rows) rows {
	if l.Smooth != nil {
		scaled := make(rows, len(x))
		for i := range x {
			for j, v := range x[i] {
				scaled[i] = append(scaled[i], v*float64(l.Smooth[j]))
			}
		}
		x = scaled
	}
	x = r.fake(l.Input, x)
	y := make(rows, len(x))
	for j := range l.Weight.Rows {
		w := matrixRow(&l.Weight, j)
		for i := range x {
			y[i] = append(y[i], dot(x[i], w)+float64(l.Bias[j]))
		}
	}
	return y
}

func (r *reference) fake(a *jpqd.ActivationRange, x rows) rows {
	if a == nil {
		return x
	}
	low, high := float64(a.Low), float64(a.High)
	s := float64(a.Levels-1) / (high - low)
	zp := math.RoundToEven(-low * s)
	y := make(rows, len(x))
	for i := range x {
		for _, v := range x[i] {
			level := (min(max(v, low), high)-low)*s - zp
			q := math.RoundToEven(level)
			r.margin = min(r.margin, 0.5-math.Abs(level-q))
			y[i] = append(y[i], q/s)
		}
	}
	return y
}

func (r *reference) norm(n *jpqd.CompressedNorm, x rows) rows {
	x = r.fake(n.Input, x)
	y := make(rows, len(x))
	for i := range x {
		var mean, variance float64
		for _, v := range x[i] {
			mean += v / float64(len(x[i]))
		}
		for _, v := range x[i] {
			variance += (v - mean) * (v - mean) / float64(len(x[i]))
		}
		for j, v := range x[i] {
			y[i] = append(y[i], (v-mean)/math.Sqrt(variance+r.model.Config.LayerNormEps)*float64(n.Gamma[j])+float64(n.Beta[j]))
		}
	}
	return y
}

func matrixRow(m *jpqd.CompressedMatrix, i int) []float64 {
	row := make([]float64, m.Cols)
	for j := range row {
		if m.I8 != nil {
			row[j] = float64(m.I8[i*m.Cols+j]) * float64(m.Scale[i])
			if m.Zero != nil {
				row[j] -= float64(m.Zero[i]) * float64(m.Scale[i])
			}
		} else {
			row[j] = float64(m.F32[i*m.Cols+j])
		}
	}
	return row
}

func broadcast(bias []float32, n int) rows {
	y := make(rows, n)
	for i := range y {
		for _, v := range bias {
			y[i] = append(y[i], float64(v))
		}
	}
	return y
}

func add(a, b rows) rows {
	y := make(rows, len(a))
	for i := range a {
		for j := range a[i] {
			y[i] = append(y[i], a[i][j]+b[i][j])
		}
	}
	return y
}

func apply(x rows, f func(float64) float64) {
	for i := range x {
		for j := range x[i] {
			x[i][j] = f(x[i][j])
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func softmax(x []float64) []float64 {
	most, sum := math.Inf(-1), 0.0
	for _, v := range x {
		most = max(most, v)
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Exp(v - most)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}
