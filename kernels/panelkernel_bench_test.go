//go:build amd64 && !noasm && !purego

package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// BenchmarkPeakDot measures the limits beside which the products of BF16 and,
// without AVX-512, of int8 are judged.
func BenchmarkPeakDot(b *testing.B) {
	const rounds = 1 << 16
	for _, l := range []struct {
		name, feature string
		run           func(int)
		ops           int // per round
	}{
		{"bf16", "AVX512BF16", peakBF16, 16 * 32 * 2},
		{"int8_vex", "AVXVNNI", peakInt8VEX, 12 * 32 * 2},
	} {
		b.Run(l.name, func(b *testing.B) {
			if !hasFeature(l.feature) {
				b.Skip("the CPU lacks " + l.feature)
			}
			for b.Loop() {
				l.run(rounds)
			}
			reportGFLOPS(b, rounds*l.ops)
		})
	}
}

// benchmarkPanels multiplies rows of 768 elements of that many bytes with all
// 24 panels of a 768×768 matrix.
func benchmarkPanels(b *testing.B, k Kernel, kernel panelKernel, size int) {
	const depth, panels = 768, 24
	r := rand.New(rand.NewPCG(5, 6))
	lda := size * depth
	var offs []int32
	for off := range lda / granuleBytes {
		offs = append(offs, int32(off*granuleBytes))
	}
	for _, rows := range []int{1, 12, 128, 1024} {
		b.Run(fmt.Sprintf("%s/%d", k.Name, rows), func(b *testing.B) {
			if why := k.missing(); why != "" {
				b.Skip(why)
			}
			x, y := make([]byte, rows*lda), make([]byte, panels*panelCols*lda)
			randomBF16(r, x)
			randomBF16(r, y)
			c := make([]float32, rows*panels*panelCols)
			for b.Loop() {
				for p := range panels {
					kernel(rows, panelCols, unsafe.Pointer(&x[0]), lda, offs, unsafe.Pointer(&y[p*panelCols*lda]),
						unsafe.Pointer(&c[p*panelCols]), panels*panelCols, false)
				}
			}
			reportGFLOPS(b, 2*rows*depth*panels*panelCols)
		})
	}
}

func BenchmarkPanelBF16(b *testing.B) {
	for _, im := range gemmBF16Family.all {
		benchmarkPanels(b, im.Kernel, im.fn, 2)
	}
}

func BenchmarkPanelInt8(b *testing.B) {
	for _, im := range gemmInt8Family.all {
		if !im.fn.widened {
			benchmarkPanels(b, im.Kernel, im.fn.u8, 1)
		}
	}
}
