package jpqd

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert"
)

// LoadTrained reads a model that is trained already: the folder of a compressed
// one with its masks and quantizers ([Trainer.LoadCompression]), or any Hugging
// Face folder. log is the trainer's.
func LoadTrained(dir string, log *slog.Logger) (*Trainer, error) {
	config, err := LoadNNCFConfig(filepath.Join(dir, NNCFConfigFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	model, report, err := bert.Load(dir, bert.LoadOptions{})
	if err != nil {
		return nil, err
	}
	if len(report.Missing) > 0 {
		return nil, fmt.Errorf("%s has no %s, want a model that is trained already", dir, report.Missing[0])
	}
	t := &Trainer{Model: model, NNCF: config, Log: log}
	if config == nil {
		return t, nil
	}
	return t, t.LoadCompression(dir)
}

// Unquantized is [Trainer.Compressed] with the weights in float32 and without
// ranges: what pruning alone has left. For a model without quantizers the two
// are the same.
func (t *Trainer) Unquantized() (*Compressed, error) {
	if t.Model.Masked != nil {
		return nil, errMaskedLM
	}
	if err := t.attach(); err != nil {
		return nil, err
	}
	if t.compression != nil {
		for _, q := range t.compression.quantizers {
			defer func(off bool) { q.off = off }(q.off)
			q.off = true
		}
	}
	return compress(t.Model), nil
}
