package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/go-jpqd/jpqd/jpqd"
)

// progress shows how far training is: on a terminal a bar that is redrawn,
// elsewhere one log line for every entry of the training log.
type progress struct {
	console *console
	label   string
	now     func() time.Time
	tokens  bool // speed is counted in tokens, not in sequences

	bar   *progressbar.ProgressBar // nil: not on a terminal, or before the first step
	first jpqd.Progress            // state at the first step of this process
	start time.Time                // when it was over
	last  jpqd.Progress
}

func newProgress(c *console, label string) *progress {
	return &progress{console: c, label: label, now: time.Now}
}

// step is [jpqd.Trainer.OnStep].
func (p *progress) step(s jpqd.Progress) {
	if p.start.IsZero() {
		p.start, p.first = p.now(), s
		if p.console.terminal {
			p.bar = progressbar.NewOptions(s.MaxSteps,
				progressbar.OptionSetWriter(p.console.err),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionFullWidth(),           // of what the text leaves; without a count, 80 columns hold both
				progressbar.OptionSetPredictTime(false), // left tells it, from the steps of this process alone
				progressbar.OptionSetElapsedTime(false),
			)
			p.console.setStatus(p.bar)
		}
	}
	p.last = s
	if p.bar != nil {
		p.console.draw(func() {
			p.bar.Describe(p.describe())
			p.bar.Set(s.Step) // a terminal that cannot be written to shows nothing
		})
	}
}

// describe is the text before the bar.
func (p *progress) describe() string {
	parts := []string{p.label, fmt.Sprintf("loss %.4f", p.last.Loss)}
	if p.last.Stage != "" {
		parts = append(parts, p.last.Stage)
	}
	if speed := p.speed(); speed > 0 {
		unit := "seq"
		if p.tokens {
			unit = "tok"
		}
		parts = append(parts, fmt.Sprintf("%.0f %s/s", speed, unit))
	}
	if left, ok := p.left(); ok {
		parts = append(parts, left.String()+" left")
	}
	return strings.Join(parts, " · ")
}

// speed is the number of sequences or tokens per second since the first step, 0
// where it is unknown.
func (p *progress) speed() float64 {
	seconds := p.now().Sub(p.start).Seconds()
	if p.start.IsZero() || seconds <= 0 {
		return 0
	}
	if p.tokens {
		return float64(p.last.Tokens-p.first.Tokens) / seconds
	}
	return float64(p.last.Sequences-p.first.Sequences) / seconds
}

// left is the time until the last step at the pace of this process.
func (p *progress) left() (time.Duration, bool) {
	steps := p.last.Step - p.first.Step
	if steps < 1 {
		return 0, false
	}
	pace := p.now().Sub(p.start).Seconds() / float64(steps)
	seconds := pace * float64(p.last.MaxSteps-p.last.Step)
	return time.Duration(seconds * float64(time.Second)).Round(time.Second), true
}

// log is [jpqd.Trainer.OnLog]: the entry as a log line, on a terminal only if
// it is an evaluation, for the bar shows the rest.
func (p *progress) log(entry jpqd.LogEntry) {
	isEval := slices.ContainsFunc(slices.Collect(maps.Keys(entry)), func(key string) bool { return strings.HasPrefix(key, "eval_") })
	if p.console.terminal && !isEval {
		return
	}
	var attrs []any
	if p.last.MaxSteps > 0 {
		attrs = append(attrs, slog.String("step", fmt.Sprintf("%v/%d", entry["step"], p.last.MaxSteps)))
	}
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		if key != "step" && !isDetail(key) {
			attrs = append(attrs, slog.Any(path.Base(key), entry[key]))
		}
	}
	if !isEval {
		if p.last.Stage != "" {
			attrs = append(attrs, slog.String("stage", p.last.Stage))
		}
		if speed := p.speed(); speed > 0 {
			if p.tokens {
				attrs = append(attrs, slog.String("tokens_per_second", fmt.Sprintf("%.0f", speed)))
			} else {
				attrs = append(attrs, slog.String("sequences_per_second", fmt.Sprintf("%.1f", speed)))
			}
		}
		if left, ok := p.left(); ok {
			attrs = append(attrs, slog.Duration("time_left", left))
		}
	}
	message := p.label
	if isEval {
		message = "evaluation"
	}
	p.console.log.Info(message, attrs...)
}

// isDetail says which numbers of the training log are left to its file.
func isDetail(key string) bool {
	return strings.HasSuffix(key, "_runtime") || strings.HasSuffix(key, "_per_second") ||
		strings.HasPrefix(key, "compression/") && !strings.HasSuffix(key, "linear_layer_sparsity")
}

// train runs a trainer and shows its progress until it returns.
func (p *progress) train(ctx context.Context, t *jpqd.Trainer, resume string) (jpqd.TrainResult, error) {
	stop := context.AfterFunc(ctx, func() {
		p.console.log.Warn("stopping after this step, with a checkpoint; another interrupt quits at once")
	})
	defer stop()
	defer p.console.close()
	p.tokens = t.Masking != nil
	onStep, onLog := t.OnStep, t.OnLog
	t.OnStep = func(s jpqd.Progress) {
		p.step(s)
		if onStep != nil {
			onStep(s)
		}
	}
	t.OnLog = func(entry jpqd.LogEntry) {
		p.log(entry)
		if onLog != nil {
			onLog(entry)
		}
	}
	return t.Train(ctx, resume)
}
