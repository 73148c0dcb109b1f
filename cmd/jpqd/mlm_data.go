package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-jpqd/jpqd/bert/tokenizer"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/tasks"
)

// checkTask finds whether the text was named and the flags of what is hidden
// are right.
func (t *mlmTask) checkTask() error {
	o := t.o
	if o.DatasetName != "" || o.DatasetConfigName != "" {
		return usageErrorf("--dataset_name %s: data sets are not downloaded; save its text, a paragraph a line, and give --train_file", o.DatasetName)
	}
	if o.MaxSeqLength != 0 && o.MaxSeqLength < 3 {
		return errShortSequences(o.MaxSeqLength)
	}
	if !(o.SinusoidalPositions >= 0 && o.SinusoidalPositions <= 10) {
		return usageErrorf("--sinusoidal_positions: found %v, want an amplitude of 0 to 10", o.SinusoidalPositions)
	}
	if !(o.MLMProbability > 0 && o.MLMProbability <= 1) {
		return usageErrorf("--mlm_probability: found %v, want above 0 and at most 1", o.MLMProbability)
	}
	if p := o.ValidationSplitPercentage; p < 0 || p > 99 {
		return usageErrorf("--validation_split_percentage: found %d, want 0 to 99", p)
	}
	for _, s := range t.wantedSplits() {
		path := t.textOf(s)
		if path == "" {
			return usageErrorf("no %s data: give a file with --%s", s, fileFlag(s))
		}
		if name := strings.TrimSuffix(path, ".gz"); filepath.Ext(name) != ".txt" {
			return usageErrorf("--%s: found %q, want a .txt or .txt.gz file", t.textFlag(s), path)
		}
	}
	if o.DoEval && t.isSplit() && o.ValidationSplitPercentage == 0 {
		return usageErrorf("--validation_split_percentage: found 0, want at least 1 to evaluate on, or a --validation_file")
	}
	return nil
}

func (t *mlmTask) evalSplits() []tasks.Split { return []tasks.Split{tasks.Validation} }
func (t *mlmTask) testSplits() []tasks.Split { return nil }

// isSplit says whether the validation data comes from the training file.
func (t *mlmTask) isSplit() bool { return t.o.ValidationFile == "" }

// textFlag is the flag that names the file of a split's lines.
func (t *mlmTask) textFlag(s tasks.Split) string {
	if t.isSplit() {
		return fileFlag(tasks.Train)
	}
	return fileFlag(s)
}

// textOf is that file.
func (t *mlmTask) textOf(s tasks.Split) string {
	if t.isSplit() {
		return t.fileOf(tasks.Train)
	}
	return t.fileOf(s)
}

// readSplit makes sure that the file is there: it is read when the tokenizer is.
func (t *mlmTask) readSplit(s tasks.Split) error {
	f, err := os.Open(t.textOf(s))
	if err != nil {
		return fmt.Errorf("--%s: %w", t.textFlag(s), err)
	}
	return f.Close()
}

// encodeSplit reads a split's text and cuts it into sequences.
func (t *mlmTask) encodeSplit(ctx context.Context, s tasks.Split) ([]jpqd.Example, error) {
	t.masking = t.newMasking(t.tok)
	text, err := t.text(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", t.textFlag(s), err)
	}
	if t.isSplit() {
		// As data sets' train[:5%] rounds.
		validation, train := text.Cut(int(math.RoundToEven(float64(text.Lines()) * float64(t.o.ValidationSplitPercentage) / 100)))
		if text = train; s == tasks.Validation {
			text = validation
		}
	}
	var examples []jpqd.Example
	if t.o.LineByLine {
		examples = text.LineByLine(t.maxSeqLength)
	} else {
		examples = text.Packed(t.maxSeqLength)
	}
	if len(examples) == 0 {
		return nil, fmt.Errorf("--%s: %d lines of %s do not fill one sequence of %d tokens; want more of them, a shorter --max_seq_length, or --line_by_line", t.textFlag(s), text.Lines(), t.textOf(s), t.maxSeqLength)
	}
	return firstOf(t.trainingRun, s, examples), nil
}

// text reads the file of a split, once where two splits come from it.
func (t *mlmTask) text(ctx context.Context, s tasks.Split) (*tasks.Text, error) {
	path := t.textOf(s)
	if text := t.texts[path]; text != nil {
		delete(t.texts, path)
		return text, nil
	}
	start := time.Now()
	text, err := tasks.ReadText(ctx, path, t.tok, t.showReading(path))
	t.console.close()
	if err != nil {
		return nil, err
	}
	t.console.log.Info("tokenized", slog.String("file", path), slog.Int("lines", text.Lines()), slog.Duration("time", time.Since(start)))
	t.texts[path] = text
	return text, nil
}

// readingInterval is how often the log tells how far a file is read.
const readingInterval = 10 * time.Second

// showReading shows a bar on a terminal, and elsewhere a log line now and then.
func (t *mlmTask) showReading(path string) func(tasks.TextProgress) {
	if t.console.terminal {
		bar := newDownload(t.console)
		return func(p tasks.TextProgress) { bar.show("tokenizing "+filepath.Base(path), p.Read, p.Size) }
	}
	last := time.Now()
	return func(p tasks.TextProgress) {
		if time.Since(last) < readingInterval {
			return
		}
		last = time.Now()
		t.console.log.Info("tokenizing", slog.String("file", path), slog.String("read", fmt.Sprintf("%.0f%%", 100*float64(p.Read)/float64(max(1, p.Size)))), slog.Int("tokens", p.Tokens))
	}
}

// newMasking is what the flags hide of a vocabulary.
func (t *mlmTask) newMasking(tok *tokenizer.Tokenizer) *jpqd.Masking {
	n := tok.VocabSize()
	m := &jpqd.Masking{
		Probability: t.o.MLMProbability, WholeWords: t.o.WholeWordMask,
		Mask: tok.MASK(), Vocabulary: n, Special: make([]bool, n), Continues: make([]bool, n),
	}
	for _, id := range []int32{tok.CLS(), tok.SEP(), tok.PAD(), tok.UNK(), tok.MASK()} {
		m.Special[id] = true
	}
	for id, token := range tok.Vocab() {
		m.Continues[id] = strings.HasPrefix(token, "##") && !m.Special[id]
	}
	return m
}
