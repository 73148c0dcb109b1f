package jpqd

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

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
	Masking   *Masking  // for a model of masked language modelling, else nil

	// Metrics computes the task's metrics from the logits of examples; its keys
	// get the prefix "eval_". Nil: losses only. The logits are (examples, labels)
	// row by row; for question answering (tokens, 2), start and end of each of
	// the len(IDs) tokens of the first example, then of the second, and so on. With
	// Masking it is not called: its metric is the accuracy of the hidden tokens.
	Metrics func(logits []float32, examples []Example) map[string]float64

	Log *slog.Logger // nil: slog.Default()

	// OnStep is called after every optimizer step; OnStage when movement
	// sparsity enters warm-up and when it leaves it; OnLog with every entry of
	// trainer_state.json's log_history; OnSave after a checkpoint's files are
	// written, to add more of them (a tokenizer's) before the folder gets its
	// final name. Each may be nil.
	OnStep  func(Progress)
	OnStage func(StageEvent)
	OnLog   func(LogEntry)
	OnSave  func(dir string) error

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
	Tokens         int     // and their tokens
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

func (t *Trainer) log() *slog.Logger {
	if t.Log == nil {
		return slog.Default()
	}
	return t.Log
}

// check validates what a run needs before anything is computed.
func (t *Trainer) check() error {
	if err := t.Args.Validate(); err != nil {
		return err
	}
	if err := t.checkTarget(); err != nil {
		return err
	}
	return t.checkTask()
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
	if t.compression, err = newCompression(t.Model, t.NNCF, t.log()); err != nil {
		return err
	}
	if t.Args.TargetSparsity > 0 {
		t.compression.aimAt(t.Args.TargetSparsity)
	}
	return nil
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

// SaveModel makes the folder dir, if it is not there, and writes config.json
// and model.safetensors to it, and for a compressed model nncf_config.json,
// compression.safetensors, compression_state.json and, once heads and neurons
// are chosen, structured_sparsity.csv.
func (t *Trainer) SaveModel(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
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

// Statistics are the figures of movement sparsity and of every sparsified
// layer, with the masks of the last training step; ok is false without it. The
// same figures are logged when an epoch begins (those of layers in warm-up only)
// and when the masks are final.
func (t *Trainer) Statistics() (s Statistics, ok bool) {
	if t.compression == nil || t.compression.schedule == nil {
		return Statistics{}, false
	}
	return t.compression.statistics(), true
}
