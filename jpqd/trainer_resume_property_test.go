package jpqd

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/go-jpqd/jpqd/bert"
)

// runShape is what a run with a random shape is made of.
type runShape struct {
	examples, batch, accumulate                   int
	answers, teacher, quantize, structured, adapt bool
	start, end, target                            float64
	evaluate, save                                Strategy
	every, seed                                   int
}

func drawRunShape(t *rapid.T) runShape {
	strategies := rapid.SampledFrom([]Strategy{No, Steps, Epoch})
	s := runShape{
		examples: rapid.IntRange(5, 16).Draw(t, "examples"), batch: rapid.IntRange(1, 4).Draw(t, "batch"), accumulate: rapid.IntRange(1, 3).Draw(t, "accumulation"),
		answers: rapid.Bool().Draw(t, "question answering"), teacher: rapid.Bool().Draw(t, "teacher"), quantize: rapid.Bool().Draw(t, "quantization"),
		structured: rapid.Bool().Draw(t, "structured"), adapt: rapid.Bool().Draw(t, "steps per epoch in the configuration"),
		start: float64(rapid.IntRange(4, 6).Draw(t, "start")) / 4, target: rapid.SampledFrom([]float64{0, 0.3, 0.6}).Draw(t, "target"),
		evaluate: strategies.Draw(t, "evaluation"), save: strategies.Draw(t, "saving"), every: rapid.IntRange(1, 5).Draw(t, "every"),
		seed: rapid.IntRange(0, 99).Draw(t, "seed"),
	}
	s.end = s.start + float64(rapid.IntRange(1, 4).Draw(t, "length"))/4
	return s
}

// trainer makes the run, with everything that a checkpoint must restore begun
// from model.
func (s runShape) trainer(t testing.TB, dir string, model uint64) *Trainer {
	tr := newTrainer(nil)
	cfg := tinyConfig()
	cfg.NumHiddenLayers = 1
	data := tokenExamples
	if s.answers {
		cfg.Architecture, data, tr.Metrics = "BertForQuestionAnswering", answerExamples, exactAnswers
	}
	tr.Model, tr.TrainData, tr.EvalData = bert.New(cfg, model), data(s.examples, 1), data(3, 2)
	if s.teacher {
		tr.Teacher = bert.New(cfg, 7)
	}
	tr.NNCF = tinyNNCF(t, "")
	m := tr.NNCF.MovementSparsity
	m.WarmupStartEpoch, m.WarmupEndEpoch, m.EnableStructuredMasking = s.start, s.end, s.structured
	batches := (s.examples + s.batch - 1) / s.batch
	if s.adapt {
		m.StepsPerEpoch = (batches + s.accumulate - 1) / s.accumulate
	}
	if s.answers {
		m.Ignored = answeringIgnored
	}
	if !s.quantize {
		tr.NNCF.Quantization = nil
	}
	a := &tr.Args
	a.OutputDir, a.Seed, a.TargetSparsity, a.NumTrainEpochs = dir, uint64(s.seed), s.target, 3
	a.PerDeviceTrainBatchSize, a.GradientAccumulationSteps, a.LRSchedulerType, a.WeightDecay = s.batch, s.accumulate, "linear", 0.01
	a.LoggingSteps, a.EvaluationStrategy, a.EvalSteps, a.SaveStrategy, a.SaveSteps = s.every, s.evaluate, s.every, s.save, s.every
	if s.evaluate == s.save && s.save != No {
		a.LoadBestModelAtEnd = true
	}
	return tr
}

// finishRun saves the trained model beside the checkpoints.
func finishRun(tr *Trainer) error { return tr.SaveModel(filepath.Join(tr.Args.OutputDir, "model")) }

// runFiles is every file of a folder; times are left out, and the folder's name.
func runFiles(dir string) (map[string]any, error) {
	files := map[string]any{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[name] = data
		if filepath.Ext(name) == ".json" {
			var value map[string]any
			if json.Unmarshal([]byte(strings.ReplaceAll(string(data), dir, "DIR")), &value) == nil {
				dropTimes(value)
				files[name] = value
			}
		}
		return nil
	})
	return files, err
}

func dropTimes(value any) {
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			if timing(k) {
				delete(v, k)
			}
			dropTimes(inner)
		}
	case []any:
		for _, inner := range v {
			dropTimes(inner)
		}
	}
}

// A run of any shape that is interrupted after any steps and resumed, by a
// program whose model is another one, leaves every file of an uninterrupted
// one, byte for byte but for times.
func TestResumeIsBitEqualInAnyShape(t *testing.T) {
	outer := t
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue { // each is three runs or more
		checks.Value.Set(map[bool]string{false: "25", true: "5"}[testing.Short()])
		t.Cleanup(func() { checks.Value.Set(checks.DefValue) })
	}
	rapid.Check(t, func(t *rapid.T) {
		shape := drawRunShape(t)
		base := outer.TempDir()
		whole := shape.trainer(outer, filepath.Join(base, "whole"), 1)
		result, err := whole.Train(context.Background(), "")
		if err == nil {
			err = finishRun(whole)
		}
		if err != nil {
			t.Fatal(err)
		}
		stops := rapid.SliceOfNDistinct(rapid.IntRange(1, result.GlobalStep), 1, min(2, result.GlobalStep), rapid.ID[int]).Draw(t, "stops")
		broken := filepath.Join(base, "broken")
		resume := ""
		for _, stop := range append(stops, -1) {
			tr := shape.trainer(outer, broken, uint64(1))
			if resume != "" {
				tr = shape.trainer(outer, broken, 99)
			}
			ctx, cancel := context.WithCancel(context.Background())
			tr.OnStep = func(p Progress) {
				if p.Step == stop {
					cancel()
				}
			}
			_, err := tr.Train(ctx, resume)
			cancel()
			switch {
			case err == nil: // the end, or a stop before the one that was resumed
				err = finishRun(tr)
				stop = -1
			case errors.Is(err, ErrInterrupted):
				resume, err = LastCheckpoint(broken)
			}
			if err != nil {
				t.Fatal(err)
			}
			if stop < 0 {
				break
			}
		}
		want, err := runFiles(filepath.Join(base, "whole"))
		if err != nil {
			t.Fatal(err)
		}
		found, err := runFiles(broken)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) < 6 {
			t.Fatalf("found %d files, want those of a model at least", len(want))
		}
		for name, value := range want {
			if diff := cmp.Diff(value, found[name]); diff != "" {
				t.Fatalf("stopped after %v: %s differs:\n%.1500s", stops, name, diff)
			}
		}
	})
}
