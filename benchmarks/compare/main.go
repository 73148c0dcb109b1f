//go:build linux

// Command compare runs the products of package kernels, the peers' and the
// machine's limits in turn and prints their rates beside each other; see
// benchmarks/kernels.sh, which builds and finds everything it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// product is a line of the tables: a benchmark of ours, the same product of a
// peer, and the limit of both.
type product struct {
	bench   string // ours, without "Benchmark"
	dense   string // the same product without sparsity, "" for a dense one
	density string
	peer    string // the runner
	input   string // its input, without the seconds
	limit   []string
}

var (
	limitInt8 = []string{"PeakVNNI/vnni", "PeakMADD/avx512", "PeakMADD/avx2"}
	limitF32  = []string{"PeakFMA/avx512", "PeakFMA/avx2"}
	limitBF16 = []string{"PeakBF16/bf16"}
)

// products lists all lines, in the order of the tables.
func products() []product {
	var all []product
	dense := func(bench, mode string, limit []string, rows ...int) {
		for _, m := range rows {
			for _, s := range [][2]int{{768, 768}, {3072, 768}, {768, 3072}} {
				all = append(all, product{
					bench: fmt.Sprintf("%s/%s/%dx%dx%d", bench, mode, m, s[0], s[1]),
					peer:  "onednn",
					input: fmt.Sprintf("%s %d %d %d", mode, m, s[0], s[1]),
					limit: limit,
				})
			}
		}
	}
	every := []int{1, 8, 32, 128, 256, 1024}
	dense("GemmInt8", "u8s8s32", limitInt8, every...)
	dense("GemmInt8", "s8s8s32", limitInt8, 128, 1024)
	dense("GemmInt8", "u8s8u8_gelu", limitInt8, every...)
	all = append(all,
		product{bench: "GemmInt8/u8s8s32_qk/128x128x64", peer: "onednn", input: "u8s8s32_qk 128 128 64", limit: limitInt8},
		product{bench: "GemmInt8/u8s8s32_pv/128x64x128", peer: "onednn", input: "u8s8s32_pv 128 64 128", limit: limitInt8})
	dense("GemmPackedF32", "f32", limitF32, every...)
	dense("GemmPackedF32", "f32_gelu", limitF32, 128, 1024)
	dense("GemmBF16", "bf16", limitBF16, every...)
	for _, t := range []struct {
		mode, dense string
		limit       []string
	}{{"int8", "GemmInt8/u8s8s32", limitInt8}, {"f32", "GemmPackedF32/f32", limitF32}} {
		for _, m := range []int{128, 1024} {
			for _, s := range [][2]int{{768, 768}, {3072, 768}, {768, 3072}} {
				for _, d := range []string{"0.05", "0.10", "0.20", "0.40", "0.60", "1.00"} {
					shape := fmt.Sprintf("%dx%dx%d", m, s[0], s[1])
					all = append(all, product{
						bench:   fmt.Sprintf("BlockSparse/%s/%s/%s", t.mode, d, shape),
						dense:   t.dense + "/" + shape,
						density: d,
						peer:    "libxsmm",
						input:   fmt.Sprintf("%s %s %d %d %d", t.mode, d, m, s[0], s[1]),
						limit:   t.limit,
					})
				}
			}
		}
	}
	return all
}

// sample is what one run measured: the rate in GOP/s or GFLOP/s and the time of
// a call in microseconds. The zero sample is a run that there was not.
type sample struct{ rate, micros float64 }

// round is what one round measured of a product.
type round struct{ ours, peer, limit, dense sample }

// series holds the rounds of a product by the number of threads.
type series map[int][]round

func main() {
	runtime.LockOSThread() // children die with the thread that started them
	var c config
	flag.StringVar(&c.peers, "peers", "", "`folder` of the peers' runners")
	flag.StringVar(&c.kernels, "kernels", "", "test `binary` of package kernels")
	rounds := flag.Int("rounds", 5, "`number` of rounds")
	flag.Float64Var(&c.seconds, "seconds", 0.15, "`time` of a measurement")
	run := flag.String("run", ".", "`regexp` of the benchmarks to run")
	threads := flag.String("threads", "1,2", "`numbers` of threads, with commas")
	list := flag.Bool("list", false, "print the names of the benchmarks and stop")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := c.compare(ctx, os.Stdout, *rounds, *run, *threads, *list); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// compare measures and prints; interrupted, or when a program fails, it prints
// what it has.
func (c *config) compare(ctx context.Context, w io.Writer, rounds int, run, threads string, list bool) error {
	selected, err := regexp.Compile(run)
	if err != nil {
		return err
	}
	lines := slices.DeleteFunc(products(), func(p product) bool { return !selected.MatchString(p.bench) })
	if list {
		for _, p := range lines {
			fmt.Fprintln(w, p.bench)
		}
		return nil
	}
	var counts []int
	for word := range strings.SplitSeq(threads, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return fmt.Errorf("-threads %s: want numbers with commas", threads)
		}
		counts = append(counts, n)
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	results := make([]series, len(lines))
	for i := range results {
		results[i] = series{}
	}
	err = c.rounds(ctx, rounds, lines, counts, results)
	c.progress("")
	printTables(w, lines, counts, results)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// progress overwrites the line of the terminal that tells what runs.
func (c *config) progress(text string) {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprint(os.Stderr, "\r\033[K", text)
	}
}

// rounds appends what it measures to results.
func (c *config) rounds(ctx context.Context, rounds int, lines []product, counts []int, results []series) error {
	for r := range rounds {
		for i, p := range lines {
			c.progress(fmt.Sprintf("round %d of %d: %s", r+1, rounds, p.bench))
			for _, threads := range counts {
				one, err := c.measure(ctx, p, threads)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					return err
				}
				results[i][threads] = append(results[i][threads], one)
			}
		}
	}
	return nil
}

// measure runs the peer, ours and the limit of one product one after the other.
func (c *config) measure(ctx context.Context, p product, threads int) (r round, err error) {
	if r.peer, err = c.runPeer(ctx, p, threads); err != nil {
		return r, err
	}
	if r.ours, err = c.runOurs(ctx, p.bench, threads, r.peer.micros); err != nil {
		return r, err
	}
	if p.dense != "" && r.ours != (sample{}) {
		d, _ := strconv.ParseFloat(p.density, 64)
		if r.dense, err = c.runOurs(ctx, p.dense, threads, r.ours.micros/d); err != nil {
			return r, err
		}
	}
	for _, limit := range p.limit {
		if c.has[limit] {
			r.limit, err = c.runLimit(ctx, limit, threads)
			break
		}
	}
	return r, err
}

// allowedCPU is the last CPU this process may run on.
func allowedCPU() (string, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return "", err
	}
	last := 0
	for i := range 64 * len(set) {
		if set.IsSet(i) {
			last = i
		}
	}
	return strconv.Itoa(last), nil
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
