package jpqd

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// compressedTrainer has hand-made masks: layer 0 keeps heads 1 and 3 and
// neurons 2 to 21, layer 1 loses all heads and keeps all neurons but one.
func compressedTrainer(t *testing.T, cfg *NNCFConfig) *Trainer {
	t.Helper()
	tr := newTrainer(func(tr *Trainer) { tr.NNCF = cfg })
	if err := tr.attach(); err != nil {
		t.Fatal(err)
	}
	c := tr.compression
	rng := rand.New(rand.NewPCG(11, 11))
	for _, l := range tr.Model.Linears() {
		randomFill(rng, l.Bias.Data)
	}
	if err := c.initRanges(context.Background(), tr.TrainData, 8); err != nil {
		t.Fatal(err)
	}
	if len(c.groups) == 0 {
		return tr
	}
	neurons := func(first, end int) (kept []int) {
		for i := first; i < end; i++ {
			kept = append(kept, i)
		}
		return kept
	}
	for i, kept := range [][]int{{1, 3}, {}, neurons(2, 22), neurons(0, 23)} {
		g := c.groups[i]
		g.kept = kept
		for _, m := range g.members {
			m.prune(g)
		}
	}
	c.freeze()
	return tr
}

func TestCompressedShapes(t *testing.T) {
	tr := compressedTrainer(t, tinyNNCF(t, ""))
	c, err := tr.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ heads, neurons int }{{2, 20}, {0, 23}} {
		l := c.Layers[i]
		if len(l.Heads) != want.heads || len(l.Neurons) != want.neurons {
			t.Errorf("layer %d: found heads %v, neurons %v", i, l.Heads, l.Neurons)
		}
		for _, s := range []struct {
			name       string
			l          CompressedLinear
			rows, cols int
		}{
			{"query", l.Query, 4 * want.heads, 16}, {"key", l.Key, 4 * want.heads, 16}, {"value", l.Value, 4 * want.heads, 16},
			{"output", l.Output, 16, 4 * want.heads}, {"FFN in", l.FFNIn, want.neurons, 16}, {"FFN out", l.FFNOut, 16, want.neurons},
		} {
			w := s.l.Weight
			if w.Rows != s.rows || w.Cols != s.cols || len(w.I8) != s.rows*s.cols || len(w.Scale) != s.rows || w.F32 != nil || len(s.l.Bias) != s.rows {
				t.Errorf("layer %d, %s: found (%d, %d) with %d integers, %d scales, %d biases, want (%d, %d)",
					i, s.name, w.Rows, w.Cols, len(w.I8), len(w.Scale), len(s.l.Bias), s.rows, s.cols)
			}
			if slices.Min(append(w.I8, 0)) < -64 || slices.Max(append(w.I8, 0)) > 63 {
				t.Errorf("layer %d, %s: integers beyond −64 to 63", i, s.name)
			}
			if s.l.Input == nil || s.l.Input.Levels != 256 || !(s.l.Input.Low <= 0 && s.l.Input.High >= 0) {
				t.Errorf("layer %d, %s: found input range %+v", i, s.name, s.l.Input)
			}
		}
		if l.QueryOut == nil || !l.QueryOut.Symmetric || l.KeyOut == nil || l.ProbsOut != nil || l.ValueOut != nil {
			t.Errorf("layer %d: found ranges %v, %v, %v, %v of the products, want the first two", i, l.QueryOut, l.KeyOut, l.ProbsOut, l.ValueOut)
		}
	}
	if w := c.Embeddings.Word; w.Rows != 24 || w.Cols != 16 || len(w.I8) != 24*16 || len(w.Scale) != 24 {
		t.Errorf("found a word table of (%d, %d)", w.Rows, w.Cols)
	}
}

// A unit goes if its producer's rows and biases are all zero, or its consumer's
// columns; a bias alone carries something to the consumer.
func TestCompressedDropsWhatContributesNothing(t *testing.T) {
	tr := newTrainer(nil)
	l := tr.Model.Layers[0]
	clear(l.Intermediate.Weight.Row(3)) // its bias is zero
	clear(l.Intermediate.Weight.Row(4))
	l.Intermediate.Bias.Data[4] = 1
	for r := range 16 {
		l.Output.Weight.Row(r)[5] = 0
		clear(l.AttentionOutput.Weight.Row(r)[8:12]) // head 2
	}
	c, err := tr.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Layers[0].Heads; !slices.Equal(got, []int{0, 1, 3}) {
		t.Errorf("found heads %v, want 0, 1 and 3", got)
	}
	if got := c.Layers[0].Neurons; len(got) != 22 || slices.Contains(got, 3) || !slices.Contains(got, 4) || slices.Contains(got, 5) {
		t.Errorf("found neurons %v, want all but 3 and 5", got)
	}
}

// The rows and columns kept are the right ones: each weight is the masked and
// fake-quantized one of the model.
func TestCompressedWeights(t *testing.T) {
	tr := compressedTrainer(t, tinyNNCF(t, ""))
	c, err := tr.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	h := tr.compression.linears[valueModule]
	fake := fakeQuantized(h.weight, tr.Model.Layers[0].Value.Weight.Data, 16, 16, nil)
	out := tr.compression.linears[contextModule]
	fakeOut := fakeQuantized(out.weight, tr.Model.Layers[0].AttentionOutput.Weight.Data, 16, 16, nil)
	for i, original := range []int{4, 5, 6, 7, 12, 13, 14, 15} { // rows of heads 1 and 3
		v, o := c.Layers[0].Value, c.Layers[0].Output
		if v.Bias[i] != tr.Model.Layers[0].Value.Bias.Data[original] {
			t.Errorf("bias %d is not that of row %d", i, original)
		}
		for j := range 16 {
			if got, want := float32(v.Weight.I8[i*16+j])*v.Weight.Scale[i], fake[original*16+j]; !near(got, want, 1e-6) {
				t.Errorf("value (%d, %d): found %v, want %v", i, j, got, want)
			}
			if got, want := float32(o.Weight.I8[j*8+i])*o.Weight.Scale[j], fakeOut[j*16+original]; !near(got, want, 1e-6) {
				t.Errorf("output (%d, %d): found %v, want %v", j, i, got, want)
			}
		}
	}
}

// What the compressed value says is what the model with masks and quantizers
// computes.
func TestCompressedComputesTheSame(t *testing.T) {
	movement := tinyNNCF(t, "")
	movement.Quantization = nil
	quantized := tinyNNCF(t, "")
	quantized.MovementSparsity = nil
	for _, test := range []struct {
		name      string
		cfg       *NNCFConfig
		tolerance float64 // a value at the middle of two steps may be rounded otherwise
	}{{"no compression", nil, 1e-4}, {"movement sparsity", movement, 1e-4}, {"quantization", quantized, 2e-3}, {"both", tinyNNCF(t, ""), 2e-3}} {
		t.Run(test.name, func(t *testing.T) {
			tr := newTrainer(nil)
			if test.cfg != nil {
				tr = compressedTrainer(t, test.cfg)
			}
			c, err := tr.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			want, err := tr.Predict(context.Background(), tr.EvalData)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, e := range tr.EvalData {
				for j, got := range compressedLogits(c, e.IDs) {
					worst = math.Max(worst, math.Abs(got-float64(want[2*i+j])))
				}
			}
			t.Logf("largest difference %.2g of logits like %v", worst, want[:2])
			if worst > test.tolerance {
				t.Errorf("logits differ by %v, want at most %v", worst, test.tolerance)
			}
		})
	}
}

// compressedLogits follows the comments of the Compressed types literally, in float64.
func compressedLogits(c *Compressed, ids []int32) []float64 {
	e := &c.Embeddings
	x := make([][]float64, len(ids))
	for i, id := range ids {
		sum, position := e.Word.row(int(id)), e.Position.row(i)
		for j, v := range e.TokenType.row(0) {
			sum[j] += v
		}
		e.AddInputs[0].quantize(sum)
		e.AddInputs[1].quantize(position)
		x[i] = e.Norm.of(sum, position)
	}
	d := c.Config.HeadDim()
	for i := range c.Layers {
		l := &c.Layers[i]
		q, k, v := l.Query.rows(x), l.Key.rows(x), l.Value.rows(x)
		l.QueryOut.quantize(q...)
		l.KeyOut.quantize(k...)
		context := make([][]float64, len(x))
		for t := range x {
			context[t] = make([]float64, len(l.Heads)*d)
			for h := range l.Heads {
				p, sum := make([]float64, len(x)), 0.0
				for s := range x {
					dot := 0.0
					for j := h * d; j < (h+1)*d; j++ {
						dot += q[t][j] * k[s][j]
					}
					p[s] = math.Exp(dot / math.Sqrt(float64(d)))
					sum += p[s]
				}
				for s := range x {
					for j := h * d; j < (h+1)*d; j++ {
						context[t][j] += p[s] / sum * v[s][j]
					}
				}
			}
		}
		for t, y := range l.Output.rows(context) {
			x[t] = l.AttentionNorm.of(y, x[t])
		}
		middle := l.FFNIn.rows(x)
		for t := range middle {
			for j, v := range middle[t] {
				middle[t][j] = v * 0.5 * (1 + math.Erf(v/math.Sqrt2))
			}
		}
		for t, y := range l.FFNOut.rows(middle) {
			x[t] = l.OutputNorm.of(y, x[t])
		}
	}
	pooled := c.Pooler.rows(x[:1])
	for j, v := range pooled[0] {
		pooled[0][j] = math.Tanh(v)
	}
	return c.Classifier.rows(pooled)[0]
}

func (m *CompressedMatrix) row(i int) []float64 {
	row := make([]float64, m.Cols)
	for j := range row {
		if m.I8 != nil {
			row[j] = float64(m.I8[i*m.Cols+j]) * float64(m.Scale[i])
		} else {
			row[j] = float64(m.F32[i*m.Cols+j])
		}
	}
	return row
}

func (l *CompressedLinear) rows(x [][]float64) [][]float64 {
	y := make([][]float64, len(x))
	for t := range x {
		in := slices.Clone(x[t])
		l.Input.quantize(in)
		for r := range l.Weight.Rows {
			sum := float64(l.Bias[r])
			for j, w := range l.Weight.row(r) {
				sum += w * in[j]
			}
			y[t] = append(y[t], sum)
		}
	}
	return y
}

func (a *ActivationRange) quantize(xs ...[]float64) {
	if a == nil {
		return
	}
	low, high := float64(a.Low), float64(a.High)
	s := float64(a.Levels-1) / (high - low)
	for _, x := range xs {
		for i, v := range x {
			x[i] = math.RoundToEven((min(max(v, low), high)-low)*s-math.RoundToEven(-low*s)) / s
		}
	}
}

// of is the normalised sum of two rows.
func (n *CompressedNorm) of(a, b []float64) []float64 {
	y, mean, variance := make([]float64, len(a)), 0.0, 0.0
	for i := range a {
		y[i] = a[i] + b[i]
		mean += y[i] / float64(len(a))
	}
	for _, v := range y {
		variance += (v - mean) * (v - mean) / float64(len(a))
	}
	for i := range y {
		y[i] = (y[i]-mean)/math.Sqrt(variance+1e-12)*float64(n.Gamma[i]) + float64(n.Beta[i])
	}
	return y
}

// A head goes if its values or the output's columns of it are zero: attention
// then gives nothing. Without a query it gives the mean of its values.
func TestCompressedHeads(t *testing.T) {
	m := bert.New(tinyConfig(), 1) // biases are 0, heads have four rows
	l := m.Layers[0]
	clear(l.Query.Weight.Data[:4*16])
	clear(l.Value.Weight.Data[4*16 : 8*16])
	for r := range 16 {
		clear(l.AttentionOutput.Weight.Row(r)[8:12])
	}
	c := compress(m)
	if want := []int{0, 3}; !slices.Equal(c.Layers[0].Heads, want) || c.Layers[0].Query.Weight.Rows != 8 || c.Layers[0].Output.Weight.Cols != 8 {
		t.Errorf("found heads %v, %d rows, %d columns, want %v, 8 and 8", c.Layers[0].Heads, c.Layers[0].Query.Weight.Rows, c.Layers[0].Output.Weight.Cols, want)
	}
	if len(c.Layers[1].Heads) != 4 {
		t.Errorf("found heads %v in layer 1, want all", c.Layers[1].Heads)
	}
}
