package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// predictOptions are the flags of `jpqd predict`.
type predictOptions struct {
	inferenceOptions
	RunOptions
	SQuAD     tasks.SQuAD // but for its length, which is MaxSeqLength
	Input     string
	TextPair  bool
	TopK      int
	BatchSize int
}

func newPredictCommand(c *console) *cobra.Command {
	o := &predictOptions{}
	cmd := &cobra.Command{
		Use:   "predict [MODEL]",
		Short: "Label lines of text, or answer questions, with a trained model",
		Long: `Read lines and write one for each, in their order: the label and its probability,
apart by a tab; the value, for a model of regression. With --text_pair a line is
two texts apart by a tab. For a model that answers questions a line is a question,
a tab and its context, or an object {"question": …, "context": …} which may have
an "id"; the answer is written. Lines are answered as they come. MODEL is the
folder of a run, one with a model in float32, a compressed.safetensors or an
OpenVINO IR, which --ir names, too.`,
		Example: `  echo "a gripping , funny film" | jpqd predict jpqd-sst2
  jpqd predict jpqd-sst2 --input reviews.txt --json --top_k 2
  printf 'Who wrote it ?\tIt was written by Ada .\n' | jpqd predict jpqd-squad`,
		Args: modelOrIR,
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if o.Input != "" && o.Input != "-" {
				f, err := os.Open(o.Input)
				if err != nil {
					return fmt.Errorf("--input: %w", err)
				}
				defer f.Close()
				in = f
			}
			return runPredict(cmd.Context(), c, o, cmd.Flags(), modelName(args, o.IR), in)
		},
	}
	f := cmd.Flags()
	registerNames(f)
	f.StringVar(&o.Input, "input", "", "`file` of lines (default: standard input)")
	f.BoolVar(&o.TextPair, "text_pair", false, "a line is two texts apart by a tab")
	f.IntVar(&o.TopK, "top_k", 1, "how many labels or answers to write for a line, the most probable first")
	f.BoolVar(&o.JSON, "json", false, "write JSON lines")
	f.IntVar(&o.BatchSize, "batch_size", 32, "lines to compute at a time, if they are there")
	registerInferenceFlags(f, &o.inferenceOptions)
	registerLengthFlag(f, &o.RunOptions)
	registerSQuADFlags(f, &o.SQuAD)
	registerHubFlags(f, &o.RunOptions)
	return cmd
}

// linePredictor predicts lines of input; it writes what stands before a line
// that it cannot read, and returns an error that names the line.
type linePredictor interface {
	predict(ctx context.Context, first int, lines []string) error
}

func runPredict(ctx context.Context, c *console, o *predictOptions, flags *pflag.FlagSet, name string, in io.Reader) error {
	if err := o.check(); err != nil {
		return err
	}
	found, err := findTrained(ctx, c, name, o.CacheDir, o.ModelRevision)
	if err != nil {
		return err
	}
	model, err := found.prepare(o.Engine, o.BatchSize)
	if err != nil {
		return err
	}
	answering := model.config.QuestionAnswering()
	defaultLength(&o.RunOptions, answering)
	r := newTrainingRun(c, "predict", &o.RunOptions, flags)
	if err := r.loadTokenizer(ctx, name, found.dir, &model.config); err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	var p linePredictor
	if answering {
		p, err = newAnswerer(o, model, r, out)
	} else {
		p, err = newClassifier(o, model, r, out)
	}
	if err != nil {
		return err
	}
	return predictLines(ctx, p, in, out, o.BatchSize)
}

func (o *predictOptions) check() error {
	for _, f := range []struct {
		flag string
		n    int
	}{{"top_k", o.TopK}, {"batch_size", o.BatchSize}} {
		if f.n < 1 {
			return usageErrorf("--%s: found %d, want at least 1", f.flag, f.n)
		}
	}
	return o.inferenceOptions.check()
}

// predictLines predicts the lines of in as they come, batchSize of them at a time
// at most, and flushes out behind every batch.
func predictLines(ctx context.Context, p linePredictor, in io.Reader, out *bufio.Writer, batchSize int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan lineBatch)
	go readLines(ctx, in, batchSize, batches) // on its own: a read from a terminal does not end with ctx
	first := 1
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-batches:
			err := p.predict(ctx, first, b.lines)
			if err := errors.Join(err, out.Flush()); err != nil {
				return err
			}
			if b.err == io.EOF {
				return nil
			}
			if b.err != nil {
				return fmt.Errorf("line %d: %w", first+len(b.lines), b.err)
			}
			first += len(b.lines)
		}
	}
}

// lineBatch is lines that were there, and why there will be no more: io.EOF
// or an error of the line behind them.
type lineBatch struct {
	lines []string
	err   error
}

// maxLine bounds a line, as rows of data files are.
const maxLine = 16 << 20

var errLongLine = fmt.Errorf("longer than %d MiB", maxLine>>20)

// readLines sends lines as soon as no more of them are waiting to be read.
func readLines(ctx context.Context, in io.Reader, batchSize int, batches chan<- lineBatch) {
	r := bufio.NewReaderSize(in, 1<<16)
	for {
		var b lineBatch
		for len(b.lines) == 0 || len(b.lines) < batchSize && r.Buffered() > 0 {
			line, err := readLine(r)
			if err != nil {
				b.err = err
				break
			}
			b.lines = append(b.lines, line)
		}
		select {
		case batches <- b:
		case <-ctx.Done():
			return
		}
		if b.err != nil {
			return
		}
	}
}

// readLine reads a line without its end, LF or CRLF. The last may have none.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return "", errLongLine
		}
		line = append(line, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(line) > 0, err == nil:
			return trimEnd(line), nil
		default:
			return "", err
		}
	}
}

func trimEnd(line []byte) string {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return string(line)
}
