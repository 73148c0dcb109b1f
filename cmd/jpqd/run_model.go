package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/hub"
)

// loadModels finds and reads the student, its tokenizer and the teacher.
func (r *trainingRun) loadModels(ctx context.Context) error {
	o := r.o
	flag, name := r.source()
	dir, err := r.resolve(ctx, flag, name, o.ModelRevision)
	if err != nil {
		return err
	}
	if r.student, err = r.loadStudent(ctx, dir); err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	if err := r.findCompression(dir); err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	if err := r.loadTokenizer(ctx, "--"+flag, dir, &r.student.Config); err != nil {
		return err
	}
	if o.DoTrain && o.TeacherModelNameOrPath != "" {
		return r.loadTeacher(ctx)
	}
	return nil
}

// source is the flag that says where the student comes from, and its value.
func (r *trainingRun) source() (flag, name string) {
	if r.o.ModelNameOrPath == "" && r.scratch {
		return "config_name", r.o.ConfigName
	}
	return "model_name_or_path", r.o.ModelNameOrPath
}

// loadTokenizer reads the tokenizer, from the model's folder unless the flags
// name another, and chooses how long sequences may be. from is what named the
// folder.
func (r *trainingRun) loadTokenizer(ctx context.Context, from, dir string, model *bert.Config) error {
	var err error
	if r.o.TokenizerName != "" {
		from = "--tokenizer_name"
		if dir, err = r.resolve(ctx, "tokenizer_name", r.o.TokenizerName, r.o.ModelRevision); err != nil {
			return err
		}
	}
	if r.tok, err = tokenizer.Load(dir); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if r.tok.VocabSize() > model.VocabSize {
		return fmt.Errorf("the tokenizer of %s has %d tokens, the model only vocab_size = %d", dir, r.tok.VocabSize(), model.VocabSize)
	}
	r.chooseLength(model)
	return nil
}

// resolve turns a flag's folder or hub name into a folder.
func (r *trainingRun) resolve(ctx context.Context, flag, name, revision string) (string, error) {
	dir, err := resolveFolder(ctx, r.console, r.o.CacheDir, name, revision)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	return dir, nil
}

// resolveFolder turns a folder or hub name into a folder.
func resolveFolder(ctx context.Context, c *console, cacheDir, name, revision string) (string, error) {
	client := hub.NewClient()
	client.Log = c.log
	if c.terminal {
		client.Progress = newDownload(c).show
		defer c.close()
	}
	if cacheDir != "" {
		client.CacheDir = cacheDir
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return "", fmt.Errorf("%s is a file, want the folder that holds the model's files", name)
	}
	dir, err := client.Resolve(ctx, name, revision)
	if err != nil && ctx.Err() == nil && !isDir(name) {
		return "", fmt.Errorf("%w (and there is no folder %q)", err, name)
	}
	return dir, err
}

// loadStudent reads the student and says what of it does not come from its folder.
func (r *trainingRun) loadStudent(ctx context.Context, dir string) (*bert.Model, error) {
	model, report, err := r.task.loadModel(dir)
	if err != nil {
		return nil, err
	}
	switch missing := append(report.Missing, report.Mismatched...); {
	case r.o.ModelNameOrPath == "":
		r.console.log.Info("--config_name alone: training starts from random weights", slog.String("configuration", dir), slog.Uint64("seed", r.o.Seed))
	case len(report.Missing) == len(model.Parameters()) && !r.o.DoTrain:
		r.console.log.Warn("the folder holds no weights: the results are those of random ones", slog.String("model", dir), slog.Uint64("seed", r.o.Seed))
	case len(report.Missing) == len(model.Parameters()):
		r.console.log.Info("the folder holds no weights: training starts from random ones", slog.String("model", dir), slog.Uint64("seed", r.o.Seed))
	case len(missing) > 0:
		slices.Sort(missing)
		r.console.log.Warn("some weights are not in the model's folder and start random; train before you use them", slog.Any("weights", slices.Compact(missing)))
	}
	if len(report.Unexpected) > 0 {
		r.console.log.Info("weights of the model's folder that are not used", slog.Any("weights", report.Unexpected))
	}
	if r.o.ConfigName != "" && r.o.ModelNameOrPath != "" {
		if err := r.applyConfig(ctx, model); err != nil {
			return nil, err
		}
	}
	attrs := []any{slog.String("folder", dir), slog.Int("parameters", model.NumParameters()), slog.Int("layers", model.Config.NumHiddenLayers)}
	if model.Masked == nil {
		attrs = append(attrs, slog.Int("labels", model.Config.NumLabels()))
	}
	r.console.log.Info("model", attrs...)
	return model, nil
}

// isCompressed says whether a folder holds masks and quantizers beside its weights.
func isCompressed(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, jpqd.NNCFConfigFile))
	return err == nil
}

// findCompression prepares the evaluation of a compressed model.
func (r *trainingRun) findCompression(dir string) error {
	switch {
	case !isCompressed(dir):
		return nil
	case r.o.DoTrain:
		r.console.log.Warn("the folder holds a compressed model; training starts from its weights, without masks and quantizers", slog.String("folder", dir))
		return nil
	}
	config, err := jpqd.LoadNNCFConfig(filepath.Join(dir, jpqd.NNCFConfigFile))
	if err != nil {
		return err
	}
	r.nncf, r.compressedDir = config, dir
	return nil
}

// applyConfig takes what does not change a shape (dropout, for one) from the
// configuration that --config_name names.
func (r *trainingRun) applyConfig(ctx context.Context, model *bert.Model) error {
	dir, err := r.resolve(ctx, "config_name", r.o.ConfigName, r.o.ModelRevision)
	if err != nil {
		return err
	}
	config, err := bert.LoadConfig(dir)
	if err != nil {
		return err
	}
	own := &model.Config
	for _, size := range []struct {
		key       string
		got, want int
	}{
		{"vocab_size", config.VocabSize, own.VocabSize},
		{"hidden_size", config.HiddenSize, own.HiddenSize},
		{"num_hidden_layers", config.NumHiddenLayers, own.NumHiddenLayers},
		{"num_attention_heads", config.NumAttentionHeads, own.NumAttentionHeads},
		{"intermediate_size", config.IntermediateSize, own.IntermediateSize},
		{"max_position_embeddings", config.MaxPositionEmbeddings, own.MaxPositionEmbeddings},
		{"type_vocab_size", config.TypeVocabSize, own.TypeVocabSize},
	} {
		if size.got != size.want {
			return fmt.Errorf("--config_name: %s: found %d, want the model's %d", size.key, size.got, size.want)
		}
	}
	if config.LayerNormEps != own.LayerNormEps {
		return fmt.Errorf("--config_name: layer_norm_eps: found %v, want the model's %v", config.LayerNormEps, own.LayerNormEps)
	}
	own.HiddenDropoutProb = config.HiddenDropoutProb
	own.AttentionProbsDropoutProb = config.AttentionProbsDropoutProb
	own.ClassifierDropout = config.ClassifierDropout
	return nil
}

// chooseLength caps --max_seq_length by what tokenizer and model can hold, with a
// warning where it was given.
func (r *trainingRun) chooseLength(model *bert.Config) {
	longest := model.MaxLength()
	if n := r.tok.Config().ModelMaxLength; n > 0 {
		longest = min(longest, n)
	}
	if r.o.MaxSeqLength == 0 { // run_mlm.py's default
		r.maxSeqLength = min(longest, maxDefaultLength)
		return
	}
	r.maxSeqLength = min(r.o.MaxSeqLength, longest)
	if given := r.flags != nil && r.flags.Changed("max_seq_length"); given && r.maxSeqLength < r.o.MaxSeqLength {
		r.console.log.Warn("--max_seq_length is larger than the model's maximum", slog.Int("found", r.o.MaxSeqLength), slog.Int("using", r.maxSeqLength))
	}
}

// loadTeacher reads the teacher and holds it against the student: distillation
// compares the outputs for the same token ids.
func (r *trainingRun) loadTeacher(ctx context.Context) error {
	dir, err := r.resolve(ctx, "teacher_model_name_or_path", r.o.TeacherModelNameOrPath, "")
	if err != nil {
		return err
	}
	if isCompressed(dir) {
		return fmt.Errorf("--teacher_model_name_or_path: %s holds a compressed model, want one in float32", dir)
	}
	answering := r.task.questionAnswering()
	teacher, report, err := bert.Load(dir, bert.LoadOptions{QuestionAnswering: &answering})
	if err != nil {
		return fmt.Errorf("--teacher_model_name_or_path: %w", err)
	}
	if len(report.Missing) > 0 {
		return fmt.Errorf("--teacher_model_name_or_path: %s has no %s: a teacher must be trained already, for this kind of task", dir, report.Missing[0])
	}
	if err := r.task.fitTeacher(teacher); err != nil {
		return fmt.Errorf("--teacher_model_name_or_path: %w", err)
	}
	if err := r.sameVocabulary(dir, teacher); err != nil {
		return fmt.Errorf("--teacher_model_name_or_path: %w", err)
	}
	if c := &teacher.Config; c.MaxLength() < r.maxSeqLength {
		return fmt.Errorf("--teacher_model_name_or_path: found max_position_embeddings = %d, which has room for %d tokens, want at least the --max_seq_length of %d", c.MaxPositionEmbeddings, c.MaxLength(), r.maxSeqLength)
	}
	r.teacher = teacher
	r.console.log.Info("teacher", slog.String("folder", dir), slog.Int("parameters", teacher.NumParameters()), slog.Int("layers", teacher.Config.NumHiddenLayers))
	return nil
}

// sameVocabulary checks that an id is the same token to the teacher as to the student.
func (r *trainingRun) sameVocabulary(dir string, teacher *bert.Model) error {
	if teacher.Config.VocabSize < r.tok.VocabSize() {
		return fmt.Errorf("found vocab_size = %d, want the student's %d tokens", teacher.Config.VocabSize, r.tok.VocabSize())
	}
	if _, err := os.Stat(filepath.Join(dir, "vocab.txt")); errors.Is(err, fs.ErrNotExist) {
		return nil // the size is all there is to compare
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return err
	}
	if !slices.Equal(tok.Vocab(), r.tok.Vocab()) {
		return fmt.Errorf("%s is not the student's vocabulary", filepath.Join(dir, "vocab.txt"))
	}
	return nil
}
