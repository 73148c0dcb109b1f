package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
	"github.com/go-jpqd/jpqd/kernels"
)

// trainingRun is one run of a command that trains: its fields are filled in step
// by step, in the order in which they stand here.
type trainingRun struct {
	console *console
	command string // "glue", "qa" or "mlm"
	o       *RunOptions
	flags   *pflag.FlagSet
	task    runTask
	scratch bool // --config_name is enough: weights may be random

	nncf   *jpqd.NNCFConfig // nil: plain fine-tuning
	resume string           // checkpoint folder, "" to start afresh

	student, teacher *bert.Model // teacher: nil without distillation
	compressedDir    string      // folder of a compressed model to evaluate, else ""
	tok              *tokenizer.Tokenizer
	maxSeqLength     int
	masking          *jpqd.Masking // of the tokens of masked language modelling, else nil
	examples         map[tasks.Split][]jpqd.Example

	trainer *jpqd.Trainer
	measure func(context.Context, []jpqd.Example) (map[string]float64, error) // evaluates examples
}

// runTask is what a command does in its own way. The methods are called in about
// the order in which they stand here.
type runTask interface {
	checkTask() error      // checks the flags and files of the task, before anything is loaded
	metricNames() []string // what metrics returns
	evalSplits() []tasks.Split
	testSplits() []tasks.Split
	readSplit(tasks.Split) error

	questionAnswering() bool // which head student and teacher have
	loadModel(dir string) (*bert.Model, bert.LoadReport, error)
	fitTeacher(*bert.Model) error // to the task and to the student's outputs

	encodeSplit(context.Context, tasks.Split) ([]jpqd.Example, error)
	metrics(logits []float32, examples []jpqd.Example) map[string]float64 // of the validation split
	scores(context.Context) (map[string]float64, error)                   // of the validation splits
	evaluate(context.Context) error
	predict(context.Context) error
}

func newTrainingRun(c *console, command string, o *RunOptions, flags *pflag.FlagSet) *trainingRun {
	return &trainingRun{console: c, command: command, o: o, flags: flags}
}

// run takes the steps that the flags ask for.
func (r *trainingRun) run(ctx context.Context) error {
	steps := []func(context.Context) error{r.check, r.readData, r.loadModels, r.encodeData, r.prepare}
	if r.o.DoTrain {
		steps = append(steps, r.train)
	}
	if r.o.DoEval || r.o.EvaluationStrategy != jpqd.No {
		steps = append(steps, r.task.evaluate)
	}
	if r.o.DoPredict {
		steps = append(steps, r.task.predict)
	}
	if r.o.DoTrain {
		steps = append(steps, r.writeReport)
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the output folder and the trainer.
func (r *trainingRun) prepare(context.Context) error {
	if err := os.MkdirAll(r.o.OutputDir, 0o777); err != nil {
		return fmt.Errorf("--output_dir: %w", err)
	}
	if r.nncf != nil {
		r.nncf.LogDir = r.o.OutputDir // structured_sparsity.csv lies beside the results, as with run_glue.py
	}
	args := r.o.TrainingArguments
	args.BF16 = (args.BF16 || r.o.FP16) && kernels.HasBF16()
	r.trainer = &jpqd.Trainer{
		Args: args, Model: r.student, Teacher: r.teacher, NNCF: r.nncf,
		TrainData: r.examples[tasks.Train], EvalData: r.examples[tasks.Validation],
		Metrics: r.task.metrics,
		Masking: r.masking,
		Log:     r.console.log,
		OnSave:  r.tok.Save,
	}
	r.measure = r.trainer.Evaluate
	if r.compressedDir != "" {
		return r.trainer.LoadCompression(r.compressedDir)
	}
	return nil
}

// commandLine is the command line of a run, --resume_from_checkpoint left out.
func commandLine(command string, flags *pflag.FlagSet) string {
	words := []string{"jpqd " + command}
	flags.Visit(func(f *pflag.Flag) {
		switch value := f.Value.String(); {
		case f.Name == "resume_from_checkpoint":
		case f.Value.Type() == "bool" && value == "true":
			words = append(words, "--"+f.Name)
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name+"="+value)
		default:
			words = append(words, "--"+f.Name, shellQuote(value))
		}
	})
	return strings.Join(words, " ")
}

// shellQuote writes a word so that a POSIX shell reads it as it is.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,+@", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// interrupted tells the user how to go on after an interrupt.
func (r *trainingRun) interrupted(err error) error {
	if !errors.Is(err, jpqd.ErrInterrupted) {
		return err
	}
	checkpoint, findErr := jpqd.LastCheckpoint(r.o.OutputDir)
	if findErr != nil || checkpoint == "" {
		return err
	}
	fmt.Fprintf(r.console.err, "%s was written; go on with\n  %s --resume_from_checkpoint true\n", checkpoint, commandLine(r.command, r.flags))
	return err
}
