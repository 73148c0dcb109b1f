package main

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// perplexity is the name of run_mlm.py's metric, exp(eval_loss).
const perplexity = "perplexity"

func newMLMCommand(c *console) *cobra.Command {
	o := &mlmOptions{}
	cmd := &cobra.Command{
		Use:   "mlm (--flag value … | args.json)",
		Short: "Train BERT on plain text, for jpqd glue and jpqd qa to start from",
		Long: `Train BERT by masked language modelling on plain text, from random weights or
from a model that is there, to have one of the right domain, language or size
for jpqd glue and jpqd qa. The flags are those of run_mlm.py from Hugging Face's
transformers; a single argument that ends in .json is a file of them.

The text is a file with a paragraph or a sentence a line. From nothing, training
needs a folder with config.json and vocab.txt alone.`,
		Example: `  jpqd mlm --model_name_or_path bert-base-uncased --train_file reports.txt \
      --output_dir bert-reports --do_train --do_eval --max_seq_length 128 \
      --per_device_train_batch_size 32 --num_train_epochs 3
  jpqd glue --model_name_or_path bert-reports …`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := newTrainingRun(c, cmd.Name(), &o.RunOptions, cmd.Flags())
			r.scratch = true
			r.task = &mlmTask{trainingRun: r, o: o, texts: map[string]*tasks.Text{}}
			return r.run(cmd.Context())
		},
	}
	registerMLMFlags(cmd.Flags(), o)
	return cmd
}

// mlmTask is what `jpqd mlm` does in its own way.
type mlmTask struct {
	*trainingRun
	o     *mlmOptions
	texts map[string]*tasks.Text // by file, until all of their splits are made
}

func (t *mlmTask) questionAnswering() bool { return false }

// loadModel reads the model with its own head, with a random one where the
// folder has another, or makes a random model of a configuration.
func (t *mlmTask) loadModel(dir string) (*bert.Model, bert.LoadReport, error) {
	if isCompressed(dir) && !t.o.DoTrain {
		return nil, bert.LoadReport{}, fmt.Errorf("%s holds a compressed model, want one in float32", dir)
	}
	m, report, err := t.newModel(dir)
	if err == nil && t.o.SinusoidalPositions > 0 {
		m.SinusoidalPositions(float32(t.o.SinusoidalPositions))
	}
	return m, report, err
}

func (t *mlmTask) newModel(dir string) (*bert.Model, bert.LoadReport, error) {
	if t.o.ModelNameOrPath != "" {
		return bert.Load(dir, bert.LoadOptions{Seed: t.o.Seed, MaskedLM: true})
	}
	config, err := bert.LoadConfig(dir)
	if err != nil {
		return nil, bert.LoadReport{}, err
	}
	return bert.New(config.WithMaskedLM(), t.o.Seed), bert.LoadReport{}, nil
}

// fitTeacher has nothing to do: there is no teacher.
func (t *mlmTask) fitTeacher(*bert.Model) error { return nil }

// metrics has nothing to do: the trainer counts the tokens that the model tells.
func (t *mlmTask) metrics([]float32, []jpqd.Example) map[string]float64 { return nil }

func (t *mlmTask) metricNames() []string { return []string{"accuracy"} }

// scores evaluates the validation data.
func (t *mlmTask) scores(ctx context.Context) (map[string]float64, error) {
	examples := t.examples[tasks.Validation]
	metrics, err := t.measure(ctx, examples)
	if err != nil {
		return nil, err
	}
	metrics["eval_samples"] = float64(len(examples))
	metrics[perplexity] = math.Exp(metrics["eval_loss"])
	return metrics, nil
}

func (t *mlmTask) evaluate(ctx context.Context) error {
	metrics, err := t.scores(ctx)
	if err != nil {
		return err
	}
	return t.finish("eval", metrics)
}

// predict is never called: there is no --do_predict.
func (t *mlmTask) predict(context.Context) error { return nil }
