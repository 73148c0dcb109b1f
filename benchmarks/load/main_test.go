package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd/serve"
	"github.com/go-jpqd/jpqd/jpqd/synthetic"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

func TestPercentile(t *testing.T) {
	r := &result{}
	if got := r.percentile(0.5); got != 0 {
		t.Errorf("of nothing: %v, want 0", got)
	}
	for i := range 10 { // 1 to 10 ns
		r.latencies = append(r.latencies, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, 0.1: 1, 0.11: 2, 0.5: 5, 0.9: 9, 0.99: 10, 1: 10} {
		if got := r.percentile(p); got != want {
			t.Errorf("share %v: got %v, want %v", p, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	got, err := numbers("1,2.5")
	if err != nil || fmt.Sprint(got) != "[1 2.5]" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "1,", "0", "-1", "a"} {
		if _, err := numbers(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// The whole way with a tiny model: every request is answered, none is lost.
func TestLoad(t *testing.T) {
	c := bert.DefaultConfig()
	c.VocabSize, c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.IntermediateSize = len(tasks.SentimentVocab()), 32, 1, 2, 64
	o := &options{config: "tiny", server: serve.DefaultOptions()}
	s, err := o.serve(t.Context(), synthetic.Compressed(c, synthetic.None, 1))
	if err != nil {
		t.Fatal(err)
	}
	load := newClient(s.url, []float64{5, 20})
	r, err := load.load(t.Context(), 200, 250*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.sent < 10 || r.refused+r.failed > 0 || len(r.latencies) != r.sent || r.batch < 1 {
		t.Errorf("%d sent, %d answered, %d refused, %d failed, %v a batch", r.sent, len(r.latencies), r.refused, r.failed, r.batch)
	}
	var text bytes.Buffer
	r.print(&text)
	if n := strings.Count(text.String(), "|"); n != 11 {
		t.Errorf("%q: %d columns, want 10", text.String(), n-1)
	}
	answered, err := load.burst(t.Context(), 64, s.stop)
	if err != nil || answered != 64 {
		t.Errorf("%d of 64 answered, error %v", answered, err)
	}
	if err := <-s.stopped; err != nil {
		t.Error(err)
	}
}
