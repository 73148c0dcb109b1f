package jpqd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// aimed is a run for a target sparsity of a model with 8 heads of 4 and 128
// neurons in each of two layers. A layer has 3·(32·32+32) + 32·32+32 + 128·32+128
// + 32·128+32 = 12,576 elements that are pruned; a head, 4·(32+1)·3 + 32·4 = 524,
// is 2.1 % of both layers', a neuron 0.3 %.
func aimed(t *testing.T, target float64, seed uint64, edit func(*Trainer)) *Trainer {
	t.Helper()
	return pruningTrainer(t, func(tr *Trainer) {
		cfg := tinyConfig()
		cfg.HiddenSize, cfg.NumAttentionHeads, cfg.IntermediateSize = 32, 8, 128
		tr.Model, tr.Teacher = bert.New(cfg, seed), bert.New(cfg, 7)
		tr.TrainData, tr.Args.Seed, tr.Args.TargetSparsity = tokenExamples(80, seed), seed, target
		tr.Args.NumTrainEpochs = 3
		if edit != nil {
			edit(tr)
		}
	})
}

// The resolved sparsity is the target, wherever λ starts and however the
// scores lie, after a warm-up of 20 steps.
func TestTargetSparsityIsMet(t *testing.T) {
	for _, structured := range []bool{true, false} {
		for _, target := range []float64{0.1, 0.4, 0.8} {
			for seed := range uint64(2) {
				if testing.Short() && seed > 0 {
					break
				}
				for _, start := range []float64{1e-3, 0.05, 10} {
					t.Run(fmt.Sprintf("%v, seed %d, λ from %v, structured %v", target, seed, start, structured), func(t *testing.T) {
						var e StageEvent
						tr := aimed(t, target, seed, func(tr *Trainer) {
							tr.NNCF.MovementSparsity.ImportanceRegularizationFactor = start
							tr.NNCF.MovementSparsity.EnableStructuredMasking = structured
							tr.OnStage = func(event StageEvent) { e = event }
						})
						mustTrain(t, tr, "")
						s, _ := tr.Statistics()
						if math.Abs(s.LinearLayerSparsity-target) > targetTolerance || e.Stage != PostWarmup {
							t.Errorf("found a sparsity of %v, want %v ± %v", s.LinearLayerSparsity, target, targetTolerance)
						}
						if s.LinearLayerSparsity != e.SparsityAfter || s.Factor != e.Factor || s.Threshold != e.Threshold {
							t.Errorf("statistics %+v differ from the event %+v", s, e)
						}
					})
				}
			}
		}
	}
}

// In a warm-up of 200 steps the controller alone brings the sparsity at the
// final threshold, 0, near the target, from a λ a hundred times lower than
// another.
func TestControllerFollowsTheSchedule(t *testing.T) {
	for _, target := range []float64{0.4, 0.7} {
		for _, start := range []float64{1e-3, 0.1} {
			t.Run(fmt.Sprintf("%v, λ from %v", target, start), func(t *testing.T) {
				var expected float64
				tr := aimed(t, target, 1, func(tr *Trainer) {
					tr.TrainData, tr.Args.LearningRate, tr.NNCF.Quantization = tokenExamples(800, 1), 1e-3, nil
					tr.NNCF.MovementSparsity.ImportanceRegularizationFactor = start
				})
				tr.OnStep = func(p Progress) {
					if p.Stage == InWarmup.String() {
						expected = tr.compression.target.Expected
					}
				}
				mustTrain(t, tr, "")
				if math.Abs(expected-target) > 0.1 {
					t.Errorf("found a sparsity of %v at the final threshold, want %v ± 0.1", expected, target)
				}
			})
		}
	}
}

// Where a head is more than the tolerance, neurons make up for it. Two heads of
// 16 in each of two layers with 64 neurons: a layer has 4·(32·32+32) + 64·32+64 +
// 32·64+32 = 8,416 elements, a head 3·(16·32+16) + 32·16 = 2,096, 12 % of both.
func TestTargetSparsityOfLargeHeads(t *testing.T) {
	own := regexp.MustCompile(`importance_threshold=(\S+) threshold_of_heads=(\S+)`)
	split := 0
	for seed := range uint64(4) {
		for _, target := range []float64{0.2, 0.3, 0.4, 0.5, 0.6} {
			var text bytes.Buffer
			tr := aimed(t, target, seed, func(tr *Trainer) {
				cfg := tr.Model.Config
				cfg.NumAttentionHeads, cfg.IntermediateSize = 2, 64
				tr.Model, tr.Teacher = bert.New(cfg, seed), nil
				tr.NNCF.MovementSparsity.Structures[0].Factors = [2]int{16, 32} // so that a block is more than 2 %, and heads can go
				tr.Log = slog.New(slog.NewTextHandler(&text, nil))
			})
			mustTrain(t, tr, "")
			if s, _ := tr.Statistics(); math.Abs(s.LinearLayerSparsity-target) > targetTolerance {
				t.Errorf("seed %d: found a sparsity of %v, want %v ± %v", seed, s.LinearLayerSparsity, target, targetTolerance)
			}
			m := own.FindStringSubmatch(text.String())
			if m == nil {
				t.Fatalf("found no thresholds in\n%s", text.String())
			}
			split += boolInt(m[1] != m[2])
		}
	}
	if split == 0 {
		t.Error("heads never had a threshold of their own")
	}
}

// Where every unit is more than the tolerance, the nearest sparsity is taken,
// with a warning.
func TestTargetSparsityOfFewUnits(t *testing.T) {
	var text bytes.Buffer
	tr := pruningTrainer(t, func(tr *Trainer) {
		cfg := tinyConfig()
		cfg.NumHiddenLayers, cfg.NumAttentionHeads, cfg.IntermediateSize = 1, 2, 4
		tr.Model, tr.Teacher = bert.New(cfg, 1), nil
		tr.NNCF.MovementSparsity.Structures[0].Factors = [2]int{16, 16}
		tr.Args.TargetSparsity, tr.Args.NumTrainEpochs = 0.45, 3
		tr.Log = slog.New(slog.NewTextHandler(&text, nil))
	})
	mustTrain(t, tr, "")
	// One score for both heads: none or both of them go. Of 4·(16·16+16) +
	// 4·16+4 + 16·4+16 = 1236 elements, the heads are 3·(16·16+16) + 16·16 = 1072,
	// and with the last of them goes the output's bias, 16; a neuron is 16+1+16 = 33.
	s, _ := tr.Statistics()
	removed := math.Round(s.LinearLayerSparsity * 1236)
	if removed != 1088 && removed != 0 && math.Mod(removed, 33) != 0 && removed != 4*33+16 {
		t.Errorf("found %v elements removed", removed)
	}
	if !strings.Contains(text.String(), "target_sparsity: no threshold comes nearer") {
		t.Errorf("found no warning in\n%s", text.String())
	}
}

func TestTargetSparsityErrors(t *testing.T) {
	tests := []struct {
		name string
		edit func(*Trainer)
		want string
	}{
		{"all of it", func(tr *Trainer) { tr.Args.TargetSparsity = 1 }, "below 1"},
		{"negative", func(tr *Trainer) { tr.Args.TargetSparsity = -0.1 }, "at least 0"},
		{"no number", func(tr *Trainer) { tr.Args.TargetSparsity = math.NaN() }, "found NaN"},
		{"no configuration", func(tr *Trainer) { tr.NNCF = nil }, "movement_sparsity"},
		{"quantization alone", func(tr *Trainer) { tr.NNCF.MovementSparsity = nil }, "movement_sparsity"},
		{"nothing to start from", func(tr *Trainer) { tr.NNCF.MovementSparsity.ImportanceRegularizationFactor = 0 }, "importance_regularization_factor 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := aimed(t, 0.4, 1, test.edit).Train(context.Background(), "")
			if err == nil || !strings.Contains(err.Error(), "--target_sparsity") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("found error %v, want one of --target_sparsity with %q", err, test.want)
			}
		})
	}
}

// A model that was trained for a target is evaluated and saved again without
// the flag, with the threshold and the factor that were found.
func TestTargetSparsityIsRestored(t *testing.T) {
	tr := aimed(t, 0.4, 1, nil)
	mustTrain(t, tr, "")
	dir, again := t.TempDir(), t.TempDir()
	if err := tr.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	load := func(target float64) (*Trainer, error) {
		fresh := aimed(t, target, 1, nil)
		return fresh, errors.Join(fresh.Model.Restore(dir), fresh.LoadCompression(dir))
	}
	fresh, err := load(0)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := tr.Statistics()
	if got, _ := fresh.Statistics(); !cmp.Equal(got, want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
	if err := fresh.SaveModel(again); err != nil {
		t.Fatal(err)
	}
	files, err := runFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := runFiles(again); err != nil || !cmp.Equal(files, other) {
		t.Errorf("saved again, the files differ: %v %s", err, cmp.Diff(files, other))
	}
	if _, err := load(0.5); err == nil || !strings.Contains(err.Error(), "target_sparsity: found 0.4, want --target_sparsity = 0.5") {
		t.Errorf("with another target: found error %v", err)
	}
	for _, damage := range []struct{ old, new, want string }{
		{`"threshold"`, `"thresholds"`, "threshold"},
		{`"target_sparsity": {`, `"target": {`, "target"},
	} {
		path := filepath.Join(dir, compressionStateFile)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(data), damage.old, damage.new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := load(0.4); err == nil || !strings.Contains(err.Error(), damage.want) {
			t.Errorf("with %s: found error %v", damage.new, err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The controller by hand, with a λ_max of 0.05 to start from and a target of
// 0.5. Two of eight scores are at the final threshold, 0, or below it: s = 1/4.
// Warm-up is steps 4 to 7, p = 0, 1/4, 1/2 and k = 0, 37/64, 7/8.
//
//	step 4: e = (0 − 0.25)/0.1 < −1;            I = −8/4 = −2
//	step 5: e = (0.2890625 − 0.25)/0.1 = 25/64; I = −2 + 2·25/64 = −1.21875
//	step 6: e = (0.4375 − 0.25)/0.1 > 1;        I = −1.21875 + 2 = 0.78125
func TestControllerByHand(t *testing.T) {
	var o maskedOperand
	o.init("", 8, 1, [2]int{1, 1}, 1)
	copy(o.scores.Data, []float32{-1, 0, 1, 2, 3, 4, 5, 6})
	s := newMovementSchedule(scheduleConfig(1, 2, 4))
	advance(t, s, 1, 4, 1)
	target := &sparsityTarget{&outlook{loose: []looseOperand{{maskedOperand: &o}}}, sparsityTargetState{Target: 0.5}}
	for _, want := range []struct{ k, integral, maximum float64 }{
		{0, -2, 0.05 * math.Exp(-2-2)},
		{37.0 / 64, -1.21875, 0.05 * math.Exp(-1.21875+2*25.0/64)},
		{7.0 / 8, 0.78125, 0.05 * math.Exp(0.78125+2)},
	} {
		factor := target.steer(s)
		for _, v := range []struct {
			name        string
			found, want float64
		}{{"s", target.Expected, 0.25}, {"I", target.Integral, want.integral}, {"λ_max", target.Maximum, want.maximum}, {"λ", factor, want.k * want.maximum}} {
			if math.Abs(v.found-v.want) > 1e-12 {
				t.Errorf("step %d: found %s = %v, want %v", s.CurrentStep, v.name, v.found, v.want)
			}
		}
		s.step()
	}
	// Then λ_max is the mean weighted by k, and the threshold the fourth score,
	// 2: half of the scores are at it or below.
	want := (37.0/64*0.05*math.Exp(-0.4375) + 7.0/8*0.05*math.Exp(2.78125)) / (37.0/64 + 7.0/8)
	if threshold := target.conclude(quiet); threshold != 2 || math.Abs(target.Maximum-want) > 1e-12 {
		t.Errorf("found threshold %v and λ_max %v, want 2 and %v", threshold, target.Maximum, want)
	}
}

// The target is met, to within a unit, with scores of any shape, structured
// masks or not, and with the pooler and the classifier sparsified as well.
func TestTargetSparsityOfAllModes(t *testing.T) {
	fine := SparseStructure{Mode: Fine, Factors: [2]int{1, 1}}
	rows, columns := SparseStructure{Mode: PerDim, Axis: 0}, SparseStructure{Mode: PerDim, Axis: 1}
	block := func(r, c int) SparseStructure { return SparseStructure{Mode: Block, Factors: [2]int{r, c}} }
	for _, test := range []struct {
		name                            string
		attention, intermediate, output SparseStructure
	}{
		{"fine", fine, fine, fine},
		{"blocks", block(8, 16), block(4, 32), block(32, 4)},
		{"blocks narrower than a head", block(2, 32), block(1, 8), block(8, 1)},
		{"rows and columns", block(4, 4), rows, columns},
		{"attention in rows, which makes no group", rows, rows, columns},
		{"the other axes, which make no group", columns, columns, rows},
	} {
		for _, structured := range []bool{true, false} {
			for _, head := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, structured %v, head %v", test.name, structured, head), func(t *testing.T) {
					tr := aimed(t, 0.4, 1, func(tr *Trainer) {
						m := tr.NNCF.MovementSparsity
						m.EnableStructuredMasking, tr.NNCF.Quantization, tr.Teacher = structured, nil, nil
						for i, s := range []SparseStructure{test.attention, test.intermediate, test.output} {
							s.Target = m.Structures[i].Target
							m.Structures[i] = s
						}
						if head {
							m.Ignored = Scopes{"{re}.*LayerNorm.*"}
							m.Structures[1].Target = append(slices.Clone(m.Structures[1].Target), "{re}pooler")
							m.Structures[2].Target = append(slices.Clone(m.Structures[2].Target), "{re}classifier")
							if test.output.Mode == Block { // two labels are fewer than a block's rows
								m.Structures[2].Target = m.Structures[2].Target[:1]
							}
						}
					})
					mustTrain(t, tr, "")
					s, _ := tr.Statistics()
					view := tr.compression.target.outlook
					want := min(0.4, view.sparsity(math.MaxFloat32, math.MaxFloat32)) // 2 % of every tensor's fine scores are in nearly every head
					if want < 0.4 && (test.attention.Mode != Fine || !structured) || math.Abs(s.LinearLayerSparsity-want) > targetTolerance {
						t.Errorf("found a sparsity of %v, want %v ± %v", s.LinearLayerSparsity, want, targetTolerance)
					}
					heads, others := view.thresholds(0.4, targetTolerance)
					if got := view.sparsity(heads, others); math.Abs(got-s.LinearLayerSparsity) > 1e-3 || s.Threshold != float64(others) {
						t.Errorf("foretold %v with threshold %v, found %v with %v", got, others, s.LinearLayerSparsity, s.Threshold)
					}
				})
			}
		}
	}
}
