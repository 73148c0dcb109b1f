package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// benchReport is what `jpqd bench` tells. Its JSON keys are those of --json.
type benchReport struct {
	Version string        `json:"version"`
	Model   string        `json:"model"`
	ISA     string        `json:"isa"`
	Rounds  int           `json:"rounds"`
	Seconds float64       `json:"seconds"` // of an engine in a round, at least
	Results []benchResult `json:"results"`
}

// benchResult is one engine's figures for one load.
type benchResult struct {
	Engine    string `json:"engine"`
	Threads   int    `json:"threads"`
	BatchSize int    `json:"batch_size"`
	Length    int    `json:"length,omitempty"` // of every sequence; absent where they differ
	Sequences int    `json:"sequences"`        // of a pass
	Tokens    int    `json:"tokens"`           // of a pass

	SequencesPerSecond float64      `json:"sequences_per_second"` // median of the rounds
	TokensPerSecond    float64      `json:"tokens_per_second"`
	LowestRound        float64      `json:"lowest_round"` // sequences a second
	HighestRound       float64      `json:"highest_round"`
	Ratio              float64      `json:"ratio"` // of medians, to the first engine's
	Latency            benchLatency `json:"latency_ms"`

	Profile *benchProfile `json:"profile,omitempty"`
}

// benchLatency is how long batches take, in milliseconds.
type benchLatency struct {
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Batches int     `json:"batches"` // that were measured
}

// measureLoad runs the engines in turn, round by round.
func measureLoad(ctx context.Context, engines []benchEngine, l *benchLoad, rounds int, seconds float64) ([]benchResult, error) {
	speeds, latencies := make([][]float64, len(engines)), make([][]float64, len(engines))
	for i := range engines { // memory grows, caches fill
		if _, err := engines[i].pass(ctx, l, nil); err != nil {
			return nil, err
		}
	}
	for range rounds {
		for i := range engines {
			passes, total := 0, 0.0
			for passes == 0 || total < seconds {
				var took float64
				var err error
				if took, err = engines[i].pass(ctx, l, &latencies[i]); err != nil {
					return nil, err
				}
				passes++
				total += took
			}
			speeds[i] = append(speeds[i], float64(passes*l.sequences)/total)
		}
	}
	results := make([]benchResult, len(engines))
	for i := range engines {
		slices.Sort(speeds[i])
		slices.Sort(latencies[i])
		speed := middle(speeds[i])
		results[i] = benchResult{
			Engine: engines[i].name, BatchSize: l.batchSize, Length: l.length, Sequences: l.sequences, Tokens: l.tokens,
			SequencesPerSecond: speed, TokensPerSecond: speed * float64(l.tokens) / float64(l.sequences),
			LowestRound: speeds[i][0], HighestRound: speeds[i][rounds-1], Ratio: speed / middle(speeds[0]),
			Latency: benchLatency{
				P50: 1e3 * percentile(latencies[i], 50), P90: 1e3 * percentile(latencies[i], 90), P99: 1e3 * percentile(latencies[i], 99),
				Batches: len(latencies[i]),
			},
		}
	}
	return results, nil
}

// pass runs every batch once and returns the seconds of all; those of each
// batch are appended to latencies, unless it is nil.
func (e *benchEngine) pass(ctx context.Context, l *benchLoad, latencies *[]float64) (float64, error) {
	total := 0.0
	for i := range l.batches {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		begun := time.Now()
		if err := e.run(ctx, &l.batches[i]); err != nil {
			return 0, fmt.Errorf("%s: %w", e.name, err)
		}
		took := time.Since(begun).Seconds()
		total += took
		if latencies != nil {
			*latencies = append(*latencies, took)
		}
	}
	return total, nil
}

// middle is the median of sorted values: the mean of the two in the middle of
// an even number.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile is the least of the sorted values that at least p % do not exceed.
func percentile(sorted []float64, p float64) float64 {
	i := int(math.Ceil(p/100*float64(len(sorted)))) - 1
	return sorted[max(0, i)]
}

func (r *benchReport) writeJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *benchReport) print(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s, medians of %d rounds\n\n", r.Model, r.ISA, r.Rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "threads\tbatch\ttokens\tengine\tsequences/s\ttokens/s\tlow\thigh\tratio\tp50 ms\tp90 ms\tp99 ms\t")
	for _, x := range r.Results {
		length := fmt.Sprint(x.Length)
		if x.Length == 0 {
			length = fmt.Sprintf("ø %.1f", float64(x.Tokens)/float64(x.Sequences))
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%.2f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", x.Threads, x.BatchSize, length, x.Engine,
			x.SequencesPerSecond, x.TokensPerSecond, x.LowestRound, x.HighestRound, x.Ratio, x.Latency.P50, x.Latency.P90, x.Latency.P99)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range r.Results {
		if err := r.Results[i].printProfile(out); err != nil {
			return err
		}
	}
	return nil
}
