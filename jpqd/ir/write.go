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

// Write writes c as OpenVINO IR to the folder dir, which must exist. The files
// depend on nothing but c. Both are complete before either gets its name, and
// a model that was there before loses its XML first: whatever interrupts the
// call, the folder never holds layers beside constants of another model.
func Write(dir string, c *jpqd.Compressed) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("model for OpenVINO IR: %w", err)
	}
	var bin binFile
	graph, err := newEncoder(c)
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
