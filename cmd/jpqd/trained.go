package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-jpqd/jpqd/bert/checkpoint"
	"github.com/go-jpqd/jpqd/jpqd"
	"github.com/go-jpqd/jpqd/jpqd/ir"
	"github.com/go-jpqd/jpqd/jpqd/report"
)

// trained is where a trained model lies: the folder of a run or of a model of
// the hub, or the file of its compressed form, ours or OpenVINO's.
type trained struct {
	console *console
	dir     string // holds the tokenizer
	file    string // the compressed form; "" where the folder has none
	alone   bool   // there is nothing but the file
}

// findTrained finds a model by the name of its folder or file, or by that on the
// hub. Of a run that is not done it is the last checkpoint.
func findTrained(ctx context.Context, c *console, name, cacheDir, revision string) (*trained, error) {
	m := &trained{console: c, dir: name}
	switch info, err := os.Stat(name); {
	case err == nil && !info.IsDir():
		if !strings.HasSuffix(name, ".safetensors") && !isIR(name) {
			return nil, fmt.Errorf("%s is a file, want a model's folder, a %s or an %s", name, jpqd.CompressedFile, ir.XMLName)
		}
		m.dir, m.file, m.alone = filepath.Dir(name), name, true
		return m, nil
	case err == nil:
		if _, err := os.Stat(filepath.Join(name, "config.json")); errors.Is(err, fs.ErrNotExist) {
			newest, err := report.Newest(name)
			if err != nil {
				return nil, err
			}
			if newest != "" {
				m.dir = newest
			}
		}
	default:
		if m.dir, err = resolveFolder(ctx, c, cacheDir, name, revision); err != nil {
			return nil, err
		}
	}
	if file := filepath.Join(m.dir, jpqd.CompressedFile); exists(file) {
		m.file = file
	} else if file := filepath.Join(m.dir, ir.XMLName); exists(file) && !exists(filepath.Join(m.dir, checkpoint.WeightsFile)) {
		m.file, m.alone = file, true // a folder of OpenVINO's
	}
	return m, nil
}

func isIR(path string) bool { return strings.HasSuffix(path, ".xml") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// compressed reads the model as it is deployed.
func (m *trained) compressed() (*jpqd.Compressed, error) {
	if isIR(m.file) {
		return compressedIR(m.file)
	}
	if m.file != "" {
		return jpqd.LoadCompressed(m.file)
	}
	t, err := m.trainer()
	if err != nil {
		return nil, err
	}
	return t.Compressed()
}

// trainer reads the model with its masks and quantizers.
func (m *trained) trainer() (*jpqd.Trainer, error) {
	return jpqd.LoadTrained(m.dir, m.console.log)
}

// oneModel wants one positional argument.
func oneModel(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageErrorf("found %d arguments, want one: a model's folder, its %s or its %s", len(args), jpqd.CompressedFile, ir.XMLName)
	}
	return nil
}
