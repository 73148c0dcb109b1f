package int8_test

import (
	"fmt"
	"testing"

	"github.com/go-jpqd/jpqd/kernels"
)

// repeated is n times the same kept count, one for each layer.
func repeated(layers, kept int) []int {
	all := make([]int, layers)
	for i := range all {
		all[i] = kept
	}
	return all
}

// Synthetic models. The vocabulary is small: looking up words takes no time.
var (
	bertTiny = form{hidden: 128, heads: 2, intermediate: 512, vocab: 1000, positions: 512, keptHeads: repeated(2, 2), keptNeurons: repeated(2, 512)}
	bertBase = form{hidden: 768, heads: 12, intermediate: 3072, vocab: 1000, positions: 512, keptHeads: repeated(12, 12), keptNeurons: repeated(12, 3072)}
)

// BenchmarkLogits measures sequences of equal length, all tokens real.
func BenchmarkLogits(b *testing.B) {
	pruned := func(f form, heads, neurons int) form {
		f.keptHeads, f.keptNeurons = repeated(len(f.keptHeads), heads), repeated(len(f.keptNeurons), neurons)
		return f
	}
	published := func(f form) form { // quantizers as in the published configurations
		f.weights, f.inputs, f.operands = true, true, true
		return f
	}
	for _, m := range []struct {
		name string
		form form
	}{
		{"tiny/float", bertTiny},
		{"tiny/quantized", published(bertTiny)},
		{"tiny/quantized-half-pruned", published(pruned(bertTiny, 1, 256))},
		{"base/float", bertBase},
		{"base/quantized", published(bertBase)},
		{"base/quantized-half-pruned", published(pruned(bertBase, 6, 1536))},
	} {
		b.Run(m.name, func(b *testing.B) {
			e := engine(b, randomModel(m.form, 1))
			for _, shape := range []struct{ sequences, length int }{{1, 128}, {8, 128}, {32, 64}} {
				b.Run(fmt.Sprintf("batch=%d/length=%d", shape.sequences, shape.length), func(b *testing.B) {
					batch := randomBatch(m.form, 1, repeated(shape.sequences, shape.length)...)
					w, logits := e.NewWorkspace(), make([]float32, 3*shape.sequences)
					if err := e.Logits(w, batch, logits); err != nil { // the workspace grows
						b.Fatal(err)
					}
					b.ReportAllocs()
					for b.Loop() {
						if err := e.Logits(w, batch, logits); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(shape.sequences*b.N)/b.Elapsed().Seconds(), "sequences/s")
				})
			}
		})
	}
	b.Log(kernels.Selected("gemm_f32").Name)
}
