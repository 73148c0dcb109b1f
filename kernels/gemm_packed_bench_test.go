package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// packedShapes (m × n × k) are the layers of BERT-base with 1 to 4096 tokens,
// of BERT-large and of MiniLM (hidden 384).
func packedShapes() [][3]int {
	var shapes [][3]int
	for _, layer := range [][2]int{{768, 768}, {3072, 768}, {768, 3072}} {
		for _, m := range []int{1, 8, 32, 128, 256, 1024, 4096} {
			shapes = append(shapes, [3]int{m, layer[0], layer[1]})
		}
	}
	for _, layer := range [][2]int{{1024, 1024}, {4096, 1024}, {1024, 4096}, {384, 384}, {1536, 384}, {384, 1536}} {
		shapes = append(shapes, [3]int{128, layer[0], layer[1]}, [3]int{1024, layer[0], layer[1]})
	}
	return shapes
}

// reportRate reports operations a second in GOP/s.
func reportRate(b *testing.B, perTurn int) {
	b.ReportMetric(float64(perTurn)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
}

// BenchmarkGemmInt8 multiplies A of bytes with packed weights: into int32, and
// with the epilogue of a feed-forward layer (zero point, scale and bias for each
// column, GELU) into uint8.
func BenchmarkGemmInt8(b *testing.B) {
	for _, s := range packedShapes() {
		m, n, k := s[0], s[1], s[2]
		shape := fmt.Sprintf("%dx%dx%d", m, n, k)
		p := newInt8Product[uint8](NT, m, n, k, 0, plainBytes)
		signed := newInt8Product[int8](NT, m, n, k, 0, plainBytes)
		w := p.pack()
		c, u, f := make([]int32, m*n), make([]uint8, m*n), make([]float32, m*n)
		scale, bias := make([]float32, n), make([]float32, n)
		for j := range scale {
			scale[j], bias[j] = 0.001, 0.1
		}
		residual := make([]float32, m*n)
		run := func(name string, call func()) {
			b.Run(name+"/"+shape, func(b *testing.B) {
				for b.Loop() {
					call()
				}
				reportRate(b, 2*m*n*k)
			})
		}
		run("u8s8s32", func() { GemmInt8(m, p.a, k, w, c, n, nil) })
		run("s8s8s32", func() { GemmInt8(m, signed.a, k, w, c, n, nil) })
		run("u8s8u8_gelu", func() {
			GemmInt8(m, p.a, k, w, u, n, &Epilogue{ZeroA: 7, Scale: scale, Bias: bias, Activation: ActGELU, Quantizer: Quantizer{Scale: 0.05, ZeroPoint: 3}})
		})
		run("u8s8f32_residual", func() {
			GemmInt8(m, p.a, k, w, f, n, &Epilogue{ZeroA: 7, Scale: scale, Bias: bias, Residual: residual, LDR: n})
		})
	}
}

// BenchmarkPackInt8 packs all 72 weights of BERT-base's encoder.
func BenchmarkPackInt8(b *testing.B) {
	w := make([]int8, 768*3072)
	var p PackedInt8
	b.Run("bert-base", func(b *testing.B) {
		for b.Loop() {
			for range 12 {
				for range 4 {
					p.Pack(NT, 768, 768, w, 768)
				}
				p.Pack(NT, 3072, 768, w, 768)
				p.Pack(NT, 768, 3072, w, 3072)
			}
		}
	})
}

// BenchmarkGemmPackedF32 is the same in float32.
func BenchmarkGemmPackedF32(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range packedShapes() {
		m, n, k := s[0], s[1], s[2]
		x, w, c := fill(r, 1, make([]float32, m*k)), fill(r, 1, make([]float32, n*k)), make([]float32, m*n)
		p := PackF32(NT, n, k, w, k)
		bias := make([]float32, n)
		for name, e := range map[string]*Epilogue{"f32": nil, "f32_gelu": {Bias: bias, Activation: ActGELU}} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", name, m, n, k), func(b *testing.B) {
				for b.Loop() {
					GemmPackedF32(m, x, k, p, c, n, e)
				}
				reportGFLOPS(b, 2*m*n*k)
			})
		}
	}
}

// BenchmarkBlockSparse multiplies with 32×32 blocks of which a share is kept,
// and reports the rate on the blocks kept.
func BenchmarkBlockSparse(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][3]int{{128, 768, 768}, {1024, 768, 768}, {1024, 3072, 768}, {1024, 768, 3072}} {
		m, n, k := s[0], s[1], s[2]
		a, f := make([]uint8, m*k), fill(r, 1, make([]float32, m*k))
		fillBytes(r, a)
		c, d := make([]int32, m*n), make([]float32, m*n)
		for _, density := range []float64{0.05, 0.1, 0.2, 0.4, 0.6, 1} {
			w, _ := bsrOf(r, n, k, 32, 32, density)
			floats := BSR[float32]{w.Rows, w.Cols, 32, 32, w.RowPtr, w.ColIdx, fill(r, 1, make([]float32, len(w.Values)))}
			p, q := PackInt8BSR(w), PackF32BSR(floats)
			name := fmt.Sprintf("%.2f/%dx%dx%d", density, m, n, k)
			b.Run("int8/"+name, func(b *testing.B) {
				for b.Loop() {
					GemmInt8(m, a, k, p, c, n, nil)
				}
				reportRate(b, 2*m*len(w.Values))
			})
			b.Run("f32/"+name, func(b *testing.B) {
				for b.Loop() {
					GemmPackedF32(m, f, k, q, d, n, nil)
				}
				reportGFLOPS(b, 2*m*len(w.Values))
			})
		}
	}
}
