package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
)

// Engines that run a trained model.
const (
	engineFloat     = "float"     // the engine on float32: masks, but no quantizers
	engineFakeQuant = "fakequant" // the model of training, with masks and fake quantizers
	engineInt8      = "int8"      // the engine on bytes
	engineReference = "reference" // the evaluator of OpenVINO IR, operation by operation
)

var engines = []string{engineFloat, engineFakeQuant, engineInt8}

// inferenceOptions are the flags of commands that run a trained model.
type inferenceOptions struct {
	Engine string
	IR     string
	JSON   bool
}

func registerInferenceFlags(f *pflag.FlagSet, o *inferenceOptions) {
	f.StringVar(&o.Engine, "engine", "", "float: float32 without quantizers; fakequant: as in training; int8: bytes; reference: of OpenVINO IR, operation by operation, slowly (default int8 for a model with quantizers, else float)")
	registerIRFlag(f, &o.IR)
}

func (o *inferenceOptions) check() error {
	if o.Engine != "" && o.Engine != engineReference && !slices.Contains(engines, o.Engine) {
		return usageErrorf("--engine: found %q, want one of %s, %s", o.Engine, strings.Join(engines, ", "), engineReference)
	}
	return checkIR(o.IR)
}

// inference is a trained model that is ready to run.
type inference struct {
	config bert.Config
	from   string // file or folder that was read
	engine string
	logits func(context.Context, []jpqd.Example) ([]float32, error) // as jpqd.Trainer.Predict gives them
}

// prepare makes a model ready for an engine; "" stands for the one that it is for.
func (m *trained) prepare(engine string, batchSize int) (*inference, error) {
	switch engine {
	case engineFakeQuant:
		return m.prepareTraining(batchSize)
	case engineReference:
		return m.prepareReference(batchSize)
	}
	var compressed *jpqd.Compressed
	var err error
	from := m.name()
	if engine == engineFloat {
		compressed, from, err = m.unquantized()
	} else if compressed, err = m.compressed(); err == nil {
		switch quantized := compressed.Quantized(); {
		case engine == "" && quantized:
			engine = engineInt8
		case engine == "":
			engine = engineFloat
		case !quantized:
			err = fmt.Errorf("--engine %s: %s has no quantizers, want --engine %s", engine, from, engineFloat)
		}
	}
	if err != nil {
		return nil, err
	}
	e, err := int8.New(compressed)
	if err != nil {
		return nil, err
	}
	w := e.NewWorkspace()
	return &inference{config: compressed.Config, from: from, engine: engine, logits: inBatches(batchSize, func(b *bert.Batch, logits []float32) ([]float32, error) {
		n := e.NumLogits(b)
		logits = slices.Grow(logits, n)[:len(logits)+n]
		return logits, e.Logits(w, b, logits[len(logits)-n:])
	})}, nil
}

// unquantized reads the model without its quantizers, which its compressed form
// can give only where it has none. It tells from where.
func (m *trained) unquantized() (c *jpqd.Compressed, from string, err error) {
	if m.file != "" {
		c, err := m.compressed()
		if err != nil || !c.Quantized() {
			return c, m.file, err
		}
		if m.alone {
			return nil, m.file, fmt.Errorf("--engine %s: %s has weights in 8 bits, want the folder of its run", engineFloat, m.file)
		}
	}
	t, err := m.trainer()
	if err != nil {
		return nil, m.dir, err
	}
	c, err = t.Unquantized()
	return c, m.dir, err
}

// prepareTraining makes the model of training ready.
func (m *trained) prepareTraining(batchSize int) (*inference, error) {
	if m.alone {
		return nil, fmt.Errorf("--engine %s: found the file %s, want the folder of its run", engineFakeQuant, m.file)
	}
	t, err := m.trainer()
	if err != nil {
		return nil, err
	}
	if t.NNCF == nil || t.NNCF.Quantization == nil {
		return nil, fmt.Errorf("--engine %s: %s has no quantizers, want --engine %s", engineFakeQuant, m.dir, engineFloat)
	}
	t.Args.PerDeviceEvalBatchSize = batchSize
	return &inference{config: t.Model.Config, from: m.dir, engine: engineFakeQuant, logits: t.Predict}, nil
}

// name is the model's file, or its folder.
func (m *trained) name() string {
	if m.file != "" {
		return m.file
	}
	return m.dir
}

// inBatches runs batches of examples, one after the other. run appends the logits
// of one.
func inBatches(size int, run func(b *bert.Batch, logits []float32) ([]float32, error)) func(context.Context, []jpqd.Example) ([]float32, error) {
	return func(ctx context.Context, examples []jpqd.Example) ([]float32, error) {
		var logits []float32
		var batch bert.Batch
		for part := range slices.Chunk(examples, size) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			batch.Reset()
			for i := range part {
				batch.Append(part[i].IDs, part[i].TypeIDs)
			}
			var err error
			if logits, err = run(&batch, logits); err != nil {
				return nil, err
			}
		}
		return logits, nil
	}
}
