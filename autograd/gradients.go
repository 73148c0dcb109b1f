package autograd

// gradientPool hands out memory for gradients of a tape's tensors. What is given
// back serves the next tensor of that size: a model's are of few sizes, so that
// a backward pass needs no more than exist at a time, and finds them in a cache.
type gradientPool struct {
	memory arena[float32]
	free   map[int][][]float32 // by size
}

// take returns n undefined floats.
func (p *gradientPool) take(n int) []float32 {
	list := p.free[n]
	last := len(list) - 1
	if last < 0 {
		return p.memory.take(n)
	}
	p.free[n] = list[:last]
	return list[last]
}

func (p *gradientPool) put(g []float32) {
	if p.free == nil {
		p.free = map[int][][]float32{}
	}
	p.free[len(g)] = append(p.free[len(g)], g)
}

// reset takes everything back.
func (p *gradientPool) reset() {
	p.memory.reset()
	for n, list := range p.free {
		p.free[n] = list[:0]
	}
}
