//go:build amd64 && !noasm && !purego

package kernels

import "math"

// approximations holds the constants of exp, tanh and Φ for the assembly: AVX2
// takes the eight copies from memory, AVX-512 broadcasts the first.
type approximations struct {
	expLow, expHigh                        [8]float32
	log2e, ln2Hi, ln2Lo                    [8]float32
	expC2, expC3, expC4, expC5, expC6      [8]float32
	one, two, minusHalf, minusTwo          [8]float32
	absolute                               [8]uint32
	mostNegative                           [8]float32
	tanhLimit, tailLimit, density0         [8]float32
	tailP0, tailP1, tailP2, tailP3, tailP4 [8]float32
	tailQ1, tailQ2, tailQ3, tailQ4, tailQ5 [8]float32
}

//lint:ignore U1000 the assembly reads it
var approximation = approximations{
	expLow: eight(expLow), expHigh: eight(expHigh),
	log2e: eight(math.Log2E), ln2Hi: eight(ln2Hi), ln2Lo: eight(ln2Lo),
	expC2: eight(expC2), expC3: eight(expC3), expC4: eight(expC4), expC5: eight(expC5), expC6: eight(expC6),
	one: eight(1), two: eight(2), minusHalf: eight(-0.5), minusTwo: eight(-2),
	absolute:     [8]uint32{1<<31 - 1, 1<<31 - 1, 1<<31 - 1, 1<<31 - 1, 1<<31 - 1, 1<<31 - 1, 1<<31 - 1, 1<<31 - 1},
	mostNegative: eight(-math.MaxFloat32),
	tanhLimit:    eight(tanhLimit), tailLimit: eight(tailLimit), density0: eight(density0),
	tailP0: eight(tailP0), tailP1: eight(tailP1), tailP2: eight(tailP2), tailP3: eight(tailP3), tailP4: eight(tailP4),
	tailQ1: eight(tailQ1), tailQ2: eight(tailQ2), tailQ3: eight(tailQ3), tailQ4: eight(tailQ4), tailQ5: eight(tailQ5),
}

func eight(x float32) [8]float32 { return [8]float32{x, x, x, x, x, x, x, x} }

func init() {
	register(&tanhFamily, Kernel{Op: "tanh_f32", Name: "tanh_f32_avx2", ISA: AVX2}, tanhAVX2)
	register(&tanhFamily, Kernel{Op: "tanh_f32", Name: "tanh_f32_avx512", ISA: AVX512}, tanhAVX512)
	register(&tanhBackwardFamily, Kernel{Op: "tanh_backward_f32", Name: "tanh_backward_f32_avx2", ISA: AVX2}, tanhBackwardAVX2)
	register(&tanhBackwardFamily, Kernel{Op: "tanh_backward_f32", Name: "tanh_backward_f32_avx512", ISA: AVX512}, tanhBackwardAVX512)
}

//go:noescape
func tanhAVX2(s float32, a, b, y []float32)

//go:noescape
func tanhAVX512(s float32, a, b, y []float32)

//go:noescape
func tanhBackwardAVX2(s float32, a, b, y []float32)

//go:noescape
func tanhBackwardAVX512(s float32, a, b, y []float32)
