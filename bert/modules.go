package bert

import "github.com/go-jpqd/jpqd/autograd"

// Linear is y = x·Wᵀ + b.
type Linear struct {
	Name   string          // module path: "bert.encoder.layer.0.attention.self.query"
	Weight *autograd.Param // (out, in)
	Bias   *autograd.Param // (out)
	Hook   LinearHook      // nil: operands are used as they are
}

// LinearHook transforms the operands of a Linear in every forward pass.
type LinearHook interface {
	// Transform gets x (rows, in), w (out, in) and b (1, out) and returns what
	// the product is to use in their place, in the same shapes.
	Transform(t *autograd.Tape, x, w, b *autograd.Tensor) (x2, w2, b2 *autograd.Tensor)
}

func newLinear(name string, out, in int) *Linear {
	return &Linear{Name: name, Weight: autograd.NewParam(name+".weight", out, in), Bias: autograd.NewParam(name+".bias", out)}
}

// Forward maps x (rows, in) to (rows, out).
func (l *Linear) Forward(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor {
	w, b := &l.Weight.Tensor, &l.Bias.Tensor
	if l.Hook != nil {
		x, w, b = l.Hook.Transform(t, x, w, b)
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

// Op is an operation of two activations, named as in a traced graph.
type Op struct {
	Name  string         // module path and operation: "bert.encoder.layer.0.attention.self.matmul_0"
	Hooks [2]OperandHook // of the left and the right operand; nil: used as it is
}

// OperandHook transforms an operand of an [Op] in every forward pass.
type OperandHook interface {
	Transform(t *autograd.Tape, x *autograd.Tensor) *autograd.Tensor
}

func (o *Op) operands(t *autograd.Tape, a, b *autograd.Tensor) (a2, b2 *autograd.Tensor) {
	return o.operand(t, 0, a), o.operand(t, 1, b)
}

func (o *Op) operand(t *autograd.Tape, i int, x *autograd.Tensor) *autograd.Tensor {
	if o.Hooks[i] != nil {
		return o.Hooks[i].Transform(t, x)
	}
	return x
}

// LayerNorm is a normalisation over the last dimension.
type LayerNorm struct {
	Name         string
	Weight, Bias *autograd.Param // (width)
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
	return t.LayerNorm(x, &n.Weight.Tensor, &n.Bias.Tensor, n.eps)
}
