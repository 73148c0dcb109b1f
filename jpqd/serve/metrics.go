package serve

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"
)

// histogram counts values in buckets, for Prometheus.
type histogram struct {
	bounds []float64 // upper, inclusive, rising
	counts []uint64  // (bounds+1); not cumulative
	sum    float64
}

func newHistogram(bounds ...float64) histogram {
	return histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (h *histogram) observe(v float64) {
	h.counts[sort.SearchFloat64s(h.bounds, v)]++
	h.sum += v
}

// write writes the histogram in the text format, whose buckets are cumulative.
func (h *histogram) write(w io.Writer, name, help string) {
	header(w, name, "histogram", help)
	var total uint64
	for i, n := range h.counts {
		total += n
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = strconv.FormatFloat(h.bounds[i], 'g', -1, 64)
		}
		fmt.Fprintf(w, "%s_bucket{le=%q} %d\n", name, bound, total)
	}
	fmt.Fprintf(w, "%s_sum %v\n%s_count %d\n", name, h.sum, name, total)
}

// outcome is what requests are counted by.
type outcome struct {
	path string // one of the routes', else "other"
	code int
}

// metrics are the figures of /metrics.
type metrics struct {
	mu       sync.Mutex
	requests map[outcome]uint64
	inputs   uint64
	tokens   uint64 // computed, as often as they were
	panics   uint64
	busy     time.Duration // of workers

	latency        histogram // seconds from arrival to answer, predictions answered with 200
	wait           histogram // seconds in the queue
	batchSequences histogram
	batchTokens    histogram
	batchSeconds   histogram
}

func newMetrics() *metrics {
	seconds := []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	return &metrics{
		requests: map[outcome]uint64{},
		latency:  newHistogram(seconds...), wait: newHistogram(seconds...), batchSeconds: newHistogram(seconds...),
		batchSequences: newHistogram(1, 2, 4, 8, 16, 32, 64, 128, 256),
		batchTokens:    newHistogram(16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192),
	}
}

// request counts an answered request.
func (m *metrics) request(x *exchange, path string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[outcome{path, x.status}]++
	if x.inputs > 0 {
		m.inputs += uint64(x.inputs)
	}
	if x.predicted {
		m.latency.observe(took.Seconds())
		m.wait.observe(x.wait.Seconds())
	}
}

// batch counts a batch that was computed.
func (m *metrics) batch(sequences, tokens int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens += uint64(tokens)
	m.busy += took
	m.batchSequences.observe(float64(sequences))
	m.batchTokens.observe(float64(tokens))
	m.batchSeconds.observe(took.Seconds())
}

func (m *metrics) panicked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.panics++
}

// secondsFor estimates how long workers take for tokens, by those before.
func (m *metrics) secondsFor(tokens, workers int) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens == 0 {
		return 0
	}
	return float64(tokens) / float64(m.tokens) * m.busy.Seconds() / float64(workers)
}

// gauges are figures of the moment.
type gauges struct {
	queuedSequences, queuedTokens, inFlight int
	ready                                   bool
}

// write writes everything in Prometheus' text format, version 0.0.4.
func (m *metrics) write(w io.Writer, g gauges) {
	m.mu.Lock()
	defer m.mu.Unlock()
	header(w, "jpqd_requests_total", "counter", "Requests answered, by path and HTTP status; 499: the client had closed its side of the connection.")
	byName := func(a, b outcome) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.code, b.code)) }
	for _, o := range slices.SortedFunc(maps.Keys(m.requests), byName) {
		fmt.Fprintf(w, "jpqd_requests_total{path=%q,code=\"%d\"} %d\n", o.path, o.code, m.requests[o])
	}
	ready := 0
	if g.ready {
		ready = 1
	}
	for _, f := range []struct {
		name, kind, help string
		value            any
	}{
		{"jpqd_inputs_total", "counter", "Inputs of predictions.", m.inputs},
		{"jpqd_tokens_total", "counter", "Tokens computed.", m.tokens},
		{"jpqd_panics_total", "counter", "Panics that were caught.", m.panics},
		{"jpqd_busy_seconds_total", "counter", "Seconds that workers computed.", m.busy.Seconds()},
		{"jpqd_queue_sequences", "gauge", "Sequences that wait for a batch.", g.queuedSequences},
		{"jpqd_queue_tokens", "gauge", "Their tokens.", g.queuedTokens},
		{"jpqd_requests_in_flight", "gauge", "Predictions that are read, wait or are computed.", g.inFlight},
		{"jpqd_ready", "gauge", "1, or 0 while the server stops.", ready},
	} {
		header(w, f.name, f.kind, f.help)
		fmt.Fprintf(w, "%s %v\n", f.name, f.value)
	}
	m.latency.write(w, "jpqd_request_duration_seconds", "From the arrival of a prediction to its answer, of those answered with 200.")
	m.wait.write(w, "jpqd_queue_wait_seconds", "In the queue, until the first sequence is in a batch.")
	m.batchSequences.write(w, "jpqd_batch_sequences", "Sequences of a batch.")
	m.batchTokens.write(w, "jpqd_batch_tokens", "Tokens of a batch.")
	m.batchSeconds.write(w, "jpqd_batch_duration_seconds", "Computing a batch.")
}

func header(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}
