package jpqd

import (
	"bytes"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Events come in order, once each, and say what statistics and the groups say.
func TestStageEvents(t *testing.T) {
	var events []StageEvent
	tr := pruningTrainer(t, func(tr *Trainer) {
		tr.NNCF.MovementSparsity.ImportanceRegularizationFactor = 1
		tr.OnStage = func(e StageEvent) { events = append(events, e) }
	})
	mustTrain(t, tr, "") // 6 steps an epoch
	if len(events) != 2 || events[0].Stage != InWarmup || events[1].Stage != PostWarmup {
		t.Fatalf("found events %+v, want warm-up and its end", events)
	}
	begin, end := events[0], events[1]
	if begin.Step != 6 || begin.Epoch != 1 || begin.Threshold != *tr.compression.schedule.InitThreshold || begin.Factor != 1 {
		t.Errorf("found %+v, want step 6, epoch 1, threshold %v and factor 1", begin, *tr.compression.schedule.InitThreshold)
	}
	s, _ := tr.Statistics()
	if end.Step != 12 || end.Epoch != 2 || end.Threshold != 0 || end.Factor != 1 || math.Abs(end.SparsityAfter-s.LinearLayerSparsity) > 1e-3 {
		t.Errorf("found %+v, want step 12, epoch 2, threshold 0 and a sparsity of %v", end, s.LinearLayerSparsity)
	}
	// Resolution only brings weights back.
	if end.SparsityBefore <= end.SparsityAfter {
		t.Errorf("found a sparsity of %v before resolution and of %v after it, want it to fall", end.SparsityBefore, end.SparsityAfter)
	}
	var want []GroupUnits
	removed := 0
	for i, g := range tr.compression.groups {
		want = append(want, GroupUnits{Layer: i % 2, Name: []string{"attention", "feed_forward"}[i/2], Units: []int{4, 24}[i/2], Kept: g.kept})
		removed += want[i].Units - len(g.kept)
	}
	if diff := cmp.Diff(want, end.Groups); diff != "" || removed == 0 || end.Removed() != removed {
		t.Errorf("%d removed, want %d:\n%s", end.Removed(), removed, diff)
	}
}

// Warm-ups that cannot prune, each with what the log says about it. Epochs have 6 steps.
func TestWarmupWarnings(t *testing.T) {
	const (
		short    = "movement_sparsity: warm-up is too short to prune anything"
		unheard  = "movement_sparsity: warm-up cannot prune anything"
		ends     = "training ends before movement sparsity's warm-up"
		nothing  = "no head and no neuron was removed"
		targeted = "target_sparsity: warm-up is too short"
	)
	sparsity := func(edit func(*MovementSparsityConfig)) func(*Trainer) {
		return func(tr *Trainer) { edit(tr.NNCF.MovementSparsity) }
	}
	tests := []struct {
		name  string
		edit  func(*Trainer)
		warns []string
		attrs []string
	}{
		{"a good one", sparsity(func(c *MovementSparsityConfig) { c.ImportanceRegularizationFactor = 1 }), nil, nil},
		{"no step: ⌊6·1⌋ = ⌊6·1.1⌋", sparsity(func(c *MovementSparsityConfig) { c.WarmupEndEpoch = 1.1 }), []string{short, nothing}, []string{"warmup_steps=0"}},
		{"one step: ⌊6·1.2⌋ = 7", sparsity(func(c *MovementSparsityConfig) { c.WarmupEndEpoch = 1.2 }), []string{short, nothing}, []string{"warmup_steps=1"}},
		{"thresholds that no score reaches", sparsity(func(c *MovementSparsityConfig) {
			c.InitImportanceThreshold, c.FinalImportanceThreshold = pointerTo(-2.0), -1
		}), []string{unheard, nothing}, []string{
			// k at step 11 is 1 − (1/6)³ = 0.99537 and τ = −2 + k = −1.00463; eleven steps of 0.005.
			"threshold_at_last_step=-1.0046", "progress_at_last_step=0.99537", "scores_fall_at_most=0.05499",
		}},
		// Steps 7 to 10 move scores by 4·0.005 at most.
		{"a threshold that is out of reach from where the scores are", sparsity(func(c *MovementSparsityConfig) {
			c.FinalImportanceThreshold = -0.054
		}), []string{short, nothing}, []string{"scores_fall_at_most=0.02"}},
		{"training ends in warm-up", func(tr *Trainer) { tr.Args.MaxSteps = 12 }, []string{ends}, []string{"epochs=2", "warmup_ends_after_step=12"}},
		{"one step more is enough", func(tr *Trainer) { tr.Args.MaxSteps = 13 }, nil, nil},
		{"a target that is too far", func(tr *Trainer) { tr.Args.TargetSparsity, tr.NNCF.MovementSparsity.WarmupEndEpoch = 0.8, 1.5 }, []string{targeted}, []string{"warmup_steps=3"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var text bytes.Buffer
			tr := pruningTrainer(t, func(tr *Trainer) {
				tr.NNCF.MovementSparsity.ImportanceRegularizationFactor = 0.5
				test.edit(tr)
				tr.Log = slog.New(slog.NewTextHandler(&text, nil))
			})
			mustTrain(t, tr, "")
			for _, w := range []string{short, unheard, ends, nothing, targeted} {
				if found := strings.Contains(text.String(), w); found != slices.Contains(test.warns, w) {
					t.Errorf("%q: found %v, want %v", w, found, !found)
				}
			}
			for _, attr := range test.attrs {
				if !strings.Contains(text.String(), attr) {
					t.Errorf("found no %s", attr)
				}
			}
			if t.Failed() {
				t.Log(text.String())
			}
		})
	}
}

// The optimizer steps that are done when warm-up begins and ends are those that
// the plan says, also where an epoch's batches are no multiple of accumulation.
func TestPlannedSteps(t *testing.T) {
	for _, shape := range interruptedRuns {
		t.Run(shape.name, func(t *testing.T) {
			var steps []int
			tr := resumable(t, shape.examples, shape.accumulate, -1, func(tr *Trainer) {
				tr.OnStage = func(e StageEvent) { steps = append(steps, e.Step) }
			})
			mustTrain(t, tr, "")
			r := &run{Trainer: tr}
			r.plan()
			p := r.planWarmup()
			if want := []int{r.updatesBefore(p, p.first), r.updatesBefore(p, p.end)}; !slices.Equal(steps, want) {
				t.Errorf("found warm-up between steps %v, planned %v", steps, want)
			}
		})
	}
}

// Steps as Hugging Face's Trainer counts them: whole accumulation groups of an
// epoch's batches, at least one, times epochs, rounded up; so is warm-up.
func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name                        string
		examples, batch, accumulate int
		epochs                      float64
		maxSteps                    int
		ratio                       float64
		warmup                      int
		steps, epochsBegun, lr      int
	}{
		{"SST-2: ⌈67,349/32⌉ = 2105", 67349, 32, 1, 5, -1, 0, 0, 10525, 5, 0},
		{"⌊2105/4⌋ = 526 an epoch, ⌈0.1·2630⌉", 67349, 32, 4, 5, -1, 0.1, 0, 2630, 5, 263},
		{"⌈0.1·15⌉ = 2", 20, 4, 1, 3, -1, 0.1, 0, 15, 3, 2},
		{"steps beat the ratio", 20, 4, 1, 3, -1, 0.1, 7, 15, 3, 7},
		{"half an epoch: ⌈2.5·5⌉", 20, 4, 1, 2.5, -1, 0, 0, 13, 3, 0},
		{"fewer batches than a group", 8, 4, 3, 4, -1, 0, 0, 4, 4, 0},
		{"max_steps: ⌈16/5⌉ epochs", 20, 4, 1, 1, 16, 0, 0, 16, 4, 0},
		{"max_steps of groups: ⌈7/2⌉ epochs", 20, 4, 2, 1, 7, 0.5, 0, 7, 4, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &run{Trainer: newTrainer(func(tr *Trainer) {
				tr.TrainData = make([]Example, test.examples)
				a := &tr.Args
				a.PerDeviceTrainBatchSize, a.GradientAccumulationSteps, a.NumTrainEpochs = test.batch, test.accumulate, test.epochs
				a.MaxSteps, a.WarmupRatio, a.WarmupSteps = test.maxSteps, test.ratio, test.warmup
			})}
			r.plan()
			if r.state.MaxSteps != test.steps || r.epochs != test.epochsBegun || r.warmupSteps != test.lr {
				t.Errorf("found %d steps, %d epochs, %d of warm-up, want %d, %d, %d", r.state.MaxSteps, r.epochs, r.warmupSteps, test.steps, test.epochsBegun, test.lr)
			}
		})
	}
}

// When optimizer steps come, by the sequences before each: a batch has four. In
// epochs that are no multiple of a group, groups go on into the next one. Epochs
// no longer than a group also end with a step, and batches are counted on as if
// they did not: Hugging Face's Trainer has it so.
func TestStepsOfAccumulationGroups(t *testing.T) {
	for _, test := range []struct {
		name                 string
		examples, accumulate int
		epochs               float64
		want                 []int
	}{
		{"2 batches, 3 to a step: the 2nd, 3rd, 4th and 6th", 8, 3, 4, []int{8, 12, 16, 24}},
		{"3 batches, 3 to a step", 12, 3, 2, []int{12, 24}},
		{"5 batches, 2 to a step, ⌊5/2⌋·2 steps", 20, 2, 2, []int{8, 16, 24, 32}},
		{"4 batches, 3 to a step, ⌊4/3⌋·3 steps", 16, 3, 3, []int{12, 24, 36}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var found []int
			tr := newTrainer(func(tr *Trainer) {
				tr.TrainData = tokenExamples(test.examples, 1)
				tr.Args.GradientAccumulationSteps, tr.Args.NumTrainEpochs = test.accumulate, test.epochs
				tr.OnStep = func(p Progress) { found = append(found, p.Sequences) }
			})
			mustTrain(t, tr, "")
			if !slices.Equal(found, test.want) {
				t.Errorf("found steps after %v sequences, want %v", found, test.want)
			}
		})
	}
}
