package jpqd

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// scoreLists draws sources with many equal scores among them.
func scoreLists(t *rapid.T) []scoreSource {
	score := rapid.OneOf(
		rapid.Float32Range(-1, 1),
		rapid.SampledFrom([]float32{0, float32(math.Copysign(0, -1)), 1, -1, 1e-42, -1e-42, math.MaxFloat32, -math.MaxFloat32, 0.5, math.Nextafter32(0.5, 1)}),
	)
	var sources []scoreSource
	for range rapid.IntRange(1, 4).Draw(t, "sources") {
		sources = append(sources, scoreSource{rapid.SliceOfN(score, 1, 60).Draw(t, "scores"), rapid.IntRange(1, 40).Draw(t, "count")})
	}
	return sources
}

// Every place holds what it holds after sorting all elements.
func TestOrderStatisticIsThatOfSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sources := scoreLists(t)
		var all []float32
		for _, s := range sources {
			for _, v := range s.scores {
				for range s.count {
					all = append(all, v)
				}
			}
		}
		slices.Sort(all)
		rank := rapid.IntRange(0, len(all)-1).Draw(t, "rank")
		got, upTo := orderStatistic(sources, rank)
		if got != all[rank] {
			t.Fatalf("place %d: found %v, want %v", rank, got, all[rank])
		}
		want := 0
		for _, v := range all {
			want += boolInt(v <= got)
		}
		if upTo != want {
			t.Fatalf("%v: found %d elements up to it, want %d", got, upTo, want)
		}
		if upTo < len(all) && nextScore(sources, got) != all[upTo] || upTo == len(all) && nextScore(sources, got) != got {
			t.Fatalf("%v: found %v next", got, nextScore(sources, got))
		}
	})
}

// sortedQuantile is quantile with its places looked up in the sorted scores.
func sortedQuantile(o *maskedOperand, q float32) float32 {
	sorted := slices.Sorted(slices.Values(o.scores.Data))
	rank := q * float32(o.rows*o.cols-1)
	below, above := int(rank), int(math.Ceil(float64(rank)))
	return lerp(sorted[below/o.area()], sorted[above/o.area()], rank-float32(below))
}

// The quantile is bit for bit that of sorting.
func TestQuantileIsThatOfSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := [2]int{rapid.IntRange(1, 4).Draw(t, "rows of a block"), rapid.IntRange(1, 4).Draw(t, "columns of a block")}
		var o maskedOperand
		o.init("scores", f[0]*rapid.IntRange(1, 20).Draw(t, "rows"), f[1]*rapid.IntRange(1, 20).Draw(t, "columns"), f, 2)
		distinct := rapid.IntRange(1, 1000).Draw(t, "distinct")
		for i := range o.scores.Data {
			o.scores.Data[i] = float32(rapid.IntRange(1, distinct).Draw(t, "score")) / 1000
		}
		for _, q := range []float32{0, 0.5, keepQuantile, 1} {
			if got, want := o.quantile(q), sortedQuantile(&o, q); math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("quantile %v: found %v, want %v", q, got, want)
			}
		}
	})
}

func TestMasksAllocateNothing(t *testing.T) {
	p := mustSparsify(t, newLinear("layer", 64, 64), structures[0])
	for i := range p.weight.scores.Data {
		p.weight.scores.Data[i] = float32(i%37) / 37
	}
	if n := testing.AllocsPerRun(10, func() { p.weight.remask(0.5) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// Fine scores of a feed-forward weight of BERT-base.
func BenchmarkRemask(b *testing.B) {
	p, err := newSparsifier("node", newLinear("layer", 3072, 768), structures[0])
	if err != nil {
		b.Fatal(err)
	}
	for i := range p.weight.scores.Data {
		p.weight.scores.Data[i] = float32(math.Sin(float64(i))) / 30
	}
	for b.Loop() {
		p.weight.remask(0)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/weight")
}
