package jpqd

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/go-jpqd/jpqd/bert"
)

// stepConfigs are the published configuration for SST-2 in each stage of its
// schedule, by name of what is measured; what is not among them compresses nothing.
func stepConfigs(b *testing.B) map[string]*NNCFConfig {
	stage := func(start, end float64) *NNCFConfig {
		c, err := LoadNNCFConfig("../configs/bert-base-jpqd-sst2.json")
		if err != nil {
			b.Fatal(err)
		}
		c.MovementSparsity.StepsPerEpoch = 1000
		c.MovementSparsity.WarmupStartEpoch, c.MovementSparsity.WarmupEndEpoch = start, end
		return c
	}
	return map[string]*NNCFConfig{"warmup": stage(0, 2), "final": stage(0, 1e-3), "jpqd": stage(0, 2)}
}

// BenchmarkTrainingStep is one optimizer step of BERT-base on 8 sequences of 128
// tokens: plain, in bfloat16, with scores, masks and quantizers in warm-up, with final
// masks, and as in warm-up with a teacher, which is a BERT-base too. The difference
// is what compression costs; teacher is a forward pass of the teacher alone.
func BenchmarkTrainingStep(b *testing.B) {
	configs := stepConfigs(b)
	for _, name := range []string{"plain", "bf16", "teacher", "warmup", "final", "jpqd"} {
		b.Run(name, func(b *testing.B) {
			args := DefaultTrainingArguments()
			args.BF16 = name == "bf16"
			args.SaveStrategy, args.PerDeviceTrainBatchSize = No, 8
			t := &Trainer{Args: args, Model: bert.New(bert.DefaultConfig(), 1), NNCF: configs[name], Log: slog.New(slog.DiscardHandler)}
			if name == "jpqd" || name == "teacher" {
				t.Teacher = bert.New(bert.DefaultConfig(), 2)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for range 8 {
				ids := make([]int32, 128)
				for i := range ids {
					ids[i] = rng.Int32N(30522)
				}
				t.TrainData = append(t.TrainData, Example{IDs: ids, Label: rng.Int32N(2)})
			}
			r := &run{Trainer: t}
			r.plan()
			if err := r.begin(context.Background(), ""); err != nil {
				b.Fatal(err)
			}
			if err := r.nextEpoch(); err != nil {
				b.Fatal(err)
			}
			step := func() {
				r.state.BatchInEpoch = 0
				if _, err := r.microStep(t.TrainData); err != nil {
					b.Fatal(err)
				}
			}
			step()
			if name == "teacher" {
				step = func() {
					if _, err := r.teach(&r.passes, t.TrainData, nil); err != nil {
						b.Fatal(err)
					}
				}
			}
			step()
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(8*b.N)/b.Elapsed().Seconds(), "sequences/s")
		})
	}
}
