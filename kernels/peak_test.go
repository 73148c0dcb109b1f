//go:build amd64 && !noasm && !purego

package kernels

import "testing"

// BenchmarkPeakFMA measures what one core can multiply and add at most: the
// limit beside which the products of float32 are judged.
func BenchmarkPeakFMA(b *testing.B) {
	const rounds = 1 << 16
	for _, l := range []struct {
		level ISA
		run   func(int)
		flops int // per round
	}{
		{AVX2, peakFMA256, 12 * 8 * 2},
		{AVX512, peakFMA512, 16 * 16 * 2},
	} {
		b.Run(l.level.String(), func(b *testing.B) {
			if why := Missing(l.level); why != "" {
				b.Skip(why)
			}
			for b.Loop() {
				l.run(rounds)
			}
			reportGFLOPS(b, rounds*l.flops)
		})
	}
}
