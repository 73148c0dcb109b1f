package onnx

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/go-jpqd/jpqd/bert"
	"github.com/go-jpqd/jpqd/jpqd"
)

// Name is the name of the file, which Optimum looks for in a model's folder.
const Name = "model.onnx"

// Options are the sizes of the model's inputs.
type Options struct {
	Batch    int // sequences; 0: any number, batch_size
	Sequence int // tokens of each; 0: any number, sequence_length
}

// Write writes c as ONNX to the folder dir, which must exist. The file depends
// on nothing but c and o; it is complete before it gets its name, and what bore
// the name before stays until then. A model of more than 2 GiB is refused.
func Write(dir string, c *jpqd.Compressed, o Options) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("model for ONNX: %w", err)
	}
	if err := o.check(&c.Config); err != nil {
		return fmt.Errorf("model for ONNX: %w", err)
	}
	graph, err := newEncoder(c, o)
	if err != nil {
		return err
	}
	pieces, err := graph.pieces()
	if err != nil {
		return err
	}
	file, err := pending(filepath.Join(dir, Name), pieces)
	if err != nil {
		return err
	}
	defer file.Cleanup()
	return file.CloseAtomicallyReplace()
}

func (o *Options) check(c *bert.Config) error {
	if o.Batch < 0 {
		return fmt.Errorf("Options.Batch: found %d, want 0 or more sequences", o.Batch)
	}
	if o.Sequence < 0 || o.Sequence > c.MaxLength() {
		return fmt.Errorf("Options.Sequence: found %d, want 0 to %d tokens", o.Sequence, c.MaxLength())
	}
	return nil
}

// pending writes what is to become the file path, beside it.
func pending(path string, pieces []piece) (*renameio.PendingFile, error) {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: found a folder, want a file", path)
	}
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	err = encode(buffered, pieces)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = file.Sync() // a disk that is full may say so only now
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Cleanup())
	}
	return file, nil
}
