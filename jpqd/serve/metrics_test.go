package serve

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	sampleLine = regexp.MustCompile(`^([a-z_]+)(?:\{((?:[a-z]+="[^"\\\n]*",?)+)\})? (\S+)$`)
	headerLine = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
)

// parseMetrics reads the text format and returns the samples by name and labels.
// It checks what Prometheus does, and that histograms are cumulative.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line does not end")
	}
	samples, kinds := map[string]float64{}, map[string]string{}
	family, last := "", 0.0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if h := headerLine.FindStringSubmatch(line); h != nil {
			if family != h[2] {
				family, last = h[2], 0
				if kinds[family] != "" {
					t.Errorf("%s is there twice", family)
				}
			}
			if h[1] == "TYPE" {
				kinds[family] = h[3]
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q is no line of the format", line)
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
		name := m[1]
		if kinds[family] == "histogram" {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
			if strings.HasSuffix(m[1], "_bucket") || strings.HasSuffix(m[1], "_count") {
				if value < last {
					t.Errorf("%q: less than the %v before", line, last)
				}
				last = value
			}
		}
		if name != family || kinds[family] == "" {
			t.Errorf("%q stands below %q", line, family)
		}
		if _, ok := samples[line[:strings.LastIndex(line, " ")]]; ok {
			t.Errorf("%q is there twice", line)
		}
		samples[line[:strings.LastIndex(line, " ")]] = value
	}
	for name, kind := range kinds {
		if kind == "histogram" && samples[name+`_bucket{le="+Inf"}`] != samples[name+"_count"] {
			t.Errorf("%s: the last bucket is not the count", name)
		}
	}
	return samples
}

func TestMetrics(t *testing.T) {
	s := startServer(t, newFake(1), testOptions())
	parseMetrics(t, send(s, "GET", "/metrics", "").Body.String()) // of a server that has done nothing
	predict(s, `{"inputs": ["a", "b b"]}`)                        // 3 + 4 tokens, a batch
	predict(s, `{"inputs": "a"}`)                                 // 3 tokens, another
	predict(s, `{}`)
	predict(s, `{"inputs": "bad"}`)
	send(s, "GET", "/nowhere", "")
	w := send(s, "GET", "/metrics", "")
	if got := w.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type: %q", got)
	}
	got := parseMetrics(t, w.Body.String())
	for sample, want := range map[string]float64{
		`jpqd_requests_total{path="/predict",code="200"}`: 2,
		`jpqd_requests_total{path="/predict",code="400"}`: 1,
		`jpqd_requests_total{path="/predict",code="500"}`: 1,
		`jpqd_requests_total{path="/metrics",code="200"}`: 1,
		`jpqd_requests_total{path="other",code="404"}`:    1,
		"jpqd_inputs_total":                   4,
		"jpqd_tokens_total":                   13, // 7 + 3, and 3 that panicked
		"jpqd_panics_total":                   1,
		"jpqd_queue_sequences":                0,
		"jpqd_queue_tokens":                   0,
		"jpqd_requests_in_flight":             0,
		"jpqd_ready":                          1,
		"jpqd_request_duration_seconds_count": 2,
		"jpqd_queue_wait_seconds_count":       2,
		`jpqd_batch_sequences_bucket{le="1"}`: 2,
		`jpqd_batch_sequences_bucket{le="2"}`: 3,
		"jpqd_batch_sequences_sum":            4,
		"jpqd_batch_tokens_sum":               13,
		`jpqd_batch_tokens_bucket{le="16"}`:   3,
		"jpqd_batch_duration_seconds_count":   3,
	} {
		if v, ok := got[sample]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, v, ok, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	h := newHistogram(1, 2.5)
	for _, v := range []float64{0.5, 1, 1.5, 2.5, 3} { // bounds are inclusive
		h.observe(v)
	}
	var text bytes.Buffer
	h.write(&text, "x", "What it is.")
	want := "# HELP x What it is.\n# TYPE x histogram\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"2.5\"} 4\nx_bucket{le=\"+Inf\"} 5\nx_sum 8.5\nx_count 5\n"
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
}

// The queue's tokens at the speed so far: 1000 tokens took 2 s, so 4000 take 8 s,
// and two workers half of that.
func TestSecondsFor(t *testing.T) {
	m := newMetrics()
	if got := m.secondsFor(4000, 2); got != 0 {
		t.Errorf("before anything was computed: %v s, want 0", got)
	}
	m.batch(10, 600, time.Second)
	m.batch(10, 400, time.Second)
	if got := m.secondsFor(4000, 2); got != 4 {
		t.Errorf("got %v s, want 4", got)
	}
}
