//go:build amd64 && !noasm && !purego

package kernels

// erfConstants holds the constants of erf for the assembly, as [approximations].
type erfConstants struct {
	split, limit               [8]float32
	p0, p1, p2, p3, p4, p5, p6 [8]float32
	q0, q1, q2, q3, q4, q5, q6 [8]float32
}

//lint:ignore U1000 the assembly reads it
var erfConstant = erfConstants{
	split: eight(erfSplit), limit: eight(erfLimit),
	p0: eight(erfP0), p1: eight(erfP1), p2: eight(erfP2), p3: eight(erfP3), p4: eight(erfP4), p5: eight(erfP5), p6: eight(erfP6),
	q0: eight(erfQ0), q1: eight(erfQ1), q2: eight(erfQ2), q3: eight(erfQ3), q4: eight(erfQ4), q5: eight(erfQ5), q6: eight(erfQ6),
}

func init() {
	register(&expFamily, Kernel{Op: "exp_f32", Name: "exp_f32_avx2", ISA: AVX2}, expAVX2)
	register(&expFamily, Kernel{Op: "exp_f32", Name: "exp_f32_avx512", ISA: AVX512}, expAVX512)
	register(&erfFamily, Kernel{Op: "erf_f32", Name: "erf_f32_avx2", ISA: AVX2}, erfAVX2)
	register(&erfFamily, Kernel{Op: "erf_f32", Name: "erf_f32_avx512", ISA: AVX512}, erfAVX512)
}

//go:noescape
func expAVX2(s float32, a, b, y []float32)

//go:noescape
func expAVX512(s float32, a, b, y []float32)

//go:noescape
func erfAVX2(s float32, a, b, y []float32)

//go:noescape
func erfAVX512(s float32, a, b, y []float32)
