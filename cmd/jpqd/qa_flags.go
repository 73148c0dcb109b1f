package main

import (
	"github.com/spf13/pflag"

	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// qaOptions are the flags of `jpqd qa`, by run_qa.py's names.
type qaOptions struct {
	RunOptions
	SQuAD                   tasks.SQuAD // but for its length, which is MaxSeqLength
	PreprocessingNumWorkers int
}

// registerQAFlags defines the flags with run_qa.py's defaults.
func registerQAFlags(f *pflag.FlagSet, o *qaOptions) {
	registerNames(f)
	registerModelFlags(f, &o.RunOptions)
	registerDataFlags(f, &o.RunOptions, tasks.DefaultSQuAD().MaxSeqLength, "SQuAD .json")
	registerSQuADFlags(f, &o.SQuAD)
	f.IntVar(&o.PreprocessingNumWorkers, "preprocessing_num_workers", 0, "accepted; data is tokenized by every processor")
	registerTrainingFlags(f, &o.RunOptions)
}

// registerSQuADFlags defines the flags of windows and answers.
func registerSQuADFlags(f *pflag.FlagSet, s *tasks.SQuAD) {
	*s = tasks.DefaultSQuAD()
	f.IntVar(&s.DocStride, "doc_stride", s.DocStride, "`tokens` that the windows of a long context share")
	f.IntVar(&s.NBestSize, "n_best_size", s.NBestSize, "answers to consider for a question")
	f.IntVar(&s.MaxAnswerSize, "max_answer_length", s.MaxAnswerSize, "longest answer in `tokens`")
	f.BoolVar(&s.Negatives, "version_2_with_negative", s.Negatives, "some questions have no answer, as in SQuAD 2.0")
	f.Float64Var(&s.NullThreshold, "null_score_diff_threshold", s.NullThreshold, "with --version_2_with_negative: answer with nothing where that scores higher than the best answer by more than this")
}
