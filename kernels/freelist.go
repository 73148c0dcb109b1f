package kernels

import "sync"

// freeList keeps values for reuse. Unlike a sync.Pool it gives nothing back to
// the collector, so calls that found what they needed once never allocate
// again; it holds as many values as were in use at the same time.
type freeList[T any] struct {
	mu   sync.Mutex
	free []*T
}

func (l *freeList[T]) get() *T {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.free) - 1
	if last < 0 {
		return new(T)
	}
	x := l.free[last]
	l.free = l.free[:last]
	return x
}

func (l *freeList[T]) put(x *T) {
	l.mu.Lock()
	l.free = append(l.free, x)
	l.mu.Unlock()
}
