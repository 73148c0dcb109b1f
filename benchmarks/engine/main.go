//go:build linux

// Command engine runs the inference engine of this project and ONNX Runtime on
// BERT-base in turn and prints their speeds beside each other; see
// benchmarks/engine.sh, which builds and finds everything it needs.
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
	"time"

	"golang.org/x/term"

	"github.com/go-jpqd/jpqd/benchmarks/internal/lengths"
)

func main() {
	runtime.LockOSThread() // children die with the thread that started them
	var o options
	flag.StringVar(&o.runner, "runner", "", "`program` built from ort.c")
	flag.StringVar(&o.library, "library", "", "`file` of ONNX Runtime")
	flag.StringVar(&o.models, "models", "", "`folder` that bert_onnx.py has filled")
	flag.StringVar(&o.lengths, "lengths", "benchmarks/sst2-dev-lengths.txt", "`file` of the lengths of sentences")
	flag.IntVar(&o.sentences, "sentences", 872, "`number` of sentences, at least, in batches that are spread evenly over all")
	flag.IntVar(&o.rounds, "rounds", 5, "`number` of rounds")
	flag.Float64Var(&o.seconds, "seconds", 0.5, "`time` of a measurement, at least; one pass over all batches, at least")
	flag.StringVar(&o.run, "run", ".", "`regexp` of the loads to run")
	threads := flag.String("threads", "1,2", "`numbers` of threads, with commas")
	list := flag.Bool("list", false, "print the names of the loads and stop")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.measure(ctx, os.Stdout, *threads, *list); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	runner, library, models, lengths, run string
	sentences, rounds                     int
	seconds                               float64
}

// load is a list of batches.
type load struct {
	name     string
	batches  [][]int // lengths of the sequences
	columns  int     // to which ONNX Runtime's batches are padded; 0: to the longest of each
	int8Only bool    // too long for float32
}

// sequences is how many a pass over all batches has.
func (l *load) sequences() int {
	n := 0
	for _, b := range l.batches {
		n += len(b)
	}
	return n
}

// The names of loads that bars are set for.
const (
	loadOneShort = "1×16"
	loadOne      = "1×128"
	loadEight    = "8×128"
	loadPadded   = "SST-2, padded to 128"
	loadLongest  = "SST-2, padded to the longest"
)

// loads are all loads, in the order of the table.
func (o *options) loads() ([]load, error) {
	all, err := lengths.Read(o.lengths)
	if err != nil {
		return nil, err
	}
	batches := spread(slices.Collect(slices.Chunk(all, 8)), o.sentences)
	uniform := func(name string, batch, length int) load {
		return load{name: name, batches: [][]int{slices.Repeat([]int{length}, batch)}, columns: length}
	}
	return []load{
		uniform(loadOneShort, 1, 16), uniform(loadOne, 1, 128), uniform(loadEight, 8, 128), uniform("32×128", 32, 128),
		{name: loadPadded, batches: batches, columns: 128, int8Only: true},
		{name: loadLongest, batches: batches, int8Only: true},
	}, nil
}

// spread keeps as many batches, evenly spread, as hold so many sequences.
func spread(batches [][]int, sequences int) [][]int {
	all := 0
	for _, b := range batches {
		all += len(b)
	}
	n := len(batches)
	if sequences < all {
		n = max(1, (sequences*len(batches)+all-1)/all)
	}
	var kept [][]int
	for i := range n {
		kept = append(kept, batches[i*len(batches)/n])
	}
	return kept
}

// runner runs a batch with a number of threads and tells the seconds it took.
type runner interface {
	run(threads int, l *load, batch int) (float64, error)
}

// engine is a column of the table.
type engine struct {
	name string
	int8 bool
	ours bool
	runner
}

// samples are what the rounds measured, in sequences a second, by load, number
// of threads and engine.
type samples map[sampleKey][]float64

type sampleKey struct {
	load    string
	threads int
	engine  string
}

// measure measures and prints; interrupted, or when a program fails, it prints
// what it has.
func (o *options) measure(ctx context.Context, w io.Writer, threads string, list bool) error {
	selected, err := regexp.Compile(o.run)
	if err != nil {
		return err
	}
	loads, err := o.loads()
	if err != nil {
		return err
	}
	loads = slices.DeleteFunc(loads, func(l load) bool { return !selected.MatchString(l.name) })
	if list {
		for _, l := range loads {
			fmt.Fprintln(w, l.name)
		}
		return nil
	}
	var counts []int
	for word := range strings.SplitSeq(threads, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > runtime.NumCPU() {
			return fmt.Errorf("-threads %s: want numbers from 1 to %d with commas", threads, runtime.NumCPU())
		}
		counts = append(counts, n)
	}
	progress("making the models")
	engines, err := o.engines(ctx, counts)
	if err != nil {
		return err
	}
	all := samples{}
	err = o.allRounds(ctx, loads, counts, engines, all)
	progress("")
	printTables(w, loads, counts, engines, all)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// progress overwrites the line of the terminal that tells what runs.
func progress(text string) {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprint(os.Stderr, "\r\033[K", text)
	}
}

// pause is between two engines: threads of the one that wait for more work with
// open eyes have gone to sleep when the other begins.
const pause = 20 * time.Millisecond

// allRounds appends what it measures to all.
func (o *options) allRounds(ctx context.Context, loads []load, counts []int, engines []engine, all samples) error {
	for r := range o.rounds {
		for i := range loads {
			l := &loads[i]
			for _, threads := range counts {
				for _, e := range engines {
					if l.int8Only && !e.int8 {
						continue
					}
					progress(fmt.Sprintf("round %d of %d: %s, threads %d, %s", r+1, o.rounds, l.name, threads, e.name))
					time.Sleep(pause)
					speed, err := o.speed(ctx, e, threads, l)
					if err != nil {
						return fmt.Errorf("%s: %w", e.name, err)
					}
					key := sampleKey{l.name, threads, e.name}
					all[key] = append(all[key], speed)
				}
			}
		}
	}
	return nil
}

// speed runs all batches as often as fills the time, after one that warms up.
func (o *options) speed(ctx context.Context, e engine, threads int, l *load) (float64, error) {
	if _, err := e.run(threads, l, 0); err != nil {
		return 0, err
	}
	passes, total := 0, 0.0
	for passes == 0 || total < o.seconds {
		for i := range l.batches {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			took, err := e.run(threads, l, i)
			if err != nil {
				return 0, err
			}
			total += took
		}
		passes++
	}
	return float64(passes*l.sequences()) / total, nil
}
