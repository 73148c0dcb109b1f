// Command jpqd fine-tunes BERT and, on the way, prunes, quantizes and distils
// it (JPQD), with the flags of Hugging Face's run_glue.py and run_qa.py, and
// makes the model to start from, with those of run_mlm.py.
//
//	jpqd demo     the whole way on built-in data, without files or network
//	jpqd glue     fine-tune and compress on a GLUE task or on one's own files
//	jpqd qa       fine-tune and compress on SQuAD or on one's own questions
//	jpqd mlm      train a model on plain text, for the others to start from
//	jpqd eval     accuracy and speed of a trained model, by engine
//	jpqd predict  labels of lines, or answers to questions
//	jpqd report   the pictures of a run, from its folder
//	jpqd scopes   what the scopes of an NNCF configuration match
//	jpqd size     bytes of a model by layer, and ratios
//	jpqd serve    labels and answers over HTTP
//	jpqd export   a model as OpenVINO IR or ONNX, checked
//	jpqd ir       what an OpenVINO IR holds, and what of it runs in INT8
//	jpqd bench    throughput and latency of inference
//	jpqd info     what this machine and this build offer
//	jpqd version
//
// Logs and progress go to standard error, results to standard output. The exit
// status is 0, 1 for an error, 2 for a wrong command line and 130 after an
// interrupt.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/jpqd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal has its usual effect: it ends the process
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as a shell reports it
)

// usageError is an error of the command line, not of what it asked for.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// run executes a command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c := newConsole(stdout, stderr)
	err := execute(ctx, c, args)
	c.close()
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) && !errors.Is(err, jpqd.ErrInterrupted) {
		err = fmt.Errorf("%w: %w", jpqd.ErrInterrupted, err)
	}
	fmt.Fprintf(stderr, "jpqd: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	var usage *usageError
	switch {
	case errors.Is(err, jpqd.ErrInterrupted):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	default:
		return exitError
	}
}

func execute(ctx context.Context, c *console, args []string) error {
	root := &cobra.Command{
		Use:   "jpqd",
		Short: "Joint pruning, quantization and distillation of BERT on CPUs",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, sub := range cmd.Commands() {
				if sub.Name() != "help" {
					names = append(names, sub.Name())
				}
			}
			return usageErrorf("unknown command %q, want one of %s%s", args[0], strings.Join(names, ", "), didYouMean(args[0], names, "; did you mean %q?"))
		},
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("jpqd {{.Version}}\n")
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(flagError)
	training := []*cobra.Command{newGlueCommand(c), newQACommand(c), newMLMCommand(c)}
	root.AddCommand(training...)
	root.AddCommand(newDemoCommand(c), newReportCommand(c), newScopesCommand(c), newEvalCommand(c), newPredictCommand(c), newSizeCommand(c), newServeCommand(c), newExportCommand(c), newConvertCommand(c), newIRCommand(c), newBenchCommand(c), newInfoCommand(c), newVersionCommand(c))
	for _, cmd := range training {
		if len(args) > 0 && args[0] == cmd.Name() {
			translated, err := translateArgs(cmd.Flags(), args[1:])
			if err != nil {
				return err
			}
			args = append([]string{cmd.Name()}, translated...)
			break
		}
	}
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// noArgs refuses positional arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.Flags().Lookup("output_dir") != nil && strings.HasSuffix(args[0], ".json"):
		return usageErrorf("unexpected argument %q: a file of arguments must be the only argument", args[0])
	default:
		return usageErrorf("unexpected argument %q", args[0])
	}
}
