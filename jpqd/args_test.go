package jpqd

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestDefaultTrainingArguments(t *testing.T) {
	a := DefaultTrainingArguments()
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]any
	if err := json.Unmarshal(data, &found); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]any{
		"per_device_train_batch_size": 8.0, "per_device_eval_batch_size": 8.0, "gradient_accumulation_steps": 1.0,
		"learning_rate": 5e-5, "weight_decay": 0.0, "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8,
		"max_grad_norm": 1.0, "num_train_epochs": 3.0, "max_steps": -1.0, "lr_scheduler_type": "linear",
		"warmup_ratio": 0.0, "warmup_steps": 0.0, "logging_steps": 500.0, "evaluation_strategy": "no", "save_strategy": "steps",
		"save_steps": 500.0, "save_total_limit": 0.0, "load_best_model_at_end": false, "seed": 42.0,
		"distillation_weight": 0.5, "distillation_temperature": 2.0,
	} {
		if found[flag] != want {
			t.Errorf("%s: found %v, want %v", flag, found[flag], want)
		}
	}
}

func TestValidateArguments(t *testing.T) {
	best := func(a *TrainingArguments) {
		a.LoadBestModelAtEnd, a.EvaluationStrategy, a.SaveStrategy, a.EvalSteps, a.SaveSteps = true, Steps, Steps, 50, 100
	}
	tests := []struct {
		name string
		edit func(*TrainingArguments)
		want string // the flag in the error; "" for none
	}{
		{"smallest batch", func(a *TrainingArguments) { a.PerDeviceTrainBatchSize = 1 }, ""},
		{"no batch", func(a *TrainingArguments) { a.PerDeviceTrainBatchSize = 0 }, "--per_device_train_batch_size"},
		{"endless batch", func(a *TrainingArguments) { a.PerDeviceTrainBatchSize = math.MaxInt }, "--per_device_train_batch_size"},
		{"no evaluation batch", func(a *TrainingArguments) { a.PerDeviceEvalBatchSize = 0 }, "--per_device_eval_batch_size"},
		{"no accumulation", func(a *TrainingArguments) { a.GradientAccumulationSteps = 0 }, "--gradient_accumulation_steps"},
		{"negative rate", func(a *TrainingArguments) { a.LearningRate = -1e-5 }, "--learning_rate"},
		{"rate not a number", func(a *TrainingArguments) { a.LearningRate = math.NaN() }, "--learning_rate"},
		{"negative decay", func(a *TrainingArguments) { a.WeightDecay = -1 }, "--weight_decay"},
		{"beta above one", func(a *TrainingArguments) { a.AdamBeta1 = 1.1 }, "--adam_beta1"},
		{"beta of one", func(a *TrainingArguments) { a.AdamBeta2 = 1 }, "--adam_beta2"},
		{"no clipping", func(a *TrainingArguments) { a.MaxGradNorm = 0 }, ""},
		{"negative clipping", func(a *TrainingArguments) { a.MaxGradNorm = -1 }, "--max_grad_norm"},
		{"part of an epoch", func(a *TrainingArguments) { a.NumTrainEpochs = 0.5 }, ""},
		{"infinite epochs", func(a *TrainingArguments) { a.NumTrainEpochs = math.Inf(1) }, "--num_train_epochs"},
		{"scheduler", func(a *TrainingArguments) { a.LRSchedulerType = "cosine" }, "--lr_scheduler_type"},
		{"warm-up ratio", func(a *TrainingArguments) { a.WarmupRatio = 1.5 }, "--warmup_ratio"},
		{"warm-up steps", func(a *TrainingArguments) { a.WarmupSteps = -1 }, "--warmup_steps"},
		{"no logging steps", func(a *TrainingArguments) { a.LoggingSteps = 0 }, "--logging_steps"},
		{"evaluation strategy", func(a *TrainingArguments) { a.EvaluationStrategy = "never" }, "--evaluation_strategy"},
		{"save strategy", func(a *TrainingArguments) { a.SaveStrategy = "" }, "--save_strategy"},
		{"no save steps", func(a *TrainingArguments) { a.SaveSteps = 0 }, "--save_steps"},
		{"negative limit", func(a *TrainingArguments) { a.SaveTotalLimit = -1 }, "--save_total_limit"},
		{"weights of distillation", func(a *TrainingArguments) { a.DistillationWeight = 1 }, ""},
		{"weight above one", func(a *TrainingArguments) { a.DistillationWeight = 1.01 }, "--distillation_weight"},
		{"negative weight", func(a *TrainingArguments) { a.DistillationWeight = -0.1 }, "--distillation_weight"},
		{"weight not a number", func(a *TrainingArguments) { a.DistillationWeight = math.NaN() }, "--distillation_weight"},
		{"temperature of one", func(a *TrainingArguments) { a.DistillationTemperature = 1 }, ""},
		{"temperature below one", func(a *TrainingArguments) { a.DistillationTemperature = 0.99 }, "--distillation_temperature"},
		{"best model", best, ""},
		{"best model without evaluation", func(a *TrainingArguments) { best(a); a.EvaluationStrategy = No }, "--load_best_model_at_end"},
		{"best model between evaluations", func(a *TrainingArguments) { best(a); a.SaveSteps = 75 }, "--load_best_model_at_end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := DefaultTrainingArguments()
			test.edit(&a)
			err := a.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("found error %q", err)
			case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want+":") || !strings.Contains(err.Error(), "want")):
				t.Errorf("found error %v, want one that begins with %s and says what is wanted", err, test.want)
			}
		})
	}
}

func TestBestMetric(t *testing.T) {
	tests := []struct {
		metric  string
		greater *bool
		key     string
		want    bool
	}{
		{"", nil, "eval_loss", false},
		{"loss", nil, "eval_loss", false},
		{"eval_task_loss", nil, "eval_task_loss", false},
		{"loss_without_compression", nil, "eval_loss_without_compression", false},
		{"accuracy", nil, "eval_accuracy", true},
		{"eval_f1", nil, "eval_f1", true},
		{"perplexity", pointerTo(false), "eval_perplexity", false},
	}
	for _, test := range tests {
		a := TrainingArguments{MetricForBestModel: test.metric, GreaterIsBetter: test.greater}
		if key, greater := a.bestMetric(); key != test.key || greater != test.want {
			t.Errorf("%q: found %s, %v, want %s, %v", test.metric, key, greater, test.key, test.want)
		}
	}
}
