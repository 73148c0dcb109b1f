//go:build linux

// Command train runs training steps of this project and of PyTorch in turn and
// prints their times and memory beside each other; see benchmarks/train.sh, which
// builds and finds everything it needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/go-jpqd/jpqd/benchmarks/internal/child"
	"github.com/go-jpqd/jpqd/kernels"
)

func main() {
	runtime.LockOSThread() // children die with the thread that started them
	if len(os.Args) > 1 && os.Args[1] == stepsCommand {
		exit(answerSteps(os.Args[2:], os.Stdin, os.Stdout))
	}
	var o options
	flag.StringVar(&o.python, "python", "", "`program`: a Python that has PyTorch")
	flag.StringVar(&o.script, "script", "benchmarks/train.py", "`file` that trains by PyTorch")
	flag.StringVar(&o.lengths, "lengths", "benchmarks/sst2-dev-lengths.txt", "`file` of the lengths of sentences")
	flag.IntVar(&o.rounds, "rounds", 5, "`number` of rounds")
	flag.Float64Var(&o.seconds, "seconds", 2, "`time` of a measurement, at least; one pass over all batches, at least")
	flag.StringVar(&o.run, "run", ".", "`regexp` of the loads to run")
	flag.IntVar(&o.threads, "threads", 2, "`number` of threads")
	list := flag.Bool("list", false, "print the names of the loads and stop")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(o.measure(ctx, os.Stdout, *list))
}

// exit ends the program.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are the flags.
type options struct {
	python, script, lengths, run string
	rounds, threads              int
	seconds                      float64
}

// result is what the rounds measured of one trainer on one load.
type result struct {
	milliseconds []float64 // a step, of each round
	limits       []float64 // of the machine just after, GFLOP/s
	peak         int       // of resident memory, in KiB
	product      string    // that the limits are of
}

// results are all, by load and name of the trainer.
type results map[[2]string]*result

// measure measures and prints; interrupted, or when a program fails, it prints
// what it has.
func (o *options) measure(ctx context.Context, w io.Writer, list bool) error {
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
	if o.threads < 1 || o.threads > runtime.NumCPU() {
		return fmt.Errorf("-threads: found %d, want 1 to %d", o.threads, runtime.NumCPU())
	}
	runtime.GOMAXPROCS(o.threads) // of the limit
	all := results{}
	for i := range loads {
		if err = o.measureLoad(ctx, &loads[i], all); err != nil {
			break
		}
	}
	progress("")
	printTable(w, loads, all)
	if errors.Is(err, context.Canceled) || ctx.Err() != nil {
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

// pause is between two trainers: threads of the one that wait for more work with
// open eyes have gone to sleep when the other begins.
const pause = 50 * time.Millisecond

// measureLoad runs all rounds of a load, each trainer in a process of its own.
func (o *options) measureLoad(ctx context.Context, l *load, all results) error {
	progress(l.name + ": making the models")
	trainers := trainerNames(l.name)
	children := map[string]*child.Child{}
	for _, name := range trainers {
		c, err := o.start(ctx, l, name)
		if err != nil {
			return err
		}
		children[name] = c
		product := modes[0].product
		if m, err := findMode(name); err == nil {
			product = m.product
		}
		all[[2]string{l.name, name}] = &result{product: product}
	}
	for r := range o.rounds {
		for _, name := range trainers {
			progress(fmt.Sprintf("%s: round %d of %d, %s", l.name, r+1, o.rounds, name))
			time.Sleep(pause)
			if err := o.measureRound(ctx, children[name], l, all[[2]string{l.name, name}]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, name := range trainers {
		if err := children[name].Close(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// start starts a trainer and waits until it has made its model.
func (o *options) start(ctx context.Context, l *load, name string) (*child.Child, error) {
	shape := []string{strconv.Itoa(l.layers), strconv.Itoa(l.hidden), strconv.Itoa(l.heads), strconv.Itoa(l.intermediate), strconv.Itoa(o.threads)}
	if name == torch {
		return child.Start(ctx, []string{"OMP_NUM_THREADS=" + strconv.Itoa(o.threads)}, o.python, append([]string{o.script}, shape...)...)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return child.Start(ctx, nil, self, append([]string{stepsCommand, name}, shape...)...)
}

// measureRound runs all batches as often as fills the time, after one that warms
// up, and measures the machine's limit.
func (o *options) measureRound(ctx context.Context, c *child.Child, l *load, r *result) error {
	if _, err := step(c, l.batches[0]); err != nil {
		return err
	}
	steps, total := 0, 0.0
	for steps == 0 || total < o.seconds {
		for _, lengths := range l.batches {
			if err := ctx.Err(); err != nil {
				return err
			}
			took, err := step(c, lengths)
			if err != nil {
				return err
			}
			total += took
			steps++
		}
	}
	r.milliseconds = append(r.milliseconds, 1e3*total/float64(steps))
	time.Sleep(pause)
	r.limits = append(r.limits, kernels.Limit(r.product))
	var err error
	r.peak, err = peakMemory(c.PID())
	return err
}

// step asks for a step and returns its seconds.
func step(c *child.Child, lengths []int) (float64, error) {
	answer, err := c.Ask(strings.Trim(fmt.Sprint(lengths), "[]") + "\n")
	if err != nil {
		return 0, err
	}
	var seconds, loss float64
	if _, err := fmt.Sscan(answer, &seconds, &loss); err != nil {
		return 0, fmt.Errorf("found the answer %q, want seconds and a loss: %w", answer, err)
	}
	if !(math.Abs(loss) < 10) {
		return 0, fmt.Errorf("found a loss of %v, want one of a model that trains", loss)
	}
	return seconds, nil
}

// peakMemory is the most resident memory that a process has had, in KiB.
func peakMemory(pid int) (int, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib, nil
		}
	}
	return 0, fmt.Errorf("%s: found no VmHWM", path)
}
