package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// loadTrained reads the folder of a trained model as it is deployed, with its
// masks and quantizers where it has them.
func loadTrained(dir string, log *slog.Logger) (*jpqd.Compressed, error) {
	model, report, err := bert.Load(dir, bert.LoadOptions{})
	if err != nil {
		return nil, err
	}
	if len(report.Missing) > 0 {
		return nil, fmt.Errorf("%s has no %s, want a model that is trained already", dir, report.Missing[0])
	}
	t := &jpqd.Trainer{Args: jpqd.DefaultTrainingArguments(), Model: model, Log: log}
	if isCompressed(dir) {
		if t.NNCF, err = jpqd.LoadNNCFConfig(filepath.Join(dir, jpqd.NNCFConfigFile)); err != nil {
			return nil, err
		}
		if err := t.LoadCompression(dir); err != nil {
			return nil, err
		}
	}
	return t.Compressed()
}
