package jpqd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jpqd/jpqd/autograd"
	"github.com/go-jpqd/jpqd/bert"
)

// Trainer fine-tunes a model, compressing it on the way if it has an NNCF
// configuration. Fill in the fields, call [Trainer.Train], then
// [Trainer.Evaluate], [Trainer.SaveModel] or [Trainer.Compressed].
// A Trainer is used by one goroutine.
type Trainer struct {
	Args      TrainingArguments
	Model     *bert.Model // the student; trained in place
	Teacher   *bert.Model // nil: no distillation
	NNCF      *NNCFConfig // nil: plain fine-tuning
	TrainData []Example
	EvalData  []Example // may be nil

	// Metrics computes the task's metrics from logits (examples·labels, row by
	// row) of the examples; its keys get the prefix "eval_". Nil: loss only.
	Metrics func(logits []float32, examples []Example) map[string]float64

	Log *slog.Logger // nil: slog.Default()

	// OnStep is called after every optimizer step; OnLog with every entry of
	// trainer_state.json's log_history; OnSave after a checkpoint's files are
	// written, to add more of them (a tokenizer's) before the folder gets its
	// final name. Each may be nil.
	OnStep func(Progress)
	OnLog  func(LogEntry)
	OnSave func(dir string) error

	compression *compression // nil until prepared, or without NNCF
	evaluation  passes       // memory of Evaluate and Predict
}

// Progress is the state of training after a step.
type Progress struct {
	Step, MaxSteps int     // optimizer steps done and in all
	Epoch          float64 // epochs done
	Loss           float64 // of this step, all terms included
	Stage          string  // "", "pre-warmup", "warmup", "post-warmup": of movement sparsity
	Sequences      int     // training sequences processed so far in this process
}

// LogEntry is one entry of log_history: "step", "epoch" and what was logged.
type LogEntry map[string]any

// TrainResult is what [Trainer.Train] measured.
type TrainResult struct {
	GlobalStep int
	Metrics    map[string]float64 // train_loss, train_runtime (s), train_samples_per_second, train_steps_per_second, epoch
}

// ErrInterrupted is wrapped by the error of a call that its context ended. A
// training run has then written a checkpoint of its last finished step, if there
// is one, to Args.OutputDir.
var ErrInterrupted = errors.New("interrupted")

// passes is the memory of forward passes: a batch, its labels, and the tapes of
// student and teacher.
type passes struct {
	batch            bert.Batch
	labels           []int32
	targets          []float32
	student, teacher *autograd.Tape
}

// losses are the terms of one batch's loss.
type losses struct {
	total, task               *autograd.Tensor
	distillation, compression *autograd.Tensor // nil where there is none
	logits                    *autograd.Tensor
}

func (t *Trainer) log() *slog.Logger {
	if t.Log == nil {
		return slog.Default()
	}
	return t.Log
}

// regression says whether the model predicts one value rather than a class.
func (t *Trainer) regression() bool {
	return t.Model.Config.ProblemType == "regression" || t.Model.Config.NumLabels() == 1
}

// check validates what a run needs before anything is computed.
func (t *Trainer) check() error {
	if err := t.Args.Validate(); err != nil {
		return err
	}
	if t.Teacher != nil {
		if t.regression() {
			return errors.New("distillation of a regression task is not defined: want no teacher")
		}
		if found, want := t.Teacher.Config.NumLabels(), t.Model.Config.NumLabels(); found != want {
			return fmt.Errorf("teacher: found %d labels, want the student's %d", found, want)
		}
	}
	if n := t.Model.Config.NumLabels(); t.regression() && n != 1 {
		return fmt.Errorf("problem_type: found \"regression\" of %d labels, want 1", n)
	}
	return nil
}

// attach compresses the model as NNCF says, unless it is done already.
func (t *Trainer) attach() error {
	if t.NNCF == nil || t.compression != nil {
		return nil
	}
	for _, w := range t.NNCF.Warnings {
		t.log().Warn(w)
	}
	var err error
	t.compression, err = newCompression(t.Model, t.NNCF, t.log())
	return err
}

// LoadCompression restores the masks and quantizers of a folder that
// [Trainer.SaveModel] wrote, so that the model can be evaluated or deployed
// without training. NNCF must be the configuration saved there.
func (t *Trainer) LoadCompression(dir string) error {
	if err := t.attach(); err != nil {
		return err
	}
	if t.compression == nil {
		return errors.New("LoadCompression: found no NNCF configuration, want the one saved in the folder")
	}
	if err := t.compression.load(dir); err != nil {
		return err
	}
	return t.compression.checkWeights(dir)
}

// forward runs a batch of examples through the student, and the teacher if
// there is one, and computes the loss:
//
//	(1−w)·task + w·distillation + regularisation, or task + regularisation
func (t *Trainer) forward(p *passes, examples []Example, mode autograd.Mode, step uint64) (losses, error) {
	if p.student == nil {
		p.student, p.teacher = autograd.NewTape(), autograd.NewTape()
	}
	fillBatch(&p.batch, examples)
	if err := t.Model.Check(&p.batch); err != nil {
		return losses{}, err
	}
	p.student.Begin(mode, t.Args.Seed, step)
	l := losses{logits: t.Model.Forward(p.student, &p.batch)}
	if err := t.taskLoss(p, examples, &l); err != nil {
		return losses{}, err
	}
	l.total = l.task
	if t.Teacher != nil {
		if err := t.Teacher.Check(&p.batch); err != nil {
			return losses{}, fmt.Errorf("teacher: %w", err)
		}
		p.teacher.Begin(autograd.Inference, 0, 0)
		wanted := t.Teacher.Forward(p.teacher, &p.batch)
		l.distillation = p.student.Distillation(l.logits, wanted, t.Args.DistillationTemperature)
		w := float32(t.Args.DistillationWeight)
		l.total = p.student.Add(p.student.Scale(l.task, 1-w), p.student.Scale(l.distillation, w))
	}
	if t.compression != nil {
		if l.compression = t.compression.regularisation(p.student); l.compression != nil {
			l.total = p.student.Add(l.total, l.compression)
		}
	}
	return l, nil
}

func (t *Trainer) taskLoss(p *passes, examples []Example, l *losses) error {
	if t.regression() {
		p.targets = p.targets[:0]
		for i := range examples {
			p.targets = append(p.targets, examples[i].Target)
		}
		l.task = p.student.MSE(l.logits, p.targets)
		return nil
	}
	p.labels = p.labels[:0]
	for i := range examples {
		label := examples[i].Label
		if label < 0 || int(label) >= l.logits.Cols {
			return fmt.Errorf("example: found label %d, want 0 to %d", label, l.logits.Cols-1)
		}
		p.labels = append(p.labels, label)
	}
	l.task = p.student.CrossEntropy(l.logits, p.labels)
	return nil
}

// Evaluate runs the model on examples and returns eval_loss (all terms of the
// training loss, as in the original), eval_task_loss (the task's alone), the
// task's metrics with the prefix "eval_", eval_runtime and
// eval_samples_per_second.
func (t *Trainer) Evaluate(ctx context.Context, examples []Example) (map[string]float64, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	start := time.Now()
	var logits []float32
	var total, task float64
	err := t.batches(ctx, examples, func(part []Example) error {
		l, err := t.forward(&t.evaluation, part, autograd.Inference, 0)
		if err != nil {
			return err
		}
		logits = append(logits, l.logits.Data...)
		total += float64(l.total.Data[0]) * float64(len(part))
		task += float64(l.task.Data[0]) * float64(len(part))
		return nil
	})
	if err != nil {
		return nil, err
	}
	n, seconds := float64(len(examples)), time.Since(start).Seconds()
	metrics := map[string]float64{"eval_runtime": seconds, "eval_samples_per_second": n / seconds}
	if len(examples) > 0 {
		metrics["eval_loss"], metrics["eval_task_loss"] = total/n, task/n
	}
	if t.Metrics != nil {
		for k, v := range t.Metrics(logits, examples) {
			metrics["eval_"+k] = v
		}
	}
	return metrics, nil
}

// Predict returns the logits (len(examples)·labels) of the model with its masks
// and fake quantizers. Labels are not needed.
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

// SaveModel writes config.json and model.safetensors to dir, and for a
// compressed model nncf_config.json, compression.safetensors,
// compression_state.json and, once heads and neurons are chosen,
// structured_sparsity.csv.
func (t *Trainer) SaveModel(dir string) error {
	if err := t.Model.Save(dir); err != nil {
		return err
	}
	c := t.compression
	if c == nil {
		return removeFiles(dir, NNCFConfigFile, compressionFile, compressionStateFile, structuredReportFile)
	}
	if err := c.save(dir); err != nil {
		return err
	}
	if c.frozen && len(c.groups) > 0 {
		return writeStructuredReport(filepath.Join(dir, structuredReportFile), c.groups)
	}
	return removeFiles(dir, structuredReportFile)
}

// removeFiles removes what a model that was saved in dir before has left.
func removeFiles(dir string, names ...string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Statistics are the figures of movement sparsity; ok is false without it.
func (t *Trainer) Statistics() (s Statistics, ok bool) {
	if t.compression == nil || t.compression.schedule == nil {
		return Statistics{}, false
	}
	return t.compression.statistics(), true
}
