package kernels

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counter counts how often each part runs.
type counter struct {
	parts []atomic.Int32
	then  func(i int)
}

func (c *counter) Run(i int) {
	c.parts[i].Add(1)
	if c.then != nil {
		c.then(i)
	}
}

func (c *counter) check(t *testing.T) {
	t.Helper()
	for i := range c.parts {
		if n := c.parts[i].Load(); n != 1 {
			t.Fatalf("part %d of %d ran %d times", i, len(c.parts), n)
		}
	}
}

func setThreads(t *testing.T, n int) {
	was := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(was) })
}

func TestParallelRunsEachPartOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		setThreads(t, threads)
		for round := range 200 {
			c := &counter{parts: make([]atomic.Int32, round%37)}
			Parallel(len(c.parts), c)
			c.check(t)
			if round%50 == 0 {
				time.Sleep(time.Millisecond) // lets the workers fall asleep
			}
		}
	}
}

// Workers that an earlier, higher GOMAXPROCS has left do not join beyond it.
func TestParallelRunsOnAtMostGOMAXPROCS(t *testing.T) {
	setThreads(t, 8)
	Parallel(8, &counter{parts: make([]atomic.Int32, 8)})
	setThreads(t, 2)
	var now, most atomic.Int32
	for range 20 {
		c := &counter{parts: make([]atomic.Int32, 16), then: func(int) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(20 * time.Microsecond) // gives way to whoever else would join
			now.Add(-1)
		}}
		Parallel(len(c.parts), c)
		c.check(t)
	}
	if most.Load() > 2 {
		t.Errorf("%d parts ran at the same time, want at most 2", most.Load())
	}
}

func TestParallelWithinParallelAndBesideIt(t *testing.T) {
	setThreads(t, 4)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				inner := make([]*counter, 5)
				outer := &counter{parts: make([]atomic.Int32, 5), then: func(i int) {
					inner[i] = &counter{parts: make([]atomic.Int32, 7)}
					Parallel(7, inner[i])
				}}
				Parallel(5, outer)
				outer.check(t)
				for _, c := range inner {
					c.check(t)
				}
			}
		})
	}
	wg.Wait()
}

// A panic in any part reaches the caller, and the pool works on.
func TestParallelRaisesThePanicInTheCaller(t *testing.T) {
	setThreads(t, 4)
	for round := range 100 {
		func() {
			defer func() {
				if p := recover(); p != "part" {
					t.Fatalf("round %d: recovered %v, want the part's panic", round, p)
				}
			}()
			Parallel(9, &counter{parts: make([]atomic.Int32, 9), then: func(i int) {
				if i == round%9 {
					panic("part")
				}
			}})
		}()
		c := &counter{parts: make([]atomic.Int32, 9)}
		Parallel(9, c)
		c.check(t)
	}
}
