package jpqd

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

func TestTrainErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(*Trainer)
		want []string
	}{
		{"no examples", func(tr *Trainer) { tr.TrainData = nil }, []string{"examples"}},
		{"label too high", func(tr *Trainer) { tr.TrainData[3].Label = 2 }, []string{"label 2", "0 to 1"}},
		{"label unknown", func(tr *Trainer) { tr.TrainData[3].Label = -1 }, []string{"label -1"}},
		{"token too high", func(tr *Trainer) { tr.TrainData[3].IDs = []int32{1, 24} }, []string{"24", "vocab_size"}},
		{"sequence too long", func(tr *Trainer) { tr.TrainData[3].IDs = make([]int32, 9) }, []string{"9 tokens", "max_position_embeddings"}},
		{"empty sequence", func(tr *Trainer) { tr.TrainData[3].IDs = nil }, []string{"0 tokens"}},
		{"output_dir is a file", func(tr *Trainer) { tr.Args.OutputDir, tr.Args.SaveStrategy, tr.Args.SaveSteps = file, Steps, 1 }, []string{file}},
		{"no output_dir", func(tr *Trainer) { tr.Args.SaveStrategy, tr.Args.SaveSteps = Steps, 1 }, []string{"--output_dir"}},
		{"teacher for answers", func(tr *Trainer) { tr.Teacher = bert.New(answeringConfig(), 1) }, []string{"teacher", "question answering"}},
		{"teacher for classes", func(tr *Trainer) { tr.Teacher, tr.Model = tr.Model, bert.New(answeringConfig(), 1) }, []string{"teacher", "classification"}},
		{"regression of two values", func(tr *Trainer) { tr.Model.Config.ProblemType = "regression" }, []string{"problem_type", "2 labels"}},
		{"teacher of other labels", func(tr *Trainer) {
			cfg := tinyConfig()
			cfg.Labels = []string{"a", "b", "c"}
			tr.Teacher = bert.New(cfg, 1)
		}, []string{"teacher", "3", "2"}},
		{"arguments", func(tr *Trainer) { tr.Args.DistillationWeight = 1.5 }, []string{"--distillation_weight"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := newTrainer(test.edit).Train(context.Background(), "")
			if err == nil {
				t.Fatal("found no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("found %q, want it to name %q", err, want)
				}
			}
		})
	}
}

func TestTrainingTwiceIsAnError(t *testing.T) {
	tr := pruningTrainer(t, nil)
	mustTrain(t, tr, "")
	if _, err := tr.Train(context.Background(), ""); err == nil || !strings.Contains(err.Error(), "new Trainer") {
		t.Errorf("found error %v, want one that asks for a new Trainer", err)
	}
}

func TestLossThatIsNotANumberEndsTheRun(t *testing.T) {
	dir := t.TempDir()
	tr := newTrainer(func(tr *Trainer) {
		tr.Args.OutputDir, tr.Args.SaveStrategy, tr.Args.SaveSteps = dir, Steps, 2
		tr.OnStep = func(p Progress) {
			if p.Step == 3 {
				tr.Model.Classifier.Weight.Data[0] = float32(math.NaN())
			}
		}
	})
	_, err := tr.Train(context.Background(), "")
	if err == nil || !strings.Contains(err.Error(), "NaN") || !strings.Contains(err.Error(), "step 3") {
		t.Errorf("found error %v, want one about NaN at step 3", err)
	}
	if last, err := LastCheckpoint(dir); err != nil || last != filepath.Join(dir, "checkpoint-2") {
		t.Errorf("found last checkpoint %q, %v, want checkpoint-2", last, err)
	}
}

func TestResumeErrors(t *testing.T) {
	whole := resumable(t, 24, 1, 3, func(tr *Trainer) { tr.Args.SaveStrategy, tr.Args.SaveSteps = Steps, 2 })
	mustTrain(t, whole, "")
	source := filepath.Join(whole.Args.OutputDir, "checkpoint-2")
	tests := []struct {
		name   string
		edit   func(*Trainer)
		damage func(t *testing.T, dir string)
		want   []string
	}{
		{"learning rate", func(tr *Trainer) { tr.Args.LearningRate = 1 }, nil, []string{"learning_rate", "1", "0.005"}},
		{"seed", func(tr *Trainer) { tr.Args.Seed = 7 }, nil, []string{"seed"}},
		{"batch size", func(tr *Trainer) { tr.Args.PerDeviceTrainBatchSize = 8 }, nil, []string{"per_device_train_batch_size"}},
		{"steps", func(tr *Trainer) { tr.Args.MaxSteps = 9 }, nil, []string{"max_steps"}},
		{"training data", func(tr *Trainer) { tr.TrainData = tr.TrainData[1:] }, nil, []string{"23", "24", "examples"}},
		{"another model", func(tr *Trainer) {
			cfg := tinyConfig()
			cfg.IntermediateSize = 28
			tr.Model = bert.New(cfg, 1)
		}, nil, []string{"intermediate.dense", "shape"}},
		{"no folder", nil, func(t *testing.T, dir string) { os.RemoveAll(dir) }, []string{"checkpoint-2"}},
		{"no optimizer", nil, func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, optimizerFile)) }, []string{optimizerFile}},
		{"truncated optimizer", nil, func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, optimizerFile)) }, []string{optimizerFile}},
		{"truncated model", nil, func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, "model.safetensors")) }, []string{"model.safetensors"}},
		{"truncated state", nil, func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, trainerStateFile)) }, []string{trainerStateFile}},
		{"no scores", nil, func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, compressionFile)) }, []string{compressionFile}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "checkpoint-2")
			if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			if test.damage != nil {
				test.damage(t, dir)
			}
			_, err := resumable(t, 24, 1, 3, test.edit).Train(context.Background(), dir)
			if err == nil {
				t.Fatal("found no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("found %q, want it to name %q", err, want)
				}
			}
		})
	}
}

// A model has the masks and quantizers of one Trainer, whatever they are on.
func TestModelOfTwoTrainers(t *testing.T) {
	for name, cfg := range map[string]*NNCFConfig{
		"masks and quantizers": tinyNNCF(t, ""),
		"operands alone":       quantizationNNCF(t, `, "target_scopes": ["{re}matmul_0"]`),
		"tables alone":         quantizationNNCF(t, `, "target_scopes": ["{re}word_embeddings"]`),
	} {
		if name != "masks and quantizers" {
			cfg.MovementSparsity = nil
		}
		first := newTrainer(func(tr *Trainer) { tr.NNCF, tr.Args.MaxSteps = cfg, 1 })
		mustTrain(t, first, "")
		want, err := first.Predict(t.Context(), first.EvalData)
		if err != nil {
			t.Fatal(err)
		}
		second := newTrainer(func(tr *Trainer) { tr.Model, tr.NNCF = first.Model, cfg })
		if _, err := second.Train(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "the model: found one that is compressed already") {
			t.Errorf("%s: found error %v", name, err)
		}
		if got, err := first.Predict(t.Context(), first.EvalData); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: the first Trainer's logits have changed: %v", name, err)
		}
	}
}
