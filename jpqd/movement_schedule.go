package jpqd

import (
	"fmt"
	"math"
)

// Stage is where movement sparsity stands in its schedule.
type Stage int

// The stages. Before warm-up nothing is pruned; in warm-up the threshold and
// the regularisation rise; after it the masks are fixed.
const (
	PreWarmup Stage = iota
	InWarmup
	PostWarmup
)

// String is the stage's name in progress reports.
func (s Stage) String() string { return [...]string{"pre-warmup", "warmup", "post-warmup"}[s] }

// movementSchedule is NNCF's MovementPolynomialThresholdScheduler: it counts
// epochs and optimizer steps and gives the threshold τ and the regularisation
// factor λ of the current step.
type movementSchedule struct {
	cfg *MovementSparsityConfig
	movementScheduleState

	stepsInEpoch int  // step calls since the epoch began
	skip         bool // steps per epoch are still being counted
}

// movementScheduleState is what a checkpoint keeps of the schedule; the JSON
// keys are NNCF's.
type movementScheduleState struct {
	CurrentEpoch  int      `json:"current_epoch"` // −1 before the first
	CurrentStep   int      `json:"current_step"`  // −1 before the first
	InitThreshold *float64 `json:"_init_importance_threshold"`
	StepsPerEpoch int      `json:"_steps_per_epoch"` // 0: not yet known
}

func newMovementSchedule(cfg *MovementSparsityConfig) *movementSchedule {
	return &movementSchedule{cfg: cfg, movementScheduleState: movementScheduleState{
		CurrentEpoch: -1, CurrentStep: -1, InitThreshold: cfg.InitImportanceThreshold, StepsPerEpoch: cfg.StepsPerEpoch,
	}, skip: cfg.StepsPerEpoch == 0}
}

// epochStep begins an epoch. It fails if the one before had another number of
// steps than expected.
func (s *movementSchedule) epochStep() error {
	if s.CurrentEpoch >= 0 {
		if s.StepsPerEpoch == 0 {
			s.StepsPerEpoch = s.stepsInEpoch
		} else if s.stepsInEpoch != s.StepsPerEpoch {
			return fmt.Errorf("movement_sparsity: epoch %d had %d steps, want steps_per_epoch = %d. Scheduling may be incorrect", s.CurrentEpoch, s.stepsInEpoch, s.StepsPerEpoch)
		}
		s.skip = false
	}
	s.CurrentEpoch++
	s.stepsInEpoch = 0
	return nil
}

// step begins an optimizer step.
func (s *movementSchedule) step() {
	s.CurrentStep++
	s.stepsInEpoch++
}

// check refuses a state that this schedule cannot have been in.
func (s *movementSchedule) check(state movementScheduleState) error {
	switch {
	case state.CurrentEpoch < -1:
		return fmt.Errorf("current_epoch: found %d, want at least -1", state.CurrentEpoch)
	case state.CurrentStep < -1:
		return fmt.Errorf("current_step: found %d, want at least -1", state.CurrentStep)
	case state.StepsPerEpoch < 0:
		return fmt.Errorf("_steps_per_epoch: found %d, want at least 1, or 0 where it is not known", state.StepsPerEpoch)
	case s.cfg.StepsPerEpoch > 0 && state.StepsPerEpoch != s.cfg.StepsPerEpoch:
		return fmt.Errorf("_steps_per_epoch: found %d, want the configuration's %d", state.StepsPerEpoch, s.cfg.StepsPerEpoch)
	}
	return nil
}

// restore continues from a checkpoint.
func (s *movementSchedule) restore(state movementScheduleState) {
	s.movementScheduleState = state
	if s.StepsPerEpoch == 0 {
		s.stepsInEpoch, s.skip = state.CurrentStep+1, true
		return
	}
	s.stepsInEpoch, s.skip = state.CurrentStep%s.StepsPerEpoch+1, false
	if state.CurrentStep < 0 {
		s.stepsInEpoch = 0
	}
}

// warmup is the first step of warm-up and the first one after it, once the
// steps of an epoch are known.
func (s *movementSchedule) warmup() (first, end int) {
	perEpoch := float64(s.StepsPerEpoch)
	return int(s.cfg.WarmupStartEpoch * perEpoch), int(s.cfg.WarmupEndEpoch * perEpoch)
}

// stage is that of the current step.
func (s *movementSchedule) stage() Stage {
	first, end := s.warmup()
	switch {
	case s.skip || s.StepsPerEpoch == 0 || s.CurrentStep < first:
		return PreWarmup
	case s.CurrentStep < end:
		return InWarmup
	}
	return PostWarmup
}

// progress is k of the current step.
func (s *movementSchedule) progress() float64 { return s.progressAt(s.CurrentStep) }

// progressAt is k = 1 − (1 − p)^power of a step, with p the share of warm-up that is done.
func (s *movementSchedule) progressAt(step int) float64 {
	first, _ := s.warmup()
	p := float64(step-first) / float64(s.StepsPerEpoch) / (s.cfg.WarmupEndEpoch - s.cfg.WarmupStartEpoch)
	return 1 - math.Pow(1-min(max(p, 0), 1), s.cfg.Power)
}

// threshold is τ; minus infinity before warm-up.
func (s *movementSchedule) threshold() float64 {
	switch s.stage() {
	case InWarmup:
		return *s.InitThreshold + s.progress()*(s.cfg.FinalImportanceThreshold-*s.InitThreshold)
	case PostWarmup:
		return s.cfg.FinalImportanceThreshold
	}
	return math.Inf(-1)
}

// factor is λ; 0 before warm-up.
func (s *movementSchedule) factor() float64 {
	switch s.stage() {
	case InWarmup:
		return s.progress() * s.cfg.ImportanceRegularizationFactor
	case PostWarmup:
		return s.cfg.ImportanceRegularizationFactor
	}
	return 0
}
