package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd"
)

// parseGlue parses the arguments after `jpqd glue`.
func parseGlue(args ...string) (*glueOptions, *pflag.FlagSet, error) {
	o := &glueOptions{}
	flags := pflag.NewFlagSet("glue", pflag.ContinueOnError)
	registerGlueFlags(flags, o)
	translated, err := translateArgs(flags, args)
	if err != nil {
		return nil, nil, err
	}
	return o, flags, flags.Parse(translated)
}

// defaults are the options of an empty command line, changed by f.
func defaults(f func(*glueOptions)) *glueOptions {
	o, _, err := parseGlue()
	if err != nil {
		panic(err)
	}
	f(o)
	return o
}

// The two command lines of optimum-intel's README for text classification
// (examples/openvino/text-classification, v1.15), `python run_glue.py` and the
// continuation lines left out.
const (
	readmeQAT = `--model_name_or_path bert-base-uncased --task_name sst2
		--output_dir /tmp/qat-bert-base-ft-sst2 --overwrite_output_dir --do_train --do_eval
		--max_seq_length 128 --per_device_train_batch_size 32 --learning_rate 1e-5 --optim adamw_torch
		--num_train_epochs 3 --logging_steps 10 --evaluation_strategy steps --eval_steps 250
		--save_strategy epoch --fp16 --seed 42`
	readmeJPQD = `--model_name_or_path bert-base-uncased --task_name sst2
		--teacher_model_or_path yoshitomo-matsubara/bert-large-uncased-sst2
		--nncf_compression_config ./configs/bert-base-jpqd.json --distillation_weight 0.9
		--output_dir /tmp/jpqd-bert-base-ft-sst2 --overwrite_output_dir --do_train --do_eval
		--max_seq_length 128 --per_device_train_batch_size 32 --learning_rate 2e-5 --optim adamw_torch
		--num_train_epochs 5 --logging_steps 10 --evaluation_strategy steps --eval_steps 250
		--save_strategy epoch --fp16 --seed 42`
)

func TestParseGlueFlags(t *testing.T) {
	yes, no := true, false
	recipe := func(o *glueOptions) {
		o.ModelNameOrPath, o.TaskName = "bert-base-uncased", "sst2"
		o.OverwriteOutputDir, o.DoTrain, o.DoEval, o.FP16 = true, true, true, true
		o.PerDeviceTrainBatchSize, o.LoggingSteps, o.EvalSteps = 32, 10, 250
		o.EvaluationStrategy, o.SaveStrategy = jpqd.Steps, jpqd.Epoch
	}
	for _, test := range []struct {
		name string
		args string
		want *glueOptions
	}{
		{"nothing", "", defaults(func(*glueOptions) {})},
		{"README, quantization-aware training", readmeQAT, defaults(func(o *glueOptions) {
			recipe(o)
			o.OutputDir, o.LearningRate, o.NumTrainEpochs = "/tmp/qat-bert-base-ft-sst2", 1e-5, 3
		})},
		{"README, JPQD", readmeJPQD, defaults(func(o *glueOptions) {
			recipe(o)
			o.OutputDir, o.LearningRate, o.NumTrainEpochs = "/tmp/jpqd-bert-base-ft-sst2", 2e-5, 5
			o.TeacherModelNameOrPath = "yoshitomo-matsubara/bert-large-uncased-sst2"
			o.NNCFCompressionConfig, o.DistillationWeight = "./configs/bert-base-jpqd.json", 0.9
		})},
		{"README, JPQD, the teacher's flag as run_glue.py spells it", strings.ReplaceAll(readmeJPQD, "teacher_model_or_path", "teacher_model_name_or_path"), defaults(func(o *glueOptions) {
			recipe(o)
			o.OutputDir, o.LearningRate, o.NumTrainEpochs = "/tmp/jpqd-bert-base-ft-sst2", 2e-5, 5
			o.TeacherModelNameOrPath = "yoshitomo-matsubara/bert-large-uncased-sst2"
			o.NNCFCompressionConfig, o.DistillationWeight = "./configs/bert-base-jpqd.json", 0.9
		})},
		{"booleans", "--do_train True --do_eval=Y --do_predict yes --fp16 0 --use_fast_tokenizer false --load_best_model_at_end=true --greater_is_better False", defaults(func(o *glueOptions) {
			o.DoTrain, o.DoEval, o.DoPredict, o.LoadBestModelAtEnd = true, true, true, true
			o.UseFastTokenizer, o.GreaterIsBetter = false, &no
		})},
		{"a boolean before a flag and at the end", "--greater_is_better --seed 7 --do_train", defaults(func(o *glueOptions) {
			o.GreaterIsBetter, o.Seed, o.DoTrain = &yes, 7, true
		})},
		{"negated booleans", "--no_pad_to_max_length --no-use-fast-tokenizer", defaults(func(o *glueOptions) {
			o.PadToMaxLength, o.UseFastTokenizer = false, false
		})},
		{"dashes for underscores", "--max-steps -1 --weight-decay=0.01 --do-train", defaults(func(o *glueOptions) {
			o.WeightDecay, o.DoTrain = 0.01, true
		})},
		{"the newer spelling of evaluation_strategy", "--eval_strategy epoch", defaults(func(o *glueOptions) { o.EvaluationStrategy = jpqd.Epoch })},
		{"report_to with several words", "--report_to tensorboard wandb --seed 3", defaults(func(o *glueOptions) {
			o.ReportTo, o.Seed = "tensorboard,wandb", 3
		})},
		{"a word that looks like a boolean belongs to a flag with a value", "--resume_from_checkpoint true --run_name false", defaults(func(o *glueOptions) {
			o.ResumeFromCheckpoint, o.RunName = "true", "false"
		})},
		{"a value that looks like a flag", "--run_name --do_train", defaults(func(o *glueOptions) { o.RunName = "--do_train" })},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := parseGlue(strings.Fields(test.args)...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseGlueJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "args.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"model_name_or_path": "m", "do_train": "yes", "fp16": false, "learning_rate": 2e-05, "num_train_epochs": 5.0,
		"max_steps": -1, "report_to": ["tensorboard", "wandb"], "run_name": null, "eval_strategy": "steps", "greater_is_better": true}`)
	got, flags, err := parseGlue(path)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := defaults(func(o *glueOptions) {
		o.ModelNameOrPath, o.DoTrain, o.LearningRate, o.NumTrainEpochs = "m", true, 2e-5, 5
		o.ReportTo, o.EvaluationStrategy, o.GreaterIsBetter = "tensorboard,wandb", jpqd.Steps, &yes
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The record of a run is a command line itself.
	if err := checkpoint.WriteJSON(path, arguments(flags)); err != nil {
		t.Fatal(err)
	}
	again, _, err := parseGlue(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("training_args.json read as arguments: %s", diff)
	}

	for text, message := range map[string]string{
		`{"max_step": 5}`:         `unknown key "max_step", did you mean "max_steps"`,
		`{"max_steps": {"a": 1}}`: "max_steps: found map",
		`{"max_steps": 5`:         "args.json:1",
		`[1]`:                     "args.json",
	} {
		write(text)
		if _, _, err := parseGlue(path); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: got error %v, want one with %q", text, err, message)
		}
	}
}

func TestCommandLine(t *testing.T) {
	_, flags, err := parseGlue("--model_name_or_path", "it's here", "--do_train", "--fp16=false", "--seed", "7", "--resume_from_checkpoint", "x")
	if err != nil {
		t.Fatal(err)
	}
	const want = `jpqd glue --model_name_or_path 'it'\''s here' --do_train --fp16=false --seed 7`
	if got := commandLine("glue", flags); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWarnings(t *testing.T) {
	for args, want := range map[string]string{
		"--fp16":                        "--fp16",
		"--use_fast_tokenizer False":    "--use_fast_tokenizer: ",
		"--pad_to_max_length":           "--pad_to_max_length: ",
		"--optim adafactor":             "--optim adafactor: AdamW",
		"--optim adamw_hf":              "",
		"--dataloader_num_workers 4":    "--dataloader_num_workers: ",
		"--report_to all":               "",
		"--report_to none":              "",
		"--report_to wandb tensorboard": "--report_to wandb: ",
		"--overwrite_cache":             "--overwrite_cache: ",
		"--use_auth_token":              "--use_auth_token: ",
		"--distillation_weight 0.9":     "--distillation_weight: ",
		"--distillation_weight 0.9 --teacher_model_name_or_path t": "",
		"--fp16 False --overwrite_cache 0":                         "",
	} {
		o, flags, err := parseGlue(strings.Fields(args)...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.warnings(flags)
		if err != nil {
			t.Fatal(err)
		}
		var beginnings []string
		if want != "" {
			beginnings = strings.Split(want, "|")
		}
		if len(got) != len(beginnings) {
			t.Errorf("%s: got warnings %q, want %d", args, got, len(beginnings))
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], beginnings[i]) {
				t.Errorf("%s: got %q, want %q…", args, got[i], beginnings[i])
			}
		}
	}
}
