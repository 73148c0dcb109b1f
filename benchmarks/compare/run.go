//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// config is where everything is and how long it runs.
type config struct {
	peers, kernels string
	seconds        float64

	cpu      string             // where one thread runs
	priority []string           // the command that runs another in real time, if we may
	has      map[string]bool    // the limits that this machine has
	calls    map[string]float64 // microseconds of a call of a benchmark, last time
}

// turns is how often a benchmark of ours runs for one sample, which is the
// median of the turns; measure.h does the same for the peers.
const turns = 5

// limitCalls makes a turn of a limit some 30 ms long.
const limitCalls = 1000

// prepare finds out what the machine has.
func (c *config) prepare(ctx context.Context) (err error) {
	c.calls = map[string]float64{}
	if c.cpu, err = allowedCPU(); err != nil {
		return err
	}
	realtime := []string{"chrt", "--rr", "1"}
	if exec.CommandContext(ctx, realtime[0], append(realtime[1:], "true")...).Run() == nil {
		c.priority = realtime
	} else {
		fmt.Fprintln(os.Stderr, "compare: not allowed to run in real time (chrt --rr 1): other work on the machine will show")
	}
	out, err := c.command(ctx, 1, "", c.kernels, "-test.run", "^$", "-test.bench", "^BenchmarkPeak", "-test.benchtime", "10x", "-test.cpu", "1")
	if err != nil {
		return err
	}
	c.has = map[string]bool{}
	for name := range parseBenchmarks(out) {
		c.has[name] = true
	}
	return nil
}

// command runs a program to its end and returns what it printed. One thread is
// bound to one CPU. Where we may, the program runs in real time (SCHED_RR):
// other work then neither takes its cores nor drives its threads onto one. That
// happens on busy machines, with waiting threads of OpenMP for as long as the
// program runs, and they are bound to a core each for machines where we may not.
func (c *config) command(ctx context.Context, threads int, input, program string, args ...string) (string, error) {
	name := slices.Concat(c.priority, []string{program}, args)
	if threads == 1 {
		name = append([]string{"taskset", "-c", c.cpu}, name...)
	}
	cmd := exec.CommandContext(ctx, name[0], name[1:]...)
	var out, failure bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &failure
	cmd.Env = append(os.Environ(), fmt.Sprintf("OMP_NUM_THREADS=%d", threads), "OMP_PROC_BIND=true", "OMP_PLACES=cores")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(name, " "), err, failure.String(), out.String())
	}
	return out.String(), nil
}

// runPeer asks a peer's runner for one line.
func (c *config) runPeer(ctx context.Context, p product, threads int) (s sample, err error) {
	out, err := c.command(ctx, threads, fmt.Sprintf("%s %g\n", p.input, c.seconds), filepath.Join(c.peers, p.peer))
	if err != nil {
		return s, err
	}
	var name, shape string
	var best float64
	if _, err := fmt.Sscan(out, &name, &shape, &s.rate, &best, &s.micros); err != nil {
		return s, fmt.Errorf("%s answers %q: %w", p.peer, out, err)
	}
	return s, nil
}

// runOurs runs one benchmark of ours, or gives the zero sample where there is
// none. The number of calls is fixed beforehand, from the time that one took
// last, or else from a guess: finding it out would take Go several times as long
// as the measurement.
func (c *config) runOurs(ctx context.Context, bench string, threads int, guess float64) (sample, error) {
	key := fmt.Sprintf("%s-%d", bench, threads)
	if last, ok := c.calls[key]; ok {
		guess = last
	}
	s, err := c.runBenchmark(ctx, bench, threads, max(1, int(math.Round(c.seconds/turns*1e6/guess))))
	if s.micros > 0 {
		c.calls[key] = s.micros
	}
	return s, err
}

// runLimit runs the benchmark of a limit.
func (c *config) runLimit(ctx context.Context, bench string, threads int) (sample, error) {
	return c.runBenchmark(ctx, bench, threads, limitCalls*threads)
}

func (c *config) runBenchmark(ctx context.Context, bench string, threads, calls int) (best sample, err error) {
	elements := strings.Split("Benchmark"+bench, "/")
	for i, e := range elements {
		elements[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	out, err := c.command(ctx, threads, "", c.kernels, "-test.run", "^$", "-test.bench", strings.Join(elements, "/"),
		"-test.benchtime", fmt.Sprintf("%dx", calls), "-test.count", strconv.Itoa(turns), "-test.cpu", strconv.Itoa(threads))
	if err != nil {
		return best, err
	}
	// A benchmark may have one of its own for each instruction set.
	for _, samples := range parseBenchmarks(out) {
		var rates, micros []float64
		for _, s := range samples {
			rates, micros = append(rates, s.rate), append(micros, s.micros)
		}
		if r := median(rates); r > best.rate {
			best = sample{r, median(micros)}
		}
	}
	return best, nil
}

var cpuSuffix = regexp.MustCompile(`-\d+$`)

// parseBenchmarks reads the output of go test -bench: the samples by benchmark,
// without "Benchmark" and the number of CPUs, of those that report a rate.
func parseBenchmarks(out string) map[string][]sample {
	all := map[string][]sample{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		var s sample
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			switch fields[i+1] {
			case "GOP/s", "GFLOP/s":
				s.rate = v
			case "ns/op":
				s.micros = v / 1000
			}
		}
		if s.rate > 0 {
			name := cpuSuffix.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
			all[name] = append(all[name], s)
		}
	}
	return all
}
