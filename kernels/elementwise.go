package kernels

// vectorFunc is the kernel of an operation that goes element by element: it
// writes y from a, b and the scalar s. Operations of one input leave b nil,
// those without a scalar leave s zero.
type vectorFunc func(s float32, a, b, y []float32)

var (
	addFamily       family[vectorFunc]
	mulFamily       family[vectorFunc]
	mulAddFamily    family[vectorFunc]
	scaleFamily     family[vectorFunc]
	addScaledFamily family[vectorFunc]
)

func init() {
	register(&addFamily, Kernel{Op: "add_f32", Name: "add_f32_generic"}, addGeneric)
	register(&mulFamily, Kernel{Op: "mul_f32", Name: "mul_f32_generic"}, mulGeneric)
	register(&mulAddFamily, Kernel{Op: "muladd_f32", Name: "muladd_f32_generic"}, mulAddGeneric)
	register(&scaleFamily, Kernel{Op: "scale_f32", Name: "scale_f32_generic"}, scaleGeneric)
	register(&addScaledFamily, Kernel{Op: "addscaled_f32", Name: "addscaled_f32_generic"}, addScaledGeneric)
}

// vectorGrain is how many elements one part of a long vector has. Two parts
// and more are shared among threads; below that waking one costs more than it
// saves.
const vectorGrain = 1 << 14

// vectorTask is one element-by-element operation, cut into parts.
type vectorTask struct {
	fn      vectorFunc
	s       float32
	a, b, y []float32
}

var vectorTasks freeList[vectorTask]

// Run does elements i·vectorGrain and on.
func (t *vectorTask) Run(i int) {
	lo := i * vectorGrain
	hi := min(lo+vectorGrain, len(t.y))
	var b []float32
	if t.b != nil {
		b = t.b[lo:hi]
	}
	t.fn(t.s, t.a[lo:hi], b, t.y[lo:hi])
}

// runVector calls the kernel of f, in parallel where the vectors are long.
func runVector(f *family[vectorFunc], s float32, a, b, y []float32) {
	if len(y) < 2*vectorGrain {
		f.use.fn(s, a, b, y)
		return
	}
	t := vectorTasks.get()
	*t = vectorTask{f.use.fn, s, a, b, y}
	Parallel(parts(len(y), vectorGrain), t)
	*t = vectorTask{}
	vectorTasks.put(t)
}

// parts is how many parts of the given size cover n.
func parts(n, size int) int { return (n + size - 1) / size }

// sameLength panics unless a, b and y are equally long.
func sameLength(a, b, y []float32) {
	if len(a) != len(y) || len(b) != len(y) {
		panic(errLength)
	}
}

// Add computes
//
//	y[i] = a[i] + b[i]
//
// y may be a or b. The result is bit-equal on every instruction set.
func Add(a, b, y []float32) {
	sameLength(a, b, y)
	runVector(&addFamily, 0, a, b, y)
}

// Mul computes
//
//	y[i] = a[i] · b[i]
//
// y may be a or b. The result is bit-equal on every instruction set.
func Mul(a, b, y []float32) {
	sameLength(a, b, y)
	runVector(&mulFamily, 0, a, b, y)
}

// MulAdd computes
//
//	y[i] += a[i] · b[i]
//
// with the product rounded before it is added, so that the result is bit-equal
// on every instruction set.
func MulAdd(a, b, y []float32) {
	sameLength(a, b, y)
	runVector(&mulAddFamily, 0, a, b, y)
}

// Scale computes
//
//	y[i] = s · x[i]
//
// y may be x. The result is bit-equal on every instruction set.
func Scale(s float32, x, y []float32) {
	sameLength(x, x, y)
	runVector(&scaleFamily, s, x, nil, y)
}

// AddScaled computes
//
//	y[i] += s · x[i]
//
// with the product rounded before it is added, so that the result is bit-equal
// on every instruction set.
func AddScaled(s float32, x, y []float32) {
	sameLength(x, x, y)
	runVector(&addScaledFamily, s, x, nil, y)
}
