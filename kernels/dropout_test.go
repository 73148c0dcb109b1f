package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDropout(t *testing.T) {
	rowLevels(t, "dropout_f32", func(t *testing.T) { testDropout(t) })
	rowLevels(t, "dropout_backward_f32", func(t *testing.T) { testDropout(t) })
}

// testDropout checks one decision against the hash, and that forward, backward
// and in place agree on all.
func testDropout(t *testing.T) {
	const seed, stream, p = 42, 7, 0.25
	for _, place := range placements {
		for _, n := range append([]int{vectorGrain + 3}, rowSizes...) {
			r := rand.New(rand.NewPCG(uint64(n), 18))
			x, y, dx := fill(r, 1, place.place(t, n)), place.place(t, n), fill(r, 1, place.place(t, n))
			before := slices.Clone(dx)
			unchanged := frozen(t, x)
			Dropout(seed, stream, p, x, y)
			DropoutBackward(seed, stream, p, x, dx)
			sum := slices.Clone(x) // what it is added to
			DropoutAdd(seed, stream, p, x, x, sum)
			for i := range sum {
				if want := x[i] + y[i]; math.Abs(float64(sum[i]-want)) > 1e-6*math.Abs(float64(want)) {
					t.Fatalf("DropoutAdd: element %d: found %v, want %v", i, sum[i], want)
				}
			}
			unchanged()
			Dropout(seed, stream, p, x, x)
			if !sameBits(x, y) {
				t.Fatalf("%d elements: in place the result differs", n)
			}
			fill(rand.New(rand.NewPCG(uint64(n), 18)), 1, x)
			q := dropoutParams{threshold: 1 << 29, scale: 4.0 / 3}
			for i, v := range x {
				key := mix64(mix64(mix64(seed)^stream) + uint64(i/vectorGrain))
				q.key0, q.key1 = uint32(key), uint32(key>>32)
				var want float32
				wantX := before[i]
				if q.keeps(i % vectorGrain) {
					want = float32(v * q.scale)
					wantX += want
				}
				if y[i] != want || dx[i] != wantX {
					t.Fatalf("element %d of %d: %v and %v, want %v and %v", i, n, y[i], dx[i], want, wantX)
				}
			}
		}
	}
}

// TestDropoutGolden pins the decisions: a model trained with one version must
// be repeatable with the next. The numbers are this package's own.
func TestDropoutGolden(t *testing.T) {
	x := make([]float32, 32)
	for i := range x {
		x[i] = 1
	}
	var kept uint32
	Dropout(1, 2, 0.5, x, x)
	for i, v := range x {
		if v != 0 {
			kept |= 1 << i
		}
	}
	if kept != 0x2864dab3 {
		t.Errorf("kept %#08x, want 0x2864dab3", kept)
	}
}

// TestDropoutShare asserts that the share kept is 1−p, that streams, seeds and
// neighbours are independent, and that dropped NaN become zero.
func TestDropoutShare(t *testing.T) {
	const n = 1 << 18
	x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	for _, p := range []float32{0.01, 0.1, 0.5, 0.9} {
		Dropout(1, 1, p, x, y)
		kept := func(y []float32, also func(i int) bool) float64 {
			count := 0
			for i, v := range y {
				if v != 0 && also(i) {
					count++
				}
			}
			return float64(count) / n
		}
		keep := 1 - float64(p)
		near := func(what string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
				t.Errorf("p = %v: %s %v, want %v", p, what, got, want)
			}
		}
		near("kept", kept(y, func(int) bool { return true }), keep)
		for _, distance := range []int{1, 2, 8, 16, 1024, vectorGrain} {
			near("kept with a later one", kept(y, func(i int) bool { return y[(i+distance)%n] != 0 }), keep*keep)
		}
		Dropout(1, 2, p, x, z)
		near("kept in two streams", kept(y, func(i int) bool { return z[i] != 0 }), keep*keep)
		Dropout(2, 1, p, x, z)
		near("kept under two seeds", kept(y, func(i int) bool { return z[i] != 0 }), keep*keep)
	}
	nan := []float32{float32(math.NaN())}
	Dropout(1, 1, 1, nan, nan)
	if nan[0] != 0 {
		t.Errorf("p = 1 leaves %v", nan[0])
	}
	Dropout(1, 1, 0, x, y)
	DropoutBackward(1, 1, 0, x, y)
	DropoutBackward(1, 1, 1, x, y)
	if y[0] != 2 || y[n-1] != 2 {
		t.Errorf("p = 0 and 1 backward give %v, want 2", y[0])
	}
}
