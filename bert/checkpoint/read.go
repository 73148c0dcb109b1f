package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/nlpodyssey/safetensors"
)

// Read reads a safetensors file. It takes memory for the elements once, plus a
// small buffer.
func Read(path string) (*File, error) {
	r, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := decode(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// openRegular opens a file whose size can be relied upon as a bound: not a
// device, pipe or folder.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: found %s, want a regular file", path, info.Mode().Type())
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return r, info.Size(), nil
}

// decode reads a safetensors file of size bytes.
func decode(r io.ReaderAt, size int64) (*File, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	f := &File{Tensors: make(map[string]Tensor, len(h.entries)), Metadata: h.metadata}
	buffer := make([]byte, min(1<<20, size-h.dataStart))
	for _, e := range h.entries {
		s := elementReader{io.NewSectionReader(r, h.dataStart+e.begin, e.end-e.begin), buffer}
		t, err := s.tensor(e)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, noEOF(err))
		}
		f.Tensors[e.name] = t
	}
	return f, nil
}

// elementReader reads the elements of one tensor, a buffer at a time.
type elementReader struct {
	r      io.Reader
	buffer []byte
}

func (s elementReader) tensor(e entry) (Tensor, error) {
	t := Tensor{Shape: e.shape}
	n := int((e.end - e.begin) / int64(e.dtype.Size()))
	little := binary.LittleEndian
	var err error
	switch e.dtype {
	case safetensors.F32:
		t.F32, err = readElements(s, n, 4, func(b []byte) float32 { return math.Float32frombits(little.Uint32(b)) })
	case safetensors.F16:
		t.F32, err = readElements(s, n, 2, func(b []byte) float32 { return halfToFloat(little.Uint16(b)) })
	case safetensors.BF16:
		t.F32, err = readElements(s, n, 2, func(b []byte) float32 { return math.Float32frombits(uint32(little.Uint16(b)) << 16) })
	case safetensors.I32:
		t.I32, err = readElements(s, n, 4, func(b []byte) int32 { return int32(little.Uint32(b)) })
	case safetensors.I64:
		t.I64, err = readElements(s, n, 8, func(b []byte) int64 { return int64(little.Uint64(b)) })
	case safetensors.I8:
		t.I8, err = readElements(s, n, 1, func(b []byte) int8 { return int8(b[0]) })
	case safetensors.U8:
		t.U8 = make([]uint8, n)
		_, err = io.ReadFull(s.r, t.U8)
	default:
		err = fmt.Errorf("found elements of %s, want F32, F16, BF16, I8, U8, I32 or I64", e.dtype)
	}
	return t, err
}

// readElements reads n elements of size bytes each.
func readElements[T any](s elementReader, n, size int, convert func([]byte) T) ([]T, error) {
	out := make([]T, n)
	// Whole elements only. The buffer holds one at least: it is as long as the
	// data of the file, or 1 MiB.
	step := len(s.buffer) / size
	for first := 0; first < n; first += step {
		part := out[first:min(first+step, n)]
		chunk := s.buffer[:len(part)*size]
		if _, err := io.ReadFull(s.r, chunk); err != nil {
			return nil, err
		}
		for i := range part {
			part[i] = convert(chunk[i*size : i*size+size])
		}
	}
	return out, nil
}

// halfToFloat converts an IEEE 754 binary16 number exactly; NaNs keep their
// payload.
func halfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero, or fraction * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	default: // the exponent's bias is 15 in binary16, 127 in float32
		return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
	}
}
