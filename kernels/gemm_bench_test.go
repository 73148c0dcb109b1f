package kernels

import (
	"fmt"
	"testing"
)

// BenchmarkGemmF32 runs the shapes (m × n × k) of BERT-base layers on 1024 and
// 128 tokens, and of a small model in training, as op/shape/level.
func BenchmarkGemmF32(b *testing.B) {
	shapes := [][3]int{
		{1024, 768, 768}, {1024, 3072, 768}, {1024, 768, 3072}, {128, 768, 768},
		{400, 128, 128}, {400, 512, 128}, {13, 13, 64}, {13, 64, 13},
		{128, 128, 400}, {128, 512, 400}, {1, 768, 768},
	}
	for _, op := range []GemmOp{NN, NT, TN} {
		for _, s := range shapes {
			m, n, k := s[0], s[1], s[2]
			b.Run(fmt.Sprintf("%v/%dx%dx%d", op, m, n, k), func(b *testing.B) {
				p := newProduct(op, m, n, k, 0, 0, randomFloats)
				benchLevels(b, "gemm_f32", func(b *testing.B) {
					for b.Loop() {
						p.run(false)
					}
					reportGFLOPS(b, 2*m*n*k)
				})
			})
		}
	}
}

// reportGFLOPS reports the rate of a benchmark of so many operations a turn.
func reportGFLOPS(b *testing.B, perTurn int) {
	b.ReportMetric(float64(perTurn)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// benchLevels runs a benchmark for each implementation of op that the machine
// runs, named by its level.
func benchLevels(b *testing.B, op string, f func(b *testing.B)) {
	defer setLevel(level)
	for _, k := range families[op].kernels() {
		if k.missing() == "" {
			setLevel(k.ISA)
			b.Run(k.ISA.String(), f)
		}
	}
}
