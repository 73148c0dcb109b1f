package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

func newGlueCommand(c *console) *cobra.Command {
	o := &glueOptions{}
	cmd := &cobra.Command{
		Use:   "glue (--flag value … | args.json)",
		Short: "Fine-tune BERT on a GLUE task or on your own files, and compress it",
		Long: `Fine-tune BERT for text classification and, with --nncf_compression_config,
prune, quantize and distil it on the way. The flags are those of run_glue.py
from Hugging Face's optimum-intel; a single argument that ends in .json is a
file of them.

GLUE's data is not downloaded: unpack the task's archive from
https://gluebenchmark.com/tasks into the folder glue_data, or anywhere and name
the folder of its .tsv files with --data_dir.`,
		Example: `  jpqd glue --model_name_or_path bert-base-uncased --task_name sst2 --data_dir SST-2 \
      --teacher_model_name_or_path yoshitomo-matsubara/bert-large-uncased-sst2 \
      --nncf_compression_config bert-base-jpqd.json --distillation_weight 0.9 \
      --output_dir jpqd-sst2 --do_train --do_eval --per_device_train_batch_size 32 \
      --learning_rate 2e-5 --num_train_epochs 5 --evaluation_strategy steps --eval_steps 250`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runGlue(cmd.Context(), c, o, cmd.Flags())
		},
	}
	registerGlueFlags(cmd.Flags(), o)
	return cmd
}

// glueRun is one run of `jpqd glue`: its fields are filled in step by step, in
// the order in which they stand here.
type glueRun struct {
	console *console
	o       *glueOptions
	flags   *pflag.FlagSet

	task   tasks.GLUETask
	nncf   *jpqd.NNCFConfig // nil: plain fine-tuning
	resume string           // checkpoint folder, "" to start afresh

	splits map[tasks.Split][]tasks.Record

	student, teacher *bert.Model // teacher: nil without distillation
	compressedDir    string      // folder of a compressed model to evaluate, else ""
	tok              *tokenizer.Tokenizer
	maxSeqLength     int
	examples         map[tasks.Split][]jpqd.Example

	trainer *jpqd.Trainer
	results map[string]float64 // of every metrics table that was printed
}

func runGlue(ctx context.Context, c *console, o *glueOptions, flags *pflag.FlagSet) error {
	r := &glueRun{console: c, o: o, flags: flags, results: map[string]float64{}}
	steps := []func(context.Context) error{r.check, r.readData, r.loadModels, r.encodeData, r.prepare}
	if o.DoTrain {
		steps = append(steps, r.train)
	}
	if o.DoEval {
		steps = append(steps, r.evaluate)
	}
	if o.DoPredict {
		steps = append(steps, r.predict)
	}
	if o.DoTrain {
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
func (r *glueRun) prepare(context.Context) error {
	if err := os.MkdirAll(r.o.OutputDir, 0o777); err != nil {
		return fmt.Errorf("--output_dir: %w", err)
	}
	if r.nncf != nil {
		r.nncf.LogDir = r.o.OutputDir // structured_sparsity.csv lies beside the results, as with run_glue.py
	}
	r.trainer = &jpqd.Trainer{
		Args: r.o.TrainingArguments, Model: r.student, Teacher: r.teacher, NNCF: r.nncf,
		TrainData: r.examples[tasks.Train], EvalData: r.examples[tasks.Validation],
		Metrics: func(logits []float32, examples []jpqd.Example) map[string]float64 {
			return r.task.Metrics(logits, r.task.NumLabels(), examples)
		},
		Log:    r.console.log,
		OnSave: r.tok.Save,
	}
	if r.compressedDir != "" {
		return r.trainer.LoadCompression(r.compressedDir)
	}
	return nil
}

// commandLine is the command line of a run, --resume_from_checkpoint left out.
func commandLine(flags *pflag.FlagSet) string {
	words := []string{"jpqd glue"}
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
func (r *glueRun) interrupted(err error) error {
	if !errors.Is(err, jpqd.ErrInterrupted) {
		return err
	}
	checkpoint, findErr := jpqd.LastCheckpoint(r.o.OutputDir)
	if findErr != nil || checkpoint == "" {
		return err
	}
	fmt.Fprintf(r.console.err, "%s was written; go on with\n  %s --resume_from_checkpoint true\n", checkpoint, commandLine(r.flags))
	return err
}
