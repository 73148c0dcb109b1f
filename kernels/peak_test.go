//go:build amd64 && !noasm && !purego

package kernels

import (
	"testing"

	"github.com/klauspost/cpuid/v2"
)

// The limits beside which the products are judged: what GOMAXPROCS cores can
// multiply and add at most, on registers alone.

// BenchmarkPeakFMA is the limit of products of float32.
func BenchmarkPeakFMA(b *testing.B) {
	b.Run("avx2", func(b *testing.B) { peak(b, Missing(AVX2), peakFMA256, 12*8, "GFLOP/s") })
	b.Run("avx512", func(b *testing.B) { peak(b, Missing(AVX512), peakFMA512, 16*16, "GFLOP/s") })
}

// BenchmarkPeakVNNI is the limit of products of bytes by VPDPBUSD.
func BenchmarkPeakVNNI(b *testing.B) {
	b.Run("avxvnni", func(b *testing.B) { peak(b, Missing(AVXVNNI), peakInt8VEX, 12*32, "GOP/s") })
	b.Run("vnni", func(b *testing.B) { peak(b, Missing(VNNI), peakVNNI512, 16*64, "GOP/s") })
}

// BenchmarkPeakMADD is the limit of products of bytes without VPDPBUSD, widened
// to words, which are multiplied and then added up.
func BenchmarkPeakMADD(b *testing.B) {
	b.Run("avx2", func(b *testing.B) { peak(b, Missing(AVX2), peakMADD256, 8*16, "GOP/s") })
	b.Run("avx512", func(b *testing.B) { peak(b, Missing(AVX512), peakMADD512, 16*32, "GOP/s") })
}

// BenchmarkPeakBF16 is the limit of products of brain floats by VDPBF16PS.
func BenchmarkPeakBF16(b *testing.B) {
	why := Missing(AVX512)
	if why == "" && !cpuid.CPU.Supports(cpuid.AVX512BF16) {
		why = "the CPU lacks AVX512BF16"
	}
	b.Run("bf16", func(b *testing.B) { peak(b, why, peakBF16, 16*32, "GFLOP/s") })
}

// peak reports the rate of a loop with so many products a round.
func peak(b *testing.B, why string, loop func(rounds int), products int, unit string) {
	if why != "" {
		b.Skip(why)
	}
	const rounds = 1 << 14
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			loop(rounds)
		}
	})
	b.ReportMetric(2*float64(products)*rounds*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
}
