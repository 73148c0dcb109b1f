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
	pooler     linear // not of question answering
	classifier linear
	logits     *quantizer
	sizes      widths

	headInputs inputs // of the pooler, or of question answering's classifier
}

// New plans a compressed model. It checks every shape and value; the error
// names the part of c, what was found and what was wanted. The engine keeps
// floats and tables of c, which must not change afterwards.
func New(c *jpqd.Compressed) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("int8: %w", err)
	}
	e := &Engine{
		config: c.Config, embeddings: newEmbeddings(c),
		classifier: newLinear(&c.Classifier, c.Classifier.Weight.Cols), logits: newQuantizer(c.Logits),
	}
	answering := c.Config.QuestionAnswering()
	if answering {
		e.headInputs = newInputs(&e.classifier)
	} else {
		e.pooler = newLinear(&c.Pooler, c.Config.HiddenSize)
		e.headInputs = newInputs(&e.pooler)
	}
	for i := range c.Layers {
		last := i == len(c.Layers)-1
		e.layers = append(e.layers, newLayer(&c.Layers[i], c, last && !answering))
	}
	e.sizes = e.widths()
	return e, nil
}

// Config is the configuration of the uncompressed model.
func (e *Engine) Config() bert.Config { return e.config }

// NewWorkspace returns the memory that a call needs. It is empty until the
// first call.
func (e *Engine) NewWorkspace() *Workspace { return new(Workspace) }

// Logits writes the logits of a batch: (sequences, labels), for question
// answering (rows, 2), the start and end of an answer at every token. The error
// says what is wrong with the batch or with the length of logits.
func (e *Engine) Logits(w *Workspace, b *bert.Batch, logits []float32) error {
	if err := checkBatch(&e.config, b); err != nil {
		return err
	}
	labels, rows, unit := e.config.NumLabels(), b.Len(), "sequences"
	if e.config.QuestionAnswering() {
		rows, unit = b.Rows(), "tokens"
	}
	if want := rows * labels; len(logits) != want {
		return fmt.Errorf("int8: logits: found room for %d, want %d %s · %d labels = %d", len(logits), rows, unit, labels, want)
	}
	for s := 0; s < b.Len(); {
		c := cut(b, s)
		n := e.logitRows(c) * labels
		e.run(w, c, logits[:n])
		logits = logits[n:]
		s += c.len()
	}
	return nil
}

// logitRows is how many rows of logits a chunk has.
func (e *Engine) logitRows(c chunk) int {
	if e.config.QuestionAnswering() {
		return len(c.ids)
	}
	return c.len()
}

// run computes the logits of a chunk.
func (e *Engine) run(w *Workspace, c chunk, logits []float32) {
	w.layOut(e.sizes, c)
	e.embeddings.embed(w, c, e.layers[0].inputs)
	for i := range e.layers {
		next := e.headInputs
		if i+1 < len(e.layers) {
			next = e.layers[i+1].inputs
		}
		e.layers[i].forward(w, c, next)
	}
	rows, x := e.logitRows(c), w.x
	if e.config.QuestionAnswering() {
		x = e.headInputs.operand(&e.classifier, x, &w.copies)
	} else {
		e.pool(w, rows)
		x = w.h
	}
	e.classifier.multiply(rows, x, logits)
	t := w.after(&e.classifier, rows, logits)
	t.result = e.logits
	t.run()
}

// pool turns first tokens in w.x into the classifier's operand in w.h.
func (e *Engine) pool(w *Workspace, sequences int) {
	e.pooler.multiply(sequences, e.headInputs.operand(&e.pooler, w.x, &w.copies), w.h)
	t := w.after(&e.pooler, sequences, w.h)
	t.activation = kernels.Tanh
	if e.config.PoolerReLU() {
		t.activation = relu
	}
	t.inPlace(e.classifier.input)
	t.run()
}

// relu writes max(x, 0) to y; y may be x.
func relu(x, y []float32) {
	for i, v := range x {
		y[i] = max(v, 0)
	}
}
