//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBenchmarks(t *testing.T) {
	got := parseBenchmarks(`goos: linux
BenchmarkGemmInt8/u8s8s32/8x768x768-2         	    1000	     20000 ns/op	       471.8 GOP/s	       0 B/op
BenchmarkGemmInt8/u8s8s32/8x768x768-2         	    1000	     10000 ns/op	       943.7 GOP/s	       0 B/op
BenchmarkPeakFMA/avx512
BenchmarkPeakFMA/avx512         	    3860	     31044 ns/op	       270.2 GFLOP/s
BenchmarkPeakBF16/bf16
BenchmarkNoRate         	    3860	     31044 ns/op
PASS
`)
	want := map[string][]sample{
		"GemmInt8/u8s8s32/8x768x768": {{471.8, 20}, {943.7, 10}},
		"PeakFMA/avx512":             {{270.2, 31.044}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
		t.Error(diff)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{1, 9, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

// The names select lines, so no two lines may share one.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range products() {
		if seen[p.bench] {
			t.Error("twice:", p.bench)
		}
		seen[p.bench] = true
	}
}

func TestTables(t *testing.T) {
	lines := []product{
		{bench: "GemmInt8/u8s8s32/1x2x3"},
		{bench: "BlockSparse/int8/0.20/1x2x3", dense: "GemmInt8/u8s8s32/1x2x3", density: "0.20"},
		{bench: "GemmBF16/bf16/1x2x3"}, // we have none
	}
	results := []series{
		{
			1: {{ours: sample{100, 10}, peer: sample{80, 12.5}, limit: sample{200, 1}}},
			2: {{ours: sample{190, 5}, peer: sample{160, 6}, limit: sample{400, 1}}, {ours: sample{190, 5}, peer: sample{152, 6}, limit: sample{400, 1}}},
		},
		{1: {{ours: sample{50, 2.2}, dense: sample{100, 10}}}},
		{1: {{peer: sample{80, 12.5}}}},
	}
	var out strings.Builder
	printTables(&out, lines, []int{1, 2}, results)
	want := `
| product                | threads |  ours |   µs |  peer |   µs |        ours/peer | ours of limit | peer of limit | 2T/1T |
|------------------------|--------:|------:|-----:|------:|-----:|-----------------:|--------------:|--------------:|------:|
| GemmInt8/u8s8s32/1x2x3 |       1 | 100.0 | 10.0 |  80.0 | 12.5 |             1.25 |        50.0 % |        40.0 % |       |
| GemmInt8/u8s8s32/1x2x3 |       2 | 190.0 |  5.0 | 156.0 |  6.0 | 1.22 (1.19–1.25) |        47.5 % |        39.0 % |  1.90 |
| GemmBF16/bf16/1x2x3    |       1 |     – |    – |  80.0 | 12.5 |                – |             – |             – |       |

| product                     | threads | ours |  µs | peer | µs | ours/peer | ours of limit | peer of limit | time/dense (bar) |
|-----------------------------|--------:|-----:|----:|-----:|---:|----------:|--------------:|--------------:|-----------------:|
| BlockSparse/int8/0.20/1x2x3 |       1 | 50.0 | 2.2 |    – |  – |         – |             – |             – |     0.220 (0.24) |

`
	if diff := cmp.Diff(want[1:], out.String()); diff != "" {
		t.Error(diff)
	}
}
