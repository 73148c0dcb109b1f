package main

import (
	"context"
	"fmt"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/int8"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
)

// benchSubject is what is measured.
type benchSubject struct {
	name    string
	config  bert.Config
	engines []benchEngine // in the order of --engine
	tok     *tokenizer.Tokenizer
}

// benchEngine runs a model in one of the ways.
type benchEngine struct {
	name   string
	config bert.Config
	run    func(ctx context.Context, b *benchBatch) error
	work   func(b *benchBatch) operations // of a batch; nil where it is not known
}

// loadBenchSubject makes or reads the model for every engine.
func loadBenchSubject(ctx context.Context, c *console, o *benchOptions, name string) (*benchSubject, error) {
	s := &benchSubject{name: name}
	dir := o.tokenizer
	var plan func(engine string) (benchEngine, error)
	if name == "" {
		s.name = o.config + " " + o.sparsity
		var err error
		if plan, err = syntheticSubject(o); err != nil {
			return nil, err
		}
	} else {
		m, err := findTrained(ctx, c, name, o.cacheDir, o.revision)
		if err != nil {
			return nil, err
		}
		if dir == "" {
			dir = m.dir
		}
		plan = folderSubject(m)
	}
	for _, engine := range o.engines {
		e, err := plan(engine)
		if err != nil {
			return nil, err
		}
		e.name = engine
		s.config = e.config
		s.engines = append(s.engines, e)
	}
	if o.dataDir == "" {
		return s, nil
	}
	var err error
	if s.tok, err = tokenizer.Load(dir); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if s.tok.VocabSize() > s.config.VocabSize {
		return nil, fmt.Errorf("tokenizer: %s has %d tokens, want at most the model's vocab_size = %d", dir, s.tok.VocabSize(), s.config.VocabSize)
	}
	return s, nil
}

// syntheticSubject makes models of random weights.
func syntheticSubject(o *benchOptions) (func(engine string) (benchEngine, error), error) {
	config, sparsity, err := o.syntheticOptions.parse()
	if err != nil {
		return nil, err
	}
	return func(engine string) (benchEngine, error) {
		switch engine {
		case engineDense:
			return planEngine(synthetic.Float(config, synthetic.None, o.seed))
		case engineFloat:
			return planEngine(synthetic.Float(config, sparsity, o.seed))
		default:
			return planEngine(synthetic.Compressed(config, sparsity, o.seed))
		}
	}, nil
}

// folderSubject is a trained model.
func folderSubject(m *trained) func(engine string) (benchEngine, error) {
	return func(engine string) (benchEngine, error) {
		var c *jpqd.Compressed
		var err error
		switch engine {
		case engineFakeQuant:
			model, err := m.prepareTraining(1 << 16) // the batch is what it is given
			if err != nil {
				return benchEngine{}, err
			}
			return benchEngine{config: model.config, run: func(ctx context.Context, b *benchBatch) error {
				_, err := model.logits(ctx, b.examples)
				return err
			}}, nil
		case engineDense:
			c, err = m.dense()
		case engineFloat:
			c, _, err = m.unquantized()
		default:
			if c, err = m.compressed(); err == nil && !c.Quantized() {
				err = fmt.Errorf("--engine %s: %s has no quantizers, want --engine %s", engine, m.name(), engineFloat)
			}
		}
		if err != nil {
			return benchEngine{}, err
		}
		return planEngine(c)
	}
}

// dense reads the weights as they are, without masks and quantizers.
func (m *trained) dense() (*jpqd.Compressed, error) {
	if m.alone {
		return nil, fmt.Errorf("--engine %s: found the file %s, want the folder of its run", engineDense, m.file)
	}
	model, report, err := bert.Load(m.dir, bert.LoadOptions{})
	if err != nil {
		return nil, err
	}
	if len(report.Missing) > 0 {
		return nil, fmt.Errorf("%s has no %s, want a model that is trained already", m.dir, report.Missing[0])
	}
	return (&jpqd.Trainer{Model: model, Log: m.console.log}).Compressed()
}

// planEngine runs a model on the engine of jpqd/int8.
func planEngine(m *jpqd.Compressed) (benchEngine, error) {
	e, err := int8.New(m)
	if err != nil {
		return benchEngine{}, err
	}
	var (
		workspace int8.Workspace
		logits    []float32
	)
	work := countOperations(m)
	return benchEngine{config: m.Config, work: work, run: func(_ context.Context, b *benchBatch) error {
		if n := e.NumLogits(&b.tokens); cap(logits) < n {
			logits = make([]float32, n)
		} else {
			logits = logits[:n]
		}
		return e.Logits(&workspace, &b.tokens, logits)
	}}, nil
}
