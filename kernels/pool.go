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

// pool is the one work-sharing pool of the process. Its goroutines wait for a
// job, at first with open eyes and then asleep, join the job they find and take
// its parts from a shared counter. A job ends when its parts are done; it does
// not wait for a goroutine that wakes too late, which finds nothing to do.
var pool struct {
	job        sync.Mutex   // held by the goroutine whose job runs
	generation atomic.Int64 // counts jobs
	next       atomic.Int64 // part to be taken
	joined     atomic.Int64 // workers in the job
	failure    atomic.Pointer[any]
	workers    int

	mu       sync.Mutex // guards what follows, and changes of generation and joined
	task     Task       // nil between jobs
	parts    int64
	room     int // for workers that may still join
	sleepers int
	begun    sync.Cond // a job has begun
	left     sync.Cond // the last worker has left the job
}

func init() {
	pool.begun.L, pool.left.L = &pool.mu, &pool.mu
}

// spins is how often a worker looks for the next job, and a caller for the last
// worker to leave, before it sleeps: some 50 µs. Waking a sleeper costs as
// much, and one operation of a model follows another sooner; measured on training
// steps of a BERT-tiny, which take a fifth longer without it.
const spins = 1 << 16

// Parallel runs t.Run(0) … t.Run(n−1), each once, on up to GOMAXPROCS
// goroutines, and returns when all are done. What a part computes must not
// depend on which other parts ran before it, so the result is the same for any
// number of threads. A call made while another job runs, from within a part or
// from another goroutine, does its parts itself: there is no nested
// parallelism and no deadlock. A panic in a part is raised again in the caller.
func Parallel(n int, t Task) {
	helpers := min(runtime.GOMAXPROCS(0), n) - 1
	if helpers < 1 || !pool.job.TryLock() {
		for i := range n {
			t.Run(i)
		}
		return
	}
	defer pool.job.Unlock()
	for ; pool.workers < helpers; pool.workers++ {
		go work(pool.generation.Load())
	}
	pool.mu.Lock()
	pool.task, pool.parts, pool.room = t, int64(n), helpers
	pool.next.Store(0)
	pool.generation.Add(1)
	for range min(helpers, pool.sleepers) {
		pool.begun.Signal()
	}
	pool.mu.Unlock()
	runParts(t, int64(n))
	pool.mu.Lock()
	pool.task = nil
	pool.mu.Unlock()
	for i := 0; i < spins && pool.joined.Load() > 0; i++ {
	}
	if pool.joined.Load() > 0 {
		pool.mu.Lock()
		for pool.joined.Load() > 0 {
			pool.left.Wait()
		}
		pool.mu.Unlock()
	}
	if p := pool.failure.Swap(nil); p != nil {
		panic(*p)
	}
}

// work takes part in every job after generation seen that has room for it.
func work(seen int64) {
	for {
		for i := 0; i < spins && pool.generation.Load() == seen; i++ {
		}
		pool.mu.Lock()
		for pool.generation.Load() == seen {
			pool.sleepers++
			pool.begun.Wait()
			pool.sleepers--
		}
		seen = pool.generation.Load()
		t, parts := pool.task, pool.parts
		if t == nil || pool.room == 0 {
			pool.mu.Unlock()
			continue
		}
		pool.room--
		pool.joined.Add(1)
		pool.mu.Unlock()
		runParts(t, parts)
		pool.mu.Lock()
		if pool.joined.Add(-1) == 0 {
			pool.left.Signal()
		}
		pool.mu.Unlock()
	}
}

// runParts takes parts until none is left, and keeps the first panic.
func runParts(t Task, parts int64) {
	defer func() {
		if p := recover(); p != nil {
			failure := p // a variable of its own, so that only a panic allocates it
			pool.failure.CompareAndSwap(nil, &failure)
			pool.next.Store(parts)
		}
	}()
	for i := pool.next.Add(1) - 1; i < parts; i = pool.next.Add(1) - 1 {
		t.Run(int(i))
	}
}
