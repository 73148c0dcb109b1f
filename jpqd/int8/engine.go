package int8

import (
	"fmt"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/kernels"
)

// Engine is a planned model. It does not change after [New]; several
// goroutines may use it, each with its own [Workspace].
type Engine struct {
	config     bert.Config
	embeddings embeddings
	layers     []layer
	pooler     linear
	classifier linear
	sizes      widths

	poolerInputs inputs
}

// New plans a compressed model. It checks every shape and value; the error
// names the part of c, what was found and what was wanted. The engine keeps
// floats and tables of c, which must not change afterwards.
func New(c *jpqd.Compressed) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("int8: %w", err)
	}
	in := &c.Embeddings
	e := &Engine{
		config: c.Config,
		embeddings: embeddings{
			word: newTable(&in.Word), position: newTable(&in.Position), tokenType: newTable(&in.TokenType),
			sum: newQuantizer(in.AddInputs[0]), positions: newQuantizer(in.AddInputs[1]), norm: newNorm(&in.Norm, c),
		},
		pooler:     newLinear(&c.Pooler, c.Config.HiddenSize),
		classifier: newLinear(&c.Classifier, c.Config.HiddenSize),
	}
	e.poolerInputs = newInputs(&e.pooler)
	for i := range c.Layers {
		e.layers = append(e.layers, newLayer(&c.Layers[i], c, i == len(c.Layers)-1))
	}
	e.sizes = e.widths()
	return e, nil
}

// Config is the configuration of the uncompressed model.
func (e *Engine) Config() bert.Config { return e.config }

// NewWorkspace returns the memory that a call needs. It is empty until the
// first call.
func (e *Engine) NewWorkspace() *Workspace { return new(Workspace) }

// Logits writes the logits (sequences, labels) of a batch. The error says what
// is wrong with the batch or with the length of logits.
func (e *Engine) Logits(w *Workspace, b *bert.Batch, logits []float32) error {
	if err := checkBatch(&e.config, b); err != nil {
		return err
	}
	if want := b.Len() * e.config.NumLabels(); len(logits) != want {
		return fmt.Errorf("int8: logits: found room for %d, want %d sequences · %d labels = %d", len(logits), b.Len(), e.config.NumLabels(), want)
	}
	for s := 0; s < b.Len(); {
		c := cut(b, s)
		e.run(w, c, logits[s*e.config.NumLabels():(s+c.len())*e.config.NumLabels()])
		s += c.len()
	}
	return nil
}

// run computes the logits of a chunk.
func (e *Engine) run(w *Workspace, c chunk, logits []float32) {
	w.layOut(e.sizes, c)
	e.embeddings.embed(w, c, e.layers[0].inputs)
	for i := range e.layers {
		next := e.poolerInputs
		if i+1 < len(e.layers) {
			next = e.layers[i+1].inputs
		}
		e.layers[i].forward(w, c, next)
	}
	e.classify(w, c.len(), logits)
}

// classify pools the first tokens in w.x.
func (e *Engine) classify(w *Workspace, sequences int, logits []float32) {
	e.pooler.multiply(sequences, e.poolerInputs.operand(&e.pooler, w.x, &w.copies), w.h)
	t := w.after(&e.pooler, sequences, w.h)
	t.activation = kernels.Tanh
	t.inPlace(e.classifier.input)
	t.run()
	e.classifier.multiply(sequences, w.h, logits)
	w.after(&e.classifier, sequences, logits).run()
}
