package jpqd

import (
	"math"
	"strings"
	"testing"
)

func scheduleConfig(start, end float64, stepsPerEpoch int) *MovementSparsityConfig {
	return &MovementSparsityConfig{
		WarmupStartEpoch: start, WarmupEndEpoch: end, ImportanceRegularizationFactor: 0.05,
		FinalImportanceThreshold: 0, Power: 3, StepsPerEpoch: stepsPerEpoch, InitImportanceThreshold: pointerTo(-0.1),
	}
}

// advance runs whole epochs and then single steps of one more.
func advance(t *testing.T, s *movementSchedule, epochs, stepsPerEpoch, steps int) {
	t.Helper()
	for range epochs {
		if err := s.epochStep(); err != nil {
			t.Fatal(err)
		}
		for range stepsPerEpoch {
			s.step()
		}
	}
	if err := s.epochStep(); err != nil {
		t.Fatal(err)
	}
	for range steps {
		s.step()
	}
}

func TestScheduleStages(t *testing.T) {
	tests := []struct {
		name          string
		start, end    float64
		stepsPerEpoch int
		first, last   int // the steps of warm-up
	}{
		{"whole epochs", 1, 2, 10, 10, 19},
		{"several epochs", 1, 4, 7, 7, 27},
		{"boundaries are truncated", 1.25, 2.5, 10, 12, 24},
		{"truncated to zero", 0.05, 1, 10, 0, 9},
		{"from the first step", 0, 1, 10, 0, 9},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newMovementSchedule(scheduleConfig(test.start, test.end, test.stepsPerEpoch))
			for step := range 5 * test.stepsPerEpoch {
				if step%test.stepsPerEpoch == 0 {
					if err := s.epochStep(); err != nil {
						t.Fatal(err)
					}
				}
				s.step()
				want := InWarmup
				if step < test.first {
					want = PreWarmup
				} else if step > test.last {
					want = PostWarmup
				}
				if got := s.stage(); got != want {
					t.Errorf("step %d: found %v, want %v", step, got, want)
				}
			}
		})
	}
}

func TestThresholdAndFactor(t *testing.T) {
	inf := math.Inf(-1)
	tests := []struct {
		step              int // index from 0
		threshold, factor float64
	}{
		{0, inf, 0}, {9, inf, 0},
		{10, -0.1, 0},                          // k = 0
		{11, -0.1 * 0.729, 0.05 * 0.271},       // p = 0.1
		{15, -0.1 * 0.125, 0.05 * 0.875},       // p = 0.5
		{19, -0.1 * 0.001, 0.05 * (1 - 0.001)}, // p = 0.9
		{20, 0, 0.05}, {35, 0, 0.05},
	}
	for _, test := range tests {
		s := newMovementSchedule(scheduleConfig(1, 2, 10))
		advance(t, s, test.step/10, 10, test.step%10+1)
		if got := s.threshold(); got != test.threshold && math.Abs(got-test.threshold) > 1e-15 {
			t.Errorf("step %d: found threshold %v, want %v", test.step, got, test.threshold)
		}
		if got := s.factor(); math.Abs(got-test.factor) > 1e-15 {
			t.Errorf("step %d: found factor %v, want %v", test.step, got, test.factor)
		}
	}
}

// Power 2, warm-up of epochs 1 to 3 with 4 steps each, τ from −1 to 0, λ_max
// 0.1. At step 4+i, p = i/8 and k = 1 − (1 − i/8)², so τ = −(1 − i/8)²: 1,
// 49/64, 36/64, 25/64, … and λ = 0.1·(0, 15/64, 28/64, 39/64, …).
func TestScheduleOfTwoEpochs(t *testing.T) {
	cfg := scheduleConfig(1, 3, 4)
	cfg.Power, cfg.ImportanceRegularizationFactor, cfg.InitImportanceThreshold = 2, 0.1, pointerTo(-1.0)
	for step, want := range map[int]struct{ threshold, factor float64 }{
		3: {math.Inf(-1), 0}, 4: {-1, 0}, 5: {-0.765625, 0.0234375}, 6: {-0.5625, 0.04375}, 7: {-0.390625, 0.0609375},
		8: {-0.25, 0.075}, 11: {-0.015625, 0.0984375}, 12: {0, 0.1},
	} {
		s := newMovementSchedule(cfg)
		advance(t, s, step/4, 4, step%4+1)
		if got := s.threshold(); got != want.threshold && math.Abs(got-want.threshold) > 1e-15 {
			t.Errorf("step %d: found threshold %v, want %v", step, got, want.threshold)
		}
		if got := s.factor(); math.Abs(got-want.factor) > 1e-15 {
			t.Errorf("step %d: found factor %v, want %v", step, got, want.factor)
		}
	}
}

func TestPowerOfSchedule(t *testing.T) {
	for power, want := range map[float64]float64{1: 0.3, 2: 0.51, 3: 0.657} {
		cfg := scheduleConfig(1, 2, 10)
		cfg.Power = power
		s := newMovementSchedule(cfg)
		advance(t, s, 1, 10, 4)
		if got := s.progress(); math.Abs(got-want) > 1e-15 {
			t.Errorf("power %v: found progress %v, want %v", power, got, want)
		}
	}
}

// Without steps_per_epoch the first epoch counts; nothing happens in it.
func TestStepsPerEpochAreCounted(t *testing.T) {
	s := newMovementSchedule(scheduleConfig(1, 2, 0))
	advance(t, s, 0, 0, 8)
	if s.stage() != PreWarmup || s.factor() != 0 || !math.IsInf(s.threshold(), -1) {
		t.Errorf("epoch 0: found stage %v, τ %v, λ %v", s.stage(), s.threshold(), s.factor())
	}
	if err := s.epochStep(); err != nil {
		t.Fatal(err)
	}
	if s.StepsPerEpoch != 8 {
		t.Errorf("found %d steps per epoch, want 8", s.StepsPerEpoch)
	}
	s.step()
	if s.stage() != InWarmup || s.progress() != 0 || s.threshold() != -0.1 {
		t.Errorf("step 8: found stage %v, k %v, τ %v, want warm-up with k = 0", s.stage(), s.progress(), s.threshold())
	}
}

func TestStepsPerEpochMismatch(t *testing.T) {
	tests := []struct {
		name    string
		given   int
		epochs  []int // steps in each
		failsAt int   // the epochStep from 0 that fails; −1: none
	}{
		{"equal epochs", 0, []int{5, 5, 5, 5}, -1},
		{"a shorter third epoch is found at the start of the fourth", 0, []int{5, 5, 4, 5}, 3},
		{"a longer second epoch is found at the start of the third", 0, []int{5, 6, 5}, 2},
		{"given steps that are too few", 4, []int{5, 5}, 1},
		{"the last epoch is never checked", 0, []int{5, 5, 4}, -1},
		{"given steps check epoch 0 too", 6, []int{5, 5}, 1},
		{"given steps that are right", 5, []int{5, 5, 5}, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newMovementSchedule(scheduleConfig(1, 2, test.given))
			failed := -1
			for epoch, steps := range test.epochs {
				if err := s.epochStep(); err != nil {
					failed = epoch
					if !strings.Contains(err.Error(), "Scheduling may be incorrect") {
						t.Errorf("found error %q", err)
					}
					break
				}
				for range steps {
					s.step()
				}
			}
			if failed != test.failsAt {
				t.Errorf("epochStep %d fails, want %d", failed, test.failsAt)
			}
		})
	}
}

// A schedule restored after any step goes on as one that was not interrupted.
func TestScheduleRestore(t *testing.T) {
	const perEpoch, epochs = 4, 4
	for _, given := range []int{0, perEpoch} {
		for stop := range perEpoch * epochs {
			whole, broken := newMovementSchedule(scheduleConfig(1, 2.5, given)), newMovementSchedule(scheduleConfig(1, 2.5, given))
			for step := range perEpoch * epochs {
				for _, s := range []*movementSchedule{whole, broken} {
					if step%perEpoch == 0 {
						if err := s.epochStep(); err != nil {
							t.Fatalf("stopped after step %d: %v", stop, err)
						}
					}
					s.step()
				}
				if step == stop {
					state := broken.movementScheduleState
					broken = newMovementSchedule(scheduleConfig(1, 2.5, given))
					broken.restore(state)
				}
				if whole.stage() != broken.stage() || whole.threshold() != broken.threshold() || whole.factor() != broken.factor() {
					t.Fatalf("stopped after step %d: step %d differs", stop, step)
				}
			}
		}
	}
}

// The evaluation losses that helenai/bert-base-uncased-sst2-jpqd-ov-int8's card
// shows in warm-up, less task and distillation: 67349 examples in batches of 32
// and scores near 0, so 272.04·λ. The loss after n steps has the λ of step n−1.
func TestPublishedTrajectory(t *testing.T) {
	want := map[int]float64{2250: 2.60, 2500: 6.30, 2750: 9.05, 3000: 11.01, 3250: 12.31, 3500: 13.08, 3750: 13.46, 4000: 13.59}
	s := newMovementSchedule(scheduleConfig(1, 2, 0))
	for step := range 4000 {
		if step%2105 == 0 {
			if err := s.epochStep(); err != nil {
				t.Fatal(err)
			}
		}
		s.step()
		if w, ok := want[step+1]; ok {
			if got := s.factor() * (4*264 + 192.25 + 384) / 6; math.Abs(got-w) > 0.0051 {
				t.Errorf("global step %d: found %.3f, want %.2f", step+1, got, w)
			}
		}
	}
}

// Final masks follow from those of the last step of warm-up: from the scores
// before its update, and its threshold. What scores and the final threshold
// would give by then plays no part.
func TestFinalMasksAreThoseOfTheLastStep(t *testing.T) {
	for _, structured := range []bool{true, false} {
		c := outlookCompression(t, func(m *MovementSparsityConfig) {
			m.StepsPerEpoch, m.EnableStructuredMasking = 2, structured
			m.InitImportanceThreshold, m.FinalImportanceThreshold = pointerTo(-1.0), 0
		}, 1)
		begin := func() *StageEvent { // steps 0 to 3 are before and in warm-up
			if c.schedule.CurrentStep%2 != 0 {
				if err := c.schedule.epochStep(); err != nil {
					t.Fatal(err)
				}
			}
			return c.beginStep()
		}
		for range 4 {
			begin()
		}
		// k of step 3 is 1 − (1 − ½)³ = 7/8 and τ = −1/8. Every score is above it
		// but below the final threshold, 0, except those of block (0, 0) of the first
		// query, a quarter of head 0.
		for _, p := range c.sparsifiers {
			for _, o := range []*maskedOperand{&p.weight, &p.bias} {
				fill(o.scores.Data, -1.0/16)
			}
		}
		query := &c.sparsifiers[0].weight
		query.scores.Data[0] = -1
		for _, p := range c.sparsifiers {
			p.weight.remask(c.threshold)
			p.bias.remask(c.threshold)
		}
		for _, p := range c.sparsifiers { // the last step's update
			fill(p.weight.scores.Data, -1)
			fill(p.bias.scores.Data, -1)
		}
		if e := begin(); e == nil || e.Stage != PostWarmup {
			t.Fatalf("found event %+v, want the end of warm-up", e)
		}
		// Of 2·4·(16·16+16) of attention and 2·(24·16+24 + 16·24+16) of the
		// feed-forward pairs, 4·4 elements were masked; head 0 brings them back.
		s := c.statistics()
		zeros := s.LinearLayerSparsity * (2*4*272 + 2*808)
		if want := map[bool]float64{true: 0, false: 16}[structured]; math.Abs(zeros-want) > 1e-6 {
			t.Errorf("structured %v: found %v zeros, want %v", structured, zeros, want)
		}
	}
}
