package onnx

import (
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/onnx/internal/onnxpb"
)

// classes makes the output logits, (batch, labels), of the first token of each
// sequence of x (batch, sequence, hidden).
func (e *encoder) classes(c *jpqd.Compressed, x value) {
	path := e.names.Pooler
	// (batch, 1, hidden), for linear
	first := e.gather(path+"/first_token", x, e.ints(path+"/first_token/index", 0), 1)
	pooled := e.linear(path, &c.Pooler, first)
	if c.Config.PoolerReLU() {
		pooled = e.unary(path+"/relu", "Relu", pooled)
	} else {
		pooled = e.unary(path+"/tanh", "Tanh", pooled)
	}
	logits := e.quantize(e.names.Classifier+"/output", e.linear(e.names.Classifier, &c.Classifier, pooled), c.Logits)
	e.output(e.squeeze("logits", logits, 1), onnxpb.TensorProto_FLOAT, e.batch, dimension{size: c.Config.NumLabels()})
}

// answers makes the outputs start_logits and end_logits, (batch, sequence) each.
func (e *encoder) answers(c *jpqd.Compressed, x value) {
	const path = "qa_outputs"
	logits := e.quantize(path+"/output", e.linear(path, &c.Classifier, x), c.Logits)
	for i, name := range []string{"start_logits", "end_logits"} {
		y := e.gather(name, logits, e.int(path+"/"+name+"/index", int64(i)), 2)
		e.output(y, onnxpb.TensorProto_FLOAT, e.batch, e.sequence)
	}
}
