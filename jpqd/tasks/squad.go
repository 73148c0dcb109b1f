package tasks

import (
	"fmt"
	"math"
)

// SQuAD says how questions are cut into windows of a model's length, answered
// and scored. The fields are flags of run_qa.py. The way of the data is
//
//	squad := tasks.DefaultSQuAD()
//	questions, err := tasks.ReadSQuAD("dev-v1.1.json")
//	windows, err := squad.Encode(tok, questions)
//	logits, err := trainer.Predict(ctx, windows.Examples)
//	predictions := squad.Predict(windows, logits)
//	metrics := squad.Metrics(questions, predictions)
type SQuAD struct {
	MaxSeqLength  int // max_seq_length: tokens of a window, the question and the special tokens included
	DocStride     int // doc_stride: tokens of the context that a window shares with the one before it
	NBestSize     int // n_best_size: candidates considered and kept for a question
	MaxAnswerSize int // max_answer_length, in tokens

	// Negatives says that questions without an answer are among the rest
	// (version_2_with_negative). Then a question's answer is "" where no
	// answer scores higher than the best by more than NullThreshold
	// (null_score_diff_threshold).
	Negatives     bool
	NullThreshold float64
}

// DefaultSQuAD has run_qa.py's defaults.
func DefaultSQuAD() SQuAD {
	return SQuAD{MaxSeqLength: 384, DocStride: 128, NBestSize: 20, MaxAnswerSize: 30}
}

// Validate checks every value; errors name the flag, the value found and the one wanted.
func (s *SQuAD) Validate() error {
	for _, f := range []struct {
		flag         string
		value, least int
	}{
		{"max_seq_length", s.MaxSeqLength, addedTokens + 2}, // a token of each text
		{"doc_stride", s.DocStride, 0},
		{"n_best_size", s.NBestSize, 1},
		{"max_answer_length", s.MaxAnswerSize, 1},
	} {
		if f.value < f.least {
			return fmt.Errorf("--%s: found %d, want at least %d", f.flag, f.value, f.least)
		}
	}
	if math.IsNaN(s.NullThreshold) {
		return fmt.Errorf("--null_score_diff_threshold: found %v, want a number", s.NullThreshold)
	}
	return nil
}

// addedTokens are those of [CLS] question [SEP] context [SEP].
const addedTokens = 3
