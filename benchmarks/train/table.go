//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/go-jpqd/jpqd/benchmarks/internal/markdown"
)

// torch is the name of the peer.
const torch = "PyTorch"

// mode is a way in which ours trains.
type mode struct {
	name    string
	against string             // the trainer that it is to be faster than
	bars    map[string]float64 // by how much at least, by the loads that it runs; 0: no bar
	product string             // the operation of package kernels whose limit is its

	bf16, checkpointing bool // as the Trainer's arguments of these names
}

var modes = []mode{
	{"f32", torch, map[string]float64{loadMini: 1.5, loadMiniLM: 1.4, loadBase: 1.2, loadSST2: 3}, "gemm_packed_f32", false, false},
	{"f32, checkpoints", torch, map[string]float64{loadBase: 1.2}, "gemm_packed_f32", false, true},
	{"bf16", "f32", map[string]float64{loadMini: 1.4, loadMiniLM: 1.5, loadBase: 1.6, loadSST2: 0}, "gemm_bf16", true, false},
	{"bf16, checkpoints", "f32, checkpoints", map[string]float64{loadBase: 1.6}, "gemm_bf16", true, true},
}

// memoryBar is the part of PyTorch's memory that ours may have.
const memoryBar = 0.6

func findMode(name string) (mode, error) {
	for _, m := range modes {
		if m.name == name {
			return m, nil
		}
	}
	return mode{}, fmt.Errorf("found the mode %q, want one of f32 and bf16, with or without checkpoints", name)
}

// trainerNames are PyTorch and the modes of ours that run a load.
func trainerNames(load string) []string {
	names := []string{torch}
	for _, m := range modes {
		if _, ok := m.bars[load]; ok {
			names = append(names, m.name)
		}
	}
	return names
}

// printTable prints what was measured, a line for each mode of ours on each
// load, in Markdown.
func printTable(w io.Writer, loads []load, all results) {
	rows := [][]string{{
		"model, batch × length", "ours", "ms/step", torch, "faster than", "by", "bar", "tokens/s", torch, "of the limit", "peak MB", torch, "ours / " + torch, "bar",
	}}
	for i := range loads {
		l := &loads[i]
		peer := all.of(l, torch)
		for _, m := range modes {
			b, ok := m.bars[l.name]
			if !ok {
				continue
			}
			ours, bar := all.of(l, m.name), "–"
			if b > 0 {
				bar = fmt.Sprintf("≥ %.1f", b)
			}
			rows = append(rows, []string{
				l.name, m.name, number(ours.time(), 0), number(peer.time(), 0),
				m.against, number(quotient(all.of(l, m.against).time(), ours.time()), 2), bar,
				number(quotient(1e3*l.tokens(), ours.time()), 0), number(quotient(1e3*l.tokens(), peer.time()), 0),
				percent(quotient(l.operations()/1e6, ours.time()*median(ours.limits))),
				number(float64(ours.peak)/1024, 0), number(float64(peer.peak)/1024, 0),
				number(quotient(float64(ours.peak), float64(peer.peak)), 2), fmt.Sprintf("≤ %.1f", memoryBar),
			})
		}
	}
	markdown.Table(w, rows)
}

// of is empty where nothing was measured.
func (all results) of(l *load, trainer string) *result {
	if r := all[[2]string{l.name, trainer}]; r != nil {
		return r
	}
	return &result{}
}

// time is the milliseconds of a step, the median of the rounds.
func (r *result) time() float64 { return median(r.milliseconds) }

// median is 0 of nothing.
func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// quotient is 0 where either was not measured.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// number writes a figure; – is one that was not measured.
func number(x float64, decimals int) string {
	if x == 0 {
		return "–"
	}
	return fmt.Sprintf("%.*f", decimals, x)
}

// percent writes a share.
func percent(x float64) string {
	if x == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*x)
}
