//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/benchmarks/internal/markdown"
)

// printTables prints a table of the dense products and one of the sparse ones,
// in Markdown.
func printTables(w io.Writer, lines []product, counts []int, results []series) {
	for _, sparse := range []bool{false, true} {
		last := "2T/1T"
		if sparse {
			last = "time/dense (bar)"
		}
		rows := [][]string{{"product", "threads", "ours", "µs", "peer", "µs", "ours/peer", "ours of limit", "peer of limit", last}}
		for i, p := range lines {
			if (p.dense != "") != sparse {
				continue
			}
			for _, threads := range counts {
				if rs := results[i][threads]; len(rs) > 0 {
					rows = append(rows, row(p, threads, rs, results[i][1]))
				}
			}
		}
		if len(rows) > 1 {
			markdown.Table(w, rows)
		}
	}
}

// row is one line of a table. Rates and times are medians of the rounds; so are
// the ratios, each taken within a round.
func row(p product, threads int, rs, single []round) []string {
	ratio := func(of func(r round) (a, b float64)) []float64 {
		var values []float64
		for _, r := range rs {
			if a, b := of(r); a > 0 && b > 0 {
				values = append(values, a/b)
			}
		}
		return values
	}
	field := func(format string, scale float64, values []float64) string {
		if len(values) == 0 {
			return "–"
		}
		return fmt.Sprintf(format, scale*median(values))
	}
	number := func(of func(r round) float64) string {
		return field("%.1f", 1, ratio(func(r round) (float64, float64) { return of(r), 1 }))
	}
	beside := ratio(func(r round) (float64, float64) { return r.ours.rate, r.peer.rate })
	versus := field("%.2f", 1, beside)
	if len(beside) > 1 {
		versus += fmt.Sprintf(" (%.2f–%.2f)", slices.Min(beside), slices.Max(beside))
	}
	last := ""
	if p.dense != "" {
		density, _ := strconv.ParseFloat(p.density, 64)
		bar := density + 0.04
		last = field("%.3f", 1, ratio(func(r round) (float64, float64) { return r.ours.micros, r.dense.micros })) + fmt.Sprintf(" (%.2f)", bar)
	} else if threads > 1 {
		var values []float64
		for i := range min(len(rs), len(single)) {
			if rs[i].ours.rate > 0 {
				values = append(values, rs[i].ours.rate/single[i].ours.rate)
			}
		}
		if last = field("%.2f", 1, values); threads != 2 {
			last += fmt.Sprintf(" (%dT)", threads)
		}
	}
	return []string{
		p.bench, strconv.Itoa(threads),
		number(func(r round) float64 { return r.ours.rate }), number(func(r round) float64 { return r.ours.micros }),
		number(func(r round) float64 { return r.peer.rate }), number(func(r round) float64 { return r.peer.micros }),
		versus,
		field("%.1f %%", 100, ratio(func(r round) (float64, float64) { return r.ours.rate, r.limit.rate })),
		field("%.1f %%", 100, ratio(func(r round) (float64, float64) { return r.peer.rate, r.limit.rate })),
		last,
	}
}
