package int8

import (
	"fmt"
	"runtime"

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
	answering  bool
	pooler     linear
	classifier linear
	logits     *quantizer

	headForms   forms // of the encoder's output
	pooledForms forms // of the pooler's output
	sizes       needs
}

// New plans a compressed model. It checks every shape and value; the error
// names the part of c, what was found and what was wanted. The engine keeps
// tables and vectors of c, which must not change afterwards.
func New(c *jpqd.Compressed) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("int8: %w", err)
	}
	e := &Engine{config: c.Config, embeddings: newEmbeddings(c), answering: c.Config.QuestionAnswering(), logits: newQuantizer(c.Logits)}
	if e.answering {
		e.classifier = newLinear(&c.Classifier, c.Config.HiddenSize)
		e.headForms = newForms(&e.classifier)
	} else {
		e.pooler = newLinear(&c.Pooler, c.Config.HiddenSize)
		e.classifier = newLinear(&c.Classifier, e.pooler.rows)
		e.headForms, e.pooledForms = newForms(&e.pooler), newForms(&e.classifier)
	}
	for i := range c.Layers {
		e.layers = append(e.layers, newLayer(&c.Layers[i], c, !e.answering && i == len(c.Layers)-1))
	}
	e.sizes = e.needs()
	return e, nil
}

// Config is the configuration of the uncompressed model.
func (e *Engine) Config() bert.Config { return e.config }

// NewWorkspace returns the memory that a call needs. It is empty until the
// first call.
func (e *Engine) NewWorkspace() *Workspace { return new(Workspace) }

// NumLogits is how many logits a batch has: sequences · labels, and for
// question answering tokens · 2, start and end.
func (e *Engine) NumLogits(b *bert.Batch) int {
	if e.answering {
		return 2 * len(b.IDs)
	}
	return b.Len() * e.config.NumLabels()
}

// Logits writes the logits of a batch: (sequences, labels), for question
// answering (tokens, 2). The error says what is wrong with the batch or with
// the length of logits.
func (e *Engine) Logits(w *Workspace, b *bert.Batch, logits []float32) error {
	if err := checkBatch(&e.config, b); err != nil {
		return err
	}
	if want := e.NumLogits(b); len(logits) != want {
		what, each := b.Len(), "sequences"
		if e.answering {
			what, each = len(b.IDs), "tokens"
		}
		return fmt.Errorf("int8: logits: found room for %d, want %d %s · %d labels = %d", len(logits), what, each, e.config.NumLabels(), want)
	}
	w.split(b, runtime.GOMAXPROCS(0))
	w.engine, w.batch, w.logits = e, b, logits
	if w.apart {
		kernels.Parallel(len(w.starts)-1, w)
		return nil
	}
	for i := range len(w.starts) - 1 {
		w.Run(i)
	}
	return nil
}

// run takes a chunk of a batch through the model.
func (e *Engine) run(g *group, c chunk, alone bool, logits []float32) {
	g.layOut(e.sizes, c, alone)
	e.embeddings.embed(g, c, e.layers[0].attention.forms)
	for i := range e.layers {
		next := e.headForms
		if i+1 < len(e.layers) {
			next = e.layers[i+1].attention.forms
		}
		e.layers[i].forward(g, c, next)
	}
	if e.answering {
		e.answer(g, len(c.ids), logits)
	} else {
		e.classify(g, c.len(), logits)
	}
}

// classify pools the first tokens in g.x.
func (e *Engine) classify(g *group, sequences int, logits []float32) {
	bytes, floats := e.pooler.operand(e.headForms, &g.copies, g.x)
	g.epilogue = kernels.Epilogue{}
	if e.config.PoolerReLU() {
		g.epilogue.Activation = kernels.ActReLU
	}
	multiply(&e.pooler, sequences, bytes, floats, g.pooled, e.pooler.rows, &g.epilogue)
	pooled := g.pooled[:sequences*e.pooler.rows]
	if !e.config.PoolerReLU() {
		kernels.Tanh(pooled, pooled)
	}
	g.pooledCopies.fill(e.pooledForms, 0, sequences, e.pooler.rows, pooled)
	bytes, floats = e.classifier.operand(e.pooledForms, &g.pooledCopies, pooled)
	e.finish(g, sequences, bytes, floats, logits)
}

// answer gives every token in g.x its two logits.
func (e *Engine) answer(g *group, rows int, logits []float32) {
	bytes, floats := e.classifier.operand(e.headForms, &g.copies, g.x)
	e.finish(g, rows, bytes, floats, logits)
}

func (e *Engine) finish(g *group, rows int, bytes []uint8, floats, logits []float32) {
	g.epilogue = kernels.Epilogue{}
	if e.classifier.cols == 0 {
		for at := 0; at < len(logits); at += e.classifier.rows {
			copy(logits[at:], e.classifier.bias)
		}
	} else {
		multiply(&e.classifier, rows, bytes, floats, logits, e.classifier.rows, &g.epilogue)
	}
	if e.logits != nil {
		e.logits.fake(logits, logits)
	}
}
