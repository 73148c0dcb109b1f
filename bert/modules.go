package bert

import "github.com/go-jpqd/jpqd/autograd"

// Linear is y = x·Wᵀ + b.
type Linear struct {
	Name   string          // module path: "bert.encoder.layer.0.attention.self.query"
	Weight *autograd.Param // (out, in)
	Bias   *autograd.Param // (out)
	Input  OperandHook     // of x; nil: used as it is
	Hook   WeightHook      // of W and b; nil: used as they are
}

// WeightHook transforms the weight and bias of a [Linear] in every forward pass.
type WeightHook interface {
	// Transform gets w (out, in) and b (1, out) and returns what the product is
	// to use in their place, in the same shapes.
	Transform(t *autograd.Tape, w, b *autograd.Tensor) (w2, b2 *autograd.Tensor)
}

func newLinear(name string, out, in int) *Linear {
	return &Linear{Name: name, Weight: autograd.NewParam(name+".weight", out, in), Bias: autograd.NewParam(name+".bias", out)}
}

// Forward maps x (rows, in) to (rows, out).
func (l *Linear) Forward(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	return l.multiply(t, l.input(t, x))
}

// input is the first half of Forward, what the Input hook makes of x. Heads
// call it before they pick rows or drop elements out.
func (l *Linear) input(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	return transform(t, l.Input, x)
}

// multiply is the second half of Forward.
func (l *Linear) multiply(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	w, b := &l.Weight.Tensor, &l.Bias.Tensor
	if l.Hook != nil {
		w, b = l.Hook.Transform(t, w, b)
	}
	return t.Linear(x, w, b)
}

// Embedding is a table whose rows are looked up.
type Embedding struct {
	Name   string          // module path: "bert.embeddings.word_embeddings"
	Weight *autograd.Param // (entries, width)
	Hook   EmbeddingHook   // nil: rows are used as they are
}

// EmbeddingHook transforms looked-up rows in every forward pass.
type EmbeddingHook interface {
	// Transform gets rows (len(ids), width), row i being entry ids[i] of the
	// table, and returns what is to be used in their place.
	Transform(t *autograd.Tape, rows *autograd.Tensor, ids []int32) *autograd.Tensor
}

func newEmbedding(name string, entries, width int) *Embedding {
	return &Embedding{Name: name, Weight: autograd.NewParam(name+".weight", entries, width)}
}

// Forward looks up ids: (len(ids), width).
func (e *Embedding) Forward(t *autograd.Tape, ids []int32) *autograd.Tensor {
	rows := t.Gather(&e.Weight.Tensor, ids)
	if e.Hook != nil {
		rows = e.Hook.Transform(t, rows, ids)
	}
	return rows
}

// Op is an operation of one or two activations, named as in a traced graph.
type Op struct {
	Name  string         // module path and operation: "bert.encoder.layer.0.attention.self.matmul_0"
	Hooks [2]OperandHook // of the left and the right operand; nil: used as it is
}

// OperandHook transforms an activation in every forward pass. Where it is the
// operand of an operation behind a dropout or a choice of rows, it is
// transformed before that.
type OperandHook interface {
	// Transform gets x and returns what is to be used in its place, in the same shape.
	Transform(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor
}

// transform applies a hook; nil does nothing.
func transform(t *autograd.Tape, h OperandHook, x *autograd.Tensor) *autograd.Tensor {
	if h == nil {
		return x
	}
	return h.Transform(t, x)
}

func (o *Op) left(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	return transform(t, o.Hooks[0], x)
}

func (o *Op) right(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	return transform(t, o.Hooks[1], x)
}

// LayerNorm is a normalisation over the last dimension.
type LayerNorm struct {
	Name         string
	Weight, Bias *autograd.Param // (width)
	Input        OperandHook     // of x; nil: used as it is
	eps          float32
}

func newLayerNorm(name string, width int, eps float64) *LayerNorm {
	n := &LayerNorm{Name: name, Weight: autograd.NewParam(name+".weight", width), Bias: autograd.NewParam(name+".bias", width), eps: float32(eps)}
	for i := range n.Weight.Data {
		n.Weight.Data[i] = 1
	}
	return n
}

// Forward normalises x (rows, width).
func (n *LayerNorm) Forward(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	return t.LayerNorm(transform(t, n.Input, x), &n.Weight.Tensor, &n.Bias.Tensor, n.eps)
}
