package kernels

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Task is work that divides into independent, numbered parts. The value behind
// the interface should be a pointer that outlives the call, so that handing it
// over allocates nothing.
type Task interface {
	// Run does part i. Parts run in any order and at the same time.
	Run(i int)
}

// pool is the one work-sharing pool of the process. Its goroutines sleep
// between jobs and take the parts of a job from a shared counter.
var pool struct {
	mu      sync.Mutex // held while a job runs
	task    Task
	parts   int64
	next    atomic.Int64
	running sync.WaitGroup
	wake    chan struct{}
	workers int
	failure atomic.Pointer[any]
}

// Parallel runs t.Run(0) … t.Run(n−1), each once, on up to GOMAXPROCS
// goroutines, and returns when all are done. What a part computes must not
// depend on which other parts ran before it, so the result is the same for any
// number of threads. A call made while another job runs, from within a part or
// from another goroutine, does its parts itself: there is no nested
// parallelism and no deadlock. A panic in a part is raised again in the caller.
func Parallel(n int, t Task) {
	helpers := min(runtime.GOMAXPROCS(0), n) - 1
	if helpers < 1 || !pool.mu.TryLock() {
		for i := range n {
			t.Run(i)
		}
		return
	}
	defer pool.mu.Unlock()
	if pool.wake == nil {
		pool.wake = make(chan struct{})
	}
	for ; pool.workers < helpers; pool.workers++ {
		go work()
	}
	pool.task, pool.parts = t, int64(n)
	pool.next.Store(0)
	pool.running.Add(helpers)
	for range helpers {
		pool.wake <- struct{}{}
	}
	runParts()
	pool.running.Wait()
	pool.task = nil
	if p := pool.failure.Swap(nil); p != nil {
		panic(*p)
	}
}

func work() {
	for range pool.wake {
		runParts()
		pool.running.Done()
	}
}

// runParts takes parts until none is left, and keeps the first panic.
func runParts() {
	defer func() {
		if p := recover(); p != nil {
			failure := p // a variable of its own, so that only a panic allocates it
			pool.failure.CompareAndSwap(nil, &failure)
			pool.next.Store(pool.parts)
		}
	}()
	for i := pool.next.Add(1) - 1; i < pool.parts; i = pool.next.Add(1) - 1 {
		pool.task.Run(int(i))
	}
}
