package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/kernels"
)

// optimizers are the names that transformers' --optim knows. True: jpqd's
// AdamW computes the same.
var optimizers = map[string]bool{
	"adamw_hf": true, "adamw_torch": true, "adamw_torch_fused": true, "adamw_torch_xla": true,
	"adamw_torch_npu_fused": true, "adamw_apex_fused": true,
	"adafactor": false, "adagrad": false, "sgd": false, "rmsprop": false,
	"adamw_anyprecision": false, "adamw_bnb_8bit": false, "adamw_8bit": false,
	"paged_adamw_32bit": false, "paged_adamw_8bit": false,
	"lion_32bit": false, "lion_8bit": false, "paged_lion_32bit": false, "paged_lion_8bit": false,
}

// warnings are the flags that were given and mean nothing here, each with what
// happens instead.
func (o *RunOptions) warnings(flags *pflag.FlagSet) ([]string, error) {
	var all []string
	warn := func(given bool, format string, args ...any) {
		if given {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	same, known := optimizers[o.Optim]
	if !known {
		var names []string
		for name := range optimizers {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, usageErrorf("--optim: unknown optimizer %q, did you mean %q?", o.Optim, nearest(o.Optim, names))
	}
	warn(!same, "--optim %s: AdamW with float32 moments is used instead", o.Optim)
	warn(o.FP16 && kernels.HasBF16(), "--fp16: training multiplies in bfloat16 instead")
	const instead = "this CPU has no products of bfloat16; training computes in float32 instead"
	warn(o.FP16 && !kernels.HasBF16(), "--fp16: %s", instead)
	warn(o.BF16 && !kernels.HasBF16(), "--bf16: %s", instead)
	warn(flags.Changed("use_fast_tokenizer"), "--use_fast_tokenizer: there is one tokenizer; it gives the tokens of the fast one")
	warn(flags.Changed("preprocessing_num_workers"), "--preprocessing_num_workers: data is tokenized by as many threads as there are processors")
	warn(flags.Changed("pad_to_max_length"), "--pad_to_max_length: batches hold no padding either way; results do not depend on it")
	warn(o.OverwriteCache, "--overwrite_cache: tokenized data is not cached, there is nothing to overwrite")
	warn(o.DataloaderNumWorkers != 0, "--dataloader_num_workers: data is tokenized before training, without workers")
	warn(flags.Changed("distillation_weight") && o.TeacherModelNameOrPath == "", "--distillation_weight: without --teacher_model_name_or_path nothing is distilled")
	warn(o.UseAuthToken, "--use_auth_token: the token in the environment variable HF_TOKEN is sent wherever it is set")
	for _, service := range o.reporters() {
		warn(service != "tensorboard", "--report_to %s: only tensorboard event files can be written; nothing is sent", service)
	}
	return all, nil
}

// reporters are the words of --report_to, "none" left out and "all" spelt out.
func (o *RunOptions) reporters() []string {
	var words []string
	for word := range strings.SplitSeq(o.ReportTo, ",") {
		switch word = strings.TrimSpace(word); word {
		case "", "none":
		case "all":
			words = append(words, "tensorboard")
		default:
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
