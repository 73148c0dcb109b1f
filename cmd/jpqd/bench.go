package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/kernels"
)

// engineDense is an engine of `jpqd bench` alone: float32 before any pruning,
// which compression is compared with.
const engineDense = "dense"

var benchEngines = append([]string{engineDense}, engines...)

// benchOptions are the flags of `jpqd bench`.
type benchOptions struct {
	syntheticOptions
	seed               uint64
	ir                 string
	revision, cacheDir string

	engines                      []string
	batchSizes, lengths, threads []int
	lengthsFile                  string
	dataDir, taskName, tokenizer string
	maxSeqLength, rounds         int
	seconds                      float64
	profile, asJSON              bool
}

func newBenchCommand(c *console) *cobra.Command {
	o := &benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench [MODEL]",
		Short: "Measure throughput and latency of inference",
		Long: `Measure sequences and tokens a second, and percentiles of the time of a batch, of
a model by one or more engines. MODEL is the folder of a run, one with a model in
float32, a compressed.safetensors or an OpenVINO IR, which --ir names, too; without
it --config makes a model of random
weights in the shape of a well-known one, which takes as long.

The engines run in turn, round by round, so that a machine that slows down slows
all of them. Figures are medians of the rounds, latencies those of all batches;
ratios are of the medians, to the first engine.

  dense      before compression: all heads and neurons, in float32
  float      pruned, in float32
  fakequant  the training model with its masks and fake quantizers; needs MODEL
  int8       pruned and quantized, on integer kernels

Sequences have the lengths of --length, all alike, or those of --lengths (a file
of numbers) or of the examples in --data_dir, in their order; then a round is
whole passes over all of them. No sequence is padded.`,
		Example: `  jpqd bench --config bert-base --sparsity published --batch_size 1,8 --length 128
  jpqd bench jpqd-sst2 --data_dir SST-2 --engine dense,fakequant,int8 --batch_size 32
  jpqd bench --config bert-base --profile --threads 1
  jpqd bench --ir openvino_model.xml --batch_size 1,8`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf("found %d arguments, want at most one: a model's folder or name", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && o.ir != "" {
				return usageErrorf("--ir: found it beside MODEL %q, want one of the two", args[0])
			}
			model := modelName(args, o.ir)
			if o.ir != "" && !cmd.Flags().Changed("engine") {
				o.engines = []string{engineInt8}
			}
			if err := o.check(cmd, model); err != nil {
				return err
			}
			return runBench(cmd.Context(), c, o, model)
		},
	}
	f := cmd.Flags()
	o.syntheticOptions.register(cmd)
	registerIRFlag(f, &o.ir)
	f.Uint64Var(&o.seed, "seed", 42, "without MODEL: of the weights; of token ids")
	f.StringSliceVar(&o.engines, "engine", []string{engineDense, engineInt8}, "`engines`, with commas: dense, float, fakequant, int8")
	f.IntSliceVar(&o.batchSizes, "batch_size", []int{8}, "`numbers` of sequences in a batch, with commas")
	f.IntSliceVar(&o.lengths, "length", []int{128}, "`numbers` of tokens in a sequence, with commas")
	f.StringVar(&o.lengthsFile, "lengths", "", "`file` of the lengths of sequences, numbers with spaces or new lines between them")
	f.StringVar(&o.dataDir, "data_dir", "", "`folder` of a GLUE task's .tsv files, whose validation examples are measured")
	f.StringVar(&o.taskName, "task_name", "sst2", "GLUE `task` of --data_dir")
	f.StringVar(&o.tokenizer, "tokenizer_name", "", "`folder` of the tokenizer for --data_dir (default: MODEL's)")
	f.IntVar(&o.maxSeqLength, "max_seq_length", 128, "tokens after which examples of --data_dir are cut off")
	f.IntSliceVar(&o.threads, "threads", []int{runtime.GOMAXPROCS(0)}, "`numbers` of threads, with commas")
	f.IntVar(&o.rounds, "rounds", 5, "`number` of rounds")
	f.Float64Var(&o.seconds, "seconds", 1, "`time` of an engine in a round, at least")
	f.BoolVar(&o.profile, "profile", false, "show where each engine's time goes, by kind of operation")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
	f.StringVar(&o.revision, "model_revision", "main", "`revision` of a model of the hub")
	f.StringVar(&o.cacheDir, "cache_dir", "", "`folder` of the cache of the hub's models")
	return cmd
}

// check refuses values that cannot be measured.
func (o *benchOptions) check(cmd *cobra.Command, model string) error {
	given := cmd.Flags().Changed
	if err := checkIR(o.ir); err != nil {
		return err
	}
	if err := o.syntheticOptions.check(cmd, model); err != nil {
		return err
	}
	for _, name := range o.engines {
		if !slices.Contains(benchEngines, name) {
			return usageErrorf("--engine: found %q, want some of %s", name, strings.Join(benchEngines, ", "))
		}
		if name == engineFakeQuant && model == "" {
			return usageErrorf("--engine fakequant: found no MODEL, want the folder of a run: random weights have no training model")
		}
	}
	for _, list := range []struct {
		name   string
		values []int
		most   int
	}{{"batch_size", o.batchSizes, 1 << 16}, {"length", o.lengths, math.MaxInt32}, {"threads", o.threads, runtime.NumCPU()}} {
		if len(list.values) == 0 {
			return usageErrorf("--%s: found nothing, want a number", list.name)
		}
		for _, n := range list.values {
			if n < 1 || n > list.most {
				return usageErrorf("--%s: found %d, want 1 to %d", list.name, n, list.most)
			}
		}
	}
	sources := 0
	for _, name := range []string{"length", "lengths", "data_dir"} {
		if given(name) {
			sources++
		}
	}
	switch {
	case len(o.engines) == 0:
		return usageErrorf("--engine: found nothing, want some of %s", strings.Join(benchEngines, ", "))
	case sources > 1:
		return usageErrorf("found more than one of --length, --lengths and --data_dir, want one")
	case o.dataDir == "" && (given("tokenizer_name") || given("task_name") || given("max_seq_length")):
		return usageErrorf("--tokenizer_name, --task_name and --max_seq_length are for --data_dir, and there is none")
	case o.dataDir != "" && model == "" && o.tokenizer == "":
		return usageErrorf("--data_dir needs --tokenizer_name where there is no MODEL")
	case o.rounds < 1:
		return usageErrorf("--rounds: found %d, want at least 1", o.rounds)
	case !(o.seconds >= 0 && o.seconds < 1e6):
		return usageErrorf("--seconds: found %v, want 0 to a million", o.seconds)
	}
	return nil
}

// runBench measures every combination of threads, lengths and batch sizes.
func runBench(ctx context.Context, c *console, o *benchOptions, model string) error {
	s, err := loadBenchSubject(ctx, c, o, model)
	if err != nil {
		return err
	}
	loads, err := s.loads(o)
	if err != nil {
		return err
	}
	c.log.Info("measuring", slog.String("model", s.name), slog.String("instruction set", kernels.Level().String()), slog.Int("combinations", len(loads)*len(o.threads)))
	report := &benchReport{
		Version: version(), Model: s.name, Rounds: o.rounds, Seconds: o.seconds, ISA: kernels.Level().String(),
	}
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, threads := range o.threads {
		runtime.GOMAXPROCS(threads)
		for _, l := range loads {
			results, err := measureLoad(ctx, s.engines, l, o.rounds, o.seconds)
			if err != nil {
				return err
			}
			for i := range results {
				r := &results[i]
				r.Threads = threads
				if o.profile {
					if r.Profile, err = profileEngine(ctx, &s.engines[i], l, float64(o.rounds)*o.seconds); err != nil {
						return fmt.Errorf("--profile: %w", err)
					}
				}
			}
			report.Results = append(report.Results, results...)
		}
	}
	if o.asJSON {
		return report.writeJSON(c.out)
	}
	return report.print(c.out)
}
