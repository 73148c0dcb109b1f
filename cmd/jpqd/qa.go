package main

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

func newQACommand(c *console) *cobra.Command {
	o := &qaOptions{}
	cmd := &cobra.Command{
		Use:   "qa (--flag value … | args.json)",
		Short: "Fine-tune BERT on SQuAD or on your own questions, and compress it",
		Long: `Fine-tune BERT for extractive question answering and, with
--nncf_compression_config, prune, quantize and distil it on the way. The flags
are those of run_qa.py from Hugging Face's optimum-intel; a single argument that
ends in .json is a file of them.

SQuAD is not downloaded: its files are at
https://rajpurkar.github.io/SQuAD-explorer. Questions of your own are read in its
layout, or as one object a question with id, question, context and answers.`,
		Example: `  jpqd qa --model_name_or_path bert-base-uncased \
      --train_file train-v1.1.json --validation_file dev-v1.1.json \
      --teacher_model_name_or_path bert-large-uncased-whole-word-masking-finetuned-squad \
      --nncf_compression_config bert-base-jpqd.json --distillation_weight 0.9 \
      --output_dir jpqd-squad --do_train --do_eval --per_device_train_batch_size 16 \
      --learning_rate 3e-5 --num_train_epochs 8 --max_seq_length 384 --doc_stride 128`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := newTrainingRun(c, cmd.Name(), &o.RunOptions, cmd.Flags())
			r.task = &qaTask{trainingRun: r, o: o, questions: map[tasks.Split][]tasks.Question{}, windows: map[tasks.Split]*tasks.Windows{}}
			return r.run(cmd.Context())
		},
	}
	registerQAFlags(cmd.Flags(), o)
	return cmd
}

// qaTask is what `jpqd qa` does in its own way.
type qaTask struct {
	*trainingRun
	o         *qaOptions
	questions map[tasks.Split][]tasks.Question
	windows   map[tasks.Split]*tasks.Windows // of validation and test

	predictions []tasks.Prediction // of the last evaluation
}

func (t *qaTask) questionAnswering() bool { return true }

// loadModel reads the student. A folder with another head lends its encoder.
func (t *qaTask) loadModel(dir string) (*bert.Model, bert.LoadReport, error) {
	answering := t.questionAnswering()
	return bert.Load(dir, bert.LoadOptions{Seed: t.o.Seed, QuestionAnswering: &answering})
}

// fitTeacher has nothing to do: every model's outputs are the start and the end.
func (t *qaTask) fitTeacher(*bert.Model) error { return nil }

func (t *qaTask) metrics(logits []float32, examples []jpqd.Example) map[string]float64 {
	var metrics map[string]float64
	t.predictions, metrics = t.o.SQuAD.Evaluate(t.windows[tasks.Validation], logits, examples)
	return metrics
}

func (t *qaTask) metricNames() []string {
	return slices.Sorted(maps.Keys(t.o.SQuAD.Metrics(nil, nil)))
}

// scores evaluates the validation data.
func (t *qaTask) scores(ctx context.Context) (map[string]float64, error) {
	examples := t.examples[tasks.Validation]
	metrics, err := t.measure(ctx, examples)
	if err != nil {
		return nil, err
	}
	metrics["eval_samples"] = float64(len(examples))
	return metrics, nil
}

// evaluate writes the predictions, too.
func (t *qaTask) evaluate(ctx context.Context) error {
	metrics, err := t.scores(ctx)
	if err != nil {
		return err
	}
	if err := t.writePredictions("eval", t.predictions); err != nil {
		return err
	}
	return t.finish("eval", metrics)
}

// predict writes the predictions of the test data, and scores them if it has
// answers. The metrics' prefix is run_qa.py's.
func (t *qaTask) predict(ctx context.Context) error {
	w := t.windows[tasks.Test]
	logits, err := t.trainer.Predict(ctx, w.Examples)
	if err != nil {
		return err
	}
	predictions := t.o.SQuAD.Predict(w, logits)
	if err := t.writePredictions("predict", predictions); err != nil {
		return err
	}
	metrics := map[string]float64{"predict_samples": float64(len(w.Examples))}
	if t.unscored(w.Questions) == nil {
		for key, v := range t.o.SQuAD.Metrics(w.Questions, predictions) {
			metrics["test_"+key] = v
		}
	}
	return t.finish("predict", metrics)
}

func (t *qaTask) writePredictions(prefix string, predictions []tasks.Prediction) error {
	if err := t.o.SQuAD.WritePredictions(t.o.OutputDir, prefix, predictions); err != nil {
		return err
	}
	t.console.log.Info("predictions", slog.String("file", filepath.Join(t.o.OutputDir, prefix+"_predictions.json")), slog.Int("questions", len(predictions)))
	return nil
}
