package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nlpodyssey/safetensors"
)

// A safetensors file is the length of the header (8 bytes, little endian), the
// header (a JSON object) and the elements of all tensors without gaps:
//
//	{"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
const (
	lengthBytes    = 8
	maxHeaderBytes = 100_000_000 // limit of the format's reference implementation
	maxRank        = 32          // far above any model; bounds what a header can make us allocate
	metadataKey    = "__metadata__"
)

// entry is one tensor of a checked header. Offsets count from the end of the
// header; end-begin is exactly what dtype and shape need.
type entry struct {
	name       string
	dtype      safetensors.DType
	shape      []int
	begin, end int64
}

// header is a checked header: entries in the order of their data, which they
// cover from its first to its last byte.
type header struct {
	entries   []entry
	metadata  map[string]string
	dataStart int64
}

// readHeader reads and checks the header of a safetensors file of size bytes.
func readHeader(r io.ReaderAt, size int64) (header, error) {
	if size < lengthBytes {
		return header{}, fmt.Errorf("found %d bytes, want at least the %d of the header's length", size, lengthBytes)
	}
	var length [lengthBytes]byte
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, lengthBytes), length[:]); err != nil {
		return header{}, fmt.Errorf("header length: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if limit := uint64(min(size-lengthBytes, maxHeaderBytes)); n > limit {
		return header{}, fmt.Errorf("header length: found %d, want at most %d in a file of %d bytes", n, limit, size)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, lengthBytes, int64(n)), raw); err != nil {
		return header{}, fmt.Errorf("header: %w", err)
	}
	if err := checkHeaderJSON(raw); err != nil {
		return header{}, err
	}
	var parsed safetensors.Metadata
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return header{}, fmt.Errorf("header: %w", err)
	}
	h := header{metadata: parsed.Metadata(), dataStart: lengthBytes + int64(n)}
	var err error
	h.entries, err = checkLayout(parsed.Tensors(), size-h.dataStart)
	return h, err
}

// checkHeaderJSON refuses what the parser would let pass: names that occur
// twice (it keeps the last), text that is not UTF-8, a header that is not an
// object, and arrays so long that their parsed form would dwarf the file.
func checkHeaderJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '{' {
		return errors.New("header: found no '{' at its beginning, want a JSON object")
	}
	if !utf8.Valid(raw) {
		return errors.New("header: found bytes that are not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	seen := make(map[string]bool)
	for dec.More() {
		name, err := uniqueKey(dec, seen)
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		if err := checkEntryJSON(dec); err != nil {
			return fmt.Errorf("header: %q: %w", name, err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("header: %w", noEOF(err))
	}
	return nil
}

// checkEntryJSON reads one flat object, the value of a name in the header.
func checkEntryJSON(dec *json.Decoder) error {
	if err := wantDelim(dec, '{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for dec.More() {
		key, err := uniqueKey(dec, seen)
		if err != nil {
			return err
		}
		token, err := dec.Token()
		if err != nil {
			return noEOF(err)
		}
		switch token {
		case json.Delim('['):
			err = checkNumbersJSON(dec)
		case json.Delim('{'):
			err = errors.New("found an object, want a string or an array")
		}
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	_, err := dec.Token()
	return noEOF(err)
}

// checkNumbersJSON reads the rest of an array of at most maxRank numbers.
func checkNumbersJSON(dec *json.Decoder) error {
	for n := 0; dec.More(); n++ {
		token, err := dec.Token()
		if err != nil {
			return noEOF(err)
		}
		if _, ok := token.(json.Number); !ok {
			return fmt.Errorf("found %v in an array, want a number", token)
		}
		if n == maxRank {
			return fmt.Errorf("found more than %d numbers", maxRank)
		}
	}
	_, err := dec.Token()
	return noEOF(err)
}

// uniqueKey reads a key of an object and refuses it where it occurred before.
func uniqueKey(dec *json.Decoder, seen map[string]bool) (string, error) {
	token, err := dec.Token()
	if err != nil {
		return "", noEOF(err)
	}
	key, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("found %v, want a name", token)
	}
	if seen[key] {
		return "", fmt.Errorf("%q: found twice, want once", key)
	}
	seen[key] = true
	return key, nil
}

func wantDelim(dec *json.Decoder, want json.Delim) error {
	token, err := dec.Token()
	if err != nil {
		return noEOF(err)
	}
	if token != want {
		return fmt.Errorf("found %v, want %v", token, want)
	}
	return nil
}

// noEOF marks the end of input inside a value as the error it is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// checkLayout turns the tensors of a header into entries that lie one after
// the other, from byte 0 to byte dataSize, each with as many bytes as its
// shape and type need.
func checkLayout(tensors map[string]*safetensors.TensorInfo, dataSize int64) ([]entry, error) {
	entries := make([]entry, 0, len(tensors))
	for name, info := range tensors {
		entries = append(entries, entry{name: name, dtype: info.DType})
	}
	// By name first, so that of several faults the same one is always reported.
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for i := range entries {
		e := &entries[i]
		if err := e.setExtent(tensors[e.name], dataSize); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at, before := int64(0), "the header"
	for _, e := range entries {
		if e.begin < at {
			return nil, fmt.Errorf("tensor %q: begins at byte %d of the data, inside %q which ends at %d", e.name, e.begin, before, at)
		}
		if e.begin > at {
			return nil, fmt.Errorf("tensor %q: begins at byte %d of the data, want %d where %q ends", e.name, e.begin, at, before)
		}
		at, before = e.end, e.name
	}
	if at != dataSize {
		return nil, fmt.Errorf("found %d bytes after the last tensor, %q", dataSize-at, before)
	}
	return entries, nil
}

// setExtent fills in shape and offsets of e from info.
func (e *entry) setExtent(info *safetensors.TensorInfo, dataSize int64) error {
	begin, end := info.DataOffsets[0], info.DataOffsets[1]
	if begin > end || end > uint64(dataSize) {
		return fmt.Errorf("found data_offsets [%d, %d], want them in order and within %d bytes of data", begin, end, dataSize)
	}
	e.begin, e.end = int64(begin), int64(end)
	n, ok := elementCount(info.Shape)
	size := int64(info.DType.Size())
	// Divided, not multiplied: n*size could overflow.
	if length := e.end - e.begin; !ok || length%size != 0 || n != length/size {
		return fmt.Errorf("found shape %v of %s in %d bytes", info.Shape, info.DType, length)
	}
	e.shape = make([]int, len(info.Shape))
	for i, d := range info.Shape {
		e.shape[i] = int(d)
	}
	return nil
}
