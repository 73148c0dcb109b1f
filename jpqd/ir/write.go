package ir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/go-jpqd/jpqd/jpqd"
)

// The names of the two files, which runtimes look for in a model's folder.
const (
	XMLName = "openvino_model.xml"
	BinName = "openvino_model.bin"
)

// Options say how a model is written; the zero value is f32 with inputs of any size.
type Options struct {
	// Precision is how weights and biases are stored that are not integers: F32
	// (also "") or F16. What quantizers and normalisations hold stays F32.
	Precision ElementType
	// Batch and Sequence are the fixed sizes of the inputs; 0 leaves one open.
	Batch, Sequence int
}

func (o Options) check(c *jpqd.Compressed) error {
	if o.Precision != "" && o.Precision != F32 && o.Precision != F16 {
		return fmt.Errorf("precision of the IR: found %q, want %s or %s", o.Precision, F32, F16)
	}
	if o.Batch < 0 {
		return fmt.Errorf("batch of the IR: found %d, want a fixed size or 0", o.Batch)
	}
	if most := c.Config.MaxLength(); o.Sequence < 0 || o.Sequence > most {
		return fmt.Errorf("sequence length of the IR: found %d, want 1 to %d, the positions of the model, or 0", o.Sequence, most)
	}
	return nil
}

// Write writes c as OpenVINO IR to the folder dir, which must exist. The files
// depend on nothing but c and o. Both are complete before either gets its name, and
// a model that was there before loses its XML first: whatever interrupts the
// call, the folder never holds layers beside constants of another model.
func Write(dir string, c *jpqd.Compressed, o Options) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("model for OpenVINO IR: %w", err)
	}
	var bin binFile
	graph, err := newEncoder(c, o)
	if err != nil {
		return err
	}
	text, err := graph.document(&bin)
	if err != nil {
		return err
	}
	xmlPath, binPath := filepath.Join(dir, XMLName), filepath.Join(dir, BinName)

	pendingBin, err := pending(binPath, bin.encode)
	if err != nil {
		return err
	}
	defer pendingBin.Cleanup()
	pendingXML, err := pending(xmlPath, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	defer pendingXML.Cleanup()

	if err := os.Remove(xmlPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := pendingBin.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return pendingXML.CloseAtomicallyReplace()
}

// pending writes what is to become the file path, beside it.
func pending(path string, write func(io.Writer) error) (*renameio.PendingFile, error) {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: found a folder, want a file", path)
	}
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	err = write(buffered)
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
