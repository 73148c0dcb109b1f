package jpqd

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/bert"
)

// After warm-up every head and neuron that is kept is wholly unmasked in every
// member of its group, biases too, and every other wholly masked, whatever the
// scores were.
func TestMasksAreStructuredAfterWarmup(t *testing.T) {
	for _, config := range outlookConfigs[:3] {
		t.Run(config.name, func(t *testing.T) {
			cfg := tinyNNCF(t, "")
			config.edit(cfg.MovementSparsity)
			cfg.Quantization = nil
			rapid.Check(t, func(t *rapid.T) {
				c, err := newCompression(bert.New(tinyConfig(), 1), cfg, quiet)
				if err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "with a target") {
					c.aimAt(rapid.Float64Range(0.05, 0.95).Draw(t, "target"))
				}
				score := rapid.Float32Range(-1, 1)
				for step := range 6 { // two steps an epoch; warm-up is the second one
					if step%2 == 0 {
						if err := c.schedule.epochStep(); err != nil {
							t.Fatal(err)
						}
					}
					c.beginStep()
					if c.frozen {
						break
					}
					lean := rapid.Float32Range(-1, 1).Draw(t, "lean")
					for _, p := range c.sparsifiers {
						for _, o := range []*maskedOperand{&p.weight, &p.bias} {
							for i := range o.scores.Data {
								o.scores.Data[i] = score.Draw(t, "score") + lean
							}
							o.remask(c.threshold)
						}
					}
				}
				if !c.frozen {
					t.Fatal("warm-up never ended")
				}
				for _, g := range c.groups {
					for _, m := range g.members {
						for i, v := range m.weight.mask {
							unit := i / m.weight.cols
							if m.columns {
								unit = i % m.weight.cols
							}
							if kept := slices.Contains(g.kept, unit/g.size); v != float32(boolInt(kept)) {
								t.Fatalf("%s: element %d of a unit with kept = %v has mask %v", m.linear.Name, i, kept, v)
							}
						}
						for r, v := range m.bias.mask {
							kept := slices.Contains(g.kept, r/g.size)
							if m.columns { // no unit: alive as long as its row has a column left
								kept = len(g.kept) > 0
							}
							if v != float32(boolInt(kept)) {
								t.Fatalf("%s: bias %d with kept = %v has mask %v", m.linear.Name, r, kept, v)
							}
						}
					}
				}
			})
		})
	}
}

// τ and λ never fall in warm-up and end below their final values.
func TestScheduleIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perEpoch := rapid.IntRange(1, 12).Draw(t, "steps per epoch")
		start := rapid.Float64Range(0, 3).Draw(t, "start")
		cfg := scheduleConfig(start, start+rapid.Float64Range(0.01, 3).Draw(t, "length"), perEpoch)
		cfg.Power = rapid.Float64Range(0.2, 6).Draw(t, "power")
		cfg.InitImportanceThreshold = pointerTo(rapid.Float64Range(-2, 0).Draw(t, "initial threshold"))
		cfg.FinalImportanceThreshold = rapid.Float64Range(0, 2).Draw(t, "final threshold")
		s := newMovementSchedule(cfg)
		threshold, factor, stage := math.Inf(-1), 0.0, PreWarmup
		for step := range 7 * perEpoch {
			if step%perEpoch == 0 {
				if err := s.epochStep(); err != nil {
					t.Fatal(err)
				}
			}
			s.step()
			if s.threshold() < threshold || s.factor() < factor || s.stage() < stage {
				t.Fatalf("step %d: τ %v after %v, λ %v after %v, stage %v after %v", step, s.threshold(), threshold, s.factor(), factor, s.stage(), stage)
			}
			threshold, factor, stage = s.threshold(), s.factor(), s.stage()
			if threshold > cfg.FinalImportanceThreshold || factor > cfg.ImportanceRegularizationFactor {
				t.Fatalf("step %d: τ %v, λ %v above %v, %v", step, threshold, factor, cfg.FinalImportanceThreshold, cfg.ImportanceRegularizationFactor)
			}
		}
		if stage != PostWarmup || threshold != cfg.FinalImportanceThreshold || factor != cfg.ImportanceRegularizationFactor {
			t.Fatalf("in the end: stage %v, τ %v, λ %v", stage, threshold, factor)
		}
	})
}
