package jpqd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-jpqd/jpqd/bert"
)

// interruptedRuns are shapes of a run: 24, 18 and 21 examples in batches of 4.
var interruptedRuns = []struct {
	name       string
	examples   int
	accumulate int
	maxSteps   int
}{
	{"6 batches an epoch", 24, 1, -1},
	{"5 batches, the last one short", 18, 1, -1},
	{"6 batches, two to a step", 21, 2, -1},
	{"5 batches, two to a step", 18, 2, -1},
	{"ended within an epoch", 24, 1, 15},
}

// resumable is a run that logs and evaluates often.
func resumable(t *testing.T, examples, accumulate, maxSteps int, edit func(*Trainer)) *Trainer {
	t.Helper()
	return pruningTrainer(t, func(tr *Trainer) {
		tr.TrainData = tokenExamples(examples, 1)
		tr.Args.OutputDir = t.TempDir()
		tr.Args.GradientAccumulationSteps, tr.Args.MaxSteps, tr.Args.LRSchedulerType = accumulate, maxSteps, "linear"
		tr.Args.LoggingSteps, tr.Args.WeightDecay, tr.Args.WarmupSteps = 2, 0.01, 2
		if edit != nil {
			edit(tr)
		}
	})
}

// A run that is interrupted after any step, in every second shape after any
// odd one and with a target sparsity, and resumed ends bit for bit as one that
// is not. Short tests try every fifth.
func TestResumeIsBitEqual(t *testing.T) {
	for i, run := range interruptedRuns {
		t.Run(run.name, func(t *testing.T) {
			edit := func(tr *Trainer) { tr.Args.TargetSparsity = 0.4 * float64(i%2) }
			whole := resumable(t, run.examples, run.accumulate, run.maxSteps, edit)
			steps := mustTrain(t, whole, "").GlobalStep
			want, wantLog := outcome(t, whole), logHistory(t, whole.Args.OutputDir)
			every := 1 + i%2
			if testing.Short() {
				every = 5
			}
			for stop := 1; stop <= steps; stop += every {
				first := resumable(t, run.examples, run.accumulate, run.maxSteps, edit)
				ctx, cancel := context.WithCancel(context.Background())
				first.OnStep = func(p Progress) {
					if p.Step == stop {
						cancel()
					}
				}
				_, err := first.Train(ctx, "")
				if !errors.Is(err, ErrInterrupted) || !errors.Is(err, context.Canceled) {
					t.Fatalf("stopped after step %d: found error %v", stop, err)
				}
				dir, err := LastCheckpoint(first.Args.OutputDir)
				if err != nil || filepath.Base(dir) != fmt.Sprint("checkpoint-", stop) {
					t.Fatalf("stopped after step %d: found checkpoint %q, %v", stop, dir, err)
				}
				second := resumable(t, run.examples, run.accumulate, run.maxSteps, func(tr *Trainer) {
					edit(tr)
					tr.Model = bert.New(tinyConfig(), 99) // everything comes from the checkpoint
				})
				mustTrain(t, second, dir)
				if diff := cmp.Diff(want, outcome(t, second)); diff != "" {
					t.Fatalf("stopped after step %d: the result differs:\n%.2000s", stop, diff)
				}
				if diff := cmp.Diff(wantLog, logHistory(t, second.Args.OutputDir)); diff != "" {
					t.Fatalf("stopped after step %d: the log differs:\n%.2000s", stop, diff)
				}
			}
		})
	}
}

// A killed run resumes from any of its checkpoints: also from one between the
// micro-batches of a step, where an epoch ends within it, and from its last step
// with the last epoch's evaluation still to do.
func TestResumeAfterKill(t *testing.T) {
	runs := []int{0, 3, 4}
	if testing.Short() {
		runs = runs[1:2]
	}
	for _, run := range runs {
		for _, s := range []struct{ evaluate, save Strategy }{{Steps, Steps}, {Epoch, Epoch}, {Epoch, Steps}} {
			run := interruptedRuns[run]
			t.Run(fmt.Sprintf("%s, evaluation by %s, saving by %s", run.name, s.evaluate, s.save), func(t *testing.T) {
				edit := func(tr *Trainer) {
					tr.Args.EvaluationStrategy, tr.Args.EvalSteps, tr.Args.SaveStrategy, tr.Args.SaveSteps = s.evaluate, 3, s.save, 4
				}
				whole := resumable(t, run.examples, run.accumulate, run.maxSteps, edit)
				mustTrain(t, whole, "")
				want, wantLog := outcome(t, whole), logHistory(t, whole.Args.OutputDir)
				steps, err := checkpoints(whole.Args.OutputDir)
				if err != nil || len(steps) == 0 {
					t.Fatal(steps, err)
				}
				for _, step := range steps {
					second := resumable(t, run.examples, run.accumulate, run.maxSteps, edit)
					mustTrain(t, second, filepath.Join(whole.Args.OutputDir, checkpointName(step)))
					if diff := cmp.Diff(want, outcome(t, second)); diff != "" {
						t.Fatalf("checkpoint-%d: the result differs:\n%.1500s", step, diff)
					}
					if diff := cmp.Diff(wantLog, logHistory(t, second.Args.OutputDir)); diff != "" {
						t.Fatalf("checkpoint-%d: the log differs:\n%.1500s", step, diff)
					}
				}
			})
		}
	}
}

// Where and when to write may change.
func TestResumeWithOtherOutput(t *testing.T) {
	whole := resumable(t, 24, 1, 4, func(tr *Trainer) { tr.Args.SaveStrategy, tr.Args.SaveSteps = Steps, 2 })
	mustTrain(t, whole, "")
	second := resumable(t, 24, 1, 4, func(tr *Trainer) {
		tr.Args.LoggingSteps, tr.Args.SaveStrategy, tr.Args.PerDeviceEvalBatchSize = 1, No, 3
	})
	mustTrain(t, second, filepath.Join(whole.Args.OutputDir, "checkpoint-2"))
	if got := len(logHistory(t, second.Args.OutputDir)); got != 4 { // steps 2, 3, 4 and the end
		t.Errorf("found %d entries, want 4", got)
	}
}

func TestLastCheckpoint(t *testing.T) {
	dir := t.TempDir()
	if last, err := LastCheckpoint(filepath.Join(dir, "none")); last != "" || err != nil {
		t.Errorf("of no folder: found %q, %v", last, err)
	}
	if last, err := LastCheckpoint(dir); last != "" || err != nil {
		t.Errorf("of an empty folder: found %q, %v", last, err)
	}
	for _, name := range []string{"checkpoint-9", "checkpoint-10", "checkpoint-100", "checkpoint-abc", "checkpoint-7x", ".tmp-checkpoint-200"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "checkpoint-100" {
			continue // a folder without the file that is written last
		}
		if err := os.WriteFile(filepath.Join(dir, name, trainerStateFile), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if last, err := LastCheckpoint(dir); last != filepath.Join(dir, "checkpoint-10") || err != nil {
		t.Errorf("found %q, %v, want checkpoint-10", last, err)
	}
}

func TestSaveTotalLimit(t *testing.T) {
	tr := resumable(t, 24, 1, 9, func(tr *Trainer) {
		tr.Args.SaveStrategy, tr.Args.SaveSteps, tr.Args.SaveTotalLimit = Steps, 2, 2
	})
	mustTrain(t, tr, "")
	steps, err := checkpoints(tr.Args.OutputDir)
	if err != nil || !cmp.Equal(steps, []int{6, 8}) {
		t.Errorf("found checkpoints %v, %v, want 6 and 8", steps, err)
	}
	entries, err := os.ReadDir(tr.Args.OutputDir)
	if err != nil || len(entries) != 3 {
		t.Errorf("found %v, %v, want two checkpoints and %s", entries, err, trainerStateFile)
	}
}

// bestAt makes the metric best at one step.
func bestAt(tr *Trainer, step int) {
	current := 0
	tr.OnStep = func(p Progress) { current = p.Step }
	tr.Metrics = func([]float32, []Example) map[string]float64 {
		return map[string]float64{"score": float64(boolInt(current == step))}
	}
	a := &tr.Args
	a.LoadBestModelAtEnd, a.MetricForBestModel, a.EvaluationStrategy, a.SaveStrategy = true, "score", Steps, Steps
}

// The best model is that of the checkpoint, in weights, masks, stage and report.
func TestLoadBestModelAtEnd(t *testing.T) {
	for _, best := range []int{16, 20} { // after warm-up
		t.Run(fmt.Sprint(best), func(t *testing.T) {
			tr := resumable(t, 24, 1, -1, func(tr *Trainer) {
				tr.Args.EvalSteps, tr.Args.SaveSteps, tr.Args.SaveTotalLimit = 4, 4, 2
				bestAt(tr, best)
			})
			mustTrain(t, tr, "")
			dir := filepath.Join(tr.Args.OutputDir, checkpointName(best))
			fresh := newTrainer(func(tr *Trainer) { tr.NNCF, tr.Teacher = tinyNNCF(t, ""), bert.New(tinyConfig(), 7) })
			if err := fresh.Model.Restore(dir); err != nil {
				t.Fatal(err)
			}
			if err := fresh.LoadCompression(dir); err != nil {
				t.Fatal(err)
			}
			tr.Metrics = fresh.Metrics
			want, got := outcome(t, fresh), outcome(t, tr)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the model differs from its checkpoint:\n%.1500s", diff)
			}
			out := t.TempDir()
			if err := tr.SaveModel(out); err != nil {
				t.Fatal(err)
			}
			_, wantErr := os.Stat(filepath.Join(dir, "structured_sparsity.csv"))
			if _, err := os.Stat(filepath.Join(out, "structured_sparsity.csv")); (err == nil) != (wantErr == nil) {
				t.Errorf("structured_sparsity.csv: found %v, in the checkpoint %v", err, wantErr)
			}
		})
	}
}

func TestCheckpointKeepsStateKeys(t *testing.T) {
	tr := newTrainer(func(tr *Trainer) { tr.Args.OutputDir = t.TempDir() })
	mustTrain(t, tr, "")
	data, err := os.ReadFile(filepath.Join(tr.Args.OutputDir, trainerStateFile))
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(data, &state); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"best_metric", "epoch", "global_step", "log_history", "max_steps", "num_train_epochs"} {
		if _, ok := state[key]; !ok {
			t.Errorf("found no %q", key)
		}
	}
}

// With one section of a configuration alone, or none, a run trains, is resumed
// from within an epoch bit for bit, saves what it has, and what is loaded from
// there gives the same logits and deploys as what was saved.
func TestSectionsAlone(t *testing.T) {
	for _, test := range []struct {
		name           string
		sparse, quants bool
	}{{"movement sparsity", true, false}, {"quantization", false, true}, {"neither", false, false}} {
		t.Run(test.name, func(t *testing.T) {
			sections := func(tr *Trainer) {
				if !test.sparse {
					tr.NNCF.MovementSparsity = nil
				}
				if !test.quants {
					tr.NNCF.Quantization = nil
				}
				tr.Args.NumTrainEpochs = 3
			}
			saved := func(tr *Trainer) (string, map[string]any) {
				dir := t.TempDir()
				if err := tr.SaveModel(dir); err != nil {
					t.Fatal(err)
				}
				files, err := runFiles(dir)
				if err != nil {
					t.Fatal(err)
				}
				return dir, files
			}
			whole := resumable(t, 24, 1, -1, sections)
			mustTrain(t, whole, "")
			dir, want := saved(whole)
			first := resumable(t, 24, 1, -1, sections)
			ctx, cancel := context.WithCancel(t.Context())
			first.OnStep = func(p Progress) {
				if p.Step == 8 {
					cancel()
				}
			}
			if _, err := first.Train(ctx, ""); !errors.Is(err, ErrInterrupted) {
				t.Fatal(err)
			}
			second := resumable(t, 24, 1, -1, func(tr *Trainer) {
				sections(tr)
				tr.Model = bert.New(tinyConfig(), 99)
			})
			mustTrain(t, second, filepath.Join(first.Args.OutputDir, checkpointName(8)))
			if _, found := saved(second); !cmp.Equal(want, found) {
				t.Errorf("resumed, the files differ:\n%.1000s", cmp.Diff(want, found))
			}
			loaded := resumable(t, 24, 1, -1, func(tr *Trainer) {
				sections(tr)
				tr.Model = bert.New(tinyConfig(), 99)
			})
			if err := errors.Join(loaded.Model.Restore(dir), loaded.LoadCompression(dir)); err != nil {
				t.Fatal(err)
			}
			logits, err := whole.Predict(t.Context(), whole.EvalData)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := loaded.Predict(t.Context(), whole.EvalData); err != nil || !cmp.Equal(logits, again) {
				t.Errorf("loaded, the logits differ: %v", err)
			}
			a, err := whole.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := loaded.Compressed(); err != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("loaded, what is deployed differs: %v", err)
			}
			if err := a.Validate(); err != nil {
				t.Error(err)
			}
			if quantized := a.Layers[0].FFNIn.Weight.I8 != nil || a.Layers[0].FFNIn.Input != nil; quantized != test.quants {
				t.Errorf("found quantizers %v, want %v", quantized, test.quants)
			}
			if _, ok := whole.Statistics(); ok != test.sparse {
				t.Errorf("found statistics %v, want %v", ok, test.sparse)
			}
		})
	}
}

// The loss of a log entry is the mean over the steps since the last one, also
// where a resumed run logs at other steps: after 2, then after 4.
func TestLossOfOtherLoggingSteps(t *testing.T) {
	var losses, logged []float64
	notes := func(tr *Trainer) {
		tr.OnStep = func(p Progress) { losses = append(losses, p.Loss) }
		tr.OnLog = func(e LogEntry) {
			if loss, ok := e["loss"].(float64); ok {
				logged = append(logged, loss)
			}
		}
	}
	first := resumable(t, 24, 1, 4, notes)
	ctx, cancel := context.WithCancel(t.Context())
	step := first.OnStep
	first.OnStep = func(p Progress) {
		if step(p); p.Step == 3 {
			cancel()
		}
	}
	if _, err := first.Train(ctx, ""); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	second := resumable(t, 24, 1, 4, func(tr *Trainer) {
		notes(tr)
		tr.Args.LoggingSteps = 4
	})
	mustTrain(t, second, filepath.Join(first.Args.OutputDir, checkpointName(3)))
	want := []float64{(losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2}
	if len(losses) != 4 || !cmp.Equal(logged, want) {
		t.Errorf("found %v in the log, want %v of %v", logged, want, losses)
	}
}
