package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-jpqd/jpqd/jpqd"
)

func TestLog(t *testing.T) {
	var stderr bytes.Buffer
	c := newConsole(nil, &stderr)
	log := c.log.With("run", 3).WithGroup("part").With("a", "b c")
	log.Warn("two\nlines", "error", errors.New(`said "no"`), "share", 1.0/3, "time", 1500*time.Millisecond, slog.Group("in", "x", 1), "empty", "")
	log.Debug("not shown")
	got := stderr.String()
	want := ` WARN two lines run=3 part.a="b c" part.error="said \"no\"" part.share=0.333333 part.time=1.5s part.in.x=1 part.empty=""` + "\n"
	if _, after, _ := strings.Cut(got, " "); " "+after != want {
		t.Errorf("got  %q\nwant %q after the time", got, want)
	}
	if _, err := time.Parse(time.TimeOnly, got[:8]); err != nil {
		t.Errorf("a line begins with %q, want the time: %v", got[:8], err)
	}
}

// screen records the order of what happens to a status line.
type screen struct{ events *[]string }

func (s screen) Clear() error { *s.events = append(*s.events, "clear"); return nil }
func (s screen) Write(p []byte) (int, error) {
	*s.events = append(*s.events, "line")
	return len(p), nil
}

// A line is written where the status line was, not after it.
func TestStatusLine(t *testing.T) {
	var events []string
	c := newConsole(nil, screen{&events})
	c.log.Info("before")
	c.setStatus(screen{&events})
	c.log.Info("while")
	c.close()
	c.log.Info("after")
	if got, want := strings.Join(events, " "), "line clear line clear line"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProgress(t *testing.T) {
	var stderr bytes.Buffer
	c := newConsole(nil, &stderr)
	p := newProgress(c, "train")
	now := time.Unix(1000, 0)
	p.now = func() time.Time { return now }
	p.step(jpqd.Progress{Step: 10, MaxSteps: 100, Sequences: 32})
	now = now.Add(20 * time.Second)
	p.step(jpqd.Progress{Step: 30, MaxSteps: 100, Sequences: 672, Loss: 0.5, Stage: "warmup"})
	p.log(jpqd.LogEntry{"step": 30, "loss": 0.5, "epoch": 1.5, "compression/movement_sparsity/importance_threshold": 0.1})
	p.log(jpqd.LogEntry{"step": 30, "eval_accuracy": 0.9, "eval_runtime": 3.0})
	for _, want := range []string{
		" INFO train step=30/100 epoch=1.5 loss=0.5 stage=warmup sequences_per_second=32.0 time_left=1m10s\n",
		" INFO evaluation step=30/100 eval_accuracy=0.9\n",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("got %q, want %q", stderr.String(), want)
		}
	}
	if got, want := p.describe(), "train · loss 0.5000 · warmup · 32 seq/s · 1m10s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.terminal = true
	bar := newProgress(c, "train")
	stderr.Reset()
	bar.step(jpqd.Progress{Step: 1, MaxSteps: 2})
	bar.log(jpqd.LogEntry{"step": 1, "loss": 0.5})
	c.close()
	if strings.Contains(stderr.String(), "INFO") {
		t.Errorf("a terminal shows %q, want the bar alone", stderr.String())
	}
}
