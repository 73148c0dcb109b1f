package ir

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
)

// alignment of every constant in the file, in bytes: a cache line, and enough
// for any vector load from the mapped file.
const alignment = 64

// chunk is how many elements are encoded at a time.
const chunk = 1 << 14

// elements are the values of a constant, in memory that the caller owns.
type elements interface {
	elementType() ElementType
	size() int64 // bytes
	encode(w io.Writer) error
}

// values are elements in a slice.
type values[T int8 | int64 | float32] []T

func (v values[T]) elementType() ElementType {
	switch any(T(0)).(type) {
	case int8:
		return I8
	case int64:
		return I64
	}
	return F32
}

func (v values[T]) size() int64 {
	return int64(len(v)) * int64(elementTypes[v.elementType()].size)
}

// encode writes the values little-endian.
func (v values[T]) encode(w io.Writer) error {
	buffer := make([]byte, 0, chunk)
	for len(v) > 0 {
		n := min(len(v), chunk)
		var err error
		if buffer, err = binary.Append(buffer[:0], binary.LittleEndian, []T(v[:n])); err != nil {
			return err
		}
		if _, err = w.Write(buffer); err != nil {
			return err
		}
		v = v[n:]
	}
	return nil
}

// halves are float32 values that are stored as f16, rounded half to even.
type halves []float32

func (halves) elementType() ElementType { return F16 }

func (v halves) size() int64 { return 2 * int64(len(v)) }

func (v halves) encode(w io.Writer) error {
	buffer := make([]byte, 0, 2*chunk)
	for part := range slices.Chunk(v, chunk) {
		buffer = buffer[:0]
		for _, x := range part {
			buffer = binary.LittleEndian.AppendUint16(buffer, floatToHalf(x))
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	return nil
}

// binFile is the plan of the file of constants.
type binFile struct {
	blobs   []placed
	offsets map[[sha256.Size]byte]int64
	end     int64
}

// placed are elements at an offset of the file.
type placed struct {
	elements
	offset int64
}

// place gives the elements an offset; equal bytes share one.
func (b *binFile) place(e elements) (offset int64) {
	hash := sha256.New()
	if err := e.encode(hash); err != nil {
		panic("ir: " + err.Error())
	}
	key := [sha256.Size]byte(hash.Sum(nil))
	if offset, ok := b.offsets[key]; ok {
		return offset
	}
	offset = (b.end + alignment - 1) / alignment * alignment
	if b.offsets == nil {
		b.offsets = map[[sha256.Size]byte]int64{}
	}
	b.offsets[key] = offset
	b.blobs = append(b.blobs, placed{e, offset})
	b.end = offset + e.size()
	return offset
}

// encode writes the file.
func (b *binFile) encode(w io.Writer) error {
	var padding [alignment]byte
	var at int64
	for _, blob := range b.blobs {
		if _, err := w.Write(padding[:blob.offset-at]); err != nil {
			return err
		}
		if err := blob.encode(w); err != nil {
			return err
		}
		at = blob.offset + blob.size()
	}
	return nil
}
