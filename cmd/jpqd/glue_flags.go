package main

import "github.com/spf13/pflag"

// glueOptions are the flags of `jpqd glue`, by run_glue.py's names.
type glueOptions struct {
	RunOptions
	UseFastTokenizer      bool
	IgnoreMismatchedSizes bool
	TaskName              string
	DataDir               string
}

// registerGlueFlags defines the flags with run_glue.py's defaults.
func registerGlueFlags(f *pflag.FlagSet, o *glueOptions) {
	registerNames(f)
	registerModelFlags(f, &o.RunOptions)
	f.BoolVar(&o.UseFastTokenizer, "use_fast_tokenizer", true, "accepted; there is one tokenizer")
	f.BoolVar(&o.IgnoreMismatchedSizes, "ignore_mismatched_sizes", false, "start weights of another shape afresh instead of failing")
	registerTaskFlags(f, o)
	registerDataFlags(f, &o.RunOptions, 128, ".csv, .tsv or .json")
	registerTrainingFlags(f, &o.RunOptions)
}

// registerTaskFlags defines the flags that say which data of GLUE to read.
func registerTaskFlags(f *pflag.FlagSet, o *glueOptions) {
	f.StringVar(&o.TaskName, "task_name", "", "GLUE task: cola, mnli, mrpc, qnli, qqp, rte, sst2, stsb or wnli")
	f.StringVar(&o.DataDir, "data_dir", "", "`folder` with train.tsv, dev.tsv and test.tsv of the task as GLUE distributes them; glue_data/SST-2 (or the like) where there is one")
}
