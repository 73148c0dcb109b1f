package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
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

// benchShapes runs a benchmark of each shape, for which prepare returns the call.
func benchShapes(b *testing.B, name, op string, prepare func(m, n, k int) func()) {
	b.Run(name, func(b *testing.B) {
		for _, s := range packedShapes() {
			b.Run(fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) {
				benchCall(b, op, 2*s[0]*s[1]*s[2], prepare(s[0], s[1], s[2]))
			})
		}
	})
}

// benchCall reports the rate of a call of so many operations of a product, in
// billions a second, and how much of the machine's limit that is.
func benchCall(b *testing.B, op string, operations int, call func()) {
	call()
	for b.Loop() {
		call()
	}
	rate, unit := float64(operations)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s"
	if op == "gemm_int8" {
		unit = "GOP/s"
	}
	b.ReportMetric(rate, unit)
	if limit := Limit(op); limit > 0 {
		b.ReportMetric(100*rate/limit, "%limit")
	}
}

// BenchmarkGemmInt8 multiplies A of bytes with packed weights: into int32; with
// the epilogue of a feed-forward layer (zero point, scale and bias for each
// column, GELU) into uint8; with a residual into float32. The products of
// attention pack B on the way: keys (qk) and values (pv) of 12 heads of 64.
func BenchmarkGemmInt8(b *testing.B) {
	vector := func(n int, x float32) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = x
		}
		return v
	}
	benchShapes(b, "u8s8s32", "gemm_int8", func(m, n, k int) func() {
		p, c := newInt8Product[uint8](NT, m, n, k, 0, plainBytes), make([]int32, m*n)
		w := p.pack()
		return func() { GemmInt8(m, p.a, k, w, c, n, nil) }
	})
	benchShapes(b, "s8s8s32", "gemm_int8", func(m, n, k int) func() {
		p, c := newInt8Product[int8](NT, m, n, k, 0, plainBytes), make([]int32, m*n)
		w := p.pack()
		return func() { GemmInt8(m, p.a, k, w, c, n, nil) }
	})
	benchShapes(b, "u8s8u8_gelu", "gemm_int8", func(m, n, k int) func() {
		p, c := newInt8Product[uint8](NT, m, n, k, 0, plainBytes), make([]uint8, m*n)
		w := p.pack()
		e := &Epilogue{ZeroA: 7, Scale: vector(n, 0.001), Bias: vector(n, 0.1), Activation: ActGELU, Quantizer: Quantizer{Scale: 0.05, ZeroPoint: 3}}
		return func() { GemmInt8(m, p.a, k, w, c, n, e) }
	})
	benchShapes(b, "u8s8f32_residual", "gemm_int8", func(m, n, k int) func() {
		p, c := newInt8Product[uint8](NT, m, n, k, 0, plainBytes), make([]float32, m*n)
		w := p.pack()
		e := &Epilogue{ZeroA: 7, Scale: vector(n, 0.001), Bias: vector(n, 0.1), Residual: make([]float32, m*n), LDR: n}
		return func() { GemmInt8(m, p.a, k, w, c, n, e) }
	})
	const tokens, heads, headDim = 128, 12, 64
	keys, values, width := attention(1, heads, tokens, headDim)
	q := newInt8Product[uint8](NT, tokens, tokens, width, 0, plainBytes)
	b.Run(fmt.Sprintf("u8s8s32_qk/%dx%dx%d", tokens, tokens, headDim), func(b *testing.B) {
		c := make([]int32, heads*tokens*tokens)
		benchCall(b, "gemm_int8", 2*heads*tokens*tokens*headDim, func() {
			GemmInt8Batch(keys, NT, tokens, tokens, headDim, q.a, width, q.b, width, c, tokens, nil)
		})
	})
	b.Run(fmt.Sprintf("u8s8s32_pv/%dx%dx%d", tokens, headDim, tokens), func(b *testing.B) {
		p, c := newInt8Product[uint8](NT, heads*tokens, 1, tokens, 0, plainBytes), make([]int32, tokens*width)
		benchCall(b, "gemm_int8", 2*heads*tokens*tokens*headDim, func() {
			GemmInt8Batch(values, NN, tokens, headDim, tokens, p.a, tokens, q.b, width, c, width, nil)
		})
	})
}

// BenchmarkEpilogue finishes a strip by itself: scale, bias, the activation and
// levels of bytes, in ns for 16 results.
func BenchmarkEpilogue(b *testing.B) {
	for name, act := range map[string]Activation{"none": ActNone, "gelu": ActGELU} {
		b.Run(name, func(b *testing.B) {
			s, out := newStrip(), make([]uint8, stripRows*768)
			e := Epilogue{Activation: act, Quantizer: Quantizer{Scale: 0.05}}
			e.args(&s.args, sumInt32, outBytes, e.Quantizer.params(range8[uint8]()))
			s.args.sums, s.args.cols, s.args.scale, s.args.bias = unsafe.Pointer(&s.sums), panelCols, &epilogueOnes[0], &epilogueZeros[0]
			for i := range s.sums {
				s.sums[i] = int32(i%7 - 3)
			}
			s.args.out, s.args.ldout, s.args.rows = unsafe.Pointer(&out[0]), 768, stripRows
			for b.Loop() {
				epilogueFamily.use.fn(&s.args)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(stripRows*panelCols/16), "ns/vector")
			s.put()
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

// BenchmarkGemmPackedF32 multiplies with packed weights in float32.
func BenchmarkGemmPackedF32(b *testing.B) {
	for name, gelu := range map[string]bool{"f32": false, "f32_gelu": true} {
		benchShapes(b, name, "gemm_packed_f32", func(m, n, k int) func() {
			p := newProduct(NT, m, n, k, 0, 0, randomFloats)
			w := PackF32(NT, n, k, p.b, k)
			e := new(Epilogue)
			if gelu {
				e = &Epilogue{Bias: make([]float32, n), Activation: ActGELU}
			}
			return func() { GemmPackedF32(m, p.a, k, w, p.c, n, e) }
		})
	}
}

// BenchmarkGemmBF16 multiplies BF16: with packed weights, and as training does,
// packing both operands on the way.
func BenchmarkGemmBF16(b *testing.B) {
	benchShapes(b, "bf16", "gemm_bf16", func(m, n, k int) func() {
		p := newProduct(NT, m, n, k, 0, 0, randomFloats)
		x, w := bf16s(p.a), PackBF16(NT, n, k, bf16s(p.b), k)
		return func() { GemmPackedBF16(m, x, k, w, p.c, n, nil) }
	})
	for _, op := range gemmOps {
		benchShapes(b, op.String(), "gemm_bf16", func(m, n, k int) func() {
			p := newProduct(op, m, n, k, 0, 0, randomFloats)
			x, y := bf16s(p.a), bf16s(p.b)
			return func() { GemmBF16(op, m, n, k, x, p.lda, y, p.ldb, p.c, n, false) }
		})
	}
}

// keepBlocks is a block-sparse matrix with round(density · blocks) blocks of
// 32×32, at random.
func keepBlocks(r *rand.Rand, rows, cols int, density float64) BSR[int8] {
	const side = 32
	across, blocks := cols/side, rows/side*(cols/side)
	kept := make([]bool, blocks)
	for _, i := range r.Perm(blocks)[:int(math.Round(density*float64(blocks)))] {
		kept[i] = true
	}
	w := BSR[int8]{Rows: rows, Cols: cols, BlockRows: side, BlockCols: side, RowPtr: []int32{0}}
	for i, k := range kept {
		if k {
			w.ColIdx = append(w.ColIdx, int32(i%across))
		}
		if i%across == across-1 {
			w.RowPtr = append(w.RowPtr, int32(len(w.ColIdx)))
		}
	}
	w.Values = make([]int8, len(w.ColIdx)*side*side)
	fillBytes(r, w.Values)
	return w
}

// BenchmarkBlockSparse multiplies with 32×32 blocks of which a share is kept,
// and reports the rate on the blocks kept.
func BenchmarkBlockSparse(b *testing.B) {
	shapes := [][3]int{{128, 768, 768}, {128, 3072, 768}, {128, 768, 3072}, {1024, 768, 768}, {1024, 3072, 768}, {1024, 768, 3072}}
	for _, density := range []float64{0.05, 0.1, 0.2, 0.4, 0.6, 1} {
		for _, s := range shapes {
			m, n, k := s[0], s[1], s[2]
			name := fmt.Sprintf("%.2f/%dx%dx%d", density, m, n, k)
			b.Run("int8/"+name, func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				a, c, w := make([]uint8, m*k), make([]int32, m*n), keepBlocks(r, n, k, density)
				fillBytes(r, a)
				p := PackInt8BSR(w)
				benchCall(b, "gemm_int8", 2*m*len(w.Values), func() { GemmInt8(m, a, k, p, c, n, nil) })
			})
			b.Run("f32/"+name, func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				a, c, w := fill(r, 1, make([]float32, m*k)), make([]float32, m*n), keepBlocks(r, n, k, density)
				floats := BSR[float32]{w.Rows, w.Cols, 32, 32, w.RowPtr, w.ColIdx, fill(r, 1, make([]float32, len(w.Values)))}
				p := PackF32BSR(floats)
				benchCall(b, "gemm_packed_f32", 2*m*len(w.Values), func() { GemmPackedF32(m, a, k, p, c, n, nil) })
			})
		}
	}
}
