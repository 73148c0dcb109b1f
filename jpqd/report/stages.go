package report

import (
	"math"

	"github.com/go-jpqd/jpqd/jpqd"
)

// Stages are the optimizer steps that are done when movement sparsity's warm-up
// begins and when it ends.
type Stages struct{ WarmupStart, WarmupEnd float64 }

// stagesOf places the stages on the axis of optimizer steps. scheduleSteps is
// steps_per_epoch as the schedule counted it, 0 where it is unknown; the schedule
// counts begun accumulation groups, of which an epoch may have one more than
// optimizer steps.
func stagesOf(cfg *jpqd.MovementSparsityConfig, scheduleSteps int, h History) *Stages {
	perEpoch := optimizerSteps(h)
	if scheduleSteps == 0 {
		scheduleSteps = cfg.StepsPerEpoch
	}
	if perEpoch == 0 {
		perEpoch = float64(scheduleSteps)
	}
	if scheduleSteps == 0 {
		scheduleSteps = int(math.Round(perEpoch))
	}
	if scheduleSteps <= 0 {
		return nil
	}
	at := func(epoch float64) float64 {
		if cfg.StepsPerEpoch == 0 {
			epoch = max(epoch, 1) // epoch 0 goes by while steps are counted
		}
		n := float64(scheduleSteps)
		return math.Round(math.Floor(epoch*n) / n * perEpoch)
	}
	s := &Stages{at(cfg.WarmupStartEpoch), at(cfg.WarmupEndEpoch)}
	if !(s.WarmupEnd < maxDrawn) {
		return nil
	}
	return s
}

// optimizerSteps is the number of optimizer steps an epoch, 0 where the log does not tell.
func optimizerSteps(h History) float64 {
	epochs := h["epoch"]
	if len(epochs) == 0 {
		return 0
	}
	last := epochs[len(epochs)-1]
	if last.Value <= 0 || last.Step/last.Value > 1<<31 {
		return 0
	}
	return last.Step / last.Value
}
