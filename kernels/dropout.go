package kernels

import ()

// dropoutParams say which elements of one stretch of vectorGrain elements are
// kept: element i of the stretch is kept iff hash(i) ≥ threshold, with a hash
// of 31 bits made from the two keys.
type dropoutParams struct {
	key0, key1 uint32
	threshold  int32   // p·2³¹
	scale      float32 // 1/(1−p)
}

// dropoutFunc writes the kept elements of x, scaled, to y (or adds them).
type dropoutFunc func(q dropoutParams, x, y []float32)

var (
	dropoutFamily         family[dropoutFunc]
	dropoutBackwardFamily family[dropoutFunc]
)

func init() {
	register(&dropoutFamily, Kernel{Op: "dropout_f32", Name: "dropout_f32_generic"}, dropoutGeneric)
	register(&dropoutBackwardFamily, Kernel{Op: "dropout_backward_f32", Name: "dropout_backward_f32_generic"}, dropoutBackwardGeneric)
}

// dropoutTask is one call, cut into stretches of vectorGrain elements.
type dropoutTask struct {
	fn     dropoutFunc
	key    uint64
	params dropoutParams
	x, y   []float32
	base   []float32 // to be added to y; nil: nothing
}

var dropoutTasks freeList[dropoutTask]

// Run does elements i·vectorGrain and on.
func (t *dropoutTask) Run(i int) {
	lo := i * vectorGrain
	hi := min(lo+vectorGrain, len(t.y))
	q := t.params
	key := mix64(t.key + uint64(i))
	q.key0, q.key1 = uint32(key), uint32(key>>32)
	t.fn(q, t.x[lo:hi], t.y[lo:hi])
	if t.base != nil {
		addFamily.use.fn(0, t.base[lo:hi], t.y[lo:hi], t.y[lo:hi])
	}
}

// Dropout computes
//
//	y[i] = x[i] / (1−p) where element i is kept, else 0
//
// and keeps each element with probability 1−p, 0 ≤ p ≤ 1. Whether it does is a
// hash of (seed, stream, i) and nothing else: the same on every instruction set
// and for any number of threads. y may be x.
func Dropout(seed, stream uint64, p float32, x, y []float32) {
	checkProbability(p)
	sameLength(x, x, y)
	switch p {
	case 0:
		copy(y, x)
	case 1:
		clear(y)
	default:
		runDropout(&dropoutFamily, seed, stream, p, x, nil, y)
	}
}

// DropoutAdd computes, with the elements that [Dropout] keeps,
//
//	y[i] = base[i] + x[i] / (1−p) where element i is kept, else base[i]
//
// y may be x, not base.
func DropoutAdd(seed, stream uint64, p float32, x, base, y []float32) {
	checkProbability(p)
	sameLength(x, base, y)
	switch p {
	case 0:
		Add(base, x, y)
	case 1:
		copy(y, base)
	default:
		runDropout(&dropoutFamily, seed, stream, p, x, base, y)
	}
}

// DropoutBackward computes
//
//	dx[i] += dy[i] / (1−p) where element i is kept
//
// with the elements that [Dropout] keeps for the same seed, stream and p.
func DropoutBackward(seed, stream uint64, p float32, dy, dx []float32) {
	checkProbability(p)
	sameLength(dy, dy, dx)
	switch p {
	case 0:
		Add(dx, dy, dx)
	case 1:
	default:
		runDropout(&dropoutBackwardFamily, seed, stream, p, dy, nil, dx)
	}
}

func checkProbability(p float32) {
	if !(p >= 0 && p <= 1) {
		panic(errProbability)
	}
}

func runDropout(f *family[dropoutFunc], seed, stream uint64, p float32, x, base, y []float32) {
	t := dropoutTasks.get()
	*t = dropoutTask{
		fn:  f.use.fn,
		key: mix64(mix64(seed) ^ stream),
		params: dropoutParams{
			threshold: int32(float64(p) * (1 << 31)),
			scale:     float32(1 / (1 - float64(p))),
		},
		x: x, y: y, base: base,
	}
	Parallel(parts(len(y), vectorGrain), t)
	*t = dropoutTask{}
	dropoutTasks.put(t)
}

// mix64 is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014) after one
// step of its counter.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
