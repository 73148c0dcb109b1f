package jpqd

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

func TestRegressionLearns(t *testing.T) {
	tr := newTrainer(func(tr *Trainer) {
		cfg := tinyConfig()
		cfg.Labels = []string{"LABEL_0"}
		tr.Model, tr.Metrics, tr.Args.NumTrainEpochs = bert.New(cfg, 1), nil, 20
		for _, data := range [][]Example{tr.TrainData, tr.EvalData} {
			for i := range data {
				data[i].Target = 2*float32(data[i].Label) - 1
			}
		}
	})
	mustTrain(t, tr, "")
	if got := mustEvaluate(t, tr)["eval_loss"]; got > 0.2 {
		t.Errorf("found a mean squared error of %v, want at most 0.2", got)
	}
}

// total = (1−w)·task + w·KD + L_reg, computed again from logits and scores.
func TestLossArithmetic(t *testing.T) {
	for _, test := range []struct {
		name           string
		teacher, prune bool
		weight, heat   float64
	}{
		{"task alone", false, false, 0.9, 2},
		{"distillation", true, false, 0.9, 2},
		{"all of it", true, true, 0.3, 5},
		{"no teacher", false, true, 0.5, 2},
		{"teacher alone", true, false, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := newTrainer(func(tr *Trainer) {
				tr.Args.DistillationWeight, tr.Args.DistillationTemperature, tr.Args.PerDeviceEvalBatchSize = test.weight, test.heat, 5
				if test.prune {
					tr.NNCF = tinyNNCF(t, "")
				}
			})
			logits, err := tr.Predict(context.Background(), tr.EvalData)
			if err != nil {
				t.Fatal(err)
			}
			regularisation := 0.0
			if test.prune {
				if err := tr.attach(); err != nil {
					t.Fatal(err)
				}
				clear(tr.Model.Layers[0].Query.Weight.Data) // Predict now sees quantizers
				if logits, err = tr.Predict(context.Background(), tr.EvalData); err != nil {
					t.Fatal(err)
				}
				tr.compression.loss.factor = 0.05
				regularisation = 0.05 * (4*(0.5*16+0.5*4) + (0.5*16 + 0.5) + (0.5*16 + 0.5*16)) / 2 / 6
			}
			var wanted []float32
			if test.teacher {
				tr.Teacher = bert.New(tinyConfig(), 7)
				if wanted, err = (&Trainer{Args: tr.Args, Model: tr.Teacher}).Predict(context.Background(), tr.EvalData); err != nil {
					t.Fatal(err)
				}
			}
			task, divergence := 0.0, 0.0
			for i, e := range tr.EvalData {
				row := logits[2*i : 2*i+2]
				task -= logSoftmax(row, 1)[e.Label] / 12
				if test.teacher {
					ps, pt := logSoftmax(row, test.heat), logSoftmax(wanted[2*i:2*i+2], test.heat)
					for c := range pt {
						divergence += test.heat * test.heat * math.Exp(pt[c]) * (pt[c] - ps[c]) / 12
					}
				}
			}
			total := task + regularisation
			if test.teacher {
				total = (1-test.weight)*task + test.weight*divergence + regularisation
			}
			want := map[string]float64{"eval_loss": total, "eval_task_loss": task}
			if test.teacher {
				want["eval_distillation_loss"] = divergence
			}
			if test.prune {
				want["eval_compression_loss"], want["eval_loss_without_compression"] = regularisation, total-regularisation
			}
			checkLosses(t, mustEvaluate(t, tr), want)
		})
	}
}

func logSoftmax(x []float32, temperature float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) / temperature)
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)/temperature - math.Log(sum)
	}
	return y
}

// checkLosses compares every loss of an evaluation.
func checkLosses(t *testing.T, metrics, want map[string]float64) {
	t.Helper()
	for key, found := range metrics {
		if w, ok := want[key]; strings.Contains(key, "loss") && (!ok || math.Abs(found-w) > 1e-5) {
			t.Errorf("%s: found %v, want %v", key, found, w)
		}
	}
	for key, w := range want {
		if _, ok := metrics[key]; !ok {
			t.Errorf("%s: found none, want %v", key, w)
		}
	}
}

// answeringConfig is tinyConfig with a question-answering head.
func answeringConfig() bert.Config {
	c := tinyConfig()
	c.Architecture = "BertForQuestionAnswering"
	return c
}

// answeringIgnored are the published configuration's ignored scopes for SQuAD.
var answeringIgnored = Scopes{"{re}.*NNCFEmbedding.*", "{re}.*qa_outputs.*", "{re}.*LayerNorm.*"}

// answerExamples are sequences of random tokens with the answer between the
// tokens 3 and 4.
func answerExamples(n int, seed uint64) []Example {
	examples := tokenExamples(n, seed)
	for i := range examples {
		e := &examples[i]
		e.Start = 1 + int32(i)%int32(len(e.IDs)-2)
		e.End = min(e.Start+int32(i)%2, int32(len(e.IDs)-2))
		for j, id := range e.IDs {
			if id == 3 || id == 4 {
				e.IDs[j] = 5
			}
		}
		e.IDs[e.Start] = 3
		if e.End > e.Start {
			e.IDs[e.End] = 4
		}
	}
	return examples
}

// exactAnswers is the share of examples whose start and end have the highest logits.
func exactAnswers(logits []float32, examples []Example) map[string]float64 {
	right, row := 0, 0
	for _, e := range examples {
		best := [2]int{row, row}
		for r := row; r < row+len(e.IDs); r++ {
			for c := range best {
				if logits[2*r+c] > logits[2*best[c]+c] {
					best[c] = r
				}
			}
		}
		right += boolInt(best[0]-row == int(e.Start) && best[1]-row == int(e.End))
		row += len(e.IDs)
	}
	return map[string]float64{"exact_match": float64(right) / float64(len(examples))}
}

// answering makes a trainer of question answering out of newTrainer's.
func answering(tr *Trainer) {
	tr.Model, tr.Metrics = bert.New(answeringConfig(), 1), exactAnswers
	tr.TrainData, tr.EvalData = answerExamples(24, 1), answerExamples(12, 2)
	if tr.Teacher != nil {
		tr.Teacher = bert.New(answeringConfig(), 7)
	}
}

func TestQuestionAnsweringLearns(t *testing.T) {
	tr := newTrainer(func(tr *Trainer) {
		answering(tr)
		tr.TrainData, tr.Args.NumTrainEpochs = answerExamples(96, 3), 12
	})
	before := mustEvaluate(t, tr)
	mustTrain(t, tr, "")
	after := mustEvaluate(t, tr)
	if after["eval_exact_match"] < 0.9 || after["eval_loss"] > before["eval_loss"]/2 {
		t.Errorf("found exact match %v and loss %v, before %v and %v", after["eval_exact_match"], after["eval_loss"], before["eval_exact_match"], before["eval_loss"])
	}
}

// The losses of question answering, computed again from logits: positions
// outside of their sequence do not count, and the regularisation counts once,
// with a teacher and without.
func TestQuestionAnsweringLossArithmetic(t *testing.T) {
	for _, teacher := range []bool{false, true} {
		tr := newTrainer(answering)
		tr.Args.PerDeviceEvalBatchSize, tr.Args.DistillationWeight, tr.Args.DistillationTemperature = 12, 0.3, 3
		tr.EvalData[2].Start, tr.EvalData[5].End, tr.EvalData[7].Start = -100, 100, int32(len(tr.EvalData[7].IDs))
		tr.NNCF = tinyNNCF(t, "")
		tr.NNCF.Quantization = nil
		tr.NNCF.MovementSparsity.Ignored = answeringIgnored
		if err := tr.attach(); err != nil {
			t.Fatal(err)
		}
		tr.compression.loss.factor = 0.05
		// Four attention weights, FFN in and out of a layer, as in TestLossArithmetic.
		regularisation := 0.05 * (4*(0.5*16+0.5*4) + (0.5*16 + 0.5) + (0.5*16 + 0.5*16)) / 2 / 6
		logits, err := tr.Predict(context.Background(), tr.EvalData)
		if err != nil {
			t.Fatal(err)
		}
		wanted, err := (&Trainer{Args: tr.Args, Model: bert.New(answeringConfig(), 7)}).Predict(context.Background(), tr.EvalData)
		if err != nil {
			t.Fatal(err)
		}
		if teacher {
			tr.Teacher = bert.New(answeringConfig(), 7)
		}
		task, divergence, counted, row := [2]float64{}, 0.0, [2]float64{}, 0
		for _, e := range tr.EvalData {
			for c, at := range []int32{e.Start, e.End} {
				var student, master []float32
				for r := row; r < row+len(e.IDs); r++ {
					student, master = append(student, logits[2*r+c]), append(master, wanted[2*r+c])
				}
				if at >= 0 && int(at) < len(e.IDs) {
					task[c] -= logSoftmax(student, 1)[at]
					counted[c]++
				}
				ps, pt := logSoftmax(student, 3), logSoftmax(master, 3)
				for i := range pt {
					divergence += 9 * math.Exp(pt[i]) * (pt[i] - ps[i]) / 12 / 2
				}
			}
			row += len(e.IDs)
		}
		if counted != [2]float64{10, 11} {
			t.Fatalf("found %v positions to count, want 10 and 11", counted)
		}
		mean := (task[0]/10 + task[1]/11) / 2
		want := map[string]float64{
			"eval_loss": mean + regularisation, "eval_task_loss": mean,
			"eval_compression_loss": regularisation, "eval_loss_without_compression": mean,
		}
		if teacher {
			want["eval_distillation_loss"], want["eval_loss_without_compression"] = divergence, 0.7*mean+0.3*divergence
			want["eval_loss"] = want["eval_loss_without_compression"] + regularisation
		}
		checkLosses(t, mustEvaluate(t, tr), want)
	}
}

// A regression's distillation is the mean squared error from the teacher's output.
func TestRegressionLossArithmetic(t *testing.T) {
	cfg := tinyConfig()
	cfg.Labels = []string{"LABEL_0"}
	tr := newTrainer(func(tr *Trainer) {
		tr.Model, tr.Teacher, tr.Metrics = bert.New(cfg, 1), bert.New(cfg, 7), nil
		tr.Args.DistillationWeight, tr.Args.PerDeviceEvalBatchSize = 0.9, 5
		for i := range tr.EvalData {
			tr.EvalData[i].Target = float32(i)
		}
	})
	student, err := tr.Predict(context.Background(), tr.EvalData)
	if err != nil {
		t.Fatal(err)
	}
	teacher, err := (&Trainer{Args: tr.Args, Model: tr.Teacher}).Predict(context.Background(), tr.EvalData)
	if err != nil {
		t.Fatal(err)
	}
	task, distillation := 0.0, 0.0
	for i, v := range student {
		task += math.Pow(float64(v)-float64(i), 2) / 12
		distillation += math.Pow(float64(v-teacher[i]), 2) / 12
	}
	checkLosses(t, mustEvaluate(t, tr), map[string]float64{
		"eval_loss": 0.1*task + 0.9*distillation, "eval_task_loss": task, "eval_distillation_loss": distillation,
	})
}
