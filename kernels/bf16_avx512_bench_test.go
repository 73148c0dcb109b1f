//go:build amd64 && !noasm && !purego

package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// BenchmarkPeakBF16 measures the limit beside which the products of BF16 are
// judged.
func BenchmarkPeakBF16(b *testing.B) {
	if !hasFeature("AVX512BF16") {
		b.Skip("the CPU lacks AVX512BF16")
	}
	const rounds = 1 << 16
	for b.Loop() {
		peakBF16(rounds)
	}
	reportGFLOPS(b, rounds*16*32*2)
}

// BenchmarkPanelBF16 multiplies rows of 768 with all 24 panels of a 768×768
// matrix.
func BenchmarkPanelBF16(b *testing.B) {
	const depth, panels = 768, 24
	r := rand.New(rand.NewPCG(5, 6))
	var offs []int32
	for off := int32(0); off < 2*depth; off += granuleBytes {
		offs = append(offs, off)
	}
	for _, im := range gemmBF16Family.all {
		for _, rows := range []int{1, 12, 128, 1024} {
			b.Run(fmt.Sprintf("%s/%d", im.Name, rows), func(b *testing.B) {
				if why := im.missing(); why != "" {
					b.Skip(why)
				}
				x, y := make([]byte, rows*2*depth), make([]byte, panels*panelCols*2*depth)
				randomBF16(r, x)
				randomBF16(r, y)
				c := make([]float32, rows*panels*panelCols)
				for b.Loop() {
					for p := range panels {
						im.fn(rows, panelCols, unsafe.Pointer(&x[0]), 2*depth, offs, unsafe.Pointer(&y[p*panelCols*2*depth]),
							unsafe.Pointer(&c[p*panelCols]), panels*panelCols, false)
					}
				}
				reportGFLOPS(b, 2*rows*depth*panels*panelCols)
			})
		}
	}
}
