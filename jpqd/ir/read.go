package ir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unsafe"
)

// Files above these sizes are refused before they are read.
const (
	maxXML = 64 << 20
	maxBin = 4 << 30
)

// Read reads a model of IR version 10 or 11 from the XML file at xmlPath and
// the file beside it whose name ends in .bin instead. Everything the results
// depend on is checked: numbers of layers and ports, edges, names, places of
// constants, cycles, and that each operation is known in the version asked
// for. What nothing depends on may be of unknown operations.
//
// The files may come from anyone: whatever they hold, reading takes no more
// memory than four times their size and a few MiB. Nothing that happens to them
// afterwards changes the model.
func Read(xmlPath string) (*Model, error) {
	text, err := readFile(xmlPath, maxXML)
	if err != nil {
		return nil, err
	}
	bin, err := readFile(strings.TrimSuffix(xmlPath, filepath.Ext(xmlPath))+".bin", maxBin)
	if err != nil {
		return nil, err
	}
	m, err := parse(text, bin)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", xmlPath, err)
	}
	return m, nil
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before opening, which waits for a pipe's writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: found %s of %d bytes, want a file of at most %d", path, info.Mode().Type(), info.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// parse reads the text of layers; constants lie in bin. The model keeps both,
// which must not change: its names are parts of the text.
func parse(text, bin []byte) (*Model, error) {
	r := &reader{scanner: newScanner(unsafe.String(unsafe.SliceData(text), len(text))), bin: bin}
	if err := r.net(); err != nil {
		return nil, err
	}
	if r.child() {
		return nil, errors.New("XML: found a second root element, want one <net>")
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.model.results) == 0 {
		return nil, errors.New("found no Result layer, want at least one")
	}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	for _, p := range r.model.parameters { // those that no result needs are inputs too
		if err := r.details(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.describe(), err)
		}
	}
	return &r.model, r.model.checkTensorNames()
}

// checkTensorNames wants every input and every output to have names of its own.
func (m *Model) checkTensorNames() error {
	inputs := map[string]int{}
	for _, p := range m.parameters {
		for _, name := range (source{p, 0}).names() {
			if other, ok := inputs[name]; ok {
				return fmt.Errorf("layers %d and %d: both are the input %.80q, want unique names", other, p.id, name)
			}
			inputs[name] = p.id
		}
	}
	outputs := map[string]source{}
	for _, r := range m.results {
		for _, name := range r.inputs[0].names() {
			if other, ok := outputs[name]; ok && other != r.inputs[0] {
				return fmt.Errorf("layers %d and %d: both are the output %.80q, want unique names", other.id, r.inputs[0].id, name)
			}
			outputs[name] = r.inputs[0]
		}
	}
	return nil
}
