package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/report"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// demoNNCF says how the demo compresses.
//
//go:embed demo_nncf.json
var demoNNCF []byte

// demoSizes are what the demo trains, for how long and on how much.
type demoSizes struct {
	Hidden, Layers, Heads, Intermediate int // of teacher and student
	Tokens                              int // longest sentence
	Train, Dev                          int // sentences
	BatchSize                           int
	TeacherEpochs, StudentEpochs        float64
	TeacherRate, StudentRate            float64 // highest learning rates
	DistillationWeight                  float64
	Rounds                              int    // of the speed measurement
	NNCF                                []byte // compression configuration
}

// demoDefaults are sized for under three minutes on two cores.
func demoDefaults() demoSizes {
	return demoSizes{
		Hidden: 128, Layers: 2, Heads: 4, Intermediate: 512, Tokens: 64,
		Train: 16000, Dev: 1000, BatchSize: 32,
		TeacherEpochs: 6, StudentEpochs: 6, TeacherRate: 5e-4, StudentRate: 4e-4,
		DistillationWeight: 0.9, Rounds: 7, NNCF: demoNNCF,
	}
}

func newDemoCommand(c *console) *cobra.Command {
	dir, seed := "jpqd-demo", uint64(42)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train, compress and measure a small model: no files, no network, a few minutes",
		Long: `Train a small BERT from random weights on made-up film, hotel and telephone
reviews, compress it by joint pruning, quantization and distillation with itself
as the teacher, and compare the two in accuracy, size and speed.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), c, dir, seed, demoDefaults())
		},
	}
	cmd.Flags().StringVar(&dir, "output_dir", dir, "`folder` for both models and the report")
	cmd.Flags().Uint64Var(&seed, "seed", seed, "of sentences, weights and training")
	return cmd
}

// demo is one run of `jpqd demo`.
type demo struct {
	console    *console
	dir        string
	seed       uint64
	sizes      demoSizes
	task       tasks.GLUETask
	tok        *tokenizer.Tokenizer
	train, dev []jpqd.Example
}

func runDemo(ctx context.Context, c *console, dir string, seed uint64, sizes demoSizes) error {
	start := time.Now()
	d := &demo{console: c, dir: dir, seed: seed, sizes: sizes}
	if err := d.makeData(); err != nil {
		return err
	}
	teacher, err := d.trainTeacher(ctx)
	if err != nil {
		return err
	}
	student, err := d.trainStudent(ctx, teacher.Model)
	if err != nil {
		return err
	}
	results, err := d.compare(ctx, teacher, student)
	if err != nil {
		return err
	}
	results.total = time.Since(start)
	return results.print(c.out)
}

// teacherDir and studentDir are the folders of the two models.
func (d *demo) teacherDir() string { return filepath.Join(d.dir, "fp32") }
func (d *demo) studentDir() string { return filepath.Join(d.dir, "jpqd") }

// makeData writes the sentences and tokenizes them.
func (d *demo) makeData() error {
	var err error
	if d.task, err = tasks.LookupGLUE("sst2"); err != nil {
		return err
	}
	if d.tok, err = tokenizer.New(tasks.SentimentVocab(), tokenizer.DefaultConfig()); err != nil {
		return err
	}
	train, dev := tasks.SentimentSplit(d.seed, d.sizes.Train, d.sizes.Dev)
	if d.train, err = tasks.Encode(d.tok, train, d.task, d.sizes.Tokens); err != nil {
		return err
	}
	if d.dev, err = tasks.Encode(d.tok, dev, d.task, d.sizes.Tokens); err != nil {
		return err
	}
	d.console.log.Info("made-up reviews", slog.Int("train", len(train)), slog.Int("dev", len(dev)), slog.String("first", train[0].Text1))
	return nil
}

// config is the shape of both models.
func (d *demo) config() bert.Config {
	c := bert.DefaultConfig()
	c.VocabSize = d.tok.VocabSize()
	c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads = d.sizes.Hidden, d.sizes.Layers, d.sizes.Heads
	c.IntermediateSize, c.MaxPositionEmbeddings = d.sizes.Intermediate, d.sizes.Tokens
	c.Labels = d.task.Labels
	return c
}

// arguments are the training arguments of a model.
func (d *demo) arguments(dir string, epochs, rate float64) jpqd.TrainingArguments {
	a := jpqd.DefaultTrainingArguments()
	a.OutputDir = dir
	a.PerDeviceTrainBatchSize, a.PerDeviceEvalBatchSize = d.sizes.BatchSize, d.sizes.BatchSize
	a.NumTrainEpochs, a.LearningRate, a.WarmupRatio = epochs, rate, 0.1
	a.Seed = d.seed
	a.LoggingSteps = max(1, len(d.train)/d.sizes.BatchSize/2)
	a.EvaluationStrategy, a.SaveStrategy = jpqd.Epoch, jpqd.No
	a.DistillationWeight = d.sizes.DistillationWeight
	return a
}

func (d *demo) trainTeacher(ctx context.Context) (*jpqd.Trainer, error) {
	d.console.log.Info("1/3 training the teacher in float32, from random weights", slog.Int("epochs", int(d.sizes.TeacherEpochs)))
	t := &jpqd.Trainer{
		Args:  d.arguments(d.teacherDir(), d.sizes.TeacherEpochs, d.sizes.TeacherRate),
		Model: bert.New(d.config(), d.seed),
	}
	return t, d.run(ctx, t, "teacher")
}

func (d *demo) trainStudent(ctx context.Context, teacher *bert.Model) (*jpqd.Trainer, error) {
	nncf, err := jpqd.ParseNNCFConfig(d.sizes.NNCF)
	if err != nil {
		return nil, err
	}
	nncf.LogDir = d.studentDir()
	student, _, err := bert.Load(d.teacherDir(), bert.LoadOptions{})
	if err != nil {
		return nil, err
	}
	d.console.log.Info("2/3 compressing a copy: pruning, quantization, distillation", slog.Int("epochs", int(d.sizes.StudentEpochs)))
	t := &jpqd.Trainer{
		Args:  d.arguments(d.studentDir(), d.sizes.StudentEpochs, d.sizes.StudentRate),
		Model: student, Teacher: teacher, NNCF: nncf,
	}
	if err := d.run(ctx, t, "student"); err != nil {
		return nil, err
	}
	compressed, err := t.Compressed()
	if err != nil {
		return nil, err
	}
	if err := compressed.Save(filepath.Join(d.studentDir(), jpqd.CompressedFile)); err != nil {
		return nil, err
	}
	if err := exportBeside(d.console, d.studentDir(), compressed); err != nil {
		return nil, err
	}
	return t, writeReport(d.console, d.studentDir(), t)
}

// run trains and saves a model.
func (d *demo) run(ctx context.Context, t *jpqd.Trainer, label string) error {
	if err := os.MkdirAll(t.Args.OutputDir, 0o777); err != nil {
		return err
	}
	t.TrainData, t.EvalData, t.Metrics, t.Log = d.train, d.dev, d.metrics, d.console.log
	_, err := newProgress(d.console, label).train(ctx, t, "")
	if errors.Is(err, jpqd.ErrInterrupted) {
		return fmt.Errorf("%w; the demo begins anew when it is started again", err)
	}
	if err != nil {
		return err
	}
	if err := t.SaveModel(t.Args.OutputDir); err != nil {
		return err
	}
	if err := checkpoint.WriteJSON(filepath.Join(t.Args.OutputDir, "training_args.json"), t.Args); err != nil {
		return err
	}
	return d.tok.Save(t.Args.OutputDir)
}

func (d *demo) metrics(logits []float32, examples []jpqd.Example) map[string]float64 {
	return d.task.Metrics(logits, d.task.NumLabels(), examples)
}

// compare measures both models as they would be deployed, on the dev sentences.
func (d *demo) compare(ctx context.Context, teacher, student *jpqd.Trainer) (*demoResults, error) {
	d.console.log.Info("3/3 measuring both models on the dev sentences", slog.Int("rounds", d.sizes.Rounds))
	r := &demoResults{dir: d.studentDir()}
	engines := make([]*int8.Engine, 2)
	for i, t := range []*jpqd.Trainer{teacher, student} {
		compressed, err := t.Compressed()
		if err != nil {
			return nil, err
		}
		if engines[i], err = int8.New(compressed); err != nil {
			return nil, err
		}
		r.model[i].sizes = report.Measure(compressed)
		r.layers = compressed.Layers
	}
	speeds, logits, err := measureSpeed(ctx, engines, d.dev, d.sizes.BatchSize, d.sizes.Rounds)
	if err != nil {
		return nil, err
	}
	files := []string{filepath.Join(d.teacherDir(), checkpoint.WeightsFile), filepath.Join(d.studentDir(), ir.BinName)}
	for i := range r.model {
		info, err := os.Stat(files[i])
		if err != nil {
			return nil, err
		}
		r.model[i].bytes = info.Size()
		r.model[i].accuracy = d.metrics(logits[i], d.dev)["accuracy"]
		r.model[i].speed = speeds[i]
	}
	return r, nil
}
