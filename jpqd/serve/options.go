package serve

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// Truncation says what becomes of a text that is longer than MaxSeqLength.
type Truncation string

const (
	Truncate Truncation = "truncate" // it loses its last tokens, of a pair the longer text first
	Refuse   Truncation = "refuse"   // the request is refused with 413
)

// Options are the limits of a server. The comments name the flags of jpqd serve.
type Options struct {
	MaxSeqLength int        // max_seq_length: tokens of a sequence; 0: as many as the model has room for, 384 at most for question answering
	Truncation   Truncation // truncation; a context is never cut but read in windows

	MaxBatchTokens int           // max_batch_tokens
	MaxBatchDelay  time.Duration // max_batch_delay: a sequence waits no longer for others to join its batch
	Workers        int           // workers: batches computed at a time

	MaxQueue    int   // max_queue: sequences that wait
	MaxRequests int   // max_requests: predictions that are read, wait or are computed at a time
	MaxInputs   int   // max_inputs of a request
	MaxBody     int64 // max_body: bytes of a request

	Timeout     time.Duration // timeout of a request
	StopDelay   time.Duration // stop_delay: for how long a stopping server still takes requests
	StopTimeout time.Duration // stop_timeout: how long it then waits for those it has

	// Questions says how contexts are cut into windows and answers chosen; its
	// MaxSeqLength is not read.
	Questions tasks.SQuAD

	Log *slog.Logger // nil: nothing is logged
}

// DefaultOptions are those of jpqd serve. MaxBatchDelay is 0: batches form while
// others are computed, and on BERT-base of 8 bits at 50 to 800 requests a second a
// delay of 2 ms was that much latency for no throughput. A smaller model, whose
// batches take less than a request's way through HTTP, gains from one. A second
// worker made the latency of a busy server longer (benchmarks/load).
func DefaultOptions() Options {
	return Options{
		Truncation:     Truncate,
		MaxBatchTokens: 1024, Workers: 1,
		MaxQueue: 1024, MaxRequests: 512, MaxInputs: 256, MaxBody: 1 << 20,
		Timeout: 10 * time.Second, StopDelay: 200 * time.Millisecond, StopTimeout: 30 * time.Second,
		Questions: tasks.DefaultSQuAD(),
	}
}

// Validate checks every value but those that depend on the model; errors name
// the flag, the value found and the one wanted.
func (o *Options) Validate() error {
	if !slices.Contains([]Truncation{Truncate, Refuse}, o.Truncation) {
		return fmt.Errorf("--truncation: found %q, want %s or %s", o.Truncation, Truncate, Refuse)
	}
	for _, f := range []struct {
		flag         string
		value, least int64
	}{
		{"max_seq_length", int64(o.MaxSeqLength), 0},
		{"max_batch_tokens", int64(o.MaxBatchTokens), 1},
		{"workers", int64(o.Workers), 1},
		{"max_queue", int64(o.MaxQueue), 1},
		{"max_requests", int64(o.MaxRequests), 1},
		{"max_inputs", int64(o.MaxInputs), 1},
		{"max_body", o.MaxBody, 1},
	} {
		if f.value < f.least {
			return fmt.Errorf("--%s: found %d, want at least %d", f.flag, f.value, f.least)
		}
	}
	for _, f := range []struct {
		flag         string
		value, least time.Duration
	}{
		{"max_batch_delay", o.MaxBatchDelay, 0},
		{"timeout", o.Timeout, time.Millisecond},
		{"stop_delay", o.StopDelay, 0},
		{"stop_timeout", o.StopTimeout, time.Millisecond},
	} {
		if f.value < f.least {
			return fmt.Errorf("--%s: found %v, want at least %v", f.flag, f.value, f.least)
		}
	}
	if o.MaxBatchDelay >= o.Timeout {
		return fmt.Errorf("--max_batch_delay: found %v, want less than the --timeout of %v", o.MaxBatchDelay, o.Timeout)
	}
	return nil
}

// fit settles the length of sequences for a model that has room for longest
// tokens; least are the fewest that make sense.
func (o *Options) fit(longest, least int) error {
	switch {
	case o.MaxSeqLength == 0:
		o.MaxSeqLength = min(longest, o.MaxBatchTokens)
	case o.MaxSeqLength < least || o.MaxSeqLength > longest:
		return fmt.Errorf("--max_seq_length: found %d, want %d to %d, as many tokens as the model has room for", o.MaxSeqLength, least, longest)
	}
	if o.MaxBatchTokens < max(o.MaxSeqLength, least) {
		return fmt.Errorf("--max_batch_tokens: found %d, want at least %d, the tokens of one sequence", o.MaxBatchTokens, max(o.MaxSeqLength, least))
	}
	return nil
}
