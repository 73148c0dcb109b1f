package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// evalOptions are the flags of `jpqd eval`: those of glue and qa that concern
// the evaluation, and the engine.
type evalOptions struct {
	inferenceOptions
	glueOptions             // RunOptions are those of questions, too
	SQuAD       tasks.SQuAD // but for its length, which is MaxSeqLength
}

func newEvalCommand(c *console) *cobra.Command {
	o := &evalOptions{}
	cmd := &cobra.Command{
		Use:   "eval [MODEL]",
		Short: "Evaluate a trained model on a GLUE task, on SQuAD or on your own data, by an engine",
		Long: `Run a trained model over validation data and print its metrics and how many
sequences it takes a second. MODEL is the folder of a run, one with a model in
float32, a compressed.safetensors or an OpenVINO IR, which --ir names, too. The data are named as for jpqd glue, or for
a model that answers questions as for jpqd qa; labels of a file of your own are
the model's.`,
		Example: `  jpqd eval jpqd-sst2 --task_name sst2 --data_dir SST-2
  jpqd eval jpqd-sst2 --task_name sst2 --data_dir SST-2 --engine float --json
  jpqd eval jpqd-squad --validation_file dev-v1.1.json
  jpqd eval --ir openvino_model.xml --task_name sst2 --data_dir SST-2`,
		Args: modelOrIR,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEval(cmd.Context(), c, o, cmd.Flags(), modelName(args, o.IR))
		},
	}
	f := cmd.Flags()
	registerNames(f)
	registerInferenceFlags(f, &o.inferenceOptions)
	registerTaskFlags(f, &o.glueOptions)
	f.StringVar(&o.ValidationFile, "validation_file", "", "validation data, a .csv, .tsv or .json `file`, for questions a SQuAD .json")
	f.IntVar(&o.MaxEvalSamples, "max_eval_samples", -1, "use only the first `n` examples")
	registerLengthFlag(f, &o.RunOptions)
	f.IntVar(&o.PerDeviceEvalBatchSize, "per_device_eval_batch_size", 32, "sequences in a batch")
	registerSQuADFlags(f, &o.SQuAD)
	registerHubFlags(f, &o.RunOptions)
	f.BoolVar(&o.JSON, "json", false, "print one JSON object")
	return cmd
}

// registerLengthFlag defines --max_seq_length of commands for both kinds of model.
func registerLengthFlag(f *pflag.FlagSet, o *RunOptions) {
	f.IntVar(&o.MaxSeqLength, "max_seq_length", 0, "longest input of the model in `tokens` (default 128, for questions 384)")
}

// defaultLength fills in --max_seq_length.
func defaultLength(o *RunOptions, answering bool) {
	if o.MaxSeqLength == 0 {
		if o.MaxSeqLength = 128; answering {
			o.MaxSeqLength = tasks.DefaultSQuAD().MaxSeqLength
		}
	}
}

// evaluation is one run of `jpqd eval`.
type evaluation struct {
	*trainingRun
	options *evalOptions
	model   *inference
	order   []int // the model's output for each label of the data; nil: as they are
}

func runEval(ctx context.Context, c *console, o *evalOptions, flags *pflag.FlagSet, name string) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.MaxEvalSamples == 0 || o.MaxEvalSamples < -1 {
		return usageErrorf("--max_eval_samples: found %d, want at least 1, or -1 for all", o.MaxEvalSamples)
	}
	if o.PerDeviceEvalBatchSize < 1 {
		return usageErrorf("--per_device_eval_batch_size: found %d, want at least 1", o.PerDeviceEvalBatchSize)
	}
	found, err := findTrained(ctx, c, name, o.CacheDir, o.ModelRevision)
	if err != nil {
		return err
	}
	e := &evaluation{trainingRun: newTrainingRun(c, "eval", &o.RunOptions, flags), options: o}
	if e.model, err = found.prepare(o.Engine, o.PerDeviceEvalBatchSize); err != nil {
		return err
	}
	e.o.DoEval, e.measure = true, e.run
	if err := e.chooseTask(); err != nil {
		return err
	}
	if err := e.readData(ctx); err != nil {
		return err
	}
	if err := e.loadTokenizer(ctx, name, found.dir, &e.model.config); err != nil {
		return err
	}
	if err := e.encodeData(ctx); err != nil {
		return err
	}
	metrics, err := e.task.scores(ctx)
	if err != nil {
		return err
	}
	if o.JSON {
		all := map[string]any{"engine": e.model.engine, "model": e.model.from}
		for key, v := range metrics {
			all[key] = v
		}
		enc := json.NewEncoder(c.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	}
	c.log.Info("evaluated", slog.String("model", e.model.from), slog.String("engine", e.model.engine))
	return printMetrics(c.out, "eval", metrics)
}

// chooseTask makes the task by the model's head and checks its flags.
func (e *evaluation) chooseTask() error {
	o, config := e.options, &e.model.config
	answering := config.QuestionAnswering()
	defaultLength(e.o, answering)
	if answering {
		if o.TaskName != "" || o.DataDir != "" {
			return usageErrorf("--task_name, --data_dir: the model answers questions, want --validation_file")
		}
		t := &qaTask{trainingRun: e.trainingRun, o: &qaOptions{RunOptions: o.RunOptions, SQuAD: o.SQuAD}, questions: map[tasks.Split][]tasks.Question{}, windows: map[tasks.Split]*tasks.Windows{}}
		e.task = t
		return t.checkTask()
	}
	t := &glueTask{trainingRun: e.trainingRun, o: &o.glueOptions}
	e.task = t
	if o.TaskName == "" {
		return e.inferTask(t)
	}
	if err := t.checkTask(); err != nil {
		return err
	}
	return e.fitLabels(&t.glue)
}

// inferTask makes the task of a file by the file's columns and the model's labels.
func (e *evaluation) inferTask(t *glueTask) error {
	if e.o.ValidationFile == "" {
		return usageErrorf("need either a GLUE task (--task_name) or a file (--validation_file)")
	}
	if e.o.MaxSeqLength < 3 {
		return errShortSequences(e.o.MaxSeqLength)
	}
	task, err := tasks.InferTask(e.o.ValidationFile)
	if err != nil {
		return fmt.Errorf("--validation_file: %w", err)
	}
	if config := &e.model.config; regression(config) {
		task.Regression, task.Labels, task.Metric = true, nil, tasks.MSE
	} else {
		task.Regression, task.Labels, task.Metric = false, config.Labels, tasks.Accuracy
	}
	t.glue = task
	return nil
}

// regression says whether a model's output is a value.
func regression(c *bert.Config) bool { return c.ProblemType == "regression" || c.NumLabels() == 1 }

// fitLabels holds the model's labels against the task's.
func (e *evaluation) fitLabels(task *tasks.GLUETask) error {
	config, want := &e.model.config, labels(task)
	if config.NumLabels() != len(want) {
		return fmt.Errorf("found a model with the labels %s, want %d for --task_name %s", strings.Join(config.Labels, ", "), len(want), task.Name)
	}
	if e.order = labelOrder(config.Labels, want); e.order == nil && !numberedLabels(config.Labels) {
		e.console.log.Warn("the model's labels do not match the data's; they are taken in the order in which they stand", slog.Any("model", config.Labels), slog.Any("data", want))
	}
	return nil
}

// run evaluates examples as [jpqd.Trainer.Evaluate] does, without losses.
func (e *evaluation) run(ctx context.Context, examples []jpqd.Example) (map[string]float64, error) {
	start := time.Now()
	logits, err := e.model.logits(ctx, examples)
	if err != nil {
		return nil, err
	}
	seconds := time.Since(start).Seconds()
	n := float64(len(examples))
	metrics := map[string]float64{
		"eval_runtime": seconds, "eval_samples_per_second": n / seconds, "eval_tokens_per_second": float64(countTokens(examples)) / seconds,
	}
	for key, v := range e.task.metrics(inOrder(logits, e.order), examples) {
		metrics["eval_"+key] = v
	}
	return metrics, nil
}

// inOrder puts every row of logits into the order of the data's labels.
func inOrder(logits []float32, order []int) []float32 {
	if order == nil {
		return logits
	}
	sorted := make([]float32, len(logits))
	for i := range logits {
		row := i / len(order) * len(order)
		sorted[i] = logits[row+order[i-row]]
	}
	return sorted
}
