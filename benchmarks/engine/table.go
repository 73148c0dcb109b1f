//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-jpqd/jpqd/benchmarks/internal/markdown"
)

// printTables prints the speeds of all engines and the bars, in Markdown.
func printTables(w io.Writer, loads []load, counts []int, engines []engine, all samples) {
	head := []string{"sequences/s", "threads"}
	for _, e := range engines {
		head = append(head, e.name)
	}
	rows := [][]string{head}
	for _, l := range loads {
		for _, threads := range counts {
			row := []string{l.name, strconv.Itoa(threads)}
			for _, e := range engines {
				row = append(row, number(all.median(l.name, threads, e.name)))
			}
			rows = append(rows, row)
		}
	}
	markdown.Table(w, rows)
	head = []string{"ratio of medians", "bar"}
	for _, threads := range counts {
		head = append(head, fmt.Sprintf("threads %d", threads))
	}
	rows = [][]string{head}
	for _, b := range bars {
		row, any := []string{b.what, fmt.Sprintf("≥ %.2f", b.least)}, false
		for _, threads := range counts {
			ratio := b.ratio(speeds{all, engines, threads})
			row = append(row, number(ratio))
			any = any || ratio > 0
		}
		if any {
			rows = append(rows, row)
		}
	}
	if len(rows) > 1 {
		markdown.Table(w, rows)
	}
}

// number writes a figure; – is one that was not measured.
func number(x float64) string {
	if x == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", x)
}

// median is that of the rounds, 0 where there are none.
func (all samples) median(load string, threads int, engine string) float64 {
	s := slices.Sorted(slices.Values(all[sampleKey{load, threads, engine}]))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// speeds are the medians of a number of threads.
type speeds struct {
	all     samples
	engines []engine
	threads int
}

// of is an engine's.
func (s speeds) of(load, engine string) float64 { return s.all.median(load, s.threads, engine) }

// best is the fastest of those that fit.
func (s speeds) best(load string, fits func(e engine) bool) float64 {
	most := 0.0
	for _, e := range s.engines {
		if fits(e) {
			most = max(most, s.of(load, e.name))
		}
	}
	return most
}

// The kinds of engines that ours are compared with.
func anyFloat(e engine) bool { return !e.int8 }
func ortFloat(e engine) bool { return !e.int8 && !e.ours }
func ortInt8(e engine) bool  { return e.int8 && !e.ours }

// bar is a ratio and what it has to be at least.
type bar struct {
	what  string
	least float64
	ratio func(s speeds) float64
}

var bars = []bar{
	beside("our f32 / ORT's best f32, 8×128", 1.2, loadEight, oursFloat, ortFloat),
	beside("int8 / best f32 of either, 8×128", 3.6, loadEight, oursDense, anyFloat),
	beside("int8 / ORT's best int8, 8×128", 1.5, loadEight, oursDense, ortInt8),
	beside("int8, 40 % pruned / best f32 of either, 8×128", 5.5, loadEight, oursPublished, anyFloat),
	beside("int8, unstructured / best f32 of either, 8×128", 5.5, loadEight, oursUnstructured, anyFloat),
	beside("int8 / ORT's best int8 padded to 128, SST-2", 8, loadPadded, oursDense, ortInt8),
	beside("int8 / ORT's best int8 padded to the longest, SST-2", 2, loadLongest, oursDense, ortInt8),
	beside("int8 / ORT's best int8, 1×16", 1.5, loadOneShort, oursDense, ortInt8),
	beside("int8 / ORT's best int8, 1×128", 1.5, loadOne, oursDense, ortInt8),
	gain("f32, these threads / one, 8×128", oursFloat),
	gain("int8, these threads / one, 8×128", oursDense),
}

// beside compares an engine of ours with the best of others.
func beside(what string, least float64, load, engine string, others func(e engine) bool) bar {
	return bar{what, least, func(s speeds) float64 { return quotient(s.of(load, engine), s.best(load, others)) }}
}

// gain compares an engine's speed with that by one thread.
func gain(what, engine string) bar {
	return bar{what, 1.85, func(s speeds) float64 {
		if s.threads == 1 {
			return 0
		}
		return quotient(s.of(loadEight, engine), s.all.median(loadEight, 1, engine))
	}}
}

// quotient is 0 where either was not measured.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
