package int8

// Workspace is the memory of one call of [Engine.Logits] at a time. It grows to
// the largest batch it has seen and allocates nothing after that. The zero value
// is ready for use.
type Workspace struct {
	memory []float32

	// Tensors within memory, (rows, width) of the chunk at hand.
	x                 []float32    // input and output of a block; the embedding's sum
	h                 []float32    // between attention and FFN; the embedding's positions
	copies            [3][]float32 // x or h, quantized for the Linears that follow
	first             []float32    // (sequences, hidden) the last block's input of first tokens
	firstCopies       [3][]float32 // the same, quantized for the query
	query, key, value []float32    // (rows, heads·head_dim)
	context           []float32    // (rows, heads·head_dim)
	neurons           []float32    // (rows, neurons)
	mean, rstd        []float32    // (rows) of a normalisation
	scratch           []float32    // attention probabilities, for each thread

	embedding embeddingTask
	row       rowTask
	attention attentionTask
}

// widths are the widest tensors of an engine, in elements a row.
type widths struct {
	hidden      int
	context     int // heads·head_dim
	neurons     int
	heads       int
	copies      int // quantized copies of a tensor
	firstCopies int
}

func (e *Engine) widths() widths {
	s := widths{hidden: e.config.HiddenSize, copies: len(e.headInputs)}
	for i := range e.layers {
		l := &e.layers[i]
		s.context = max(s.context, l.heads*l.headDim)
		s.neurons = max(s.neurons, l.neurons)
		s.heads = max(s.heads, l.heads)
		s.copies = max(s.copies, len(l.inputs), len(l.ffnInputs))
		s.firstCopies = max(s.firstCopies, len(l.firstInputs))
	}
	return s
}

// layOut divides the memory for a chunk, after growing it where it must.
func (w *Workspace) layOut(s widths, c chunk) {
	rows, sequences := len(c.ids), c.len()
	type tensor struct {
		at   *[]float32
		size int
	}
	tensors := [...]tensor{
		{&w.x, rows * s.hidden}, {&w.h, rows * s.hidden},
		{&w.copies[0], rows * s.hidden * min(s.copies, 1)},
		{&w.copies[1], rows * s.hidden * min(s.copies/2, 1)},
		{&w.copies[2], rows * s.hidden * min(s.copies/3, 1)},
		{&w.first, sequences * s.hidden}, {&w.firstCopies[0], sequences * s.hidden * s.firstCopies},
		{&w.query, rows * s.context}, {&w.key, rows * s.context}, {&w.value, rows * s.context},
		{&w.context, rows * s.context}, {&w.neurons, rows * s.neurons},
		{&w.mean, rows}, {&w.rstd, rows},
		{&w.scratch, attentionParts(sequences, s.heads) * scratchSize(c.longest())},
	}
	total := 0
	for _, t := range tensors {
		total += cacheLines(t.size)
	}
	if len(w.memory) < total {
		w.memory = make([]float32, total)
	}
	rest := w.memory
	for _, t := range tensors {
		*t.at, rest = rest[:t.size:t.size], rest[cacheLines(t.size):]
	}
}

// cacheLines rounds a number of floats up to whole lines of 64 bytes.
func cacheLines(n int) int { return (n + 15) &^ 15 }
