package kernels

import "math"

// BF16 is a brain float: the upper half of a float32's bits.
type BF16 uint16

// Float32 returns the number.
func (x BF16) Float32() float32 { return math.Float32frombits(uint32(x) << 16) }

// ToBF16 rounds x to the nearest BF16, half to even; a NaN stays one.
func ToBF16(x float32) BF16 {
	bits := math.Float32bits(x)
	if x != x {
		return BF16(bits>>16 | 0x40)
	}
	return BF16((bits + 0x7fff + bits>>16&1) >> 16)
}

// bf16Func converts between x and y, one way or the other.
type bf16Func func(x []float32, y []BF16)

var (
	roundBF16Family  family[bf16Func]
	expandBF16Family family[bf16Func]
)

func init() {
	register(&roundBF16Family, Kernel{Op: "round_bf16", Name: "round_bf16_generic"}, roundBF16Generic)
	register(&expandBF16Family, Kernel{Op: "expand_bf16", Name: "expand_bf16_generic"}, expandBF16Generic)
}

// bf16Task is a conversion, in parts of vectorGrain elements.
type bf16Task struct {
	fn bf16Func
	x  []float32
	y  []BF16
}

var bf16Tasks freeList[bf16Task]

// Run does elements i·vectorGrain and on.
func (t *bf16Task) Run(i int) {
	lo, hi := i*vectorGrain, min((i+1)*vectorGrain, len(t.x))
	t.fn(t.x[lo:hi], t.y[lo:hi])
}

func runBF16(fn bf16Func, x []float32, y []BF16) {
	if len(x) != len(y) {
		panic(errLength)
	}
	t := bf16Tasks.get()
	*t = bf16Task{fn, x, y}
	Parallel(parts(len(x), vectorGrain), t)
	*t = bf16Task{}
	bf16Tasks.put(t)
}

// RoundBF16 rounds numbers to BF16, half to even, as [ToBF16] does:
//
//	y[i] = ToBF16(x[i])
//
// The result is bit-equal on every instruction set.
func RoundBF16(x []float32, y []BF16) { runBF16(roundBF16Family.use.fn, x, y) }

// ExpandBF16 is the way back, which is exact:
//
//	y[i] = x[i].Float32()
func ExpandBF16(x []BF16, y []float32) { runBF16(expandBF16Family.use.fn, y, x) }

func roundBF16Generic(x []float32, y []BF16) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = ToBF16(v)
	}
}

func expandBF16Generic(x []float32, y []BF16) {
	y = y[:len(x)]
	for i, v := range y {
		x[i] = v.Float32()
	}
}
