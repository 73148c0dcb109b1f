package ir

import "github.com/go-jpqd/jpqd/jpqd"

// classes makes the output logits, (batch, labels), of the first token of each
// sequence of x (batch, sequence, hidden).
func (e *encoder) classes(c *jpqd.Compressed, x *node) {
	path := e.names.Pooler
	first := e.gather(path+"/first_token", x, e.int(path+"/first_token/index", 0), 1)
	pooled := e.linear(path, &c.Pooler, first)
	if c.Config.PoolerReLU() {
		pooled = e.relu(path+"/relu", pooled)
	} else {
		pooled = e.tanh(path+"/tanh", pooled)
	}
	logits := e.linear(e.names.Classifier, &c.Classifier, pooled)
	e.result("logits", e.fakeQuantize(e.names.Classifier+"/fq_output", logits, c.Logits))
}

// answers makes the outputs start_logits and end_logits, (batch, sequence) each.
func (e *encoder) answers(c *jpqd.Compressed, x *node) {
	const path = "qa_outputs"
	logits := e.fakeQuantize(path+"/fq_output", e.linear(path, &c.Classifier, x), c.Logits)
	for i, name := range []string{"start_logits", "end_logits"} {
		e.result(name, e.gather(path+"/"+name, logits, e.int(path+"/"+name+"/index", int64(i)), 2))
	}
}
