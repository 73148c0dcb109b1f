package autograd

import "math/bits"

// gradientPool hands out memory for gradients of a tape's tensors. What is given
// back serves the next tensor of about that size: a model's are of few sizes, so
// that a backward pass needs no more than exist at a time, and finds them in a
// cache. Batches differ in their tokens, so sizes are rounded up, by an eighth at
// most.
type gradientPool struct {
	memory arena[float32]
	free   [][][]float32 // by class
}

// sizeClass is the class of n and the size of all in it: n rounded up to four
// significant bits.
func sizeClass(n int) (class, size int) {
	shift := max(0, bits.Len(uint(n))-4)
	size = (n + 1<<shift - 1) >> shift << shift
	if shift = max(0, bits.Len(uint(size))-4); shift == 0 {
		return size, size // 0 to 15
	}
	return 8*shift + size>>shift, size // size>>shift is 8 to 15
}

// take returns n undefined floats.
func (p *gradientPool) take(n int) []float32 {
	class, size := sizeClass(n)
	for len(p.free) <= class {
		p.free = append(p.free, nil)
	}
	list := p.free[class]
	last := len(list) - 1
	if last < 0 {
		return p.memory.take(size)[:n]
	}
	p.free[class] = list[:last]
	return list[last][:n]
}

func (p *gradientPool) put(g []float32) {
	class, _ := sizeClass(cap(g))
	p.free[class] = append(p.free[class], g)
}

// reset takes everything back.
func (p *gradientPool) reset() {
	p.memory.reset()
	for i, list := range p.free {
		p.free[i] = list[:0]
	}
}
