package main

import "github.com/spf13/pflag"

// mlmOptions are the flags of `jpqd mlm`, by run_mlm.py's names.
type mlmOptions struct {
	RunOptions
	UseFastTokenizer          bool
	ValidationSplitPercentage int
	PreprocessingNumWorkers   int
	MLMProbability            float64
	WholeWordMask             bool
	LineByLine                bool
	SinusoidalPositions       float64
}

// maxDefaultLength is the longest sequence that run_mlm.py makes where
// --max_seq_length does not ask for more.
const maxDefaultLength = 1024

// registerMLMFlags defines the flags with run_mlm.py's defaults.
func registerMLMFlags(f *pflag.FlagSet, o *mlmOptions) {
	registerNames(f)
	f.StringVar(&o.ModelNameOrPath, "model_name_or_path", "", "`folder` of the model to go on from, whatever its head, or its name on the Hugging Face hub; a folder with config.json and vocab.txt alone starts from random weights")
	f.Float64Var(&o.SinusoidalPositions, "sinusoidal_positions", 0, "begin with position embeddings of sinusoids of this `amplitude`, which are trained like random ones; 0: those of the model. From random ones a small model takes long to find a word's neighbours")
	f.StringVar(&o.ConfigName, "config_name", "", "`folder` or hub name of config.json; without --model_name_or_path, training starts from random weights")
	registerHubFlags(f, &o.RunOptions)
	f.BoolVar(&o.UseFastTokenizer, "use_fast_tokenizer", true, "accepted; there is one tokenizer")
	f.BoolVar(&o.UseAuthToken, "use_auth_token", false, "accepted; the token in HF_TOKEN is sent to the hub wherever it is set")
	registerTextFlags(f, o)
	registerRunFlags(f, &o.RunOptions, false)
}

// registerTextFlags defines the flags of the text and of what is hidden in it.
func registerTextFlags(f *pflag.FlagSet, o *mlmOptions) {
	f.StringVar(&o.DatasetName, "dataset_name", "", "refused: data sets are not downloaded")
	f.StringVar(&o.DatasetConfigName, "dataset_config_name", "", "refused: data sets are not downloaded")
	f.StringVar(&o.TrainFile, "train_file", "", "text to train on, a .txt or .txt.gz `file`")
	f.StringVar(&o.ValidationFile, "validation_file", "", "text to evaluate on, a .txt or .txt.gz `file`; by default the first lines of train_file, which are then not trained on")
	f.IntVar(&o.ValidationSplitPercentage, "validation_split_percentage", 5, "share of train_file's lines, in `percent`, to evaluate on without validation_file")
	f.IntVar(&o.MaxSeqLength, "max_seq_length", 0, "`tokens` of a sequence; 0: as many as the model can have, 1024 at most")
	f.BoolVar(&o.LineByLine, "line_by_line", false, "every line is a sequence; by default the lines are joined and cut into sequences of max_seq_length")
	f.Float64Var(&o.MLMProbability, "mlm_probability", 0.15, "share of the tokens that the model has to tell")
	f.BoolVar(&o.WholeWordMask, "whole_word_mask", false, "hide all pieces of a word or none")
	f.BoolVar(&o.PadToMaxLength, "pad_to_max_length", false, "accepted; batches hold no padding")
	f.BoolVar(&o.OverwriteCache, "overwrite_cache", false, "accepted; tokenized data is not cached")
	f.IntVar(&o.PreprocessingNumWorkers, "preprocessing_num_workers", 0, "accepted; data is tokenized by every processor")
	f.IntVar(&o.MaxTrainSamples, "max_train_samples", -1, "use only the first `n` training sequences")
	f.IntVar(&o.MaxEvalSamples, "max_eval_samples", -1, "use only the first `n` validation sequences")
	o.MaxPredictSamples = -1
}
