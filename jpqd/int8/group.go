package int8

import "github.com/go-jpqd/jpqd/kernels"

// group is the memory of some sequences on their way through the model. What
// stands in bytes and what in floats depends on the plan of each block; there
// is room for both where any block wants it.
type group struct {
	sequences chunk
	logits    []float32 // of the sequences

	x            []float32 // (rows, hidden) the stream
	product      []float32 // (rows, hidden) that is not added to it at once
	spare        []float32 // (rows, hidden)
	copies       copies    // of x
	first        []float32 // (sequences, hidden) first tokens
	firstCopies  copies
	query        []float32 // (rows, heads·headDim), and so on
	key, value   []float32
	context      []float32
	neurons      []float32 // (rows, neurons), apart
	queryBytes   []uint8
	keyBytes     []int8
	valueBytes   []int8
	contextBytes []uint8
	neuronBytes  []uint8
	pooled       []float32 // (sequences, hidden)
	pooledCopies copies

	scratches []scratch // of the threads that share the group's work
	heads     headTask
	epilogue  kernels.Epilogue

	floatArena arena[float32]
	byteArena  arena[uint8]
	intArena   arena[int8]
}

// needs are the widest tensors of an engine, in elements a row.
type needs struct {
	hidden, context, neurons, heads, headDim int
	spare                                    bool
	pooled                                   int
	forms, firstForms, pooledForms           int
}

func (e *Engine) needs() needs {
	n := needs{hidden: e.config.HiddenSize, headDim: e.config.HeadDim(), forms: len(e.headForms), pooled: e.pooler.rows, pooledForms: len(e.pooledForms)}
	n.spare = e.embeddings.sum.stream != nil
	for i := range e.layers {
		l := &e.layers[i]
		a := &l.attention
		n.context, n.heads, n.neurons = max(n.context, a.width), max(n.heads, a.heads), max(n.neurons, l.neurons)
		n.forms = max(n.forms, len(a.forms), len(l.ffnForms))
		n.firstForms = max(n.firstForms, len(a.firstForms))
		n.spare = n.spare || l.sum.stream != nil || l.outSum.stream != nil
	}
	return n
}

// layOut divides the memory for a chunk, after growing it where it must. alone
// says that the group's work is shared among threads.
func (g *group) layOut(n needs, c chunk, alone bool) {
	rows, sequences := len(c.ids), c.len()
	spare := 0
	if n.spare {
		spare = rows * n.hidden
	}
	neurons := max(apart(n.neurons, 4), apart(n.neurons, 1))
	f, b, s := &g.floatArena, &g.byteArena, &g.intArena
	f.begin()
	b.begin()
	s.begin()
	f.add(&g.x, rows*n.hidden)
	f.add(&g.product, rows*n.hidden)
	f.add(&g.spare, spare)
	f.add(&g.first, sequences*n.hidden)
	f.add(&g.query, rows*n.context)
	f.add(&g.key, rows*n.context)
	f.add(&g.value, rows*n.context)
	f.add(&g.context, rows*n.context)
	f.add(&g.neurons, rows*neurons)
	f.add(&g.pooled, sequences*n.pooled)
	b.add(&g.queryBytes, rows*n.context)
	b.add(&g.contextBytes, rows*n.context)
	b.add(&g.neuronBytes, rows*neurons)
	for i := range maxForms {
		for _, k := range []struct {
			c           *copies
			forms, size int
		}{{&g.copies, n.forms, rows * n.hidden}, {&g.firstCopies, n.firstForms, sequences * n.hidden}, {&g.pooledCopies, n.pooledForms, sequences * n.pooled}} {
			size := k.size
			if i >= k.forms {
				size = 0
			}
			f.add(&k.c[i].floats, size)
			b.add(&k.c[i].bytes, size)
		}
	}
	s.add(&g.keyBytes, rows*n.context)
	s.add(&g.valueBytes, rows*n.context)

	parts := 1
	if alone {
		parts = attentionParts(sequences, n.heads)
	}
	for cap(g.scratches) < parts {
		g.scratches = append(g.scratches[:cap(g.scratches)], scratch{})
	}
	g.scratches = g.scratches[:parts]
	longest := c.longest()
	queries := min(longest, queryBlock)
	for i := range g.scratches {
		w := &g.scratches[i]
		f.add(&w.scores, queries*longest)
		f.add(&w.context, queries*n.headDim)
		b.add(&w.bytes, queries*longest)
	}
	f.place()
	b.place()
	s.place()
}

// arena lays tensors one after the other into one slice.
type arena[T any] struct {
	memory  []T
	tensors []tensor[T]
	total   int
}

type tensor[T any] struct {
	at   *[]T
	size int
}

func (a *arena[T]) begin() { a.tensors, a.total = a.tensors[:0], 0 }

func (a *arena[T]) add(at *[]T, size int) {
	a.tensors = append(a.tensors, tensor[T]{at, size})
	a.total += cacheLines(size)
}

// place divides the memory, after growing it where it must.
func (a *arena[T]) place() {
	if len(a.memory) < a.total {
		a.memory = make([]T, a.total)
		kernels.PreferHugePages(a.memory)
	}
	rest := a.memory
	for _, t := range a.tensors {
		*t.at, rest = rest[:t.size:t.size], rest[cacheLines(t.size):]
	}
}

// cacheLines rounds a number of elements up to a multiple of 64, whole lines of
// the cache whatever they are.
func cacheLines(n int) int { return (n + 63) &^ 63 }
