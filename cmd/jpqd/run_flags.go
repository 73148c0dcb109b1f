package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/jpqd"
)

// RunOptions are the flags that every command which trains has, by the names of
// Hugging Face's scripts.
type RunOptions struct {
	// Model
	ModelNameOrPath        string
	TeacherModelNameOrPath string
	ConfigName             string
	TokenizerName          string
	CacheDir               string
	ModelRevision          string
	UseAuthToken           bool
	NNCFCompressionConfig  string

	// Data
	DatasetName       string
	DatasetConfigName string
	TrainFile         string
	ValidationFile    string
	TestFile          string
	MaxSeqLength      int
	PadToMaxLength    bool
	OverwriteCache    bool
	MaxTrainSamples   int // −1: all
	MaxEvalSamples    int
	MaxPredictSamples int

	// Training
	jpqd.TrainingArguments
	OverwriteOutputDir   bool
	DoTrain              bool
	DoEval               bool
	DoPredict            bool
	LoggingStrategy      string
	ResumeFromCheckpoint string
	Optim                string
	FP16                 bool
	ReportTo             string
	RunName              string
	DataloaderNumWorkers int
}

// aliases are other spellings of flags, each with the name that is used here.
var aliases = map[string]string{
	"eval_strategy":         "evaluation_strategy",        // transformers 4.41 and later
	"teacher_model_or_path": "teacher_model_name_or_path", // the README of the published recipe
}

// registerNames lets flags be written with dashes and by their aliases, and
// listed in the order in which they are defined.
func registerNames(f *pflag.FlagSet) {
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		name = strings.ReplaceAll(name, "-", "_")
		if real, ok := aliases[name]; ok {
			name = real
		}
		return pflag.NormalizedName(name)
	})
	f.SortFlags = false
}

func registerModelFlags(f *pflag.FlagSet, o *RunOptions) {
	f.StringVar(&o.ModelNameOrPath, "model_name_or_path", "", "`folder` of the model to train, or its name on the Hugging Face hub; a folder with config.json and vocab.txt alone starts from random weights")
	f.StringVar(&o.TeacherModelNameOrPath, "teacher_model_name_or_path", "", "`folder` or hub name of the model to distil from")
	f.StringVar(&o.ConfigName, "config_name", "", "`folder` or hub name of config.json, if not the model's")
	registerHubFlags(f, o)
	f.BoolVar(&o.UseAuthToken, "use_auth_token", false, "accepted; the token in HF_TOKEN is sent to the hub wherever it is set")
	f.StringVar(&o.NNCFCompressionConfig, "nncf_compression_config", "", "NNCF configuration `file`; without it the model is fine-tuned, not compressed")
}

// registerHubFlags defines the flags that say where a model's files are.
func registerHubFlags(f *pflag.FlagSet, o *RunOptions) {
	f.StringVar(&o.TokenizerName, "tokenizer_name", "", "`folder` or hub name of the tokenizer, if not the model's")
	f.StringVar(&o.CacheDir, "cache_dir", "", "`folder` for models from the hub")
	f.StringVar(&o.ModelRevision, "model_revision", "main", "branch, tag or commit of the model on the hub")
}

// registerDataFlags defines the flags of the data; files says what kind they are.
func registerDataFlags(f *pflag.FlagSet, o *RunOptions, maxSeqLength int, files string) {
	f.StringVar(&o.DatasetName, "dataset_name", "", "refused: data sets are not downloaded")
	f.StringVar(&o.DatasetConfigName, "dataset_config_name", "", "refused: data sets are not downloaded")
	f.StringVar(&o.TrainFile, "train_file", "", "training data, a "+files+" `file`")
	f.StringVar(&o.ValidationFile, "validation_file", "", "validation data, a "+files+" `file`")
	f.StringVar(&o.TestFile, "test_file", "", "data to predict, a "+files+" `file`")
	f.IntVar(&o.MaxSeqLength, "max_seq_length", maxSeqLength, "longest input of the model in `tokens`")
	f.BoolVar(&o.PadToMaxLength, "pad_to_max_length", true, "accepted; batches hold no padding")
	f.BoolVar(&o.OverwriteCache, "overwrite_cache", false, "accepted; tokenized data is not cached")
	f.IntVar(&o.MaxTrainSamples, "max_train_samples", -1, "use only the first `n` training examples")
	f.IntVar(&o.MaxEvalSamples, "max_eval_samples", -1, "use only the first `n` validation examples")
	f.IntVar(&o.MaxPredictSamples, "max_predict_samples", -1, "use only the first `n` test examples")
}

func registerTrainingFlags(f *pflag.FlagSet, o *RunOptions) {
	registerRunFlags(f, o, true)
	registerDistillationFlags(f, &o.TrainingArguments)
}

// registerRunFlags defines the flags of any training; predicts says whether the
// command has test data.
func registerRunFlags(f *pflag.FlagSet, o *RunOptions, predicts bool) {
	o.TrainingArguments = jpqd.DefaultTrainingArguments()
	f.StringVar(&o.OutputDir, "output_dir", "", "`folder` for checkpoints and results")
	f.BoolVar(&o.OverwriteOutputDir, "overwrite_output_dir", false, "train from scratch into a folder that is not empty; its checkpoints are deleted")
	f.BoolVar(&o.DoTrain, "do_train", false, "train")
	f.BoolVar(&o.DoEval, "do_eval", false, "evaluate on the validation data")
	if predicts {
		f.BoolVar(&o.DoPredict, "do_predict", false, "predict the test data")
	}
	f.StringVar(&o.ResumeFromCheckpoint, "resume_from_checkpoint", "", "checkpoint `folder` to go on from, or true for the last one in output_dir")
	f.StringVar(&o.Optim, "optim", "adamw_torch", "optimizer; every adamw_… is the same AdamW here")
	f.BoolVar(&o.FP16, "fp16", false, "as --bf16")
	f.BoolVar(&o.BF16, "bf16", false, "training multiplies in bfloat16, where the CPU does, and keeps all else in float32")
	f.BoolVar(&o.GroupByLength, "group_by_length", false, "put sequences of about one length into a batch")
	f.BoolVar(&o.CacheTeacherLogits, "cache_teacher_logits", false, "keep the teacher's logits of an epoch for the next ones, which are the same")
	f.BoolVar(&o.GradientCheckpointing, "gradient_checkpointing", false, "keep only the layers' outputs for the backward half and compute the rest once more: less memory, a third more time")
	f.StringVar(&o.ReportTo, "report_to", "none", "tensorboard writes event files below output_dir/runs")
	f.StringVar(&o.RunName, "run_name", "", "name of the run in the report")
	f.IntVar(&o.DataloaderNumWorkers, "dataloader_num_workers", 0, "accepted; data is tokenized before training")
	f.StringVar(&o.LoggingStrategy, "logging_strategy", "steps", "when to log: no, steps or epoch")
	registerScheduleFlags(f, &o.TrainingArguments)
}

func registerScheduleFlags(f *pflag.FlagSet, a *jpqd.TrainingArguments) {
	f.IntVar(&a.PerDeviceTrainBatchSize, "per_device_train_batch_size", a.PerDeviceTrainBatchSize, "sequences in a training batch")
	f.IntVar(&a.PerDeviceEvalBatchSize, "per_device_eval_batch_size", a.PerDeviceEvalBatchSize, "sequences in an evaluation batch")
	f.IntVar(&a.GradientAccumulationSteps, "gradient_accumulation_steps", a.GradientAccumulationSteps, "batches per optimizer step")
	f.Float64Var(&a.LearningRate, "learning_rate", a.LearningRate, "highest learning rate of AdamW")
	f.Float64Var(&a.WeightDecay, "weight_decay", a.WeightDecay, "of AdamW; not applied to biases and norms")
	f.Float64Var(&a.AdamBeta1, "adam_beta1", a.AdamBeta1, "of AdamW")
	f.Float64Var(&a.AdamBeta2, "adam_beta2", a.AdamBeta2, "of AdamW")
	f.Float64Var(&a.AdamEpsilon, "adam_epsilon", a.AdamEpsilon, "of AdamW")
	f.Float64Var(&a.MaxGradNorm, "max_grad_norm", a.MaxGradNorm, "gradients are scaled down to this norm; 0: never")
	f.Float64Var(&a.NumTrainEpochs, "num_train_epochs", a.NumTrainEpochs, "passes over the training data")
	f.IntVar(&a.MaxSteps, "max_steps", a.MaxSteps, "above 0: optimizer steps, in place of num_train_epochs")
	f.StringVar(&a.LRSchedulerType, "lr_scheduler_type", a.LRSchedulerType, "linear, constant or constant_with_warmup")
	f.Float64Var(&a.WarmupRatio, "warmup_ratio", a.WarmupRatio, "share of the steps in which the learning rate rises")
	f.IntVar(&a.WarmupSteps, "warmup_steps", a.WarmupSteps, "above 0: steps in which it rises, in place of warmup_ratio")
	f.IntVar(&a.LoggingSteps, "logging_steps", a.LoggingSteps, "log every so many optimizer steps")
	f.Var((*strategyValue)(&a.EvaluationStrategy), "evaluation_strategy", "when to evaluate while training: no, steps or epoch (also --eval_strategy)")
	f.IntVar(&a.EvalSteps, "eval_steps", a.EvalSteps, "evaluate every so many steps; 0: logging_steps")
	f.Var((*strategyValue)(&a.SaveStrategy), "save_strategy", "when to write a checkpoint: no, steps or epoch")
	f.IntVar(&a.SaveSteps, "save_steps", a.SaveSteps, "write a checkpoint every so many steps")
	f.IntVar(&a.SaveTotalLimit, "save_total_limit", a.SaveTotalLimit, "keep only so many checkpoints; 0: all")
	f.BoolVar(&a.LoadBestModelAtEnd, "load_best_model_at_end", a.LoadBestModelAtEnd, "end with the checkpoint that evaluated best, with pruning of those whose masks are final")
	f.StringVar(&a.MetricForBestModel, "metric_for_best_model", a.MetricForBestModel, "what is best: a metric's name; loss by default")
	f.Var(&optionalBool{&a.GreaterIsBetter}, "greater_is_better", "whether a higher metric_for_best_model is better; by default unless it is a loss")
	f.Lookup("greater_is_better").NoOptDefVal = "true"
	f.Uint64Var(&a.Seed, "seed", a.Seed, "of the random numbers")
}

func registerDistillationFlags(f *pflag.FlagSet, a *jpqd.TrainingArguments) {
	f.Float64Var(&a.DistillationWeight, "distillation_weight", a.DistillationWeight, "share of the distillation loss, 0 to 1")
	f.Float64Var(&a.DistillationTemperature, "distillation_temperature", a.DistillationTemperature, "temperature of the distillation loss, at least 1")
	f.Float64Var(&a.TargetSparsity, "target_sparsity", a.TargetSparsity, "share of the pruned layers' weights to remove, below 1: the regularisation factor is found during warm-up; 0: it is the NNCF configuration's")
}

// strategyValue is a flag of type [jpqd.Strategy]; the values are checked with
// the other arguments.
type strategyValue jpqd.Strategy

func (s *strategyValue) String() string { return string(*s) }
func (s *strategyValue) Type() string   { return "string" }
func (s *strategyValue) Set(word string) error {
	*s = strategyValue(word)
	return nil
}

// optionalBool is a boolean flag that tells "not given" from false.
type optionalBool struct{ value **bool }

func (b *optionalBool) Type() string { return "bool" }
func (b *optionalBool) String() string {
	if b.value == nil || *b.value == nil {
		return ""
	}
	return strconv.FormatBool(**b.value)
}

func (b *optionalBool) Set(word string) error {
	v, err := strconv.ParseBool(word)
	if err != nil {
		return fmt.Errorf("found %q, want true or false", word)
	}
	*b.value = &v
	return nil
}

// arguments is every flag with its value, as training_args.json records them.
// The record is itself a command line, as in jpqd glue training_args.json.
func arguments(f *pflag.FlagSet) map[string]any {
	all := map[string]any{}
	f.VisitAll(func(flag *pflag.Flag) {
		word := flag.Value.String()
		var value any = word
		switch {
		case flag.Name == "help":
			return
		case word == "":
			value = nil
		case flag.Value.Type() == "bool":
			value = word == "true"
		case flag.Value.Type() != "string":
			if number, err := strconv.ParseFloat(word, 64); err == nil {
				value = number
			}
		}
		all[flag.Name] = value
	})
	return all
}
