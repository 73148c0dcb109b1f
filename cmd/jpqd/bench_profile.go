package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/pprof"
	"text/tabwriter"

	"github.com/google/pprof/profile"

	"github.com/go-jpqd/jpqd/kernels"
)

// benchProfile is where an engine's time goes. Times are those of all threads
// together.
type benchProfile struct {
	Samples       int64       `json:"samples"` // a hundred a second and thread
	MicrosPerSeq  float64     `json:"microseconds_per_sequence"`
	LimitInt8     float64     `json:"limit_int8_gops"` // of one thread; 0: not known
	LimitF32      float64     `json:"limit_f32_gflops"`
	LimitMicros   float64     `json:"limit_microseconds_per_sequence,omitempty"` // of the multiplications at those limits
	ShareOfLimit  float64     `json:"limit_share,omitempty"`
	Kinds         []benchKind `json:"kinds"`
	OperationsInt float64     `json:"int8_operations_per_sequence,omitempty"`
	OperationsF32 float64     `json:"f32_operations_per_sequence,omitempty"`
}

// benchKind is the share of a kind of operation.
type benchKind struct {
	Kind         string  `json:"kind"`
	MicrosPerSeq float64 `json:"microseconds_per_sequence"`
	Share        float64 `json:"share"`
	Rate         float64 `json:"gops,omitempty"`           // billions of operations a second and thread
	OfLimit      float64 `json:"share_of_limit,omitempty"` // of the multipliers; a product's alone
}

// profileEngine runs an engine for some seconds under the runtime's profiler.
func profileEngine(ctx context.Context, e *benchEngine, l *benchLoad, seconds float64) (*benchProfile, error) {
	var recorded bytes.Buffer
	if err := pprof.StartCPUProfile(&recorded); err != nil {
		return nil, err
	}
	passes, total := 0, 0.0
	for passes == 0 || total < seconds {
		took, err := e.pass(ctx, l, nil)
		if err != nil {
			pprof.StopCPUProfile()
			return nil, err
		}
		passes++
		total += took
	}
	pprof.StopCPUProfile()
	parsed, err := profile.Parse(&recorded)
	if err != nil {
		return nil, err
	}
	p := newBenchProfile(parsed, float64(passes*l.sequences))
	if e.work != nil {
		var work operations
		for i := range l.batches {
			work.add(e.work(&l.batches[i]))
		}
		threads := float64(runtime.GOMAXPROCS(0))
		p.compare(work, float64(l.sequences), kernels.Limit("gemm_int8")/threads, kernels.Limit("gemm_packed_f32")/threads)
	}
	return p, nil
}

// newBenchProfile sorts the samples of a run of so many sequences.
func newBenchProfile(recorded *profile.Profile, sequences float64) *benchProfile {
	p := &benchProfile{}
	nanos := map[string]float64{}
	total := 0.0
	for _, s := range recorded.Sample {
		var stack []string
		for _, location := range s.Location {
			for _, line := range location.Line { // inlined functions first
				stack = append(stack, line.Function.Name)
			}
		}
		p.Samples += s.Value[0]
		nanos[kindOf(stack)] += float64(s.Value[1])
		total += float64(s.Value[1])
	}
	if total == 0 {
		return p
	}
	p.MicrosPerSeq = total / 1e3 / sequences
	for _, kind := range kinds {
		if t := nanos[kind]; t > 0 {
			p.Kinds = append(p.Kinds, benchKind{Kind: kind, MicrosPerSeq: t / 1e3 / sequences, Share: t / total})
		}
	}
	return p
}

// compare holds products against what one thread can multiply at most, in
// billions of operations a second.
func (p *benchProfile) compare(work operations, sequences, limitInt8, limitF32 float64) {
	p.LimitInt8, p.LimitF32 = limitInt8, limitF32
	p.OperationsInt, p.OperationsF32 = (work.Int8+work.AttentionInt8)/sequences, (work.Float+work.AttentionFloat)/sequences
	micros := func(int8s, floats float64) float64 { // at the limits
		if limitInt8 == 0 || limitF32 == 0 {
			return 0
		}
		return (int8s/limitInt8 + floats/limitF32) / 1e3 / sequences
	}
	p.LimitMicros = micros(work.Int8+work.AttentionInt8, work.Float+work.AttentionFloat)
	if p.MicrosPerSeq > 0 {
		p.ShareOfLimit = p.LimitMicros / p.MicrosPerSeq
	}
	for i := range p.Kinds {
		k := &p.Kinds[i]
		var int8s, floats float64
		switch k.Kind {
		case kindInt8Product:
			int8s = work.Int8
		case kindFloatProduct:
			floats = work.Float
		case kindAttentionProduct:
			int8s, floats = work.AttentionInt8, work.AttentionFloat
		}
		k.Rate = (int8s + floats) / sequences / k.MicrosPerSeq / 1e3
		k.OfLimit = micros(int8s, floats) / k.MicrosPerSeq
	}
}

// printProfile prints the profile, if there is one.
func (r *benchResult) printProfile(out io.Writer) error {
	p := r.Profile
	if p == nil {
		return nil
	}
	length := "sequences of all lengths"
	if r.Length > 0 {
		length = fmt.Sprintf("%d tokens", r.Length)
	}
	fmt.Fprintf(out, "\n%s, batch %d, %s, threads %d: %.0f µs a sequence of all threads together", r.Engine, r.BatchSize, length, r.Threads, p.MicrosPerSeq)
	if p.LimitMicros > 0 {
		fmt.Fprintf(out, "; its multiplications alone take %.0f µs, %.1f %% of that, at the limit of a thread (int8 %.0f, f32 %.0f GOP/s)",
			p.LimitMicros, 100*p.ShareOfLimit, p.LimitInt8, p.LimitF32)
	}
	fmt.Fprint(out, "\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "kind\tµs/sequence\tshare\tGOP/s\tof the limit")
	for _, k := range p.Kinds {
		rate, limit := "-", "-"
		if k.Rate > 0 {
			rate = fmt.Sprintf("%.0f", k.Rate)
		}
		if k.OfLimit > 0 {
			limit = fmt.Sprintf("%.1f %%", 100*k.OfLimit)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f %%\t%s\t%s\n", k.Kind, k.MicrosPerSeq, 100*k.Share, rate, limit)
	}
	return w.Flush()
}
