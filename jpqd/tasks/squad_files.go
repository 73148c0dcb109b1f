package tasks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// WritePredictions writes the files that run_qa.py leaves in its output folder,
// each a JSON object with a key per question, in their order:
// <prefix>_predictions.json the answers, <prefix>_nbest_predictions.json all
// candidates, and with Negatives <prefix>_null_odds.json.
func (s *SQuAD) WritePredictions(dir, prefix string, predictions []Prediction) error {
	files := []struct {
		name  string
		value func(*Prediction) any
	}{
		{"_predictions.json", func(p *Prediction) any { return p.Text }},
		{"_nbest_predictions.json", func(p *Prediction) any { return p.NBest }},
		{"_null_odds.json", func(p *Prediction) any { return p.NullOdds }},
	}
	if !s.Negatives {
		files = files[:2]
	}
	for _, f := range files {
		if err := writeByID(filepath.Join(dir, prefix+f.name), predictions, f.value); err != nil {
			return err
		}
	}
	return nil
}

// writeByID writes an object of the predictions' ids and values, indented by
// four spaces. The file appears whole or not at all.
func writeByID(path string, predictions []Prediction, value func(*Prediction) any) error {
	var compact, indented bytes.Buffer
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	for i := range predictions {
		p := &predictions[i]
		compact.WriteByte("{,"[min(i, 1)])
		v := value(p)
		if odds, ok := v.(float64); ok && (math.IsNaN(odds) || math.IsInf(odds, 0)) {
			return fmt.Errorf("%s: question %.60q: no score from the model's logits, found %v", path, p.ID, odds)
		}
		if err := enc.Encode(p.ID); err != nil {
			return err
		}
		compact.WriteByte(':')
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	if len(predictions) == 0 {
		compact.WriteByte('{')
	}
	compact.WriteByte('}')
	if err := json.Indent(&indented, compact.Bytes(), "", "    "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	return renameio.WriteFile(path, indented.Bytes(), 0o644)
}

// UniqueIDs fails where two questions have the same id: predictions are told
// apart by it.
func UniqueIDs(questions []Question) error {
	seen := make(map[string]bool, len(questions))
	for i := range questions {
		id := questions[i].ID
		if seen[id] {
			return fmt.Errorf("question %d: id %.60q is there already, want one that is not", i, id)
		}
		seen[id] = true
	}
	return nil
}
