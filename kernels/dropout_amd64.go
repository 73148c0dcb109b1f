//go:build amd64 && !noasm && !purego

package kernels

// dropoutCounter is i·dropoutSpread of the elements i of the first vector, and of
// the step from one vector to the next.
//
//lint:ignore U1000 the assembly reads it
var dropoutCounter = newDropoutCounter()

type dropoutCounters struct {
	first         [16]uint32
	step8, step16 uint32
}

func newDropoutCounter() (c dropoutCounters) {
	for i := range c.first {
		c.first[i] = uint32(i) * dropoutSpread
	}
	c.step8 = c.first[8]
	c.step16 = 2 * c.step8
	return c
}

func init() {
	register(&dropoutFamily, Kernel{Op: "dropout_f32", Name: "dropout_f32_avx2", ISA: AVX2}, dropoutAVX2)
	register(&dropoutFamily, Kernel{Op: "dropout_f32", Name: "dropout_f32_avx512", ISA: AVX512}, dropoutAVX512)
	register(&dropoutBackwardFamily, Kernel{Op: "dropout_backward_f32", Name: "dropout_backward_f32_avx2", ISA: AVX2}, dropoutBackwardAVX2)
	register(&dropoutBackwardFamily, Kernel{Op: "dropout_backward_f32", Name: "dropout_backward_f32_avx512", ISA: AVX512}, dropoutBackwardAVX512)
}

//go:noescape
func dropoutAVX2(q dropoutParams, x, y []float32)

//go:noescape
func dropoutAVX512(q dropoutParams, x, y []float32)

//go:noescape
func dropoutBackwardAVX2(q dropoutParams, x, y []float32)

//go:noescape
func dropoutBackwardAVX512(q dropoutParams, x, y []float32)
