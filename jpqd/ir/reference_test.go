package ir

import (
	"math"
	"slices"

	"github.com/go-jpqd/jpqd/jpqd"
)

// forward computes a model as the comments of jpqd.Compressed tell it, in
// float64, one sequence at a time.
type forward struct {
	*jpqd.Compressed
	// margin is the smallest distance, in levels, of a quantized value from a
	// point where rounding goes the other way.
	margin float64
}

// logits are those of the sequence, or for question answering of its tokens.
func (f *forward) logits(ids, types []int64) []float64 {
	x := make([][]float64, len(ids))
	e := &f.Embeddings
	for p, id := range ids {
		a := matrixRow(&e.Word, int(id))
		if f.Config.ModelType != "distilbert" {
			a = f.sum(e.AddTypes, a, matrixRow(&e.TokenType, int(types[p])))
		}
		x[p] = f.norm(&e.Norm, f.sum(e.AddInputs, a, matrixRow(&e.Position, p)))
	}
	for i := range f.Layers {
		x = f.layer(&f.Layers[i], x)
	}
	if !f.Config.QuestionAnswering() {
		pooled := f.linear(&f.Pooler, x[0])
		for i, v := range pooled {
			if pooled[i] = math.Tanh(v); f.Config.ModelType == "distilbert" {
				pooled[i] = math.Max(v, 0)
			}
		}
		x = [][]float64{pooled}
	}
	var logits []float64
	for _, row := range x {
		logits = append(logits, f.quantize(f.Logits, f.linear(&f.Classifier, row))...)
	}
	return logits
}

// sum is the sum of two operands, each quantized.
func (f *forward) sum(ranges [2]*jpqd.ActivationRange, a, b []float64) []float64 {
	return sum(f.quantize(ranges[0], a), f.quantize(ranges[1], b))
}

func (f *forward) layer(l *jpqd.CompressedLayer, x [][]float64) [][]float64 {
	var q, k, v [][]float64
	if len(l.Heads) > 0 {
		for _, row := range x {
			query := f.linear(&l.Query, row)
			if f.Config.ScalesQuery() {
				query = f.scale(f.quantize(l.ScaleIn, query))
			}
			q = append(q, f.quantize(l.QueryOut, query))
			k = append(k, f.quantize(l.KeyOut, f.linear(&l.Key, row)))
			v = append(v, f.quantize(l.ValueOut, f.linear(&l.Value, row)))
		}
	}
	y := make([][]float64, len(x))
	for t := range x {
		attended := floats64(l.Output.Bias)
		if len(l.Heads) > 0 {
			attended = f.linear(&l.Output, f.attend(l, q[t], k, v))
		}
		h := f.norm(&l.AttentionNorm, f.sum(l.AttentionAdd, attended, x[t]))
		fed := floats64(l.FFNOut.Bias)
		if len(l.Neurons) > 0 {
			inner := f.linear(&l.FFNIn, h)
			for i, z := range inner {
				inner[i] = z * 0.5 * math.Erfc(-z/math.Sqrt2)
			}
			fed = f.linear(&l.FFNOut, inner)
		}
		y[t] = f.norm(&l.OutputNorm, f.sum(l.OutputAdd, fed, h))
	}
	return y
}

// attend is p·v for one token, all heads side by side.
func (f *forward) attend(l *jpqd.CompressedLayer, q []float64, k, v [][]float64) []float64 {
	headDim := f.Config.HeadDim()
	out := make([]float64, len(q))
	for head := range l.Heads {
		first := head * headDim
		p, total := make([]float64, len(k)), 0.0
		for s := range k {
			for d := first; d < first+headDim; d++ {
				p[s] += q[d] * k[s][d]
			}
		}
		if !f.Config.ScalesQuery() {
			p = f.scale(f.quantize(l.ScaleIn, p))
		}
		p = slices.Clone(f.quantize(l.ScoresIn, p))
		for s := range p {
			p[s] = math.Exp(p[s])
			total += p[s]
		}
		for s := range p {
			p[s] /= total
		}
		for s, weight := range f.quantize(l.ProbsOut, p) {
			for d := first; d < first+headDim; d++ {
				out[d] += weight * v[s][d]
			}
		}
	}
	return out
}

// scale divides by √head_dim.
func (f *forward) scale(x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[i] / math.Sqrt(float64(f.Config.HeadDim()))
	}
	return y
}

func (f *forward) linear(l *jpqd.CompressedLinear, x []float64) []float64 {
	if l.Smooth != nil {
		x = slices.Clone(x)
		for j, factor := range l.Smooth {
			x[j] *= float64(factor)
		}
	}
	x = f.quantize(l.Input, x)
	y := make([]float64, l.Weight.Rows)
	for i := range y {
		y[i] = float64(l.Bias[i])
		for j, w := range matrixRow(&l.Weight, i) {
			y[i] += w * x[j]
		}
	}
	return y
}

func (f *forward) quantize(r *jpqd.ActivationRange, x []float64) []float64 {
	if r == nil {
		return x
	}
	low, high := float64(r.Low), float64(r.High)
	s := float64(r.Levels-1) / (high - low)
	zp := math.Round(-low * s)
	y := make([]float64, len(x))
	for i := range x {
		level := (min(max(x[i], low), high) - low) * s
		f.margin = min(f.margin, math.Abs(level-math.Floor(level)-0.5))
		y[i] = math.RoundToEven(level-zp) / s
	}
	return y
}

func (f *forward) norm(n *jpqd.CompressedNorm, x []float64) []float64 {
	x = f.quantize(n.Input, x)
	mean, variance := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	y := make([]float64, len(x))
	for i := range x {
		y[i] = (x[i]-mean)/math.Sqrt(variance+f.Config.LayerNormEps)*float64(n.Gamma[i]) + float64(n.Beta[i])
	}
	return y
}

func matrixRow(m *jpqd.CompressedMatrix, i int) []float64 {
	row := make([]float64, m.Cols)
	for j := range row {
		if m.F32 != nil {
			row[j] = float64(m.F32[i*m.Cols+j])
		} else {
			q := float64(m.I8[i*m.Cols+j])
			if m.Zero != nil {
				q -= float64(m.Zero[i])
			}
			row[j] = q * float64(m.Scale[i])
		}
	}
	return row
}

func sum(a, b []float64) []float64 {
	y := make([]float64, len(a))
	for i := range y {
		y[i] = a[i] + b[i]
	}
	return y
}

func floats64(v []float32) []float64 {
	y := make([]float64, len(v))
	for i := range y {
		y[i] = float64(v[i])
	}
	return y
}
