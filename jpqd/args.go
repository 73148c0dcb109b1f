package jpqd

import (
	"fmt"
	"strings"
)

// Strategy is when evaluation or saving happens.
type Strategy string

// The values of evaluation_strategy and save_strategy.
const (
	No    Strategy = "no"
	Steps Strategy = "steps"
	Epoch Strategy = "epoch"
)

// TrainingArguments are Hugging Face's, by their names. JSON keys are the flag names.
type TrainingArguments struct {
	OutputDir                 string   `json:"output_dir"`
	PerDeviceTrainBatchSize   int      `json:"per_device_train_batch_size"`
	PerDeviceEvalBatchSize    int      `json:"per_device_eval_batch_size"`
	GradientAccumulationSteps int      `json:"gradient_accumulation_steps"`
	LearningRate              float64  `json:"learning_rate"`
	WeightDecay               float64  `json:"weight_decay"`
	AdamBeta1                 float64  `json:"adam_beta1"`
	AdamBeta2                 float64  `json:"adam_beta2"`
	AdamEpsilon               float64  `json:"adam_epsilon"`
	MaxGradNorm               float64  `json:"max_grad_norm"` // 0: no clipping
	NumTrainEpochs            float64  `json:"num_train_epochs"`
	MaxSteps                  int      `json:"max_steps"`         // above 0: overrides num_train_epochs
	LRSchedulerType           string   `json:"lr_scheduler_type"` // "linear", "constant", "constant_with_warmup"
	WarmupRatio               float64  `json:"warmup_ratio"`
	WarmupSteps               int      `json:"warmup_steps"` // above 0: overrides warmup_ratio
	LoggingSteps              int      `json:"logging_steps"`
	EvaluationStrategy        Strategy `json:"evaluation_strategy"`
	EvalSteps                 int      `json:"eval_steps"` // 0: logging_steps
	SaveStrategy              Strategy `json:"save_strategy"`
	SaveSteps                 int      `json:"save_steps"`
	SaveTotalLimit            int      `json:"save_total_limit"`       // 0: all are kept
	LoadBestModelAtEnd        bool     `json:"load_best_model_at_end"` // of checkpoints whose masks are final
	MetricForBestModel        string   `json:"metric_for_best_model"`  // default "loss"
	GreaterIsBetter           *bool    `json:"greater_is_better"`      // nil: unless the metric's name says "loss"
	Seed                      uint64   `json:"seed"`
	GradientCheckpointing     bool     `json:"gradient_checkpointing"` // bert.Model.GradientCheckpointing
	GroupByLength             bool     `json:"group_by_length"`        // batches of sequences of about one length
	CacheTeacherLogits        bool     `json:"cache_teacher_logits"`   // the teacher sees every example once, not once an epoch
	BF16                      bool     `json:"bf16"`                   // training multiplies in bfloat16: autograd.Tape.BF16. Evaluation does not
	DistillationWeight        float64  `json:"distillation_weight"`
	DistillationTemperature   float64  `json:"distillation_temperature"`

	// TargetSparsity is the linear_layer_sparsity that movement sparsity is to
	// have at the end of warm-up; the regularisation factor that it takes is found
	// during warm-up, starting from that of the NNCF configuration. 0: the
	// configuration's factor stays as it is.
	TargetSparsity float64 `json:"target_sparsity"`
}

// DefaultTrainingArguments are transformers' defaults.
func DefaultTrainingArguments() TrainingArguments {
	return TrainingArguments{
		PerDeviceTrainBatchSize: 8, PerDeviceEvalBatchSize: 8, GradientAccumulationSteps: 1,
		LearningRate: 5e-5, AdamBeta1: 0.9, AdamBeta2: 0.999, AdamEpsilon: 1e-8, MaxGradNorm: 1,
		NumTrainEpochs: 3, MaxSteps: -1, LRSchedulerType: "linear",
		LoggingSteps: 500, EvaluationStrategy: No, SaveStrategy: Steps, SaveSteps: 500,
		Seed: 42, DistillationWeight: 0.5, DistillationTemperature: 2,
	}
}

// maxBatch bounds batch sizes and accumulation, so that their products are ints.
const maxBatch = 1 << 30

// Validate checks every value; errors name the flag, the value found and the one wanted.
func (a *TrainingArguments) Validate() error {
	atLeast := func(flag string, value, least float64) error {
		if !(value >= least) {
			return fmt.Errorf("--%s: found %v, want at least %v", flag, value, least)
		}
		return nil
	}
	within := func(flag string, value, low, high float64) error {
		if !(value >= low && value <= high) {
			return fmt.Errorf("--%s: found %v, want %v to %v", flag, value, low, high)
		}
		return nil
	}
	below1 := func(flag string, value float64) error {
		if !(value >= 0 && value < 1) {
			return fmt.Errorf("--%s: found %v, want at least 0 and below 1", flag, value)
		}
		return nil
	}
	oneOf := func(flag, value string, allowed ...string) error {
		for _, w := range allowed {
			if value == w {
				return nil
			}
		}
		return fmt.Errorf("--%s: found %q, want one of %q", flag, value, allowed)
	}
	for _, err := range []error{
		within("per_device_train_batch_size", float64(a.PerDeviceTrainBatchSize), 1, maxBatch),
		within("per_device_eval_batch_size", float64(a.PerDeviceEvalBatchSize), 1, maxBatch),
		within("gradient_accumulation_steps", float64(a.GradientAccumulationSteps), 1, maxBatch),
		within("learning_rate", a.LearningRate, 0, 1e3),
		within("weight_decay", a.WeightDecay, 0, 1e3),
		below1("adam_beta1", a.AdamBeta1),
		below1("adam_beta2", a.AdamBeta2),
		within("adam_epsilon", a.AdamEpsilon, 0, 1),
		atLeast("max_grad_norm", a.MaxGradNorm, 0),
		within("num_train_epochs", a.NumTrainEpochs, 0, 1e6),
		within("warmup_ratio", a.WarmupRatio, 0, 1),
		atLeast("warmup_steps", float64(a.WarmupSteps), 0),
		atLeast("logging_steps", float64(a.LoggingSteps), 1),
		atLeast("eval_steps", float64(a.EvalSteps), 0),
		atLeast("save_steps", float64(a.SaveSteps), 1),
		atLeast("save_total_limit", float64(a.SaveTotalLimit), 0),
		within("distillation_weight", a.DistillationWeight, 0, 1),
		below1("target_sparsity", a.TargetSparsity),
		within("distillation_temperature", a.DistillationTemperature, 1, 1e6),
		oneOf("lr_scheduler_type", a.LRSchedulerType, "linear", "constant", "constant_with_warmup"),
		oneOf("evaluation_strategy", string(a.EvaluationStrategy), "no", "steps", "epoch"),
		oneOf("save_strategy", string(a.SaveStrategy), "no", "steps", "epoch"),
	} {
		if err != nil {
			return err
		}
	}
	if a.LoadBestModelAtEnd && (a.SaveStrategy != a.EvaluationStrategy || a.SaveStrategy == No) {
		return fmt.Errorf("--load_best_model_at_end: save_strategy is %q and evaluation_strategy %q, want both the same and not \"no\"", a.SaveStrategy, a.EvaluationStrategy)
	}
	if a.LoadBestModelAtEnd && a.SaveStrategy == Steps && a.SaveSteps%max(1, a.evalSteps()) != 0 {
		return fmt.Errorf("--load_best_model_at_end: save_steps is %d, want a multiple of eval_steps = %d", a.SaveSteps, a.evalSteps())
	}
	return nil
}

// bestMetric is the key of metric_for_best_model and whether greater is better.
func (a *TrainingArguments) bestMetric() (key string, greater bool) {
	key = a.MetricForBestModel
	if key == "" {
		key = "loss"
	}
	if !strings.HasPrefix(key, "eval_") {
		key = "eval_" + key
	}
	if a.GreaterIsBetter != nil {
		return key, *a.GreaterIsBetter
	}
	return key, !strings.Contains(key, "loss")
}

// evalSteps is eval_steps with its default.
func (a *TrainingArguments) evalSteps() int {
	if a.EvalSteps > 0 {
		return a.EvalSteps
	}
	return a.LoggingSteps
}
