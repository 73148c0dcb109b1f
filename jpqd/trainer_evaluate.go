package jpqd

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jpqd/jpqd/autograd"
)

// Evaluate runs the model on examples and returns the means over them of
//
//	eval_loss                      all terms of the training loss, as in the original:
//	                               with movement sparsity it rises in warm-up and falls at its end
//	eval_task_loss                 the task's term alone, without teacher
//	eval_distillation_loss         the distance from the teacher, if there is one
//	eval_compression_loss          the regularisation; 0 before and after warm-up. With compression only
//	eval_loss_without_compression  eval_loss − eval_compression_loss. With compression only
//
// each term before it is multiplied by distillation_weight or its complement,
// and eval_runtime in seconds, eval_samples_per_second, and the task's metrics
// with the prefix "eval_". With Masking, the loss is that of the hidden tokens of
// a batch, and eval_accuracy the share of them that the model tells.
func (t *Trainer) Evaluate(ctx context.Context, examples []Example) (map[string]float64, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	start := time.Now()
	var logits []float32
	sums := map[string]float64{}
	told := telling{}
	err := t.batches(ctx, examples, func(part []Example) error {
		l, err := t.forward(&t.evaluation, part, autograd.Inference, 0)
		if err != nil {
			return err
		}
		if t.Masking != nil {
			told.count(l.logits, t.evaluation.hiding.labels)
		} else {
			logits = append(logits, l.logits.Data...)
		}
		n := float64(len(part))
		sums["eval_loss"] += n * scalar(l.total)
		sums["eval_task_loss"] += n * scalar(l.task)
		if t.Teacher != nil {
			sums["eval_distillation_loss"] += n * scalar(l.distillation)
		}
		if t.compression != nil {
			sums["eval_compression_loss"] += n * scalar(l.compression)
			sums["eval_loss_without_compression"] += n * (scalar(l.total) - scalar(l.compression))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	n, seconds := float64(len(examples)), time.Since(start).Seconds()
	metrics := map[string]float64{"eval_runtime": seconds, "eval_samples_per_second": n / seconds}
	for k, sum := range sums {
		metrics[k] = sum / n
	}
	if t.Masking != nil {
		metrics["eval_accuracy"] = told.accuracy()
	} else if t.Metrics != nil {
		for k, v := range t.Metrics(logits, examples) {
			metrics["eval_"+k] = v
		}
	}
	return metrics, nil
}

// Predict returns the logits of the model with its masks and fake quantizers,
// laid out as for [Trainer].Metrics. Labels are not needed.
func (t *Trainer) Predict(ctx context.Context, examples []Example) ([]float32, error) {
	var logits []float32
	p := &t.evaluation
	if p.student == nil {
		p.student, p.teacher = autograd.NewTape(), autograd.NewTape()
	}
	err := t.batches(ctx, examples, func(part []Example) error {
		fillBatch(&p.batch, part)
		if err := t.Model.Check(&p.batch); err != nil {
			return err
		}
		p.student.Begin(autograd.Inference, 0, 0)
		logits = append(logits, t.Model.Forward(p.student, &p.batch).Data...)
		return nil
	})
	return logits, err
}

// batches calls do with per_device_eval_batch_size examples at a time.
func (t *Trainer) batches(ctx context.Context, examples []Example, do func([]Example) error) error {
	size := max(1, t.Args.PerDeviceEvalBatchSize)
	for i := 0; i < len(examples); i += size {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("evaluation: %w: %w", ErrInterrupted, err)
		}
		if err := do(examples[i:min(i+size, len(examples))]); err != nil {
			return err
		}
	}
	return nil
}
