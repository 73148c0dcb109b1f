package jpqd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// someFloats draws values of all magnitudes, many of them equal.
func someFloats(t *rapid.T) []float32 {
	value := rapid.OneOf(
		rapid.Float32(),
		rapid.Float32Range(-1, 1),
		rapid.SampledFrom([]float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), 0x1p-149}),
	)
	return rapid.SliceOfN(value, 1, 200).Draw(t, "x")
}

func TestOrderKeyKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float32().Draw(t, "a"), rapid.Float32().Draw(t, "b")
		if a < b != (orderKey(a) < orderKey(b)) && a != b {
			t.Errorf("%v and %v have keys %x and %x", a, b, orderKey(a), orderKey(b))
		}
		if got := keyValue(orderKey(a)); got != a {
			t.Errorf("%v came back as %v", a, got)
		}
	})
}

// Selection in a copy and counting in parts both find what sorting finds.
func TestOrderStatistics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := someFloats(t)
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		rank := rapid.IntRange(0, len(x)-1)
		ranks := []int{rank.Draw(t, "first"), rank.Draw(t, "second"), rank.Draw(t, "third")}
		slices.Sort(ranks)
		found := make([]float32, len(ranks))
		if _, unordered := orderStatistics(x, ranks, found, nil); unordered {
			t.Fatal("found a NaN")
		}
		cut := rapid.IntRange(0, len(x)).Draw(t, "cut")
		var counted radixSelect
		counted.count(x[:cut])
		counted.count(x[cut:])
		counted.seek(ranks)
		counted.refine(x[cut:])
		counted.refine(x[:cut])
		for i, r := range ranks {
			if found[i] != sorted[r] || counted.at(r) != sorted[r] {
				t.Errorf("rank %d of %v: found %v and %v, want %v", r, x, found[i], counted.at(r), sorted[r])
			}
		}
	})
}

// Values that are more than one part's, with long runs of equal ones; the
// distances from a centre are theirs.
func TestOrderStatisticsOfManyValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	x := make([]float32, 3*selectLimit+5)
	for i := range x {
		if i%3 > 0 {
			x[i] = float32(rng.NormFloat64())
		}
	}
	centre := float32(0.25)
	distances := make([]float32, len(x))
	for i, v := range x {
		distances[i] = abs(v - centre)
	}
	ranks := []int{0, 1, 19, len(x) / 2, len(x)/2 + 1, len(x) - 1}
	var s radixSelect
	s.centre = &centre
	s.count(x)
	s.seek(ranks)
	s.refine(x)
	found := make([]float32, len(ranks))
	orderStatistics(x, ranks, found, nil)
	slices.Sort(x)
	slices.Sort(distances)
	for i, rank := range ranks {
		if found[i] != x[rank] {
			t.Errorf("rank %d: found %v, want %v", rank, found[i], x[rank])
		}
		if got := s.at(rank); got != distances[rank] {
			t.Errorf("rank %d of the distances: found %v, want %v", rank, got, distances[rank])
		}
	}
}

// Sorted, reversed and organ pipe orders are hard on a bad choice of pivots.
func TestQuickselectOfOrderedValues(t *testing.T) {
	const n = 5000
	for name, order := range map[string]func(int) int{
		"ascending": func(i int) int { return i }, "descending": func(i int) int { return n - i },
		"organ pipe": func(i int) int { return min(i, n-i) }, "equal": func(int) int { return 7 },
	} {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(order(i))
		}
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		for _, k := range []int{0, 1, n / 2, n - 1} {
			y := slices.Clone(x)
			if quickselect(y, k); y[k] != sorted[k] || slices.Max(y[:k+1]) != y[k] || slices.Min(y[k:]) != y[k] {
				t.Errorf("%s, rank %d: found %v, want %v between smaller and larger ones", name, k, y[k], sorted[k])
			}
		}
	}
}

func TestOrderStatisticsOfNaN(t *testing.T) {
	for _, n := range []int{10, selectLimit + 10} {
		x := make([]float32, n)
		x[n-1] = nan
		if _, unordered := orderStatistics(x, []int{0}, make([]float32, 1), nil); !unordered {
			t.Errorf("a NaN among %d values was not found", n)
		}
	}
}

// The counted values of the real sizes: an attention block's inputs and the
// inner activations of BERT-base, of 4096 tokens.
func BenchmarkPercentile(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 4096*3072)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for _, cols := range []int{768, 3072} {
		b.Run(map[int]string{768: "4096x768", 3072: "4096x3072"}[cols], func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(4 * 4096 * cols))
			for b.Loop() {
				o := newValueObserver(&RangeInit{Type: "percentile", MinPercentile: 0.01, MaxPercentile: 99.99}, 1, 1)
				o.observe(x[:4096*cols], 4096, cols)
			}
		})
	}
}
