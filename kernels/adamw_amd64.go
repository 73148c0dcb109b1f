//go:build amd64 && !noasm && !purego

package kernels

func init() {
	register(&adamwFamily, Kernel{Op: "adamw_f32", Name: "adamw_f32_avx2", ISA: AVX2}, adamwAVX2)
	register(&adamwFamily, Kernel{Op: "adamw_f32", Name: "adamw_f32_avx512", ISA: AVX512}, adamwAVX512)
}

//go:noescape
func adamwAVX2(c *adamwCoefficients, p, g, m, v []float32)

//go:noescape
func adamwAVX512(c *adamwCoefficients, p, g, m, v []float32)
