package main

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

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
			r := newTrainingRun(c, cmd.Name(), &o.RunOptions, cmd.Flags())
			r.task = &glueTask{trainingRun: r, o: o}
			return r.run(cmd.Context())
		},
	}
	registerGlueFlags(cmd.Flags(), o)
	return cmd
}

// glueTask is what `jpqd glue` does in its own way.
type glueTask struct {
	*trainingRun
	o      *glueOptions
	glue   tasks.GLUETask
	splits map[tasks.Split][]tasks.Record
}

func (t *glueTask) questionAnswering() bool { return false }

func (t *glueTask) metrics(logits []float32, examples []jpqd.Example) map[string]float64 {
	return t.glue.Metrics(logits, t.glue.NumLabels(), examples)
}

func (t *glueTask) metricNames() []string {
	return slices.Sorted(maps.Keys(t.metrics(nil, nil)))
}

// scores evaluates every validation split.
func (t *glueTask) scores(ctx context.Context) (map[string]float64, error) {
	combined := map[string]float64{}
	for _, s := range t.evalSplits() {
		metrics, err := t.measure(ctx, t.examples[s])
		if err != nil {
			return nil, err
		}
		metrics["eval_samples"] = float64(len(t.examples[s]))
		if s == tasks.ValidationMismatched {
			renamed := map[string]float64{}
			for key, v := range metrics {
				renamed[key+"_mm"] = v
			}
			metrics = renamed
		}
		maps.Copy(combined, metrics)
	}
	return combined, nil
}

func (t *glueTask) evaluate(ctx context.Context) error {
	metrics, err := t.scores(ctx)
	if err != nil {
		return err
	}
	return t.finish("eval", metrics)
}

// predict writes the predictions of every test split.
func (t *glueTask) predict(ctx context.Context) error {
	for _, s := range t.testSplits() {
		logits, err := t.trainer.Predict(ctx, t.examples[s])
		if err != nil {
			return err
		}
		path := filepath.Join(t.o.OutputDir, t.glue.PredictionsFile(s))
		if err := t.glue.WritePredictions(path, logits); err != nil {
			return err
		}
		t.console.log.Info("predictions", slog.String("file", path), slog.Int("examples", len(t.examples[s])))
	}
	return nil
}
