package ir

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// readFile reads a whole file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: found %s of %d bytes, want a file of at most %d", path, info.Mode().Type(), info.Size(), limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// parse reads the text of layers; constants lie in bin, which the model keeps.
func parse(text, bin []byte) (*Model, error) {
	net, err := decodeNet(text)
	if err != nil {
		return nil, err
	}
	r := &reader{bin: bin, layers: map[int]*layer{}, ports: map[int]*portNumbers{}, names: map[string]int{}}
	m := &Model{name: net.Name}
	for i := range net.Layers {
		l, err := r.layer(&net.Layers[i])
		if err != nil {
			return nil, err
		}
		switch l.kind {
		case "Parameter":
			m.parameters = append(m.parameters, l)
		case "Result":
			m.results = append(m.results, l)
		}
	}
	for _, e := range net.Edges {
		if err := r.edge(&e); err != nil {
			return nil, err
		}
	}
	if len(m.results) == 0 {
		return nil, errors.New("found no Result layer, want at least one")
	}
	if m.order, err = r.resolve(m.results); err != nil {
		return nil, err
	}
	for _, p := range m.parameters { // those that no result needs are inputs too
		if err := r.details(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.describe(), err)
		}
	}
	return m, m.checkTensorNames()
}

// decodeNet reads the XML and refuses versions whose meaning differs.
func decodeNet(text []byte) (*xmlNet, error) {
	var net xmlNet
	decoder := xml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&net); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("XML: %w", err)
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("XML after </net>: %w", err)
		}
		if _, ok := token.(xml.StartElement); ok {
			return nil, errors.New("XML: found a second root element, want one <net>")
		}
	}
	if net.Version != "10" && net.Version != "11" {
		return nil, fmt.Errorf("net version: found %q, want \"10\" or \"11\"", net.Version)
	}
	return &net, nil
}

// checkTensorNames wants every input and every output to have names of its own.
func (m *Model) checkTensorNames() error {
	inputs := map[string]int{}
	for _, p := range m.parameters {
		for _, name := range (source{p, 0}).names() {
			if other, ok := inputs[name]; ok {
				return fmt.Errorf("layers %d and %d: both are the input %q, want unique names", other, p.id, name)
			}
			inputs[name] = p.id
		}
	}
	outputs := map[string]source{}
	for _, r := range m.results {
		for _, name := range r.inputs[0].names() {
			if other, ok := outputs[name]; ok && other != r.inputs[0] {
				return fmt.Errorf("layers %d and %d: both are the output %q, want unique names", other.id, r.inputs[0].id, name)
			}
			outputs[name] = r.inputs[0]
		}
	}
	return nil
}
