package serve

import (
	"errors"
	"sync"
	"time"
)

// sequence is an input of the model.
type sequence struct{ ids, typeIDs []int32 }

// job is the sequences of one request.
type job struct {
	sequences []sequence
	logits    [][]float32 // of each sequence; complete once done is closed
	arrived   time.Time   // in the queue
	done      chan struct{}

	// Guarded by queue.mu.
	next   int       // first sequence that no batch has
	left   int       // sequences without logits
	err    error     // of the first sequence that failed
	begun  time.Time // when its first sequence left the queue
	queued bool
}

func newJob(sequences []sequence) *job {
	return &job{sequences: sequences, logits: make([][]float32, len(sequences)), left: len(sequences), done: make(chan struct{})}
}

// place is a sequence of a job.
type place struct {
	*job
	index int
}

var (
	errFull   = errors.New("the queue is full")
	errClosed = errors.New("the server is stopping")
)

// queue holds the sequences that no batch has yet, in the order of arrival, and
// decides when a batch is complete.
type queue struct {
	maxSequences   int
	maxBatchTokens int
	maxBatchDelay  time.Duration

	turn sync.Mutex    // held by the worker whose batch is next
	wake chan struct{} // tells that worker to look again; room for one

	mu        sync.Mutex
	jobs      []*job // with sequences that no batch has
	sequences int    // of jobs, that no batch has
	tokens    int
	closed    bool
}

func newQueue(o *Options) *queue {
	return &queue{
		maxSequences: o.MaxQueue, maxBatchTokens: o.MaxBatchTokens, maxBatchDelay: o.MaxBatchDelay,
		wake: make(chan struct{}, 1),
	}
}

// push lets a job wait, all of it or nothing.
func (q *queue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return errClosed
	case q.sequences+len(j.sequences) > q.maxSequences:
		return errFull
	}
	j.arrived, j.queued = time.Now(), true
	q.jobs = append(q.jobs, j)
	q.sequences += len(j.sequences)
	for _, s := range j.sequences {
		q.tokens += len(s.ids)
	}
	q.signal()
	return nil
}

// drop takes out of the queue what no batch has of a job. What a batch has is
// computed and not read.
func (q *queue) drop(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !j.queued {
		return
	}
	for i := range q.jobs {
		if q.jobs[i] == j {
			q.remove(i)
			break
		}
	}
	for _, s := range j.sequences[j.next:] {
		q.sequences--
		q.tokens -= len(s.ids)
	}
	q.signal()
}

// remove removes job i, and keeps the order.
func (q *queue) remove(i int) {
	q.jobs[i].queued = false
	copy(q.jobs[i:], q.jobs[i+1:])
	q.jobs[len(q.jobs)-1] = nil
	q.jobs = q.jobs[:len(q.jobs)-1]
}

// close lets no more jobs in; collect empties the queue without delay.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// signal wakes the worker in turn. A signal that is there already will do.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// waiting is the length of the queue.
func (q *queue) waiting() (sequences, tokens int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.sequences, q.tokens
}

// collect waits for a batch and appends its places to dst. It returns none when
// the queue is closed and empty.
func (q *queue) collect(dst []place) []place {
	q.turn.Lock()
	defer q.turn.Unlock()
	var timer *time.Timer
	for {
		places, wait, more := q.take(dst)
		if !more || len(places) > len(dst) {
			return places
		}
		if wait < 0 {
			<-q.wake
			continue
		}
		if timer == nil {
			timer = time.NewTimer(wait)
			defer timer.Stop()
		} else {
			timer.Reset(wait)
		}
		select {
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// take appends the places of a batch to dst if there is one. Otherwise wait says
// when there will be, negative for "not before more sequences come"; more is
// false where nothing will ever come.
func (q *queue) take(dst []place) (places []place, wait time.Duration, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sequences == 0 {
		return dst, -1, !q.closed
	}
	now := time.Now()
	wait = q.maxBatchDelay - now.Sub(q.jobs[0].arrived)
	if q.tokens < q.maxBatchTokens && wait > 0 && !q.closed {
		return dst, wait, true
	}
	for room := q.maxBatchTokens; len(q.jobs) > 0; {
		j := q.jobs[0]
		n := len(j.sequences[j.next].ids)
		if n > room {
			break // no sequence is longer than a batch, so it is not the first
		}
		if j.next == 0 {
			j.begun = now
		}
		dst = append(dst, place{j, j.next})
		room -= n
		q.sequences--
		q.tokens -= n
		if j.next++; j.next == len(j.sequences) {
			q.remove(0)
		}
	}
	return dst, 0, true
}

// finish gives a sequence its logits, or its job an error. A sequence counts once.
func (q *queue) finish(p place, logits []float32, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p.logits[p.index] = logits
	if err != nil && p.err == nil {
		p.err = err
	}
	if p.left--; p.left == 0 {
		close(p.done)
	}
}
