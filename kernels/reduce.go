package kernels

import (
	"math"
)

// sumSquaresLanes is how many sums SumSquares keeps side by side: element i of
// a part goes to lane i mod sumSquaresLanes on every instruction set.
const sumSquaresLanes = 32

// sumSquaresFunc adds the squares of x to the lanes.
type sumSquaresFunc func(x []float32, lanes *[sumSquaresLanes]float64)

// minMaxFunc returns the least and the greatest element, or NaN for both.
type minMaxFunc func(x []float32) (lo, hi float32)

var (
	sumSquaresFamily family[sumSquaresFunc]
	minMaxFamily     family[minMaxFunc]
)

func init() {
	register(&sumSquaresFamily, Kernel{Op: "sumsquares_f32", Name: "sumsquares_f32_generic"}, sumSquaresGeneric)
	register(&minMaxFamily, Kernel{Op: "minmax_f32", Name: "minmax_f32_generic"}, minMaxGeneric)
}

// reduceTask reduces one long vector in parts of vectorGrain elements; each
// part leaves its result in its own place.
type reduceTask struct {
	sumSquares sumSquaresFunc
	minMax     minMaxFunc
	x          []float32
	lanes      [][sumSquaresLanes]float64
	lo, hi     []float32
}

var reduceTasks freeList[reduceTask]

// Run reduces elements i·vectorGrain and on.
func (t *reduceTask) Run(i int) {
	x := t.x[i*vectorGrain : min((i+1)*vectorGrain, len(t.x))]
	if t.sumSquares != nil {
		t.lanes[i] = [sumSquaresLanes]float64{}
		t.sumSquares(x, &t.lanes[i])
	} else {
		t.lo[i], t.hi[i] = t.minMax(x)
	}
}

// SumSquares returns
//
//	Σ_i x[i]²
//
// summed in float64. The order of the sum is fixed: the result is bit-equal on
// every instruction set and for any number of threads.
func SumSquares(x []float32) float64 {
	n := parts(len(x), vectorGrain)
	t := reduceTasks.get()
	if len(t.lanes) < n {
		t.lanes = make([][sumSquaresLanes]float64, n)
	}
	t.x, t.sumSquares = x, sumSquaresFamily.use.fn
	Parallel(n, t)
	sum := 0.0
	for i := range n {
		part := 0.0
		for _, v := range t.lanes[i] {
			part += v
		}
		sum += part
	}
	t.x, t.sumSquares = nil, nil
	reduceTasks.put(t)
	return sum
}

// MinMax returns the least and the greatest element of x; both are NaN where x
// holds one. An empty x gives +Inf and −Inf.
func MinMax(x []float32) (lo, hi float32) {
	n := parts(len(x), vectorGrain)
	t := reduceTasks.get()
	if len(t.lo) < n {
		t.lo, t.hi = make([]float32, n), make([]float32, n)
	}
	t.x, t.minMax = x, minMaxFamily.use.fn
	Parallel(n, t)
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	for i := range n {
		lo, hi = min(lo, t.lo[i]), max(hi, t.hi[i])
	}
	t.x, t.minMax = nil, nil
	reduceTasks.put(t)
	return lo, hi
}
